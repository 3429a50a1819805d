//! Items that Python has produced, independent of this project's code.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::contract::Items;

/// Rows that Python reads in special ways: quotes, line breaks, blanks and underscores in numbers, repeated ids.
pub const NASTY_ROWS: &[u8] = include_bytes!("../fixtures/nasty.csv");

/// The items of [`NASTY_ROWS`] in the table of that name, each three times except in `logfile`; created with Python's
/// `csv` and `int`.
///
/// # Panics
/// For another table.
pub fn nasty_items(table: &str) -> Items {
    items(match table {
        "logfile" => include_str!("../fixtures/nasty_logfile.jsonl"),
        "logfile_scan" => include_str!("../fixtures/nasty_logfile_scan.jsonl"),
        "logfile_gsi_low" => include_str!("../fixtures/nasty_logfile_gsi_low.jsonl"),
        other => panic!("no items for {other}"),
    })
}

/// The folder with the items that the workshop's own scripts have produced, if it exists next to the project. Its
/// contents must not be copied.
pub fn python_items() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/python-items");
    folder.is_dir().then_some(folder)
}

/// Items in DynamoDB JSON, one a line.
///
/// # Panics
/// If they are not.
pub fn items(lines: &str) -> Items {
    lines.lines().map(item).collect()
}

fn item(line: &str) -> (String, HashMap<String, AttributeValue>) {
    let attributes: HashMap<String, HashMap<String, Value>> = serde_json::from_str(line).unwrap();
    let value = |typed: HashMap<String, Value>| match typed.into_iter().next() {
        Some((kind, Value::String(text))) if kind == "S" => AttributeValue::S(text),
        Some((kind, Value::String(text))) if kind == "N" => AttributeValue::N(text),
        other => panic!("{other:?} in {line}"),
    };
    let item: HashMap<_, _> = attributes.into_iter().map(|(name, typed)| (name, value(typed))).collect();
    (item["PK"].as_s().unwrap().clone(), item)
}
