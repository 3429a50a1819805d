//! The output of `--dry-run`, compared with real loads.

use std::num::NonZeroU32;

use local_dynamodb::Options;
use test_support::capacity::{assert_estimate, lab_without_burst};
use test_support::lab::Lab;
use test_support::log::{csv, rows};
use test_support::table::Wcu;

use crate::LOADER;

fn with_files(lab: Lab, rows_of_each: i64) -> Lab {
    lab.file("1.csv", csv(&rows(1..=rows_of_each)));
    lab.file("2.csv", csv(&rows(1..=rows_of_each)));
    lab
}

/// The lab's own table, with its own index: 24,000 rows, of which 20,000 fit into the queue between the two and 300
/// into the burst.
#[test]
fn the_estimate_for_logfile_gsi_low_is_the_time_that_the_load_takes() {
    let options = Options { speed: NonZeroU32::new(100).unwrap(), ..Options::default() };
    let lab = with_files(Lab::provisioned("logfile_gsi_low", LOADER, Wcu { table: 1000, index: 1 }, &options), 2000);
    assert_estimate(&lab, &["1.csv", "2.csv", "--copies", "6"], "if the table has been idle", 100.0);
}

/// With a thousandth of its capacity: with all of it, this machine would limit the load.
#[test]
fn the_estimate_for_logfile_scan_is_the_time_that_the_load_takes() {
    let lab = with_files(lab_without_burst("logfile_scan", LOADER, Wcu { table: 5, index: 5 }, 10, 20_000), 500);
    assert_estimate(&lab, &["1.csv", "2.csv", "--copies", "2"], "if its burst is used up", 10.0);
}
