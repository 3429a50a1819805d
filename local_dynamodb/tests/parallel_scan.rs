//! Parallel scans: the segments are all of the table, each item in one of them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::json::{done, item, table, with};

const ITEMS: usize = 1_500;

fn filled() -> LocalDynamoDb {
    let server = with(|options| options.throttle = false);
    table(&server, "logfile", 0, None);
    for first in (0..ITEMS).step_by(25) {
        let requests: Vec<_> =
            (first..first + 25).map(|n| json!({"PutRequest": {"Item": item(&n.to_string(), 1_000, false)}})).collect();
        done(&server, "BatchWriteItem", json!({"RequestItems": {"logfile": requests}}));
    }
    server
}

/// The keys of a segment, in the order of the pages; `after_page` is called after each.
fn segment(server: &LocalDynamoDb, segment: Value, mut after_page: impl FnMut(&Value)) -> Vec<String> {
    let mut request = segment;
    request["TableName"] = json!("logfile");
    let mut keys = Vec::new();
    loop {
        let page = done(server, "Scan", request.clone());
        let items = page["Items"].as_array().unwrap();
        assert_eq!(page["ScannedCount"], items.len());
        keys.extend(items.iter().map(|item| item["PK"]["S"].as_str().unwrap().to_owned()));
        after_page(&page["LastEvaluatedKey"]);
        if page["LastEvaluatedKey"].is_null() {
            return keys;
        }
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

#[test]
fn every_item_is_in_one_segment() {
    let server = filled();
    let all: BTreeSet<_> = (0..ITEMS).map(|n| n.to_string()).collect();
    for (total, limit) in [(1, None), (2, None), (3, Some(7)), (4, Some(100)), (4, None), (33, None)] {
        let mut found = BTreeSet::new();
        for number in 0..total {
            let mut request = json!({"Segment": number, "TotalSegments": total});
            if let Some(limit) = limit {
                request["Limit"] = json!(limit);
            }
            for key in segment(&server, request, |_| {}) {
                assert!(found.insert(key.clone()), "{key} twice, of {total} segments");
            }
        }
        assert_eq!(found, all, "{total} segments");
    }
    // More segments than the engine has hash buckets: some are empty.
    let found: usize =
        (0..10).map(|n| segment(&server, json!({"Segment": 500 * n, "TotalSegments": 5_000}), |_| {}).len()).sum();
    assert!(found < 20, "{found}");
    assert_eq!(done(&server, "Scan", json!({"TableName": "logfile", "Select": "COUNT", "Limit": 5}))["Count"], 5);
}

#[test]
fn items_written_and_deleted_meanwhile_do_not_disturb_the_rest() {
    let server = filled();
    let mut added = 0;
    let mut found = Vec::new();
    for number in 0..4 {
        found.extend(segment(&server, json!({"Segment": number, "TotalSegments": 4, "Limit": 50}), |last| {
            if let Some(key) = last["PK"]["S"].as_str() {
                done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": key}}}));
                added += 1;
                let item = json!({"PK": {"S": format!("new{added}")}});
                done(&server, "PutItem", json!({"TableName": "logfile", "Item": item}));
            }
        }));
    }
    found.retain(|key| !key.starts_with("new"));
    let unique: BTreeSet<_> = found.iter().collect();
    assert_eq!((unique.len(), found.len()), (ITEMS, ITEMS));
}

#[test]
fn a_table_can_be_made_again_after_a_parallel_scan() {
    let server = filled();
    let scan = json!({"Segment": 0, "TotalSegments": 1});
    assert_eq!(segment(&server, scan.clone(), |_| {}).len(), ITEMS);
    done(&server, "DeleteTable", json!({"TableName": "logfile"}));
    table(&server, "logfile", 0, None);
    assert!(segment(&server, scan, |_| {}).is_empty());
}

/// The keys of all segments of an index; none may come twice.
fn index_segments(server: &LocalDynamoDb, index: &str, total: u32, limit: Option<u32>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for number in 0..total {
        let mut request = json!({"IndexName": index, "Segment": number, "TotalSegments": total});
        if let Some(limit) = limit {
            request["Limit"] = json!(limit);
        }
        for key in segment(server, request, |_| {}) {
            assert!(found.insert(key.clone()), "{key} twice, of {total} segments");
        }
    }
    found
}

#[test]
fn every_entry_of_an_index_is_in_one_segment() {
    let server = with(|options| options.throttle = false);
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let projection = json!({"ProjectionType": "ALL"});
    done(
        &server,
        "CreateTable",
        json!({
            "TableName": "logfile", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [attribute("PK"), attribute("SK"), attribute("G")],
            "KeySchema": [key("PK", "HASH"), key("SK", "RANGE")],
            "GlobalSecondaryIndexes": [{"IndexName": "global", "KeySchema": [key("G", "HASH")], "Projection": projection}],
            "LocalSecondaryIndexes":
                [{"IndexName": "local", "KeySchema": [key("PK", "HASH"), key("G", "RANGE")], "Projection": projection}],
        }),
    );
    done(&server, "DescribeTable", json!({"TableName": "logfile"}));
    let put = |n: usize| {
        let text = |text: String| json!({"S": text});
        let mut item = json!({"PK": text(n.to_string()), "SK": text("x".into()), "d": text("d".repeat(2_000))});
        if !n.is_multiple_of(4) {
            item["G"] = text((n % 3).to_string());
        }
        json!({"PutRequest": {"Item": item}})
    };
    let write = |from: usize, to: usize| {
        for first in (from..to).step_by(25) {
            let requests: Vec<_> = (first..first + 25).map(put).collect();
            done(&server, "BatchWriteItem", json!({"RequestItems": {"logfile": requests}}));
        }
    };
    write(0, 600);
    let all =
        |items: usize| (0..items).filter(|n| !n.is_multiple_of(4)).map(|n| n.to_string()).collect::<BTreeSet<_>>();
    for index in ["global", "local"] {
        // More numbers of segments than are kept an SQLite index for, the first of them again.
        for (total, limit) in [(1, None), (2, None), (3, Some(7)), (4, None), (8, Some(100)), (2, Some(50))] {
            assert_eq!(index_segments(&server, index, total, limit), all(600), "{index}, {total} segments");
        }
    }
    write(600, 700);
    for index in ["global", "local"] {
        assert_eq!(index_segments(&server, index, 2, None), all(700), "{index}");
    }
    let scan = json!({"TableName": "logfile", "IndexName": "missing", "Segment": 0, "TotalSegments": 2});
    assert_eq!(support::json::refused(&server, "Scan", scan).0, "ValidationException");
    done(&server, "DeleteTable", json!({"TableName": "logfile"}));
}
