//! Files for DynamoDB's own bulk loaders, instead of writes to the table.

use test_support::contract::{assert_same_items, parallel};
use test_support::import::items;
use test_support::lab::{Lab, without_times};
use test_support::log::{csv, rows};
use test_support::oracle::{NASTY_ROWS, nasty_items};

use crate::LOADER;

#[test]
fn the_files_hold_the_copies_of_all_rows() {
    let lab = Lab::new("logfile_scan", LOADER);
    let logs = [csv(&rows(1..=300)), csv(&rows(1..=200))];
    lab.file("a.csv", &logs[0]);
    lab.file("b.csv", &logs[1]);
    let run = lab.load(&["a.csv", "b.csv", "--copies=3", "--threads=3", "--write-import", "out"]);
    run.assert_code(0);
    assert!(without_times(&run.stdout).ends_with("total rows 1500 in S seconds\n"), "{}", run.stdout);
    assert!(run.stderr.contains("1,500 items in 3 objects in out"), "{}", run.stderr);
    let logs: Vec<&[u8]> = logs.iter().map(String::as_bytes).collect();
    assert_same_items(&items(&lab.folder().join("out")), &parallel("logfile_scan", &logs, 3, 2000, 500_000));
    assert!(lab.items().is_empty());
}

#[test]
fn nasty_rows_become_the_items_that_python_makes_of_them() {
    for table in ["logfile_scan", "logfile_gsi_low"] {
        let lab = Lab::new(table, LOADER);
        lab.file("nasty.csv", NASTY_ROWS);
        lab.load(&["nasty.csv", "--copies=3", "--write-import", "out"]).assert_code(0);
        assert_same_items(&items(&lab.folder().join("out")), &nasty_items(table));
    }
}
