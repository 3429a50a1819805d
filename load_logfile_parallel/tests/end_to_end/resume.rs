//! Loads that are stopped, killed, suspended or short of disk, and run again.

use std::thread;

use test_support::interruptions;
use test_support::log::{csv, rows};
use test_support::trial::Trial;

use crate::lab;

/// Two files, four copies, three threads: eight times as many items as rows in one of the files.
fn trial(rows_each: i64) -> Trial {
    Trial::parallel(lab(), &[csv(&rows(1..=rows_each)), csv(&rows(1..=rows_each))], 4, 3)
}

/// At 1,000 rows per second: those of one second, more because a busy machine saves late, and the rows that each worker
/// holds. A row whose copies are not all acknowledged is written again with all of them, and workers progress unevenly.
const MOST_AGAIN: usize = 2600;

#[test]
fn a_load_that_was_killed_is_simply_run_again() {
    interruptions::killed_and_run_again(&trial(400));
}

#[test]
fn with_a_checkpoint_it_resumes_however_often_it_is_killed() {
    interruptions::killed_until_it_is_done(trial(1000), 1000, MOST_AGAIN);
}

#[test]
fn rows_acknowledged_after_a_missing_response_are_not_written_again() {
    interruptions::killed_while_a_response_is_missing(trial(600), 1000, MOST_AGAIN, "log0.csv", 0);
}

#[test]
fn a_signal_stops_it_with_exact_counts_and_it_resumes() {
    thread::scope(|scope| {
        scope.spawn(|| interruptions::stopped_by_a_signal(trial(800), "INT", 130));
        scope.spawn(|| interruptions::stopped_by_a_signal(trial(800), "TERM", 143));
    });
}

#[test]
fn a_second_signal_ends_it_at_once_with_exact_counts() {
    interruptions::stopped_by_a_second_signal(trial(125));
}

#[test]
fn a_suspended_load_continues_although_its_connections_were_lost() {
    interruptions::suspended_and_continued(&trial(800));
}

#[test]
fn a_checkpoint_is_for_one_file_and_not_for_its_name() {
    interruptions::another_file_of_the_same_name(trial(800), "log1.csv");
}

#[test]
fn a_table_deleted_under_it_ends_it() {
    interruptions::table_deleted_during_the_load(trial(800), "logfile_scan");
}

#[test]
fn without_room_for_the_checkpoint_nothing_is_written() {
    interruptions::no_room_for_the_checkpoint(trial(20));
}
