//! What a script reads: the exact standard output except for times, nothing on standard error, exit code 0.

use test_support::contract::{assert_same_items, sequential};
use test_support::lab::without_times;
use test_support::log::{csv, rows};
use test_support::program::{Program, Run};

use crate::{LOADER, lab};

const ROWS_325: &str = "row: 100 in S\nrow: 200 in S\nrow: 300 in S\nRowCount: 325, Total seconds: S\n";

#[test]
fn a_load_prints_what_the_python_script_prints() {
    let lab = lab();
    let log = csv(&rows(1..=325));
    lab.file("data/log.csv", &log);
    let run = lab.load(&["./data/log.csv"]);
    let shown = Run { stdout: without_times(&run.stdout), stderr: run.news(), ..run };
    assert_eq!(shown, Run { stdout: ROWS_325.into(), stderr: String::new(), code: Some(0) });
    assert_same_items(&lab.items(), &sequential(log.as_bytes()));
}

#[test]
fn the_times_add_up() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=250)));
    let run = lab.load(&["log.csv"]);
    let times: Vec<f64> = run.stdout.lines().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    let [first, second, total] = times[..] else { panic!("{}", run.stdout) };
    assert!(first > 0.0 && second >= 0.0 && first + second <= total && total < 60.0, "{}", run.stdout);
}

#[test]
fn the_last_line_counts_rows_also_when_there_are_few() {
    for (count, expected) in [
        (0, "RowCount: 0, Total seconds: S\n"),
        (99, "RowCount: 99, Total seconds: S\n"),
        (100, "row: 100 in S\nRowCount: 100, Total seconds: S\n"),
    ] {
        let lab = lab();
        lab.file("log.csv", csv(&rows(1..=count)));
        let run = lab.load(&["log.csv"]);
        let shown = Run { stdout: without_times(&run.stdout), stderr: run.news(), ..run };
        assert_eq!(shown, Run { stdout: expected.into(), stderr: String::new(), code: Some(0) }, "{count} rows");
        assert_eq!(lab.items().len(), count as usize);
    }
}

#[test]
fn a_table_is_loaded_again_without_complaint() {
    let lab = lab();
    let log = csv(&rows(1..=30));
    lab.file("log.csv", &log);
    lab.load(&["log.csv"]).assert_code(0);
    let run = lab.load(&["log.csv"]);
    assert_eq!(without_times(&run.stdout), "RowCount: 30, Total seconds: S\n");
    assert_same_items(&lab.items(), &sequential(log.as_bytes()));
}

#[test]
fn the_command_line_is_checked_before_anything_is_read() {
    let lab = lab();
    for (args, message) in [
        (&[][..], "required arguments were not provided"),
        (&["a.csv", "--format", "xls"], "expected one of csv, tsv, jsonl"),
        (&["a.csv", "--delimiter", "ab"], "expected one ASCII character, or tab"),
        (&["a.csv", "--no-such-option"], "unexpected argument '--no-such-option'"),
        (&[""], "a value is required for '[FILE]...'"),
    ] {
        let run = lab.load(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.starts_with("load_logfile: error: ") && run.stderr.contains(message), "{}", run.stderr);
    }
    let help = lab.load(&["--help"]);
    assert!(help.code == Some(0) && help.stderr.is_empty() && help.stdout.contains("Examples:"), "{help:?}");
    for (args, text) in [(&["--completions", "bash"][..], "--dry-run"), (&["--man"], ".TH load_logfile 1")] {
        let run = Program::new(LOADER).args(args).run();
        assert!(run.code == Some(0) && run.stderr.is_empty() && run.stdout.contains(text), "{args:?}: {run:?}");
    }
    let version = lab.load(&["--version"]);
    assert_eq!(version.stdout, format!("load_logfile {}\n", env!("CARGO_PKG_VERSION")));
}
