//! The output of `--dry-run`, compared with real loads.

use std::num::NonZeroU32;

use local_dynamodb::Options;
use test_support::canned::dead_endpoint;
use test_support::capacity::{assert_estimate, lab_without_burst};
use test_support::lab::Lab;
use test_support::log::{csv, row, rows};
use test_support::program::Program;
use test_support::table::{self, Wcu};

use crate::{LOADER, lab};

#[test]
fn nothing_is_written_and_all_is_checked() {
    let lab = lab();
    let bad = csv(&[row(3).code("abc")]);
    lab.file("log.csv", [csv(&rows(1..=2)), bad, csv(&rows(4..=5))].concat());
    let run = lab.load(&["log.csv", "--dry-run"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        &lines[..4],
        [
            "dry run: nothing is written",
            "5 rows read: 4 valid, 1 bad",
            "  log.csv:3: column 8 (responsecode): \"abc\" is not an integer",
            "they cost 4 WCU of logfile, 4 of GSI_1, if none of them is in the table yet",
        ],
        "{}",
        run.stdout
    );
    assert_eq!(lab.items().len(), 0);
    let missing = lab.load(&["no_such.csv", "--dry-run"]);
    missing.assert_error(1, &["cannot read no_such.csv"]);
}

#[test]
fn without_a_table_it_says_what_it_cannot_know() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=2500)));
    let program = |table| Program::new(LOADER).directory(lab.folder()).args([table, "log.csv", "--dry-run"]);
    for run in [program("logfile").endpoint(&dead_endpoint()).run(), program("logfile").run()] {
        run.assert_code(0);
        assert!(run.stdout.contains("they cost 2,500 WCU of logfile, 2,500 of GSI_1"), "{}", run.stdout);
        assert!(run.stdout.contains("assuming the one that `create_tables logfile` makes"), "{}", run.stdout);
        assert!(
            run.stdout.contains("\n  3 min 20 s (as table logfile allows), if the table has been idle"),
            "{}",
            run.stdout
        );
        assert!(
            run.stdout.contains("\n  8 min 20 s (as table logfile allows), if its burst is used up"),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains("for a minute it needs 17 WCU for logfile\n"), "{}", run.stdout);
    }
    let other = program("other").endpoint(&lab.url()).run();
    other.assert_code(0);
    assert!(other.stdout.contains("they cost 2,500 WCU of other, if none"), "{}", other.stdout);
    assert!(
        other.stdout.contains("so its indexes, their cost and the duration of the load are unknown"),
        "{}",
        other.stdout
    );
}

/// The lab's own table, with the burst that a new table has.
#[test]
fn the_estimate_for_logfile_is_the_time_that_the_load_takes() {
    let options = Options { speed: NonZeroU32::new(5).unwrap(), ..Options::default() };
    let lab = Lab::provisioned("logfile", LOADER, Wcu { table: 5, index: 5 }, &options);
    lab.file("log.csv", csv(&rows(1..=2500)));
    assert_estimate(&lab, &["log.csv"], "if the table has been idle", 5.0);
}

#[test]
fn the_estimate_for_a_table_without_burst_is_the_time_that_the_load_takes() {
    let lab = lab_without_burst("logfile", LOADER, Wcu { table: 5, index: 1000 }, 10, 20_000);
    lab.file("log.csv", csv(&rows(1..=2000)));
    assert_estimate(&lab, &["log.csv"], "if its burst is used up", 10.0);
}

#[test]
fn a_table_with_another_key_fails_as_the_load_does() {
    let lab = lab();
    table::create_plain(&lab.url(), "other", "id");
    lab.file("log.csv", csv(&rows(1..=3)));
    let program = || Program::new(LOADER).directory(lab.folder()).endpoint(&lab.url()).args(["other", "log.csv"]);
    for run in [program().run(), program().args(["--dry-run"]).run()] {
        run.assert_error(1, &["the key of table other is id (S), but the key of the items is PK (S)"]);
        assert_eq!(run.stdout, "");
    }
}
