//! Waits, and table states that no engine can be brought into, from a server with canned responses.

use std::time::Duration;

use test_support::canned::{CannedResponse, CannedServer, Request};
use test_support::program::{Program, Run};
use test_support::terminal::Terminal;

fn create_tables(url: &str, args: &str) -> Run {
    Program::new(env!("CARGO_BIN_EXE_create_tables")).endpoint(url).args(args.split_whitespace()).run()
}

/// The lab's `logfile` in a state, with some capacity.
fn logfile(status: &str, capacity: u32, index_status: &str, index_capacity: u32) -> CannedResponse {
    let throughput = |units| format!(r#"{{"ReadCapacityUnits":{units},"WriteCapacityUnits":{units}}}"#);
    CannedResponse::ok(&format!(
        r#"{{"Table":{{"TableName":"logfile","TableStatus":"{status}","ItemCount":0,
            "KeySchema":[{{"AttributeName":"PK","KeyType":"HASH"}}],
            "AttributeDefinitions":[{{"AttributeName":"PK","AttributeType":"S"}},{{"AttributeName":"GSI_1_PK","AttributeType":"S"}}],
            "ProvisionedThroughput":{},
            "GlobalSecondaryIndexes":[{{"IndexName":"GSI_1","IndexStatus":"{index_status}",
                "KeySchema":[{{"AttributeName":"GSI_1_PK","KeyType":"HASH"}}],
                "Projection":{{"ProjectionType":"INCLUDE","NonKeyAttributes":["bytessent"]}},
                "ProvisionedThroughput":{}}}]}}}}"#,
        throughput(capacity),
        throughput(index_capacity)
    ))
}

fn active() -> CannedResponse {
    logfile("ACTIVE", 5, "ACTIVE", 5)
}

fn absent() -> CannedResponse {
    CannedResponse::error("ResourceNotFoundException", "Requested resource not found")
}

/// A server that describes the table with these responses, one after the other, repeating the last; all other requests
/// succeed.
fn describing(answers: Vec<CannedResponse>) -> CannedServer {
    let mut describe = one_after_the_other(answers);
    CannedServer::start(move |request| match request.operation.as_str() {
        "DescribeTable" => describe(),
        _ => CannedResponse::ok("{}"),
    })
}

fn one_after_the_other(answers: Vec<CannedResponse>) -> impl FnMut() -> CannedResponse {
    let mut answers = answers.into_iter();
    let mut last = CannedResponse::raw("");
    move || {
        last = answers.next().unwrap_or_else(|| last.clone());
        last.clone()
    }
}

fn operations(server: &CannedServer) -> Vec<String> {
    server
        .requests()
        .into_iter()
        .map(|Request { operation, .. }| operation)
        .filter(|name| name != "DescribeTable")
        .collect()
}

#[test]
fn a_table_that_is_being_created_is_waited_for() {
    let server = describing(vec![logfile("CREATING", 5, "CREATING", 5), logfile("ACTIVE", 5, "CREATING", 5), active()]);
    let run = create_tables(&server.url(), "logfile");
    run.assert_code(0);
    assert_eq!(run.stdout, "logfile: in place, 5/5 RCU/WCU, index GSI_1 5/5\n");
    assert!(run.stderr.contains("waiting for logfile to settle (ACTIVE, GSI_1 CREATING; 0 s)"), "{}", run.stderr);
    assert_eq!(operations(&server), [""; 0]);
}

#[test]
fn a_table_that_is_being_deleted_is_created_when_it_is_gone() {
    let deleting = logfile("DELETING", 5, "DELETING", 5);
    let server =
        describing(vec![deleting.clone(), deleting, absent(), logfile("CREATING", 5, "CREATING", 5), active()]);
    let run = create_tables(&server.url(), "logfile");
    run.assert_code(0);
    assert_eq!(run.stdout, "logfile: created, 5/5 RCU/WCU, index GSI_1 5/5\n");
    assert_eq!(operations(&server), ["CreateTable"]);
}

#[test]
fn a_wait_survives_transient_failures() {
    let broken = CannedResponse::raw("");
    let busy = CannedResponse::http("503 Service Unavailable", "text/plain", "");
    let throttled = CannedResponse::error("ThrottlingException", "Rate exceeded");
    // Briefly absent after it was created, and one more failure of each kind than the SDK retries.
    let mut answers = vec![absent(), absent(), logfile("CREATING", 5, "CREATING", 5)];
    answers.extend([broken, busy, throttled].into_iter().flat_map(|failure| vec![failure; 2]));
    answers.push(active());
    let server = describing(answers);
    let run = create_tables(&server.url(), "logfile");
    run.assert_code(0);
    assert_eq!(run.stdout, "logfile: created, 5/5 RCU/WCU, index GSI_1 5/5\n");
}

#[test]
fn the_wait_ends_at_its_timeout() {
    let server = describing(vec![logfile("CREATING", 5, "CREATING", 5)]);
    let run = create_tables(&server.url(), "logfile --wait-timeout 1");
    run.assert_error(1, &["waited 1 s", "CREATING, GSI_1 CREATING", "--wait-timeout"]);
}

#[test]
fn a_table_deleted_meanwhile_is_an_error() {
    let server = describing(vec![absent(), logfile("CREATING", 5, "CREATING", 5), absent()]);
    create_tables(&server.url(), "logfile").assert_error(1, &["logfile was deleted during the wait"]);
}

#[test]
fn a_table_with_a_different_definition_is_not_taken_for_the_workshop_s() {
    let mut describe = one_after_the_other(vec![absent(), logfile("ACTIVE", 5, "ACTIVE", 1)]);
    let server = CannedServer::start(move |request| match request.operation.as_str() {
        "CreateTable" => CannedResponse::error("ResourceInUseException", "Table already exists: logfile"),
        _ => describe(),
    });
    let run = create_tables(&server.url(), "logfile");
    run.assert_error(1, &["index GSI_1 capacity: found 1/1, wanted 5/5", "create_tables logfile --index-capacity 5/5"]);
}

#[test]
fn an_index_s_capacity_is_changed_and_waited_for() {
    let server =
        describing(vec![active(), active(), logfile("ACTIVE", 5, "UPDATING", 5), logfile("ACTIVE", 5, "ACTIVE", 100)]);
    let run = create_tables(&server.url(), "logfile --capacity 5/5 --index-capacity 100/100");
    run.assert_code(0);
    assert_eq!(run.stdout, "logfile: changed, 5/5 RCU/WCU, index GSI_1 100/100\n");
    assert!(run.stderr.contains("GSI_1 UPDATING"), "{}", run.stderr);
    let requests = server.requests();
    let update = requests.iter().find(|request| request.operation == "UpdateTable").unwrap();
    assert!(
        !update.body.contains(r#""ProvisionedThroughput":{"ReadCapacityUnits":5"#),
        "only what changes: {}",
        update.body
    );
    assert!(update.body.contains(r#""IndexName":"GSI_1""#), "{}", update.body);
}

#[test]
fn a_change_waits_its_turn() {
    let mut updates = 0;
    let server = CannedServer::start(move |request| match (request.operation.as_str(), updates) {
        ("UpdateTable", 0) => {
            updates += 1;
            CannedResponse::error(
                "ResourceInUseException",
                "Attempt to change a resource which is still in use: logfile",
            )
        }
        ("UpdateTable", _) => {
            updates += 1;
            CannedResponse::ok("{}")
        }
        (_, 2) => logfile("ACTIVE", 100, "ACTIVE", 5),
        _ => active(),
    });
    let run = create_tables(&server.url(), "logfile --capacity 100/100");
    run.assert_code(0);
    assert!(run.stderr.contains("still in use"), "{}", run.stderr);
}

#[test]
fn too_many_decreases_today_is_an_error_at_once() {
    let server = CannedServer::start(|request| match request.operation.as_str() {
        "UpdateTable" => CannedResponse::error(
            "LimitExceededException",
            "Provisioned throughput decreases are limited within a given UTC day.",
        ),
        _ => logfile("ACTIVE", 100, "ACTIVE", 5),
    });
    let run = create_tables(&server.url(), "logfile --capacity 5/5");
    run.assert_error(1, &["cannot change the capacity of table logfile", "decreases are limited"]);
}

#[test]
fn deleting_waits_until_the_table_is_gone() {
    let deleting = logfile("DELETING", 5, "DELETING", 5);
    let server = describing(vec![active(), deleting.clone(), deleting, absent()]);
    let run = create_tables(&server.url(), "--delete logfile --yes");
    run.assert_code(0);
    assert_eq!(run.stdout, "logfile: deleted\n");
    assert!(run.stderr.contains("waiting for logfile to be gone (DELETING"), "{}", run.stderr);
}

#[test]
fn on_aws_it_prints_the_cost_and_how_to_delete_the_tables() {
    // Stands in for AWS as an HTTP proxy does, so that the endpoint is not a loopback one.
    let server = describing(vec![absent(), active()]);
    let run = Program::new(env!("CARGO_BIN_EXE_create_tables"))
        .endpoint("http://dynamodb.us-east-1.example.com")
        .env("HTTP_PROXY", server.url())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .args(["logfile"])
        .timeout(Duration::from_secs(20))
        .run();
    run.assert_code(0);
    assert_eq!(run.stdout, "logfile: created, 5/5 RCU/WCU, index GSI_1 5/5\n");
    assert!(run.stderr.contains("logfile will cost about 0.01 USD an hour on AWS"), "{}", run.stderr);
    assert!(run.stderr.contains("create_tables --delete logfile"), "{}", run.stderr);
}

/// On a terminal, a wait is one line that changes and disappears at the end.
#[test]
fn at_a_terminal_a_wait_is_a_line_that_goes() {
    let server = CannedServer::start(|request| match request.operation.as_str() {
        "DescribeTable" => CannedResponse::ok(r#"{"Table":{"TableName":"logfile","TableStatus":"UPDATING"}}"#),
        _ => CannedResponse::error("ResourceInUseException", "not now"),
    });
    let program = Program::new(env!("CARGO_BIN_EXE_create_tables")).endpoint(&server.url());
    let terminal = Terminal::start(program.args(["logfile", "--wait-timeout", "3"]));
    terminal.wait_for("waiting for logfile to settle (UPDATING; 1 s)");
    let (code, screen) = terminal.finish();
    assert_eq!(code, Some(1), "{screen}");
    assert_eq!(screen.matches("waiting for logfile").count(), 0, "{screen}");
    assert!(screen.contains("waited 3 s for it to settle"), "{screen}");
}
