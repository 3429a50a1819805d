//! Files and rows that cannot be loaded: one clear message, the documented exit code, exact counts. Each copy of a row counts.

use test_support::contract::{assert_same_items, parallel};
use test_support::lab::without_times;
use test_support::log::{csv, row, rows};

use crate::{lab, lab_with_medium_files};

#[test]
fn the_first_bad_row_ends_the_load_with_all_before_it_written() {
    let lab = lab();
    let before = csv(&rows(1..=60));
    lab.file("log.csv", format!("{before}{}\n{}", row("x").csv(), csv(&rows(61..=90))));
    let run = lab.load(&["log.csv", "--copies", "4"]);
    run.assert_error(
        1,
        &[
            "load_logfile_parallel: error: log.csv:61: column 1 (requestid): \"x\" is not an integer",
            "--rejects FILE",
            "244 rows read = 240 written + 4 rejected + 0 not written",
        ],
    );
    assert_eq!(run.stdout, "starting thread for file: log.csv\n");
    assert_same_items(&lab.items(), &parallel("logfile_scan", &[before.as_bytes()], 4, 2000, 500_000));
}

#[test]
fn a_bad_row_of_one_file_ends_the_load_of_all() {
    let (lab, _) = lab_with_medium_files(30);
    lab.file("data/logfile_medium1.csv", csv(&rows(1..=3)) + "bad\n");
    let run = lab.load(&["--copies", "2"]);
    run.assert_error(1, &["./data/logfile_medium1.csv:4: has 1 column"]);
    let written = lab.items().len();
    assert!(
        run.stderr.contains(&format!(" = {written} written + 2 rejected + 0 not written")),
        "{written}: {}",
        run.stderr
    );
}

#[test]
fn rejected_rows_are_collected_once_with_their_files() {
    let (lab, logs) = lab_with_medium_files(30);
    let bad = [row("x").url("/two\nlines").csv(), row(5).date(&"d".repeat(1018)).csv(), "short,row".to_owned()];
    lab.file("data/logfile_medium1.csv", format!("{}\n{}{}\n", bad[0], logs[0], bad[1]));
    lab.file("data/logfile_medium2.csv", format!("{}{}\n", logs[1], bad[2]));
    let run = lab.load(&["--copies", "3", "--rejects", "bad.csv"]);
    run.assert_code(3);
    assert!(
        run.stderr.starts_with("load_logfile_parallel: 189 rows read = 180 written + 9 rejected + 0 not written, in "),
        "{}",
        run.stderr
    );
    assert_eq!(run.news(), "");
    assert!(without_times(&run.stdout).ends_with("total rows 180 in S seconds\n"), "{}", run.stdout);
    let logs = [logs[0].as_bytes(), logs[1].as_bytes()];
    assert_same_items(&lab.items(), &parallel("logfile_scan", &logs, 3, 2000, 500_000));
    let (collected, reasons) = (lab.read("bad.csv"), lab.read("bad.csv.reasons"));
    assert_eq!(collected.len(), bad.iter().map(|row| row.len() + 1).sum::<usize>());
    assert!(bad.iter().all(|row| collected.contains(&format!("{row}\n"))), "{collected}");
    for reason in [
        "./data/logfile_medium1.csv:1: column 1 (requestid): \"x\" is not an integer",
        "./data/logfile_medium1.csv:33: column 3 (date): the key GSI_1_SK made from it has 1025 bytes, and DynamoDB accepts at most 1024",
        "./data/logfile_medium2.csv:31: has 2 columns",
    ] {
        assert!(reasons.lines().any(|line| line.starts_with(reason)), "{reason:?} is not in {reasons}");
    }
    assert_eq!(reasons.lines().count(), 3);
}

#[test]
fn a_file_that_cannot_be_read_is_named_before_anything_is_written() {
    let (lab, _) = lab_with_medium_files(30);
    std::fs::create_dir(lab.folder().join("empty")).unwrap();
    for copies in ["1", "2"] {
        for (file, message) in [
            ("nothing.csv", "cannot read nothing.csv: No such file"),
            ("empty", "cannot read empty: there is no file in"),
        ] {
            let run = lab.load(&["data/logfile_medium1.csv", file, "--copies", copies]);
            run.assert_error(1, &[message]);
            assert_eq!(run.stdout, "");
        }
    }
    assert!(lab.items().is_empty());
}
