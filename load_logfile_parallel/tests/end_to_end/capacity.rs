//! Tables that accept less than is sent, and loads that limit themselves, over all threads.

use local_dynamodb::Options;
use test_support::capacity;
use test_support::lab::Lab;
use test_support::log::{csv, rows};
use test_support::table::Wcu;
use test_support::trial::Trial;

use crate::{LOADER, lab};

/// Two files of `rows_each` rows, five copies, four threads: ten times as many items.
fn trial(lab: Lab, rows_each: i64) -> Trial {
    Trial::parallel(lab, &[csv(&rows(1..=rows_each)), csv(&rows(1..=rows_each))], 5, 4)
}

fn throttled(wcu: Wcu, backlog: usize) -> Trial {
    trial(capacity::lab_without_burst("logfile_scan", LOADER, wcu, 10, backlog), 300)
}

fn provisioned(wcu: Wcu, rows_each: i64) -> Trial {
    trial(Lab::provisioned("logfile_scan", LOADER, wcu, &Options::default()), rows_each)
}

#[test]
fn a_table_throttled_all_the_time_gets_every_row_and_few_requests_are_refused() {
    capacity::throttled_all_the_time(&throttled(Wcu { table: 60, index: 1000 }, 20_000));
}

#[test]
fn an_index_that_holds_up_its_table_gets_every_row_and_few_requests_are_refused() {
    capacity::throttled_all_the_time(&throttled(Wcu { table: 1000, index: 60 }, 100));
}

#[test]
fn all_threads_together_consume_no_more_units_than_asked_for() {
    capacity::limited_to_units(&trial(lab(), 120));
}

#[test]
fn all_threads_together_consume_no_larger_share_than_asked_for() {
    capacity::limited_to_a_share(&provisioned(Wcu { table: 10_000, index: 375 }, 120), "80%");
}

#[test]
fn a_table_that_accepts_nothing_is_given_up_after_the_time_set() {
    capacity::given_up(trial(lab(), 50));
}
