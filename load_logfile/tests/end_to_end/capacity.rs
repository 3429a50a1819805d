//! Tables that accept less than is sent, and loads that limit themselves.

use local_dynamodb::Options;
use test_support::capacity;
use test_support::lab::Lab;
use test_support::log::{csv, rows};
use test_support::table::Wcu;
use test_support::trial::Trial;

use crate::{LOADER, lab};

fn log(last_id: i64) -> String {
    csv(&rows(1..=last_id))
}

fn throttled(wcu: Wcu, backlog: usize) -> Trial {
    Trial::sequential(capacity::lab_without_burst("logfile", LOADER, wcu, 10, backlog), &log(3000))
}

fn provisioned(wcu: Wcu, last_id: i64) -> Trial {
    Trial::sequential(Lab::provisioned("logfile", LOADER, wcu, &Options::default()), &log(last_id))
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
fn no_more_units_are_consumed_than_asked_for() {
    capacity::limited_to_units(&Trial::sequential(lab(), &log(1200)));
}

#[test]
fn no_larger_share_is_consumed_than_asked_for() {
    capacity::limited_to_a_share(&provisioned(Wcu { table: 10_000, index: 375 }, 1200), "80%");
}

#[test]
fn a_share_follows_the_capacity_of_the_table() {
    capacity::a_share_follows_the_table(&provisioned(Wcu { table: 2, index: 10_000 }, 1000), "logfile", 10_000);
}

#[test]
fn a_table_that_accepts_nothing_is_given_up_after_the_time_set() {
    capacity::given_up(Trial::sequential(lab(), &log(500)));
}
