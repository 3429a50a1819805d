//! Files that are not logs or are incomplete: one message that says what they are and what to do, also with --rejects.

use test_support::contract::{assert_same_items, sequential};
use test_support::fault::Fault;
use test_support::lab::gzip;
use test_support::log::{csv, row, rows};
use test_support::proxy::Proxy;

use crate::lab;

/// Bytes of all values, in an order unlike text.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn binary_data_is_one_error_in_every_format() {
    let lab = lab();
    lab.file("noise", noise(100_000));
    lab.file("packed.gz", gzip(&noise(10_000)));
    lab.file("short", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0");
    for name in ["noise", "packed.gz", "short"] {
        for format in ["csv", "tsv", "jsonl", "access-log", "w3c", "alb"] {
            let run = lab.load(&[name, "--format", format, "--rejects", "bad"]);
            run.assert_errors(1, 1, &[&format!("{name}: this is binary data, not text; name a log file")]);
            assert!(!lab.folder().join("bad").exists(), "{name} as {format}");
        }
    }
    assert!(lab.items().is_empty());
}

#[test]
fn compressed_data_cut_off_or_damaged_says_what_to_do() {
    let lab = lab();
    let packed = gzip(csv(&rows(1..=3000)).as_bytes());
    lab.file("cut.gz", &packed[..packed.len() / 2]);
    lab.file("shorter.gz", &packed[..12]);
    // "some text\n" without its last bytes.
    lab.file("cut.xz", b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F\x02\x00!\x01\x16\x00\x00\x00t/\xe5\xa3\x01\x00\x09some");
    lab.file("cut.bz2", b"BZh91AY&SY\x10ib\xf5\x00\x00\x03Q\x80\x00\x10@\x00\x02\x02\x8c@");
    lab.file("cut.zst", b"(\xb5/\xfd\x04XQ\x00\x00some");
    for (name, format) in
        [("cut.gz", "gzip"), ("shorter.gz", "gzip"), ("cut.xz", "xz"), ("cut.bz2", "bzip2"), ("cut.zst", "zstd")]
    {
        let run = lab.load(&[name, "--rejects", "bad"]);
        let text = format!("the {format} data is cut off");
        run.assert_errors(1, 1, &[name, &text, "what to do: the file is truncated: copy it again"]);
    }
    let mut damaged = packed;
    let middle = damaged.len() / 2;
    damaged[middle..middle + 20].fill(0xff);
    lab.file("damaged.gz", damaged);
    lab.load(&["damaged.gz", "--rejects", "bad"]).assert_errors(
        1,
        1,
        &["damaged.gz: ", "the gzip data is damaged", "what to do: the file is damaged: copy it again"],
    );
}

#[test]
fn inputs_that_are_not_there() {
    let lab = lab();
    lab.load(&["nothing.csv"])
        .assert_error(1, &["cannot read nothing.csv: No such file", "what to do: check the path"]);
    std::fs::create_dir(lab.folder().join("empty")).unwrap();
    lab.load(&["empty"])
        .assert_error(1, &["there is no file in this folder", "what to do: specify a folder that contains log files"]);
}

#[test]
fn a_quote_that_swallows_the_rest_of_the_file_is_named_with_its_place() {
    let lab = lab();
    let log = (1..=100).map(|id| row(id).csv() + "\n").collect::<String>();
    let (first, rest) = log.split_once('\n').unwrap();
    let (before, _) = first.rsplit_once(',').unwrap();
    lab.file("a.csv", format!("{before},\"never closed\n{rest}"));
    let run = lab.load(&["a.csv"]);
    let quote = format!("the quote in line 1, character {} (column 10) is not closed", before.chars().count() + 2);
    run.assert_error(
        1,
        &[&quote, "the 99 lines after it are part of the field", "1 row read = 0 written + 1 rejected + 0 not written"],
    );
    let run = lab.load(&["a.csv", "--rejects", "bad.csv"]);
    run.assert_code(3);
    assert!(lab.read("bad.csv.reasons").contains(&quote));
    assert_eq!(lab.read("bad.csv").lines().count(), 100, "nothing is lost");
}

#[test]
fn a_line_longer_than_any_item() {
    let lab = lab();
    let long = row(2).url(&"a".repeat(10_000_000));
    lab.file("a.csv", csv(&[row(1), long, row(3)]));
    let run = lab.load(&["a.csv", "--rejects", "bad.csv"]);
    run.assert_error(1, &["a.csv: line 2: the record that begins here does not end within 4 MiB", "up to 400 KB"]);
    assert_eq!(lab.items().len(), 1);
}

#[test]
fn no_bytes_at_all_are_no_rows() {
    let lab = lab();
    lab.file("empty.csv", "");
    lab.file("empty.gz", gzip(b""));
    for name in ["empty.csv", "empty.gz"] {
        let run = lab.load(&[name]);
        run.assert_code(0);
        assert!(run.stderr.contains("0 rows read = 0 written"), "{}", run.stderr);
    }
}

#[test]
fn a_response_that_takes_seven_seconds_is_waited_for_on_this_machine_too() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=3)));
    let slow = Fault::Late(std::time::Duration::from_secs(7));
    let proxy = Proxy::start(&lab.url(), move |_, _| slow.clone());
    let run = test_support::program::Program::new(crate::LOADER)
        .directory(lab.folder())
        .endpoint(&proxy.url())
        .args(["logfile", "log.csv"])
        .run();
    run.assert_code(0);
    assert_eq!((lab.items().len(), proxy.calls()), (3, 1), "{}", run.stderr);
}

#[test]
fn text_without_a_delimiter_is_one_error_however_short_it_is() {
    let lab = lab();
    for (name, text) in [("line", "hello"), ("lines", "May 5 host sshd[1]: a\nMay 5 host sshd[1]: b\n")] {
        lab.file(name, text);
        let words = format!("{name}: this is text without ',' between columns; name the delimiter (--delimiter)");
        lab.load(&[name, "--rejects", "bad"]).assert_errors(1, 1, &[&words]);
        assert!(!lab.folder().join("bad").exists(), "{name}");
    }
}

#[test]
fn utf16_without_a_mark_is_named_in_any_script() {
    let lab = lab();
    let log =
        csv(&(1..=50).map(|id| row(id).host("узел").url("/журнал/запись").agent("閲覧ソフト")).collect::<Vec<_>>());
    lab.file("le.csv", log.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    lab.file("be.csv", log.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>());
    for (name, encoding) in [("le.csv", "UTF-16LE"), ("be.csv", "UTF-16BE")] {
        let words = format!("{name}: this is {encoding} without a byte-order mark; convert it: iconv -f {encoding}");
        lab.load(&[name, "--rejects", "bad"]).assert_errors(1, 1, &[&words]);
    }
    assert!(lab.items().is_empty());
}

#[test]
fn null_characters_are_loaded_as_they_are_and_counted() {
    let lab = lab();
    let log = csv(&[row(1), row(2).agent("a\0b"), row(3), row(4).host("\0\0\0"), row(5)]);
    lab.file("a.csv", &log);
    let run = lab.load(&["a.csv", "--report", "report.json"]);
    run.assert_code(0);
    let warned = "a.csv:2: the row has NUL characters in it, as a file does after a crash or a full disk; it is loaded";
    assert!(run.stderr.contains(warned), "{}", run.stderr);
    assert!(run.stderr.contains("2 rows have NUL characters in them"), "{}", run.stderr);
    assert!(lab.read("report.json").contains("null_characters"));
    assert_same_items(&lab.items(), &sequential(log.as_bytes()));
    let run = lab.load(&["a.csv", "--dry-run"]);
    assert!(
        run.stdout
            .contains("2 rows have NUL characters in them, as a file does after a crash or a full disk, first a.csv:2")
    );
    let run = lab.load(&["a.csv", "--strict", "--rejects", "bad.csv"]);
    run.assert_code(3);
    assert_eq!(lab.read("bad.csv").lines().count(), 2);
}

#[test]
fn a_file_that_is_truncated_while_it_is_read_is_an_error_and_no_row_is_cut() {
    let log = csv(&rows(1..=40_000));
    let whole = sequential(log.as_bytes());
    for (length, packed) in [(300_000, false), (0, false), (30_000, true)] {
        let lab = lab();
        let path = if packed { lab.file("log.csv", gzip(log.as_bytes())) } else { lab.file("log.csv", &log) };
        let proxy = Proxy::start(&lab.url(), move |call, _| {
            if call == 0 {
                std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
            }
            Fault::None
        });
        let run = test_support::program::Program::new(crate::LOADER)
            .directory(lab.folder())
            .endpoint(&proxy.url())
            .args(["logfile", "log.csv", "--rejects", "bad", "--report", "report.json"])
            .run();
        let texts = [
            "log.csv: line ",
            "it was truncated while it was read, from ",
            "what to do: check the file; the rows before",
        ];
        run.assert_error(1, &texts);
        let (items, report) = (lab.items(), lab.read("report.json"));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let rows = &report["rows"];
        assert_eq!([&rows["written"], &rows["rejected"]], [items.len(), 0], "{}", run.stderr);
        assert!(!items.is_empty() && items.iter().all(|(key, item)| whole[key] == *item), "no row is cut");
    }
}
