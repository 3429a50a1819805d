//! Credentials that expire during a load: their sources are read again.

use std::path::{Path, PathBuf};

use test_support::canned::{CannedResponse, CannedServer, Request};
use test_support::lab::Lab;
use test_support::log::{csv, rows};
use test_support::program::{Program, Run};

use crate::{LOADER, lab};

const TABLE: &str = r#"{"Table":{"TableName":"logfile","TableStatus":"ACTIVE",
    "KeySchema":[{"AttributeName":"PK","KeyType":"HASH"}],
    "AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"}],
    "BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"}}}"#;

/// Writes everything for the access key `NEW`. The third batch with another one makes `renew` run, and from then on the others have
/// expired.
fn expiring(mut renew: impl FnMut() + Send + 'static) -> CannedServer {
    let mut batches = 0;
    CannedServer::start(move |request: &Request| {
        if request.operation == "DescribeTable" {
            return CannedResponse::ok(TABLE);
        }
        batches += 1;
        if batches == 3 {
            renew();
        }
        if batches < 3 || request.authorization.contains("Credential=NEW/") {
            return CannedResponse::ok(r#"{"UnprocessedItems":{}}"#);
        }
        CannedResponse::error("ExpiredTokenException", "The security token included in the request is expired")
    })
}

fn credentials(key: &str) -> String {
    format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\naws_session_token = token\n")
}

fn run(lab: &Lab, server: &CannedServer, variable: &str, file: &Path) -> Run {
    lab.file("log.csv", csv(&rows(1..=500)));
    let program = Program::new(LOADER).directory(lab.folder()).args(["logfile", "log.csv"]).endpoint(&server.url());
    program.env(variable, file).run()
}

fn keys(server: &CannedServer) -> Vec<bool> {
    server.requests().iter().map(|request| request.authorization.contains("Credential=NEW/")).collect()
}

#[test]
fn new_keys_in_the_credentials_file_are_used() {
    let lab = lab();
    let file = lab.file("credentials", credentials("OLD"));
    let renewed = file.clone();
    let server = expiring(move || std::fs::write(&renewed, credentials("NEW")).unwrap());
    let run = run(&lab, &server, "AWS_SHARED_CREDENTIALS_FILE", &file);
    run.assert_code(0);
    assert!(run.stderr.contains("500 rows read = 500 written"), "{}", run.stderr);
    assert!(keys(&server).iter().any(|&new| !new), "the first were signed with the old key");
}

#[test]
fn a_credential_process_runs_again_and_only_once() {
    let lab = lab();
    let calls = lab.folder().join("calls");
    let script = lab.file("process.sh", format!("echo called >>'{0}'\ncat '{0}.json'\n", calls.display()));
    let json = PathBuf::from(format!("{}.json", calls.display()));
    let answer = |key: &str| {
        format!(r#"{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"secret","SessionToken":"token"}}"#)
    };
    std::fs::write(&json, answer("OLD")).unwrap();
    let config = lab.file("config", format!("[default]\ncredential_process = sh {}\n", script.display()));
    let server = expiring(move || std::fs::write(&json, answer("NEW")).unwrap());
    run(&lab, &server, "AWS_CONFIG_FILE", &config).assert_code(0);
    assert_eq!(std::fs::read_to_string(calls).unwrap().lines().count(), 2);
}

#[test]
fn a_load_ends_where_the_sources_have_nothing_new() {
    let lab = lab();
    let file = lab.file("credentials", credentials("OLD"));
    let server = expiring(|| {});
    let run = run(&lab, &server, "AWS_SHARED_CREDENTIALS_FILE", &file);
    run.assert_error(1, &["the AWS credentials are not accepted", "is expired", "renew the credentials"]);
}
