//! The summary at a load's end and the report with the same figures.

use serde_json::{Value, json};
use test_support::canned::{CannedResponse, CannedServer};
use test_support::lab::{Lab, without_times};
use test_support::log::{csv, row, rows};
use test_support::program::Program;

use crate::{LOADER, lab};

const DOCUMENTATION: &str = include_str!("../../../docs/report.md");

fn report(lab: &Lab) -> Value {
    serde_json::from_str(&lab.read("report.json")).expect("a report is JSON")
}

#[test]
fn a_load_ends_with_a_summary_and_a_report() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=325)));
    let run = lab.load(&["log.csv", "--report", "report.json"]);
    run.assert_code(0);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(
        lines[0].starts_with("load_logfile: 325 rows read = 325 written + 0 rejected + 0 not written, in "),
        "{lines:?}"
    );
    assert_eq!(lines[1], "load_logfile: consumed 325 WCU of logfile, 325 of GSI_1");
    assert!(lines[2].starts_with("load_logfile: 13 requests, half answered within "), "{lines:?}");
    assert!(lines[2].ends_with("; nothing throttled"), "{lines:?}");
    assert_eq!(lines.len(), 3);

    let report = report(&lab);
    assert_eq!((&report["form"], &report["outcome"], &report["exit_code"]), (&json!(1), &json!("done"), &json!(0)));
    assert_eq!(report["inputs"], json!(["log.csv"]));
    assert_eq!(report["rows"]["written"], 325);
    assert_eq!(report["consumed_wcu"], json!({"table": 325.0, "indexes": {"GSI_1": 325.0}}));
    assert_eq!(report["requests"], json!({"sent": 13, "throttled": 0, "failed": 0}));
    let [p50, p99] = ["p50", "p99"].map(|name| report["latency_ms"][name].as_f64().unwrap());
    assert!(0.0 < p50 && p50 <= p99 && p99 < 60_000.0, "{report}");
}

#[test]
fn quiet_is_quiet_and_its_standard_output_is_the_same() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=100)));
    let run = lab.load(&["log.csv", "--quiet", "--report", "report.json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(without_times(&run.stdout), "row: 100 in S\nRowCount: 100, Total seconds: S\n");
    assert_eq!(report(&lab)["rows"]["written"], 100);
}

#[test]
fn a_load_that_fails_has_a_report_that_says_what_to_do() {
    let lab = lab();
    let bad = csv(&[row(4).code("abc")]);
    lab.file("log.csv", [csv(&rows(1..=3)), bad].concat());
    lab.load(&["log.csv", "--report", "report.json"]).assert_error(1, &["log.csv:4: "]);
    let failed = report(&lab);
    assert_eq!((&failed["outcome"], &failed["exit_code"]), (&json!("failed"), &json!(1)));
    assert_eq!(
        failed["rows"],
        json!({"read": 4, "written": 3, "rejected": 1, "not_written": 0, "written_in_earlier_runs": 0})
    );
    assert!(failed["error"].as_str().unwrap().starts_with("log.csv:4: column 8"), "{failed}");
    assert!(failed["what_to_do"][0].as_str().unwrap().contains("--rejects"), "{failed}");

    lab.load(&["no_such.csv", "--report", "report.json"]).assert_code(1);
    let not_begun = report(&lab);
    assert_eq!((&not_begun["outcome"], &not_begun["rows"]["read"]), (&json!("failed"), &json!(0)));
    assert!(not_begun["error"].as_str().unwrap().contains("no_such.csv"), "{not_begun}");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_before_anything_is_loaded() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=3)));
    lab.load(&["log.csv", "--report", "no/such/folder/report.json"])
        .assert_error(1, &["cannot write the report no/such/"]);
    assert_eq!(lab.items().len(), 0);
}

/// Two requests are throttled completely, for different reasons; then one in part; then none.
#[test]
fn throttling_is_counted_by_cause() {
    let mut answers = 0;
    let server = CannedServer::start(move |request| {
        if request.operation != "BatchWriteItem" {
            return CannedResponse::error("ResourceNotFoundException", "not here");
        }
        answers += 1;
        match answers {
            1 => throttled("TableWriteProvisionedThroughputExceeded", "table/logfile"),
            2 => throttled("IndexWriteKeyRangeThroughputExceeded", "table/logfile/index/GSI_1"),
            3 => {
                let body: Value = serde_json::from_str(&request.body).unwrap();
                let first = &body["RequestItems"]["logfile"][0];
                CannedResponse::ok(&json!({"UnprocessedItems": {"logfile": [first]}}).to_string())
            }
            _ => CannedResponse::ok(r#"{"UnprocessedItems":{}}"#),
        }
    });
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=10)));
    let run = Program::new(LOADER).directory(lab.folder()).endpoint(&server.url());
    let run = run.args(["logfile", "log.csv", "--report", "report.json"]).run();
    run.assert_code(0);
    assert!(
        run.stderr.contains(
            "throttled: 2 requests whole, 21 rows (10 by the table, 10 by a hot partition key in index GSI_1, \
             1 by a cause that the response does not name); 21 rows sent again"
        ),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("the responses did not include the consumed capacity"), "{}", run.stderr);
    let report = report(&lab);
    assert_eq!(report["consumed_wcu"], Value::Null);
    assert_eq!(report["requests"]["throttled"], 2);
    assert_eq!(report["rows_sent_again"], 21);
    assert_eq!(report["throttle_events"][1]["index"], "GSI_1");
}

fn throttled(reason: &str, resource: &str) -> CannedResponse {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "The level of configured provisioned throughput for the table was exceeded.",
        "ThrottlingReasons": [{"reason": reason, "resource": format!("arn:aws:dynamodb:us-east-1:000000000000:{resource}")}],
    });
    CannedResponse::http("400 Bad Request", "application/x-amz-json-1.0", &body.to_string())
}

/// Every member that a report has is in the documentation's table, by its path.
#[test]
fn the_documentation_names_every_member() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=30)));
    lab.load(&["log.csv", "--report", "report.json"]).assert_code(0);
    let mut paths = vec![
        "throttle_events[].resource",
        "throttle_events[].index",
        "throttle_events[].reason",
        "throttle_events[].events",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    for (name, value) in report(&lab).as_object().unwrap() {
        match value {
            Value::Object(members) => paths.extend(members.keys().map(|member| format!("{name}.{member}"))),
            _ => paths.push(name.clone()),
        }
    }
    for path in paths {
        assert!(DOCUMENTATION.contains(&format!("| `{path}` |")), "docs/report.md does not describe {path}");
    }
}
