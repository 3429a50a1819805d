//! Items that Python leaves, which nothing of ours has computed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::contract::Items;

/// Rows of every kind that Python reads in its own way: quotes, line breaks, blanks and underscores in numbers, ids that come again.
pub const NASTY_ROWS: &[u8] = include_bytes!("../fixtures/nasty.csv");

/// What [`NASTY_ROWS`] become in the table of that name, each three times but in `logfile`; made with Python's `csv` and `int`.
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

/// The folder with what the workshop's own scripts left in a table, where it is beside the project. Its rows are not ours to copy.
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
