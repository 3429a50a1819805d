//! `load_logfile_parallel` as a shell script uses it: the real binary, real HTTP, the real engine.

mod bad_rows;
mod capacity;
mod contents;
mod dry_run;
mod faults;
mod ids;
mod import;
mod parts;
mod resume;
mod s3;
mod service;
mod shell;
mod stdout;

use test_support::lab::Lab;
use test_support::log::{csv, rows};

const LOADER: &str = env!("CARGO_BIN_EXE_load_logfile_parallel");

/// The table `logfile_scan`, empty.
fn lab() -> Lab {
    Lab::new("logfile_scan", LOADER)
}

/// As [`lab`], with two files such as the workshop's, of so many rows each: ids 1 to n, and 2001 to 2000 + n.
fn lab_with_medium_files(rows_each: i64) -> (Lab, [String; 2]) {
    let lab = lab();
    let logs = [csv(&rows(1..=rows_each)), csv(&rows(2001..=2000 + rows_each))];
    lab.file("data/logfile_medium1.csv", &logs[0]);
    lab.file("data/logfile_medium2.csv", &logs[1]);
    (lab, logs)
}
