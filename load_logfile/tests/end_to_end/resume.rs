//! Loads that are stopped, killed, suspended or short of disk, and run again.

use std::thread;

use test_support::interruptions;
use test_support::log::{Row, csv, row, rows};
use test_support::trial::Trial;

use crate::lab;

fn trial(last_id: i64) -> Trial {
    Trial::sequential(lab(), &csv(&rows(1..=last_id)))
}

/// At 500 rows per second: those of one second, and as many again because a busy machine saves late.
const MOST_AGAIN: usize = 1125;

/// 3,000 rows, a third of them with repeated ids, and a bad row after every 100.
fn with_bad_rows() -> (String, Vec<String>) {
    let good = |line: i64| match line % 3 {
        0 => row(line / 3 % 400).url(&format!("/line/{line}")),
        _ => rows([1000 + line]).remove(0),
    };
    let bad: Vec<String> = (0..30).map(|n| format!("bad {n:02}, {}", "x".repeat(1000))).collect();
    let hundred = |n: i64| csv(&(100 * n..100 * (n + 1)).map(good).collect::<Vec<Row>>());
    let log = (0..30).zip(&bad).map(|(n, bad)| format!("{}{bad}\n", hundred(n))).collect();
    (log, bad)
}

#[test]
fn a_load_that_was_killed_is_simply_run_again() {
    interruptions::killed_and_run_again(&trial(3000));
}

#[test]
fn with_a_checkpoint_it_resumes_however_often_it_is_killed() {
    interruptions::killed_until_it_is_done(trial(2800), 500, MOST_AGAIN);
}

#[test]
fn rows_acknowledged_after_a_missing_response_are_not_written_again() {
    interruptions::killed_while_a_response_is_missing(trial(2400), 500, MOST_AGAIN, "log.csv", 400);
}

#[test]
fn a_signal_stops_it_with_exact_counts_and_it_resumes() {
    thread::scope(|scope| {
        scope.spawn(|| interruptions::stopped_by_a_signal(trial(3000), "INT", 130));
        scope.spawn(|| interruptions::stopped_by_a_signal(trial(3000), "TERM", 143));
    });
}

#[test]
fn a_second_signal_ends_it_at_once_with_exact_counts() {
    interruptions::stopped_by_a_second_signal(trial(1000));
}

#[test]
fn a_second_signal_ends_it_also_where_nobody_reads_its_output() {
    interruptions::stopped_while_nobody_reads_its_output(trial(1000));
}

#[test]
fn missing_responses_are_not_awaited_for_long_after_a_signal() {
    interruptions::stopped_while_responses_are_missing(&trial(1000));
}

#[test]
fn a_suspended_load_continues_although_its_connections_were_lost() {
    interruptions::suspended_and_continued(&trial(3000));
}

#[test]
fn a_checkpoint_is_for_one_file_and_not_for_its_name() {
    interruptions::another_file_of_the_same_name(trial(3000), "log.csv");
}

#[test]
fn a_table_deleted_under_it_ends_it() {
    interruptions::table_deleted_during_the_load(trial(3000), "logfile");
}

#[test]
fn without_room_for_the_checkpoint_nothing_is_written() {
    interruptions::no_room_for_the_checkpoint(trial(100));
}

#[test]
fn each_rejected_row_is_collected_once_however_often_it_is_killed() {
    let (log, bad) = with_bad_rows();
    interruptions::killed_while_rows_are_rejected(&lab(), &log, &bad);
}

#[test]
fn without_room_for_rejected_rows_it_ends_and_resumes_when_there_is() {
    let (log, bad) = with_bad_rows();
    interruptions::no_room_for_rejected_rows(&lab(), &log, &bad);
}

#[test]
fn waiting_uses_no_processor_time() {
    interruptions::waiting_uses_no_processor_time(&trial(1000));
}
