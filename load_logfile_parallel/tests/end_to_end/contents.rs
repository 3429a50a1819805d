//! The contents of the table after a load, item by item and attribute by attribute.

use test_support::contract::{assert_same_items, parallel};
use test_support::lab::{Lab, gzip};
use test_support::log::{Row, csv, row, rows};
use test_support::oracle::{self, NASTY_ROWS, nasty_items, python_items};

use crate::{LOADER, lab, lab_with_medium_files};

#[test]
fn every_attribute_is_the_scripts_at_any_number_of_threads() {
    for threads in ["1", "2", "3", "8"] {
        let (lab, logs) = lab_with_medium_files(50);
        lab.load(&["--copies", "4", "--threads", threads]).assert_code(0);
        let items = lab.items();
        let logs = [logs[0].as_bytes(), logs[1].as_bytes()];
        assert_same_items(&items, &parallel("logfile_scan", &logs, 4, 2000, 500_000));
        assert!(items.values().all(|item| !item.contains_key("servererror")), "that is of load_logfile");
        assert!(items.contains_key("request#508050") && items.len() == 400);
    }
}

#[test]
fn the_table_logfile_gsi_low_has_hosts_in_its_index_and_every_other_one_shards() {
    for table in ["logfile_gsi_low", "logfile", "logfile_scan"] {
        let lab = Lab::new(table, LOADER);
        let log = csv(&rows(1..=40));
        lab.file("log.csv", &log);
        lab.load(&["log.csv", "--copies", "3"]).assert_code(0);
        let items = lab.items();
        assert_same_items(&items, &parallel(table, &[log.as_bytes()], 3, 2000, 500_000));
        let sharded = items.values().filter(|item| item.contains_key("GSI_1_SK")).count();
        assert_eq!(sharded, if table == "logfile_gsi_low" { 0 } else { 120 });
    }
}

#[test]
fn odd_values_are_read_as_python_reads_them() {
    let log = [
        row("007").hour("01").code("0200"),
        row("-3").hour(" 1 ").code("+500"),
        row("1_0").hour("1_1").code("500"),
        row(20).url("/caf\u{e9}/\u{1f980}, \"quoted\"\r\nlines").agent("").host(""),
        row(1_999).date(&"d".repeat(1000)),
    ];
    let log = csv(&log);
    for table in ["logfile_scan", "logfile_gsi_low"] {
        let lab = Lab::new(table, LOADER);
        lab.file("log.csv.gz", gzip(format!("\u{feff}{log}").as_bytes()));
        lab.load(&["log.csv.gz", "--copies", "1"]).assert_code(0);
        assert_same_items(&lab.items(), &parallel(table, &[log.as_bytes()], 1, 2000, 500_000));
    }
}

#[test]
fn the_last_row_of_an_id_wins_at_any_number_of_threads() {
    let ids = (0..600).map(|n| match n % 3 {
        0 => n % 7,
        1 => 100 + n / 30,
        _ => 1000 + n % 300,
    });
    let log: Vec<Row> = ids.enumerate().map(|(line, id)| row(id).url(&format!("/line/{line}"))).collect();
    let log = csv(&log);
    let expected = parallel("logfile_scan", &[log.as_bytes()], 3, 2000, 500_000);
    assert!(expected.len() < 900);
    for threads in ["1", "2", "5"] {
        let lab = lab();
        lab.file("log.csv", &log);
        let run = lab.load(&["log.csv", "--copies", "3", "--threads", threads]);
        run.assert_code(0);
        assert!(run.stdout.contains("total rows 1800 in "), "{}", run.stdout);
        assert_same_items(&lab.items(), &expected);
    }
}

#[test]
fn more_threads_than_rows_do_no_harm() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=3)));
    lab.load(&["log.csv", "--copies", "1", "--threads", "64"]).assert_code(0);
    assert_eq!(lab.items().len(), 3);
}

#[test]
fn many_files_are_loaded_by_few_threads() {
    let lab = lab();
    let names: Vec<String> = (0..12).map(|n| format!("log{n:02}.csv")).collect();
    let logs: Vec<String> = (0..12).map(|n| csv(&rows(n * 100..n * 100 + 20))).collect();
    names.iter().zip(&logs).for_each(|(name, log)| drop(lab.file(name, log)));
    let mut args: Vec<&str> = names.iter().map(String::as_str).collect();
    args.extend(["--copies", "2", "--threads", "2"]);
    lab.load(&args).assert_code(0);
    let logs: Vec<&[u8]> = logs.iter().map(String::as_bytes).collect();
    assert_same_items(&lab.items(), &parallel("logfile_scan", &logs, 2, 2000, 500_000));
}

#[test]
fn nasty_rows_become_the_items_that_python_makes_of_them() {
    for table in ["logfile_scan", "logfile_gsi_low"] {
        let lab = Lab::new(table, LOADER);
        lab.file("log.csv", NASTY_ROWS);
        lab.load(&["log.csv", "--copies", "3"]).assert_code(0);
        assert_same_items(&lab.items(), &nasty_items(table));
    }
}

/// The original's items are a sample: three of every 25.
#[test]
fn where_the_original_s_items_are_at_hand_they_are_the_same() {
    let Some(folder) = python_items() else { return };
    for (table, items) in [("logfile_scan", "parallel.jsonl"), ("logfile_gsi_low", "parallel_gsi_low.jsonl")] {
        let lab = Lab::new(table, LOADER);
        let files = ["logfile_medium1.csv", "logfile_medium2.csv"].map(|name| folder.join(name));
        lab.load(&files.each_ref().map(|path| path.to_str().unwrap())).assert_code(0);
        let mut found: Vec<_> = lab.items().into_iter().collect();
        assert_eq!(found.len(), 1000);
        found.sort_by_key(|(_, item)| item["requestid"].as_n().unwrap().parse::<u64>().unwrap());
        let sample = found.into_iter().enumerate().filter(|(index, _)| index % 25 < 3).map(|(_, item)| item).collect();
        assert_same_items(&sample, &oracle::items(&std::fs::read_to_string(folder.join(items)).unwrap()));
    }
}
