//! Files and rows that cannot be loaded: one clear message, the documented exit code, everything before the bad row written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use test_support::contract::{assert_same_items, sequential};
use test_support::lab::without_times;
use test_support::log::{Row, csv, row, rows};

use crate::lab;

const ADVICE: &str = "what to do: fix the row, or collect bad rows in a file and load the others: --rejects FILE";

/// A bad row as it is in the file, and the message about it.
fn bad_rows() -> Vec<(Vec<u8>, String)> {
    let cases = [
        ("1,h,d".into(), "has 3 columns, and the mapping has 10 (requestid, host, date,".into()),
        ("lonely".into(), "has 1 column, and the mapping has 10".into()),
        (row("abc").csv(), "column 1 (requestid): \"abc\" is not an integer".into()),
        (row("").csv(), "column 1 (requestid): \"\" is not an integer".into()),
        (row(1).hour("1.5").csv(), "column 4 (hourofday): \"1.5\" is not an integer".into()),
        (row(1).code("2__00").csv(), "column 8 (responsecode): \"2__00\" is not an integer".into()),
        (row(1).bytes("-").csv(), "column 9 (bytessent): \"-\" is not an integer".into()),
        (
            row(1).bytes(&"9".repeat(39)).csv(),
            format!("column 9 (bytessent): \"{}\" has 39 digits, and DynamoDB keeps at most 38", "9".repeat(39)),
        ),
        (row(1).agent(&"x".repeat(410_000)).csv(), "makes an item of 410".into()),
        (
            row(1).host(&"h".repeat(2044)).csv(),
            "column 2 (host): the key GSI_1_PK made from it has 2049 bytes, and DynamoDB accepts at most 2048".into(),
        ),
    ];
    let mut cases: Vec<(Vec<u8>, String)> =
        cases.into_iter().map(|(row, message)| (row.into_bytes(), message)).collect();
    let utf8 = row(1).url("/caf#").csv().into_bytes();
    let latin1 = utf8.into_iter().map(|byte| if byte == b'#' { 0xe9 } else { byte }).collect();
    cases.push((latin1, "column 7: \"/caf\u{fffd}\" is not valid UTF-8 (at byte 5 of the column)".into()));
    cases
}

#[test]
fn the_first_bad_row_ends_the_load_with_all_before_it_written() {
    for (bad, message) in bad_rows() {
        let lab = lab();
        let before = csv(&rows(100..160));
        let log = [before.as_bytes(), &bad, b"\n", csv(&rows(200..260)).as_bytes()].concat();
        lab.file("log.csv", log);
        let run = lab.load(&["log.csv"]);
        run.assert_error(1, &[&format!("load_logfile: error: log.csv:61: {message}"), ADVICE]);
        assert!(run.stderr.contains("61 rows read = 60 written + 1 rejected + 0 not written"), "{}", run.stderr);
        assert_eq!(run.stdout, "", "the last line is for a load that is done");
        assert_same_items(&lab.items(), &sequential(before.as_bytes()));
    }
}

#[test]
fn rejected_rows_are_collected_verbatim_and_the_rest_is_written() {
    let lab = lab();
    let (mut log, mut collected, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    let good = rows(100..400);
    let mut rows = good.chunks(25);
    let mut line = 1;
    for (bad, message) in bad_rows() {
        let some = rows.next().unwrap();
        log.extend([csv(some).as_bytes(), &bad, b"\r\n"].concat());
        line += some.len();
        collected.extend([&bad[..], b"\n"].concat());
        reasons.push((format!("log.csv:{line}: "), message));
        line += 1;
    }
    log.extend(rows.flat_map(|rows| csv(rows).into_bytes()));
    lab.file("log.csv", &log);
    let run = lab.load(&["log.csv", "--rejects", "bad.csv"]);
    run.assert_code(3);
    let expected = format!("load_logfile: 311 rows read = 300 written + {} rejected + 0 not written, ", reasons.len());
    assert!(run.stderr.starts_with(&expected), "{}", run.stderr);
    assert_eq!(
        without_times(&run.stdout),
        "row: 100 in S\nrow: 200 in S\nrow: 300 in S\nRowCount: 300, Total seconds: S\n"
    );
    assert_same_items(&lab.items(), &sequential(csv(&good).as_bytes()));
    assert!(fs::read(lab.folder().join("bad.csv")).unwrap() == collected, "not verbatim");
    let found = lab.read("bad.csv.reasons");
    assert_eq!(found.lines().count(), reasons.len(), "{found}");
    for (line, (place, message)) in found.lines().zip(reasons) {
        assert!(line.starts_with(&place) && line.contains(&message), "{line:?} should say {place:?}, {message:?}");
    }
}

#[test]
fn rejected_rows_can_be_fixed_and_loaded() {
    let lab = lab();
    let quoted = row("x1").url("/two\nlines, \"quoted\"");
    lab.file("log.csv", csv(&[row(1), quoted.clone(), row(2), row(3).code("?")]));
    lab.load(&["log.csv", "--rejects", "bad.csv"]).assert_code(3);
    let fixed = lab.read("bad.csv").replace("x1", "11").replace('?', "404");
    lab.file("fixed.csv", fixed);
    lab.load(&["fixed.csv"]).assert_code(0);
    let mut quoted = quoted;
    quoted.0[0] = "11".to_owned();
    let whole = [row(1), quoted, row(2), row(3).code("404")];
    assert_same_items(&lab.items(), &sequential(csv(&whole).as_bytes()));
}

#[test]
fn an_unclosed_quote_is_found_at_the_end_of_the_file() {
    let before = csv(&rows(1..=30));
    let open = row(31).csv().replace("/index.html", "\"/never closed");
    let log = format!("{before}{open}\n{}", csv(&[row(32), row(33)]));
    let message = "log.csv:31: the quote in line 31, character 40 (column 7) is not closed before the end of the file";
    let lab = lab();
    lab.file("log.csv", &log);
    lab.load(&["log.csv"]).assert_error(1, &[message]);
    assert_same_items(&lab.items(), &sequential(before.as_bytes()));
    lab.load(&["log.csv", "--rejects", "bad.csv"]).assert_code(3);
    assert_eq!(lab.read("bad.csv"), log[before.len()..], "nothing of it is lost");
    assert!(lab.read("bad.csv.reasons").starts_with(message));
}

#[test]
fn an_unclosed_quote_in_a_large_file_does_not_fill_the_memory() {
    let lab = lab();
    let before = csv(&rows(1..=30));
    let open = row(31).csv().replace("/index.html", "\"/never closed");
    let mut log = format!("{before}{open}\n").into_bytes();
    log.resize(6 << 20, b'x');
    lab.file("log.csv", log);
    for args in [&["log.csv"][..], &["log.csv", "--rejects", "bad.csv"]] {
        lab.load(args).assert_error(
            1,
            &["log.csv: line 31: the record that begins here does not end within 4 MiB", "close the quote"],
        );
    }
    assert_same_items(&lab.items(), &sequential(before.as_bytes()));
}

#[test]
fn nothing_is_left_behind_where_no_row_is_bad() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=3)));
    lab.load(&["log.csv", "--rejects", "bad.csv"]).assert_code(0);
    let names: Vec<_> = fs::read_dir(lab.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["log.csv"]);
}

#[test]
fn a_rejects_file_that_cannot_be_used_is_refused_before_anything_is_written() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=3)));
    lab.file("bad.csv", "rows of yesterday\n");
    lab.load(&["log.csv", "--rejects", "bad.csv"])
        .assert_error(4, &["bad.csv already contains rows", "choose another file"]);
    assert_eq!(lab.read("bad.csv"), "rows of yesterday\n");
    lab.file("other.csv.reasons", "reasons of yesterday\n");
    lab.load(&["log.csv", "--rejects", "other.csv"]).assert_error(4, &["other.csv.reasons already contains rows"]);
    for path in ["no/such/folder/bad.csv", "."] {
        lab.load(&["log.csv", "--rejects", path])
            .assert_error(1, &["cannot write ", path, "what to do: check the path"]);
    }
    lab.load(&["log.csv", "--rejects", "log.csv"]).assert_error(4, &["log.csv already contains rows"]);
    assert!(lab.items().is_empty());
    assert!(!lab.folder().join("other.csv").exists(), "an empty file is left");
}

#[test]
fn a_rejects_file_on_a_full_disk_ends_the_load() {
    let lab = lab();
    lab.file("log.csv", format!("{}bad\n{}", csv(&rows(1..=3)), csv(&rows(4..=6))));
    lab.load(&["log.csv", "--rejects", "/dev/full"]).assert_error(1, &["cannot write /dev/full", "No space left"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_reason() {
    let lab = lab();
    let run = lab.load(&["./data/nothing.csv"]);
    run.assert_error(1, &["load_logfile: error: cannot read ./data/nothing.csv: No such file or directory"]);
    assert_eq!(run.stdout, "");
    fs::create_dir(lab.folder().join("empty")).unwrap();
    lab.load(&["empty"]).assert_error(1, &["cannot read empty: there is no file in this folder"]);
    // A file named by a directory's name and a slash.
    lab.file("log.csv", "");
    lab.load(&["log.csv/"]).assert_error(1, &["cannot read log.csv/: Not a directory"]);
    assert!(lab.items().is_empty());
}

#[test]
fn a_file_without_permission_is_named_with_the_reason() {
    let lab = lab();
    let path = lab.file("secret.csv", csv(&rows(1..=3)));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        return; // the superuser may read everything
    }
    lab.load(&["secret.csv"]).assert_error(1, &["cannot read secret.csv: Permission denied"]);
}

#[test]
fn an_empty_file_has_no_rows() {
    for contents in ["", "\n", "\u{feff}", " \r\n\r\n"] {
        let lab = lab();
        lab.file("log.csv", contents);
        let run = lab.load(&["log.csv"]);
        assert_eq!((run.code, run.news().as_str()), (Some(0), ""), "{contents:?}");
        assert_eq!(without_times(&run.stdout), "RowCount: 0, Total seconds: S\n");
    }
}

#[test]
fn a_file_that_is_not_a_log_is_refused_at_its_first_line() {
    let lab = lab();
    for (contents, message) in [
        (
            &b"requestid,host,date,hourofday,timezone,method,url,responsecode,bytessent,useragent\n"[..],
            "log.csv: this is a file whose first line is a header; load it with --header",
        ),
        (b"<html>\n", "log.csv: this is XML or HTML"),
        (b"\x00\x01\x02\xff\xfe", "log.csv: this is binary data, not text"),
        (b"\0\0\0\0\0\0\0\x001,h", "log.csv: this is a file that begins with NUL bytes"),
        (b"\xff\xfe1\x00,\x00h\x00", "log.csv:1: has 2 columns"),
        (b"1,\xff\xfeh", "is not valid UTF-8"),
        (b"\x1f\x8bno gzip after all", "cannot read log.csv: the gzip data is damaged: invalid gzip header"),
    ] {
        lab.file("log.csv", contents);
        lab.load(&["log.csv"]).assert_error(1, &[message]);
    }
    assert!(lab.items().is_empty());
}

/// Input that only DynamoDB rejects, because only the service knows all of its rules.
#[test]
fn rows_are_counted_once_each_also_where_all_are_bad() {
    let lab = lab();
    let log: Vec<Row> = (0..250).map(|n| row(n).bytes("many")).collect();
    lab.file("log.csv", csv(&log));
    let run = lab.load(&["log.csv", "--rejects", "bad.csv"]);
    run.assert_code(3);
    assert!(run.stderr.contains("250 rows read = 0 written + 250 rejected + 0 not written"), "{}", run.stderr);
    assert_eq!(without_times(&run.stdout), "RowCount: 0, Total seconds: S\n");
    assert_eq!(lab.read("bad.csv"), csv(&log));
}

/// Twenty bad rows in two thousand.
#[test]
fn more_bad_rows_than_allowed_end_the_load() {
    let lab = lab();
    let log: Vec<Row> =
        (1..=2000).map(|number| if number % 100 == 0 { row(number).code("?") } else { row(number) }).collect();
    lab.file("log.csv", csv(&log));
    for (most, is_done) in [("20", true), ("1%", true), ("5", false), ("0.5%", false), ("0", false)] {
        let rejects = format!("bad{most}.csv");
        let run = lab.load(&["log.csv", "--rejects", &rejects, "--max-errors", most]);
        let counts = run.counts();
        if is_done {
            run.assert_code(3);
            assert_eq!((counts.read, counts.rejected), (2000, 20), "{most}");
        } else {
            let error = format!("--max-errors {most} is exceeded: {} rejected", counts.rejected);
            run.assert_error(4, &[&error, "FILE.reasons"]);
            assert!(counts.rejected < 20 || most.ends_with('%'), "{most}: {counts:?}");
        }
        assert_eq!(counts.not_written, 0, "{most}: what was read is written");
        assert_eq!(lab.read(&rejects).lines().count(), counts.rejected, "{most}");
    }
    let run = lab.load(&["log.csv", "--max-errors", "5"]);
    run.assert_code(2);
    assert!(run.stderr.contains("--rejects"), "{}", run.stderr);
}
