//! Unusable tables, credentials and endpoints: one clear message with advice, exit code 1; never a hang.

use test_support::canned::{CannedResponse, CannedServer, dead_endpoint};
use test_support::program::Program;
use test_support::table;

use crate::{LOADER, lab, lab_with_medium_files};

/// Loads the two files with four threads into a table at `url`.
fn program(url: &str, table: &str) -> (test_support::lab::Lab, Program) {
    let (lab, _) = lab_with_medium_files(500);
    let program = Program::new(LOADER).directory(lab.folder()).endpoint(url);
    let program = program.args([table, "--copies", "4", "--threads", "4"]);
    (lab, program)
}

#[test]
fn a_worker_that_fails_ends_the_program() {
    for (exit, code, text, message) in [
        (4, "AccessDeniedException", "User: me is not authorized to perform: dynamodb:BatchWriteItem", "access denied"),
        (
            1,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "the AWS credentials are not accepted",
        ),
        (4, "ResourceNotFoundException", "Requested resource not found", "table logfile_scan: there is no such table"),
    ] {
        let server = CannedServer::always(CannedResponse::error(code, text));
        let (_lab, program) = program(&server.url(), "logfile_scan");
        let run = program.run();
        run.assert_error(exit, &[message, text, "what to do: ", " = 0 written + 0 rejected + "]);
        assert!(!run.stdout.contains("total rows"), "{}", run.stdout);
    }
}

#[test]
fn a_table_that_is_still_being_created() {
    let server = CannedServer::start(|request| match request.operation.as_str() {
        "DescribeTable" => CannedResponse::ok(r#"{"Table":{"TableName":"logfile_scan","TableStatus":"CREATING"}}"#),
        _ => CannedResponse::error("ResourceNotFoundException", "Requested resource not found"),
    });
    let (_lab, program) = program(&server.url(), "logfile_scan");
    program.run().assert_error(1, &["logfile_scan is still being created", "wait until the table is ACTIVE"]);
}

#[test]
fn a_table_with_another_key() {
    let lab = lab();
    table::create_plain(&lab.url(), "other", "id");
    let (_files, program) = program(&lab.url(), "other");
    program.run().assert_error(1, &["the key of table other is id (S), but the key of the items is PK (S)"]);
}

#[test]
fn no_server_or_a_different_one_at_the_endpoint() {
    let (_lab, program_) = program(&dead_endpoint(), "logfile_scan");
    program_.run().assert_error(1, &["the endpoint cannot be reached: Connection refused", "check the endpoint"]);
    let page = CannedServer::always(CannedResponse::http("200 OK", "text/html", "<html>It works!</html>"));
    let (_lab, program) = program(&page.url(), "logfile_scan");
    program.run().assert_error(1, &["the server at the endpoint is not DynamoDB", "check the endpoint"]);
}

#[test]
fn no_region_and_no_credentials() {
    let (lab, _) = lab_with_medium_files(3);
    let program = || Program::new(LOADER).directory(lab.folder()).args(["logfile_scan"]);
    program().run().assert_error(1, &["no region is set", "--region"]);
    program().args(["--region", "eu-central-1"]).run().assert_error(1, &["no AWS credentials found", "--profile"]);
}
