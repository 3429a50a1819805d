//! What a script reads: the exact standard output except for times, nothing on standard error, exit code 0.

use std::collections::BTreeSet;

use test_support::contract::{assert_same_items, parallel};
use test_support::lab::without_times;
use test_support::log::{csv, row, rows};
use test_support::program::{Program, Run};

use crate::{LOADER, lab, lab_with_medium_files};

#[test]
fn without_files_it_loads_the_workshops_and_prints_what_the_python_script_prints() {
    let (lab, logs) = lab_with_medium_files(60);
    lab.file("data/logfile_small1.csv", "not a log");
    lab.file("data/logfile_medium3.csv.bak", "not a log");
    let run = lab.load(&["--copies", "100"]);
    let shown = Run { stdout: without_times(&run.stdout), stderr: run.news(), ..run };
    let start =
        "starting thread for file: ./data/logfile_medium1.csv\nstarting thread for file: ./data/logfile_medium2.csv\n";
    let lines = shown.stdout.strip_prefix(start).unwrap_or_else(|| panic!("{shown:?}"));
    // Which thread reaches its 5,000th row first is random.
    let lines: BTreeSet<&str> = lines.lines().collect();
    let expected = ["thread_id: 0, row: 5000, S", "thread_id: 1, row: 5000, S", "total rows 12000 in S seconds"];
    assert_eq!(lines, BTreeSet::from(expected));
    assert!(shown.stdout.ends_with("total rows 12000 in S seconds\n"));
    assert_eq!((shown.stderr.as_str(), shown.code), ("", Some(0)));
    let logs = [logs[0].as_bytes(), logs[1].as_bytes()];
    assert_same_items(&lab.items(), &parallel("logfile_scan", &logs, 100, 2000, 500_000));
}

#[test]
fn rows_are_written_250_times_unless_told_otherwise() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=21)));
    let run = lab.load(&["log.csv"]);
    let stdout = "starting thread for file: log.csv\nthread_id: 0, row: 5000, S\ntotal rows 5250 in S seconds\n";
    assert_eq!((without_times(&run.stdout).as_str(), run.news().as_str(), run.code), (stdout, "", Some(0)));
    assert_eq!(lab.items().len(), 5250);
}

#[test]
fn few_rows_have_no_line_of_their_own() {
    let lab = lab();
    lab.file("empty.csv", "");
    lab.file("one.csv", row(9).csv());
    for (files, total) in [(&["empty.csv"][..], 0), (&["empty.csv", "one.csv"], 3)] {
        let run = lab.load(&[files, &["--copies", "3"]].concat());
        let starts: String = files.iter().map(|file| format!("starting thread for file: {file}\n")).collect();
        let stdout = format!("{starts}total rows {total} in S seconds\n");
        assert_eq!((without_times(&run.stdout), run.news(), run.code), (stdout, String::new(), Some(0)));
    }
    assert_eq!(lab.items().into_keys().collect::<Vec<_>>(), ["request#500009", "request#502009", "request#504009"]);
}

#[test]
fn where_there_are_no_files_it_says_where_it_looked() {
    let run = lab().load(&[]);
    run.assert_error(
        1,
        &["there is no file ./data/logfile_medium*.csv to load", "what to do: change to the folder that contains data"],
    );
    assert_eq!(run.stdout, "");
}

#[test]
fn the_command_line_is_checked_before_anything_is_read() {
    let lab = lab();
    for args in [
        &["--copies", "0"][..],
        &["--copies", "many"],
        &["--threads", "0"],
        &["--threads", "257"],
        &["--id-stride", "0"],
        &["--no-such-option"],
        &[""],
    ] {
        let run = lab.load(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}: {}", run.stderr);
        assert!(run.stderr.starts_with("load_logfile_parallel: error: "), "{}", run.stderr);
    }
    let none = Program::new(LOADER).run();
    assert!(none.code == Some(2) && none.stderr.contains("<TABLE>"), "{none:?}");
    let help = lab.load(&["--help"]);
    assert!(help.code == Some(0) && help.stderr.is_empty() && help.stdout.contains("Examples:"), "{help:?}");
}
