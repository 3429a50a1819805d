//! What a shell does to a job: hang up, suspend and continue, close or fill its standard output.

use std::fs::{self, File, OpenOptions};
use std::io::pipe;

use test_support::contract::{assert_same_items, sequential};
use test_support::interruptions;
use test_support::lab::without_times;
use test_support::log::{csv, rows};
use test_support::program::{Program, eventually};

use crate::{LOADER, lab};

#[test]
fn under_nohup_lines_appear_as_they_happen_and_a_hang_up_is_survived() {
    let lab = lab();
    let nohup_out = lab.folder().join("nohup.out");
    let program = Program::new("nohup").directory(lab.folder()).endpoint(&lab.url()).args([LOADER, "logfile", "-"]);
    let mut running = program.stdout(File::create(&nohup_out).unwrap()).start();
    let lines = || fs::read_to_string(&nohup_out).unwrap();
    running.write(&csv(&rows(1..=100)));
    eventually("the line about the first hundred rows", || lines().ends_with('\n'));
    assert_eq!(without_times(&lines()), "row: 100 in S\n");
    running.signal("HUP");
    running.write(&csv(&rows(101..=250)));
    eventually("the line about the second hundred rows", || lines().matches('\n').count() == 2);
    let run = running.finish();
    assert_eq!((run.code, run.news().as_str()), (Some(0), ""));
    assert_eq!(without_times(&lines()), "row: 100 in S\nrow: 200 in S\nRowCount: 250, Total seconds: S\n");
    assert_same_items(&lab.items(), &sequential(csv(&rows(1..=250)).as_bytes()));
}

#[test]
fn a_suspended_load_continues() {
    interruptions::suspended_with_open_input(&lab(), &["-"]);
}

#[test]
fn a_closed_standard_output_does_not_stop_a_load() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=250)));
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let run = lab.program(&["log.csv"]).stdout(writer).run();
    assert_eq!((run.code, run.news().as_str()), (Some(0), ""));
    assert_eq!(lab.items().len(), 250);
}

#[test]
fn a_full_standard_output_is_reported_once_and_does_not_stop_a_load() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=350)));
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = lab.program(&["log.csv"]).stdout(full).run();
    assert_eq!(run.code, Some(0));
    assert!(run.stderr.contains("warning: cannot write to standard output (No space left on device"), "{}", run.stderr);
    assert_eq!(run.news().lines().count(), 1, "{}", run.stderr);
    assert_eq!(lab.items().len(), 350);
}
