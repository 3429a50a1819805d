//! The number and size of the items, which are counted for each description of a small table and from time to time for a large
//! one.

use std::num::NonZeroU32;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::json::{done, table, with};

/// More than are counted for each description.
const LARGE: usize = 20_050;

fn fill(server: &LocalDynamoDb, items: usize) {
    for first in (0..items).step_by(25) {
        let item = |n: usize| json!({"PK": {"S": format!("{n:06}")}, "GSI_1_PK": {"S": (n % 7).to_string()}});
        let requests: Vec<_> =
            (first..items.min(first + 25)).map(|n| json!({"PutRequest": {"Item": item(n)}})).collect();
        done(server, "BatchWriteItem", json!({"RequestItems": {"logfile": requests}}));
    }
}

/// Number and size of the items and of the index entries.
fn counts(server: &LocalDynamoDb) -> [Value; 4] {
    let table = &done(server, "DescribeTable", json!({"TableName": "logfile"}))["Table"];
    let index = &table["GlobalSecondaryIndexes"][0];
    [&table["ItemCount"], &table["TableSizeBytes"], &index["ItemCount"], &index["IndexSizeBytes"]].map(Clone::clone)
}

/// An item has the names `PK` and `GSI_1_PK`, a key of six digits and one of one digit.
fn expected(items: usize) -> [Value; 4] {
    let size = items * (2 + 6 + 8 + 1);
    [items, size, items, size].map(|number| json!(number))
}

#[test]
fn a_large_table_is_counted_once_and_again_when_the_count_is_old() {
    // Five minutes of the clock are 3 s.
    let server = with(|options| {
        options.throttle = false;
        options.speed = NonZeroU32::new(100).unwrap();
    });
    table(&server, "logfile", 0, Some(0));
    fill(&server, LARGE);
    assert_eq!(counts(&server), expected(LARGE), "counted before the first answer");
    done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "000003"}}}));
    assert!(counts(&server)[2].as_u64().unwrap().abs_diff(LARGE as u64 - 1) <= 1);
    // Asking is what makes an old count be taken again.
    eventually(|| (counts(&server) == expected(LARGE - 1)).then_some(()));

    // A table of the same name starts anew.
    done(&server, "DeleteTable", json!({"TableName": "logfile"}));
    table(&server, "logfile", 0, Some(0));
    assert_eq!(counts(&server), expected(0));
    fill(&server, 50);
    assert_eq!(counts(&server), expected(50), "a small table is counted for each description");
}

#[test]
fn a_count_is_used_for_five_minutes() {
    let server = with(|options| options.throttle = false);
    table(&server, "logfile", 0, Some(0));
    fill(&server, LARGE);
    assert_eq!(counts(&server), expected(LARGE));
    done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "000003"}}}));
    assert_eq!(counts(&server), expected(LARGE));
    let update = json!({"TableName": "logfile", "DeletionProtectionEnabled": true});
    assert_eq!(done(&server, "UpdateTable", update)["TableDescription"]["ItemCount"], LARGE);
}
