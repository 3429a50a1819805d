//! Loads in parts: several processes, each of which writes the rows of its keys.

use std::num::NonZeroU32;
use std::thread;

use local_dynamodb::Options;
use serde_json::{Value, json};
use test_support::contract::{assert_same_items, sequential};
use test_support::fault::Fault;
use test_support::interruptions::{done_in_spite_of_kills, ends_again};
use test_support::lab::Lab;
use test_support::log::{csv, row, rows};
use test_support::program::{Counts, Run, eventually};
use test_support::proxy::Proxy;
use test_support::table::Wcu;

use crate::{LOADER, lab};

/// 600 ids, half of which are repeated late; line breaks in quotes hide rows that look valid.
fn with_late_duplicates() -> String {
    let hidden = |id: i64| format!("/x\n{}\n", row(id).url("/hidden").csv());
    let late = (1..=300).map(|id| row(id).url(&if id % 3 == 0 { hidden(id + 1) } else { format!("/late/{id}") }));
    csv(&rows(1..=600)) + &csv(&late.collect::<Vec<_>>())
}

fn part_args(part: &str) -> [String; 8] {
    [
        "log.csv",
        "--part",
        part,
        "--checkpoint",
        "state/{part}.checkpoint",
        "--report",
        "reports/{part}.json",
        "--rejects=bad-{part}.csv",
    ]
    .map(str::to_owned)
}

fn report(lab: &Lab, index: u32) -> Value {
    serde_json::from_str(&lab.read(&format!("reports/{index}.json"))).expect("a report is JSON")
}

fn merge(lab: &Lab) -> Run {
    test_support::program::Program::new(LOADER).directory(lab.folder()).args(["--merge-reports", "reports"]).run()
}

#[test]
fn parts_that_are_killed_and_run_again_are_one_load() {
    const PARTS: u32 = 4;
    let lab = lab();
    let good = with_late_duplicates();
    // One without a key, and one with the key of good rows.
    lab.file("log.csv", format!("{good}bad,row\n{}\n", row(7).code("x").csv()));
    thread::scope(|scope| {
        let lab = &lab;
        for index in 0..PARTS {
            scope.spawn(move || {
                let program = || lab.program(&[]).args(part_args(&format!("{index}/{PARTS}")));
                let (run, proxy) = done_in_spite_of_kills(lab, 3, program);
                let rejected = run.counts().rejected;
                run.assert_code(if rejected > 0 { 3 } else { 0 });
                // A part that is done is run again: no requests, the same result, the same report.
                let report = lab.read(&format!("reports/{index}.json"));
                ends_again(&proxy, &run, || program().endpoint(&proxy.url()));
                assert_eq!(lab.read(&format!("reports/{index}.json")), report);
            });
        }
    });
    assert_same_items(&lab.items(), &sequential(good.as_bytes()));
    let reports: Vec<Value> = (0..PARTS).map(|index| report(&lab, index)).collect();
    let sum = |member: &str| reports.iter().map(|report| report["rows"][member].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("read"), sum("written"), sum("rejected"), sum("not_written")), (902, 900, 2, 0));
    assert!(reports.iter().all(|report| report["input"] == reports[0]["input"] && report["input"]["rows"] == 902));
    assert!(reports.iter().all(|report| report["rows"]["read"].as_u64().unwrap() > 150), "parts are even");
    let bad: String = (0..PARTS)
        .filter_map(|index| std::fs::read_to_string(lab.folder().join(format!("bad-{index}.csv"))).ok())
        .collect();
    assert_eq!(bad.lines().count(), 2, "{bad}");

    // Each part had its own proxy and therefore its own endpoint.
    for (index, report) in reports.iter().enumerate() {
        let text = report.to_string().replace(report["destination"].as_str().unwrap(), &lab.url());
        lab.file(&format!("reports/{index}.json"), text);
    }
    let merged = merge(&lab);
    merged.assert_code(3);
    let merged: Value = serde_json::from_str(&merged.stdout).unwrap();
    assert_eq!(
        merged["rows"],
        json!({"read": 902, "written": 900, "rejected": 2, "not_written": 0,
        "written_in_earlier_runs": sum("written_in_earlier_runs")})
    );
    assert_eq!(
        (&merged["parts"], &merged["outcome"]),
        (&json!({"count": 4, "done": 4}), &json!("done_except_rejected"))
    );
}

#[test]
fn reports_of_parts_are_merged_and_what_is_wrong_is_never_0() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=60)));
    let load = |part: &str| lab.program(&[]).args(part_args(part)).run();
    for part in ["0/3", "1/3", "2/3"] {
        load(part).assert_code(0);
    }
    let run = merge(&lab);
    run.assert_code(0);
    assert!(run.stderr.contains("3 of 3 parts are done: 60 rows read = 60 written"), "{}", run.stderr);
    let merged = lab.program(&[]).into_command().get_program().to_owned();
    let to_file = test_support::program::Program::new(merged).directory(lab.folder());
    let to_file = to_file.args(["--merge-reports", "reports", "--report", "reports/merged.json"]).run();
    assert_eq!((to_file.code, to_file.stdout.as_str()), (Some(0), ""));
    assert_eq!(serde_json::from_str::<Value>(&lab.read("reports/merged.json")).unwrap()["rows"]["written"], 60);
    merge(&lab).assert_code(0); // a merged report, which is not a part

    let right = lab.read("reports/1.json");
    let path = lab.folder().join("reports/1.json");
    std::fs::remove_file(&path).unwrap();
    merge(&lab).assert_error(1, &["part 1 of 3 is missing", "what to do: run the parts named above again"]);
    lab.file("reports/1.json", &right[..right.len() / 2]);
    merge(&lab).assert_errors(1, 2, &["reports/1.json is not a complete report", "part 1 of 3 is missing"]);
    lab.file("reports/1.json", &right);
    lab.file("reports/copy.json", &right);
    merge(&lab).assert_error(1, &["part 1 was found 2 times: reports/1.json, reports/copy.json"]);
    std::fs::remove_file(lab.folder().join("reports/copy.json")).unwrap();

    // Another input of the same length.
    lab.file("log.csv", csv(&rows(1..=60)).replace("GET", "PUT"));
    load("1/3").assert_error(4, &["its first ", "bytes are not those that were loaded", "start over with --fresh"]);
    merge(&lab).assert_error(1, &["part 1 is not done (failed: log.csv: its first "]);
    lab.program(&[]).args(part_args("1/3")).args(["--fresh"]).run().assert_code(0);
    merge(&lab).assert_error(1, &["part 1 has read a different input: 60 rows with the fingerprint "]);
    let empty =
        test_support::program::Program::new(LOADER).directory(lab.folder()).args(["--merge-reports", "state"]).run();
    empty.assert_error(1, &["no report of a part was found"]);
}

#[test]
fn an_engine_names_the_part_if_it_is_asked() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=40)));
    let run = |part: &[&str], variables: &[(&str, &str)]| {
        let program = lab.program(&["log.csv", "--report", "r.json"]).args(part);
        variables.iter().fold(program, |program, (name, value)| program.env(name, value)).run()
    };
    let part = || serde_json::from_str::<Value>(&lab.read("r.json")).unwrap()["part"].clone();
    let batch = [("AWS_BATCH_JOB_ARRAY_INDEX", "1"), ("AWS_BATCH_JOB_ARRAY_SIZE", "4")];
    run(&["--part", "auto"], &batch).assert_code(0);
    assert_eq!(part(), json!({"index": 1, "count": 4}));
    assert!(lab.items().len() < 40);
    run(&["--part", "auto"], &[("JOB_COMPLETION_INDEX", "2"), ("LOAD_PARTS", "3")]).assert_code(0);
    assert_eq!(part(), json!({"index": 2, "count": 3}));
    run(&[], &batch).assert_code(0);
    assert_eq!((part(), lab.items().len()), (Value::Null, 40));
    for (args, variables, text) in [
        (&["--part", "auto"][..], &batch[..1], "AWS_BATCH_JOB_ARRAY_SIZE is missing"),
        (&["--part", "auto"], &[("JOB_COMPLETION_INDEX", "2")][..], "LOAD_PARTS is missing"),
        (&["--part", "auto"], &[], "this is not a task of an array job"),
        (&["--part", "4/4"], &[], "expected I/N"),
        (&["--parts-at-once", "2"], &[], "--part"),
        (&["--checkpoint", "{part}"], &[], "this load has no parts"),
        (&["--part", "0/8", "--max-wcu", "7"], &[], "--parts-at-once P"),
        (&["--part", "0/8", "--dry-run"], &[], "cannot be used with"),
    ] {
        let run = run(args, variables);
        run.assert_code(2);
        assert!(run.stderr.contains(text), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn two_processes_do_not_work_on_the_same_part() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=400)));
    // The first call is never answered.
    let late = Fault::Late(std::time::Duration::from_secs(600));
    let proxy = Proxy::start(&lab.url(), move |call, _| if call == 0 { late.clone() } else { Fault::None });
    let program = |part| lab.program(&[]).args(part_args(part)).endpoint(&proxy.url());
    let running = program("0/2").start();
    eventually("a call", || proxy.calls() > 0);
    let text = ["state/0.checkpoint is in use: another process is running this load", "wait until it has ended"];
    program("0/2").run().assert_error(1, &text);
    program("1/2").run().assert_code(0);
    drop(running); // kills it
    program("0/2").run().assert_code(0);
    assert_eq!(lab.items().len(), 400);
}

#[test]
fn an_input_that_is_shorter_than_expected_is_an_error() {
    let lab = lab();
    let log = csv(&rows(1..=30));
    let run = |args: &[&str]| lab.program(&["-"]).args(args).stdin(log.clone()).run();
    let (bytes, more) = (log.len().to_string(), (log.len() + 1).to_string());
    run(&["--expect-rows", "30", "--expect-bytes", &bytes]).assert_code(0);
    run(&["--expect-rows", "31"])
        .assert_error(1, &["the input had 30 rows, but at least 31 were expected", "what to do: its producer"]);
    run(&["--expect-bytes", &more])
        .assert_error(1, &[&format!("the input had {bytes} bytes, but at least {more} were expected")]);
    // Compressed bytes are counted as they are.
    let packed = test_support::lab::gzip(log.as_bytes());
    lab.file("log.csv.gz", &packed);
    lab.load(&["log.csv.gz", "--expect-bytes", &packed.len().to_string()]).assert_code(0);
    lab.load(&["log.csv.gz", "--expect-bytes", &bytes]).assert_code(1);
    // With a checkpoint, the rest is loaded once it has arrived.
    let half = log[..log.len() / 2].rfind('\n').map(|end| log[..=end].to_owned()).unwrap();
    let args = ["-", "--checkpoint", "c", "--expect-rows", "30"];
    lab.program(&args).stdin(half).run().assert_error(1, &["but at least 30 were expected", "it resumes from here"]);
    lab.program(&args).stdin(log.clone()).run().assert_code(0);
    lab.program(&args).stdin(log.clone()).run().assert_code(0);
}

#[test]
fn a_load_that_is_done_is_not_taken_for_that_of_another_input() {
    let lab = lab();
    let log = csv(&rows(1..=30));
    let piped = |text: &str, more: &[&str]| lab.program(&["-", "--checkpoint", "c"]).args(more).stdin(text).run();
    piped(&log, &[]).assert_code(0);
    let again = piped(&log, &[]);
    again.assert_code(0);
    assert!(
        again.stderr.contains("c says that this load is done, so nothing is sent; --fresh starts over"),
        "{}",
        again.stderr
    );
    assert!(again.stdout.starts_with("RowCount: 30, Total seconds: "), "{}", again.stdout);
    piped(&log.replace("GET", "PUT"), &[]).assert_error(4, &["standard input: its first "]);
    piped(&csv(&rows(1..=31)), &[]).assert_error(4, &["standard input: it has grown beyond the "]);
    piped(&csv(&rows(1..=31)), &["--fresh"]).assert_code(0);
    assert_eq!(lab.items().len(), 31);

    lab.file("log.csv", &log);
    lab.load(&["log.csv", "--checkpoint", "d"]).assert_code(0);
    lab.file("log.csv", csv(&rows(1..=31)));
    lab.load(&["log.csv", "--checkpoint", "d"])
        .assert_error(4, &["checkpoint d belongs to a different load: log.csv had "]);
}

#[test]
fn a_load_with_rejected_rows_can_be_run_again() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=30)) + "bad\n");
    let args = ["log.csv", "--checkpoint", "c", "--rejects", "bad.csv", "--report", "r.json"];
    let load = |more: &[&str]| lab.program(&args).args(more).run();
    load(&[]).assert_code(3);
    let report = lab.read("r.json");
    for _ in 0..2 {
        load(&[]).assert_code(3);
        assert_eq!((lab.read("bad.csv").as_str(), lab.read("r.json")), ("bad\n", report.clone()));
    }
    load(&["--fresh"]).assert_code(3);
    assert_eq!(lab.read("bad.csv"), "bad\n", "once, though the file was there");
    let ok = load(&["--fresh", "--rejects-ok"]);
    assert_eq!((ok.code, ok.counts()), (Some(0), Counts { read: 31, written: 30, rejected: 1, not_written: 0 }));
}

/// The table would accept sixty times as much, and a minute of its clock is ten seconds here, which is the limit's own
/// period.
#[test]
fn all_parts_together_consume_no_more_than_one_load_may() {
    const MAX_WCU: u32 = 100;
    let options = Options { speed: NonZeroU32::new(6).unwrap(), ..Options::default() };
    let lab = Lab::provisioned("logfile", LOADER, Wcu { table: 1000, index: 1000 }, &options);
    lab.file("log.csv", csv(&rows(1..=2500)));
    let max_wcu = MAX_WCU.to_string();
    thread::scope(|scope| {
        for index in 0..4 {
            let (lab, max_wcu) = (&lab, &max_wcu);
            let run = move || {
                lab.load(&["log.csv", "--part", &format!("{index}/4"), "--max-wcu", max_wcu]).assert_code(0).counts()
            };
            scope.spawn(run);
        }
    });
    assert_eq!(lab.items().len(), 2500);
    let metrics = lab.metrics();
    let of_table = |series: &&Value| {
        series["MetricName"] == "ConsumedWriteCapacityUnits" && series["Dimensions"].as_array().unwrap().len() == 1
    };
    let series = metrics["Metrics"].as_array().unwrap().iter().find(of_table).unwrap();
    let minutes: Vec<f64> =
        series["Datapoints"].as_array().unwrap().iter().map(|point| point["Sum"].as_f64().unwrap()).collect();
    assert_eq!(minutes.iter().sum::<f64>(), 2500.0);
    let most = f64::from(MAX_WCU * 10) * 1.02;
    assert!(minutes.iter().all(|&minute| minute <= most), "{minutes:?} in minutes that may have {most}");
}
