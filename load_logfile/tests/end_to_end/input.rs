//! Where rows come from and how their lines end.

use test_support::contract::{assert_same_items, sequential};
use test_support::lab::{gzip, without_times};
use test_support::log::{csv, rows};
use test_support::program::eventually;

use crate::lab;

#[test]
fn marks_line_ends_and_blank_lines_make_no_difference() {
    let log = csv(&rows(1..=30));
    let expected = sequential(log.as_bytes());
    let with = |end: &str| log.replace('\n', end);
    for (name, log) in [
        ("BOM", format!("\u{feff}{log}")),
        ("CRLF", with("\r\n")),
        ("lone CR", with("\r")),
        ("blank lines", format!("\n\n{}  \n\t\n", with("\n\n"))),
        ("blank lines, BOM and CRLF", format!("\u{feff}\r\n{}\r\n", with("\r\n\r\n"))),
        ("no newline at the end", log.trim_end().to_owned()),
        ("lone CR, none at the end", with("\r").trim_end().to_owned()),
    ] {
        let lab = lab();
        lab.file("log.csv", log);
        let run = lab.load(&["log.csv"]);
        assert_eq!(
            (without_times(&run.stdout).as_str(), run.news().as_str()),
            ("RowCount: 30, Total seconds: S\n", ""),
            "{name}"
        );
        assert_same_items(&lab.items(), &expected);
    }
}

#[test]
fn gzip_is_decompressed_whatever_the_name() {
    let log = csv(&rows(1..=60));
    let (first, second) = log.split_at(log.find("\n31,").unwrap() + 1);
    let lab = lab();
    // Concatenated compressed files are one, as for zcat.
    lab.file("log.csv", [gzip(first.as_bytes()), gzip(second.as_bytes())].concat());
    lab.load(&["log.csv"]).assert_code(0);
    assert_same_items(&lab.items(), &sequential(log.as_bytes()));
}

#[test]
fn a_gzip_file_cut_short_is_an_error_after_what_could_be_read() {
    let lab = lab();
    let log = csv(&rows(1..=3000));
    let packed = gzip(log.as_bytes());
    lab.file("log.csv.gz", &packed[..packed.len() / 2]);
    let run = lab.load(&["log.csv.gz"]);
    run.assert_error(1, &["log.csv.gz: line ", "what to do: the file is truncated: copy it again"]);
    let (items, whole) = (lab.items(), sequential(log.as_bytes()));
    assert!(!items.is_empty() && items.len() < 3000, "{} items", items.len());
    assert!(items.iter().all(|(key, item)| whole[key] == *item));
    assert!(
        run.stderr.contains(&format!("{0} rows read = {0} written + 0 rejected + 0 not written", items.len())),
        "{}",
        run.stderr
    );
}

#[test]
fn standard_input_is_read_plain_or_compressed() {
    let log = csv(&rows(1..=120));
    for input in [log.clone().into_bytes(), gzip(log.as_bytes())] {
        let lab = lab();
        let run = lab.program(&["-"]).stdin(input).run();
        run.assert_code(0);
        assert_eq!(without_times(&run.stdout), "row: 100 in S\nRowCount: 120, Total seconds: S\n");
        assert_same_items(&lab.items(), &sequential(log.as_bytes()));
    }
}

#[test]
fn empty_standard_input_is_no_rows() {
    let run = lab().load(&["-"]);
    assert_eq!((without_times(&run.stdout).as_str(), run.code), ("RowCount: 0, Total seconds: S\n", Some(0)));
}

#[test]
fn rows_of_a_slow_pipe_are_written_while_it_is_open() {
    let lab = lab();
    let mut running = lab.program(&["-"]).start();
    for (count, row) in (1..).zip(rows(1..=3)) {
        running.write(&(row.csv() + "\n"));
        eventually("the row is in the table", || lab.items().len() == count);
    }
    running.write("4,10.0.0.1,2017-07-20,01,tz,GET,/half-a-");
    running.write("row,200,5,ua");
    let run = running.finish();
    assert_eq!((without_times(&run.stdout).as_str(), run.code), ("RowCount: 4, Total seconds: S\n", Some(0)));
    assert_eq!(lab.items()["request#4"]["url"].as_s().unwrap(), "/half-a-row");
}

#[test]
fn a_named_pipe_is_an_input() {
    let lab = lab();
    let log = csv(&rows(1..=10));
    let pipe = lab.folder().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let running = lab.program(&["pipe"]).start();
    std::fs::write(&pipe, &log).unwrap();
    running.finish().assert_code(0);
    assert_same_items(&lab.items(), &sequential(log.as_bytes()));
}
