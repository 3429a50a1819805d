//! The log files of this repository, and what the generator makes in general.

#![expect(clippy::unwrap_used, reason = "a test's helpers, too, may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// File, first requestid, rows, seed.
const FILES: [(&str, u64, u64, u64); 3] =
    [("logfile_small1.csv", 1, 500, 4), ("logfile_medium1.csv", 1, 2000, 2), ("logfile_medium2.csv", 2001, 2000, 3)];

fn generate(first_id: u64, rows: u64, seed: u64) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_generate_logfile"))
        .args(["--first-id", &first_id.to_string(), "--rows", &rows.to_string(), "--seed", &seed.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

fn records(csv: &[u8]) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    reader.records().map(Result::unwrap).collect()
}

#[test]
fn the_committed_files_are_what_the_generator_makes() {
    for (file, first_id, rows, seed) in FILES {
        let committed = std::fs::read(path(file)).unwrap();
        assert!(
            committed == generate(first_id, rows, seed),
            "{file} is not what the generator makes; see data/README.md"
        );
    }
}

#[test]
fn the_committed_files_are_like_a_real_log() {
    for (file, first_id, rows, _) in FILES {
        let bytes = std::fs::read(path(file)).unwrap();
        let records = records(&bytes);
        assert_eq!(records.len() as u64, rows, "{file}");
        let mut values: Vec<BTreeMap<&str, usize>> = vec![BTreeMap::new(); 10];
        for (record, id) in records.iter().zip(first_id..) {
            assert_eq!(record.len(), 10, "{record:?}");
            assert_eq!(record[0], id.to_string());
            assert!(record[8].parse::<u32>().is_ok(), "{record:?}");
            for (column, value) in record.iter().enumerate() {
                *values[column].entry(value).or_default() += 1;
            }
        }
        let codes: BTreeSet<&str> = values[7].keys().copied().collect();
        assert_eq!(codes, BTreeSet::from(["200", "206", "301", "302", "304", "404", "500"]), "{file}");
        assert!(
            values[7]["500"] * 50 < records.len() && values[7]["200"] * 4 > records.len() * 3,
            "{file}: {:?}",
            values[7]
        );
        let busiest = *values[1].values().max().unwrap();
        assert!(values[1].len() > 80 && busiest * 6 > records.len(), "{file}: {} hosts, {busiest}", values[1].len());
        assert_eq!(values[2].len(), 2, "{file}: dates");
        assert_eq!(values[3].len(), 24, "{file}: hours");
        assert!(values[3].contains_key("01"), "{file}");
        for (column, odd) in [(6, '"'), (6, ','), (6, 'ü'), (9, '"'), (9, ',')] {
            assert!(values[column].keys().any(|value| value.contains(odd)), "{file}: column {column} without {odd}");
        }
    }
}

#[test]
fn the_same_arguments_give_the_same_rows_and_another_seed_gives_others() {
    assert_eq!(generate(1, 300, 7), generate(1, 300, 7));
    let (seven, eight) = (records(&generate(1, 300, 7)), records(&generate(1, 300, 8)));
    let same = seven.iter().zip(&eight).filter(|(a, b)| a == b).count();
    assert!(same < 5, "{same} rows are the same");
    assert_eq!(generate(1, 0, 1), b"");
}

#[test]
fn a_file_is_written_and_a_failure_named() {
    let directory = std::env::temp_dir().join(format!("generate_logfile-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("log.csv");
    let run = |file: &Path| {
        Command::new(env!("CARGO_BIN_EXE_generate_logfile"))
            .args(["--rows", "10", "--output"])
            .arg(file)
            .output()
            .unwrap()
    };
    assert!(run(&file).status.success());
    assert_eq!(std::fs::read(&file).unwrap(), generate(1, 10, 1));
    let failed = run(&directory);
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(failed.status.code(), Some(1));
    let stderr = String::from_utf8(failed.stderr).unwrap();
    assert!(stderr.starts_with("generate_logfile: error: cannot write to ") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_generate_logfile"));
    let mut child =
        command.args(["--rows", "100000000"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
