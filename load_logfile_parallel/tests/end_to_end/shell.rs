//! What a shell does to a job: hang up, suspend and continue, close or fill its standard output.

use std::fs::{self, File, OpenOptions};
use std::io::pipe;

use test_support::interruptions;
use test_support::lab::without_times;
use test_support::log::{csv, rows};
use test_support::program::{Program, eventually};

use crate::{LOADER, lab, lab_with_medium_files};

#[test]
fn under_nohup_lines_appear_as_they_happen_and_a_hang_up_is_survived() {
    let lab = lab();
    let nohup_out = lab.folder().join("nohup.out");
    let program = Program::new("nohup").directory(lab.folder()).endpoint(&lab.url());
    let program = program.args([LOADER, "logfile_scan", "-", "--copies", "1"]);
    let mut running = program.stdout(File::create(&nohup_out).unwrap()).start();
    let lines = || without_times(&fs::read_to_string(&nohup_out).unwrap());
    // The start is announced once the input is open, which standard input is with its first bytes.
    running.write(&csv(&rows(1..=10)));
    let start = "starting thread for file: standard input\n";
    eventually("the line about the start", || lines() == start);
    running.signal("HUP");
    running.write(&csv(&rows(11..=5000)));
    let half = format!("{start}thread_id: 0, row: 5000, S\n");
    eventually("the line about 5,000 rows", || lines() == half);
    running.signal("HUP");
    running.write(&csv(&rows(5001..=5010)));
    let run = running.finish();
    assert_eq!((run.code, run.news().as_str()), (Some(0), ""));
    assert_eq!(lines(), format!("{half}total rows 5010 in S seconds\n"));
    assert_eq!(lab.items().len(), 5010);
}

#[test]
fn a_suspended_load_continues() {
    interruptions::suspended_with_open_input(&lab(), &["-", "--copies", "1"]);
}

#[test]
fn a_closed_or_full_standard_output_does_not_stop_a_load() {
    let (lab, _) = lab_with_medium_files(30);
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let run = lab.program(&["--copies", "1"]).stdout(writer).run();
    assert_eq!((run.code, run.news().as_str()), (Some(0), ""));
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = lab.program(&["--copies", "2"]).stdout(full).run();
    assert_eq!(run.code, Some(0));
    assert_eq!(run.stderr.matches("cannot write to standard output").count(), 1, "{}", run.stderr);
    assert_eq!(lab.items().len(), 120);
}
