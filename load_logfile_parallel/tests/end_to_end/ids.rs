//! Rows that would overwrite each other's copies are refused before anything is written, unless they are numbered
//! differently.

use test_support::contract::{assert_same_items, parallel};
use test_support::lab::Lab;
use test_support::log::{csv, row, rows};

use crate::lab;

/// Two rows whose copies collide.
fn lab_with_long_file() -> (Lab, String) {
    let lab = lab();
    let log = csv(&[row(1), row(2001)]);
    lab.file("long.csv", &log);
    (lab, log)
}

#[test]
fn ids_past_the_stride_are_refused() {
    let (lab, _) = lab_with_long_file();
    let run = lab.load(&["long.csv"]);
    run.assert_error(
        4,
        &["long.csv: its ids run from 1 to 2001, and with 250 copies of each row, 2000 apart, rows 2000 or more apart overwrite", "--id-stride auto"],
    );
    assert_eq!(run.stdout, "");
    assert!(lab.items().is_empty());
}

#[test]
fn ids_past_the_stride_are_fine_without_copies() {
    let (lab, log) = lab_with_long_file();
    lab.load(&["long.csv", "--copies", "1"]).assert_code(0);
    assert_same_items(&lab.items(), &parallel("logfile_scan", &[log.as_bytes()], 1, 0, 0));
}

#[test]
fn a_stride_that_fits_is_found_or_can_be_chosen() {
    for (stride, apart) in [("auto", 2001), ("2001", 2001), ("5000", 5000)] {
        let (lab, log) = lab_with_long_file();
        lab.load(&["long.csv", "--copies", "3", "--id-stride", stride]).assert_code(0);
        let expected = parallel("logfile_scan", &[log.as_bytes()], 3, apart, 0);
        assert_eq!(expected.len(), 6);
        assert_same_items(&lab.items(), &expected);
    }
    let (lab, _) = lab_with_long_file();
    lab.load(&["long.csv", "--copies", "3", "--id-stride", "1999"]).assert_error(4, &["1999 apart"]);
    assert!(lab.items().is_empty());
}

#[test]
fn files_in_the_wrong_order_are_refused() {
    let lab = lab();
    let logs = [csv(&rows([2001, 3000, 4000])), csv(&rows([1, 1000, 2000]))];
    lab.file("medium2.csv", &logs[0]);
    lab.file("medium1.csv", &logs[1]);
    let run = lab.load(&["medium2.csv", "medium1.csv"]);
    let message = "medium2.csv and medium1.csv: the copies of the one get ids from 2001 to 502000, those of the other from 500001";
    run.assert_error(4, &[message, "--id-stride auto"]);
    assert_eq!(run.stdout, "");
    assert!(lab.items().is_empty());
    lab.load(&["medium2.csv", "medium1.csv", "--copies", "20", "--id-stride", "auto"]).assert_code(0);
    let expected = parallel("logfile_scan", &logs.each_ref().map(String::as_bytes), 20, 4000, 80_000);
    assert_eq!(expected.len(), 120);
    assert_same_items(&lab.items(), &expected);
}

#[test]
fn the_same_file_twice_is_numbered_apart() {
    let lab = lab();
    let log = csv(&rows(1..=20));
    lab.file("log.csv", &log);
    lab.load(&["log.csv", "log.csv", "--copies", "2"]).assert_code(0);
    assert_same_items(&lab.items(), &parallel("logfile_scan", &[log.as_bytes(), log.as_bytes()], 2, 2000, 500_000));
}

#[test]
fn bad_rows_do_not_hide_a_collision() {
    let lab = lab();
    lab.file("log.csv", format!("bad\n{}{}", csv(&[row(1)]), csv(&[row(2001)])));
    lab.load(&["log.csv", "--rejects", "bad.csv"]).assert_error(4, &["its ids run from 1 to 2001"]);
    assert!(lab.items().is_empty() && !lab.folder().join("bad.csv").exists());
}

#[test]
fn standard_input_can_be_loaded_only_where_no_ids_need_be_known() {
    let lab = lab();
    let log = csv(&rows(1..=30));
    lab.file("log.csv", &log);
    for args in [
        &["-"][..],
        &["-", "--copies", "2"],
        &["log.csv", "-", "--copies", "1"],
        &["-", "--copies", "2", "--id-stride", "auto"],
    ] {
        let run = lab.program(args).stdin(log.clone()).run();
        run.assert_error(4, &["standard input: its ids must be read before the first row is written", "--copies 1"]);
    }
    assert!(lab.items().is_empty());
    lab.program(&["-", "--copies", "1"]).stdin(log.clone()).run().assert_code(0);
    assert_same_items(&lab.items(), &parallel("logfile_scan", &[log.as_bytes()], 1, 0, 0));
}

#[test]
fn ids_of_copies_past_38_digits_are_refused_row_by_row() {
    let lab = lab();
    let nines = "9".repeat(38);
    lab.file("log.csv", csv(&[row(&nines)]));
    lab.load(&["log.csv", "--copies", "1"]).assert_code(0);
    assert_eq!(lab.items()[&format!("request#{nines}")]["requestid"].as_n().unwrap(), &nines);
    let run = lab.load(&["log.csv", "--copies", "2"]);
    run.assert_error(1, &["log.csv:1: column 1 (requestid): its copies' ids have more than 38 digits"]);
    assert_eq!(lab.items().len(), 1);
}
