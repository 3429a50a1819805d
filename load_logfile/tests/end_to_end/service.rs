//! Unusable tables, credentials and endpoints: one clear message with advice, exit code 1, exact counts.

use std::time::Duration;

use test_support::canned::{CannedResponse, CannedServer, dead_endpoint};
use test_support::fault::Fault;
use test_support::lab::Lab;
use test_support::log::{csv, rows};
use test_support::program::Program;
use test_support::proxy::Proxy;
use test_support::table;

use crate::{LOADER, lab};

const NOTHING_WRITTEN: &str = "60 rows read = 0 written + 0 rejected + 60 not written";

/// Sixty rows for the table `logfile` of whatever is at `url`.
fn program(lab: &Lab, url: &str) -> Program {
    lab.file("log.csv", csv(&rows(1..=60)));
    Program::new(LOADER).directory(lab.folder()).args(["logfile", "log.csv"]).endpoint(url)
}

#[test]
fn a_table_that_does_not_exist() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=60)));
    let run = Program::new(LOADER).directory(lab.folder()).endpoint(&lab.url()).args(["logfil", "log.csv"]).run();
    run.assert_error(
        4,
        &[
            "table logfil: there is no such table",
            "(ResourceNotFoundException)",
            "check the table's name",
            NOTHING_WRITTEN,
        ],
    );
    assert_eq!(run.stdout, "");
}

#[test]
fn a_table_that_is_still_being_created() {
    let server = CannedServer::start(|request| match request.operation.as_str() {
        "DescribeTable" => CannedResponse::ok(r#"{"Table":{"TableName":"logfile","TableStatus":"CREATING"}}"#),
        _ => CannedResponse::error("ResourceNotFoundException", "Requested resource not found"),
    });
    let run = program(&lab(), &server.url()).run();
    run.assert_error(1, &["logfile is still being created", "wait until the table is ACTIVE", NOTHING_WRITTEN]);
}

#[test]
fn a_table_with_another_key() {
    let lab = lab();
    table::create_plain(&lab.url(), "other", "id");
    lab.file("log.csv", csv(&rows(1..=60)));
    let run = Program::new(LOADER).directory(lab.folder()).endpoint(&lab.url()).args(["other", "log.csv"]).run();
    run.assert_error(1, &["the key of table other is id (S), but the key of the items is PK (S)"]);
    let run = Program::new(LOADER).directory(lab.folder()).endpoint(&lab.url());
    let run = run.args(["other", "log.csv", "--rejects", "bad.csv"]).run();
    run.assert_error(1, &["the key of table other is id (S)"]);
    assert!(!lab.folder().join("bad.csv").exists(), "not the rows are bad, but the table");
}

#[test]
fn no_region_and_no_credentials() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=3)));
    let program = || Program::new(LOADER).directory(lab.folder()).args(["logfile", "log.csv"]);
    program().run().assert_error(1, &["no region is set", "--region"]);
    let run = program().args(["--region", "eu-central-1"]).run();
    run.assert_error(1, &["no AWS credentials found", "AWS_ACCESS_KEY_ID", "--profile"]);
    program().args(["--profile", "nobody"]).run().assert_error(1, &["there is no profile \"nobody\""]);
}

#[test]
fn credentials_that_are_not_accepted_or_not_allowed_to_write() {
    for (exit, code, text, advice) in [
        (
            4,
            "AccessDeniedException",
            "User: me is not authorized to perform: dynamodb:BatchWriteItem",
            "request the permission that the message names",
        ),
        (1, "ExpiredTokenException", "The security token included in the request is expired", "renew the credentials"),
        (
            4,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "renew the credentials",
        ),
        (
            4,
            "InvalidSignatureException",
            "Signature expired: 20260101T000000Z is now earlier than",
            "check this computer's clock",
        ),
    ] {
        let server = CannedServer::always(CannedResponse::error(code, text));
        let run = program(&lab(), &server.url()).run();
        run.assert_error(exit, &["table logfile: ", text, code, advice, NOTHING_WRITTEN]);
        assert_eq!(run.stdout, "");
        // The window opens with one batch, so that a permanent error is hit once; twice if other credentials may help.
        let writes = server.requests().iter().filter(|request| request.operation == "BatchWriteItem").count();
        assert_eq!(writes, if code == "ExpiredTokenException" { 2 } else { 1 }, "{code}");
    }
}

#[test]
fn no_server_at_the_endpoint() {
    let run = program(&lab(), &dead_endpoint()).run();
    run.assert_error(1, &["the endpoint cannot be reached: Connection refused", "check the endpoint", NOTHING_WRITTEN]);
}

#[test]
fn a_different_server_at_the_endpoint() {
    let page = "<html><body>It works!</body></html>";
    for answer in [
        CannedResponse::http("200 OK", "text/html", page),
        CannedResponse::http("404 Not Found", "text/html", page),
        CannedResponse::http("405 Method Not Allowed", "text/html", page),
        CannedResponse::http("301 Moved Permanently", "text/html", page),
        CannedResponse::raw("220 mail.example.com ESMTP ready\r\n"),
        CannedResponse::raw("SSH-2.0-OpenSSH_9.2\r\n"),
    ] {
        let server = CannedServer::always(answer.clone());
        let run = program(&lab(), &server.url()).run();
        let shown = format!("{answer:?}");
        run.assert_error(1, &["the server at the endpoint is not DynamoDB", "check the endpoint", NOTHING_WRITTEN]);
        assert_eq!(run.stdout, "", "{shown}");
    }
}

/// Neither hides the other: the row must be fixed and the table created.
#[test]
fn a_bad_row_and_what_stopped_the_writer_are_both_reported() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=60)) + "bad\n");
    let dead = dead_endpoint();
    for (exit, table, url, reason, advice) in [
        (4, "logfil", lab.url(), "table logfil: there is no such table", "check the table's name"),
        (1, "logfile", dead, "the endpoint cannot be reached: Connection refused", "check the endpoint"),
    ] {
        let run = Program::new(LOADER).directory(lab.folder()).endpoint(&url);
        let run = run.args([table, "log.csv", "--report", "report.json"]).run();
        let row = "log.csv:61: has 1 column";
        run.assert_errors(exit, 2, &[row, reason, "what to do: fix the row", advice]);
        let counts = run.counts();
        assert_eq!((counts.read, counts.rejected, counts.not_written), (61, 1, 60));
        let report: serde_json::Value = serde_json::from_str(&lab.read("report.json")).unwrap();
        assert!(report["error"].as_str().unwrap().starts_with(row), "{report}");
        assert!(report["errors"][1].as_str().unwrap().contains(reason), "{report}");
        assert_eq!(
            (report["exit_code"].as_i64(), report["rows"]["not_written"].as_u64()),
            (Some(exit.into()), Some(60))
        );
    }
}

#[test]
fn an_endpoint_that_is_no_url() {
    for url in ["127.0.0.1:8000", "ftp://127.0.0.1", "http://"] {
        program(&lab(), url).run().assert_error(1, &["is not a URL", "--endpoint-url http://127.0.0.1:8000"]);
    }
}

#[test]
fn https_where_http_is_spoken() {
    let lab = lab();
    let url = lab.url().replace("http:", "https:");
    program(&lab, &url)
        .run()
        .assert_error(1, &["the server at the endpoint is not DynamoDB", "https instead of http", NOTHING_WRITTEN]);
}
/// The error must not wait for the rest of the input: a `tail -f` never ends.
#[test]
fn an_error_ends_the_program_while_its_input_is_still_open() {
    let server = CannedServer::always(CannedResponse::error("AccessDeniedException", "no"));
    let lab = lab();
    let mut running =
        Program::new(LOADER).directory(lab.folder()).args(["logfile", "-"]).endpoint(&server.url()).start();
    running.write(&csv(&rows(1..=3)));
    test_support::program::eventually("the program has ended", || !running.is_running());
    running.finish().assert_error(4, &["access denied", "3 rows read = 0 written + 0 rejected + 3 not written"]);
}

#[test]
fn a_name_that_no_table_can_have_is_wrong_usage() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=3)));
    for name in ["my table", "ab", "", "a/b"] {
        for more in [&[][..], &["--rejects", "bad.csv"], &["--dry-run"]] {
            let run = Program::new(LOADER).directory(lab.folder()).endpoint(&lab.url());
            run.args([name, "log.csv"]).args(more).run().assert_error(2, &["no table can have this name"]);
        }
    }
    assert!(!lab.folder().join("bad.csv").exists());
}

#[test]
fn a_table_may_be_named_by_its_arn() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=60)));
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/logfile";
    let program = || Program::new(LOADER).directory(lab.folder()).endpoint(&lab.url()).args([arn, "log.csv"]);
    let dry = program().args(["--dry-run"]).run();
    dry.assert_code(0);
    assert!(dry.stdout.contains(" of GSI_1, if none of them"), "{}", dry.stdout);
    program().run().assert_code(0);
    assert_eq!(lab.items().len(), 60);
}

/// Python needed only the permission to put items.
#[test]
fn a_table_that_may_not_be_described_is_loaded() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=60)));
    let proxy = Proxy::denying(&lab.url(), "DescribeTable");
    let run = lab.program(&["log.csv"]).endpoint(&proxy.url()).run();
    assert_eq!((run.code, run.news().as_str()), (Some(0), ""));
    assert_eq!(lab.items().len(), 60);
}

#[test]
fn no_more_batches_are_in_flight_than_allowed() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=1000)));
    for (allowed, most) in [("1", 1), ("3", 3)] {
        let proxy = Proxy::start(&lab.url(), |_, _| Fault::Late(Duration::from_millis(20)));
        lab.program(&["log.csv", "--in-flight", allowed]).endpoint(&proxy.url()).run().assert_code(0);
        assert_eq!(proxy.most_calls_at_once(), most);
    }
    lab.load(&["log.csv", "--in-flight", "0"]).assert_code(2);
}
