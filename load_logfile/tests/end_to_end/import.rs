//! Files for DynamoDB's own bulk loaders, instead of writes to the table.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use test_support::contract::{assert_same_items, sequential};
use test_support::import::{items, json, objects};
use test_support::lab::{Lab, without_times};
use test_support::log::{csv, row, rows};
use test_support::oracle::{NASTY_ROWS, nasty_items};
use test_support::program::{Program, Running};
use test_support::s3::S3Server;

use crate::lab;

/// 2,000 rows, in which each id occurs twice.
fn log_with_duplicates() -> String {
    let new = (1..=1000).map(|id| row(id).url(&format!("/new/{id}"))).collect::<Vec<_>>();
    format!("{}{}", csv(&rows(1..=1000)), csv(&new))
}

#[test]
fn the_files_hold_what_a_load_writes() {
    let (lab, log) = (lab(), log_with_duplicates());
    lab.file("log.csv", &log);
    let run = lab.load(&["log.csv", "--write-import", "out"]);
    run.assert_code(0);
    assert!(
        without_times(&run.stdout).ends_with("row: 2000 in S\nRowCount: 2000, Total seconds: S\n"),
        "{}",
        run.stdout
    );
    for text in [
        "2000 rows read = 2000 written + 0 rejected + 0 not written",
        "1,000 items in 1 object in out, with the requests import-table.json and start-bulk-put-items.json",
        "1,000 rows left out because a later row has the same key",
        "import-table costs less than $0.0001 for 0.000 GB before compression (list prices of us-east-1, ",
        "writing the rows through the table would take about 4,000 WCU: $0.0025 on demand",
        "aws s3 cp out s3://BUCKET/out/ --recursive",
        "aws dynamodb import-table --cli-input-json file://out/import-table.json",
        "aws dynamodb start-bulk-put-items --cli-input-json file://out/start-bulk-put-items.json",
    ] {
        assert!(run.stderr.contains(text), "{text}: {}", run.stderr);
    }
    let out = lab.folder().join("out");
    assert_same_items(&items(&out), &sequential(log.as_bytes()));
    assert!(lab.items().is_empty(), "nothing is written to the table");
    // The table exists, so a new one is like it.
    let creation = &json(&out.join("import-table.json"))["TableCreationParameters"];
    assert_eq!(creation["GlobalSecondaryIndexes"][0]["IndexName"], "GSI_1");
    assert_eq!(fs::read_dir(lab.folder()).unwrap().count(), 2, "nothing else is left");

    // The items in a table.
    lab.load(&["out/part-00000.json.gz", "--format", "dynamodb-json", "--mapping", &as_it_is(&lab)]).assert_code(0);
    assert_same_items(&lab.items(), &sequential(log.as_bytes()));
}

/// A mapping that does not change items.
fn as_it_is(lab: &Lab) -> String {
    let text = "version = 1\n[input]\nformat = \"dynamodb-json\"\n[item]\nkey = [\"PK\"]\ncolumns = \"all\"\n";
    lab.file("as_it_is.toml", text).display().to_string()
}

#[test]
fn neighbours_in_the_input_are_no_neighbours_in_the_files() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=2000)));
    lab.load(&["log.csv", "--write-import", "out"]).assert_code(0);
    let objects = objects(&lab.folder().join("out"));
    let ids: Vec<i64> = objects
        .values()
        .flat_map(|text| text.lines())
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["Item"]["requestid"]["N"].as_str().unwrap().parse().unwrap()
        })
        .collect();
    let neighbours = ids.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) == 1).count();
    assert!(ids.len() == 2000 && neighbours < 40, "{neighbours}");
}

#[test]
fn nasty_rows_become_the_items_that_python_makes_of_them() {
    let lab = lab();
    lab.file("nasty.csv", NASTY_ROWS);
    lab.load(&["nasty.csv", "--write-import", "out"]).assert_code(0);
    assert_same_items(&items(&lab.folder().join("out")), &nasty_items("logfile"));
}

#[test]
fn neither_a_table_nor_an_account_is_needed() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=10)));
    let program = Program::new(crate::LOADER).directory(lab.folder());
    let run = program.args(["other_table", "log.csv", "--write-import", "out", "--price", "import-gb=1"]).run();
    run.assert_code(0);
    for text in [
        "the table cannot be described (no region is set); a new one gets the mapping's key",
        "with the prices of --price",
    ] {
        assert!(run.stderr.contains(text), "{text}: {}", run.stderr);
    }
    let request = json(&lab.folder().join("out/import-table.json"));
    assert_eq!(request["TableCreationParameters"]["BillingMode"], "PAY_PER_REQUEST");
}

#[test]
fn a_bad_row_leaves_nothing_and_a_rejected_one_is_left_out() {
    let lab = lab();
    lab.file("log.csv", format!("{}bad\n{}", csv(&rows(1..=300)), csv(&rows(301..=400))));
    let run = lab.load(&["log.csv", "--write-import", "out"]);
    run.assert_error(1, &["log.csv:301: ", "301 rows read = 0 written + 1 rejected + 300 not written"]);
    assert_eq!(fs::read_dir(lab.folder()).unwrap().count(), 1);
    let run = lab.load(&["log.csv", "--write-import", "out", "--rejects", "bad.csv"]);
    run.assert_code(3);
    assert!(run.stderr.contains("401 rows read = 400 written + 1 rejected + 0 not written"), "{}", run.stderr);
    assert_eq!(items(&lab.folder().join("out")).len(), 400);
    assert_eq!(lab.read("bad.csv"), "bad\n");
}

#[test]
fn what_is_there_is_not_touched() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=10)));
    lab.file("out/thesis.txt", "my thesis");
    lab.load(&["log.csv", "--write-import", "out"]).assert_error(4, &["out is not empty", "choose a new folder"]);
    lab.file("new.incomplete/thesis.txt", "my thesis");
    lab.load(&["log.csv", "--write-import", "new"]).assert_error(4, &["new.incomplete is not empty"]);
    assert_eq!(lab.read("new.incomplete/thesis.txt"), "my thesis");
    lab.load(&["log.csv", "--write-import", "out/", "--checkpoint", "c"]).assert_code(2);
}

#[test]
fn on_a_full_disk_nothing_looks_complete_and_the_next_load_is_whole() {
    let (lab, log) = (lab(), log_with_duplicates());
    lab.file("log.csv", &log);
    let run = lab.program(&["log.csv", "--write-import", "out"]).with_file_size_limit(2).run();
    run.assert_error(
        1,
        &["cannot write the import files: ", "check the path, its permissions and the free disk space"],
    );
    assert!(run.stderr.contains(" = 0 written + 0 rejected + "), "{}", run.stderr);
    assert_eq!(fs::read_dir(lab.folder()).unwrap().count(), 1);
    lab.load(&["log.csv", "--write-import", "out"]).assert_code(0);
    assert_same_items(&items(&lab.folder().join("out")), &sequential(log.as_bytes()));
}

fn wait_until_read(running: &Running) {
    while !running.stdout().contains("row: 2000 in ") {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_leaves_nothing_and_what_a_killed_load_has_left_is_taken_over() {
    let (lab, log) = (lab(), log_with_duplicates());
    lab.file("log.csv", &log);
    // Its input stays open, so it waits after reading everything.
    let mut running = lab.program(&["-", "--write-import", "out"]).start();
    running.write(&log);
    wait_until_read(&running);
    running.signal("TERM");
    let run = running.finish();
    run.assert_error(143, &["2000 rows read = 0 written + 0 rejected + 2000 not written", "stopped by SIGTERM"]);
    assert_eq!(fs::read_dir(lab.folder()).unwrap().count(), 1);

    let mut running = lab.program(&["-", "--write-import", "out"]).start();
    running.write(&log);
    wait_until_read(&running);
    let run = lab.load(&["log.csv", "--write-import", "out"]);
    run.assert_error(1, &["another load is writing to out.incomplete"]);
    running.signal("KILL");
    running.finish();
    assert!(!lab.folder().join("out").exists() && lab.folder().join("out.incomplete").exists());
    lab.load(&["log.csv", "--write-import", "out"]).assert_code(0);
    assert!(!lab.folder().join("out.incomplete").exists());
    assert_same_items(&items(&lab.folder().join("out")), &sequential(log.as_bytes()));
}

#[test]
fn a_prefix_of_s3_gets_the_files_or_nothing() {
    let (s3, lab, log) = (S3Server::start(), lab(), log_with_duplicates());
    s3.put("log.csv", &log);
    s3.put("bad.csv", format!("{log}bad\n"));
    let load = |from: &str| s3.program(lab.program(&[from, "--write-import", "s3://logs/to/import/"])).run();
    load("s3://logs/bad.csv").assert_error(1, &["s3://logs/bad.csv:2001: "]);
    assert!(!s3.path("to/import/part-00000.json.gz").exists());
    let run = load("s3://logs/log.csv");
    run.assert_code(0);
    let command = "aws dynamodb import-table --cli-input-json file://import-table.json";
    assert!(run.stderr.contains(command), "{}", run.stderr);
    assert_same_items(&items(&s3.path("to/import")), &sequential(log.as_bytes()));
    let request = json(&s3.path("to/import/import-table.json"));
    let source = serde_json::json!({ "S3Bucket": "logs", "S3KeyPrefix": "to/import/part-" });
    assert_eq!(request["S3BucketSource"], source);
    load("s3://logs/log.csv").assert_error(4, &["s3://logs/to/import/ is not empty"]);
    let run = s3.program(lab.program(&["s3://logs/log.csv", "--write-import", "s3://logs/to"])).run();
    run.assert_error(2, &["s3://logs/to is not a prefix", "end it with a slash"]);
}
