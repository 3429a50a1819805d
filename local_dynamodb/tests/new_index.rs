//! An index that UpdateTable adds: CREATING, filled over time from its own capacity, then ACTIVE; and its deletion.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::eventually;
use support::json::{done, refused, sum, table, with};

const ITEMS: usize = 250;

/// `update_time` is the time in which resources are allocated for an index, in seconds of the clock.
fn server(speed: u32, update_time: u64, starting_burst: u64) -> LocalDynamoDb {
    with(|options| {
        options.speed = NonZeroU32::new(speed).unwrap();
        options.capacity.update_time = Duration::from_secs(update_time);
        options.capacity.starting_burst = Duration::from_secs(starting_burst);
    })
}

/// Puts items into the table `logfile`; every fifth of them lacks the key of the index, and one has a number in its place.
fn fill(server: &LocalDynamoDb) {
    for first in (0..ITEMS).step_by(25) {
        let requests: Vec<_> = (first..first + 25).map(|n| json!({"PutRequest": {"Item": item(n)}})).collect();
        done(server, "BatchWriteItem", json!({"RequestItems": {"logfile": requests}}));
    }
    let violating = json!({"PK": {"S": "violating"}, "group": {"N": "1"}});
    done(server, "PutItem", json!({"TableName": "logfile", "Item": violating}));
}

fn item(n: usize) -> Value {
    let mut item = json!({"PK": {"S": format!("{n:04}")}, "n": {"N": n.to_string()}, "x": {"S": "x"}});
    if !n.is_multiple_of(5) {
        item["group"] = json!({"S": "all"});
    }
    item
}

/// The items that belong into the index.
const INDEXED: usize = ITEMS / 5 * 4;

fn create(index: &str, projection: &str, units: Option<u64>) -> Value {
    let mut create = json!({
        "IndexName": index,
        "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": projection},
    });
    if let Some(units) = units {
        create["ProvisionedThroughput"] = json!({"ReadCapacityUnits": units, "WriteCapacityUnits": units});
    }
    json!({
        "TableName": "logfile",
        "AttributeDefinitions": [
            {"AttributeName": "group", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        "GlobalSecondaryIndexUpdates": [{"Create": create}],
    })
}

fn delete(index: &str) -> Value {
    json!({"TableName": "logfile", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": index}}]})
}

fn describe(server: &LocalDynamoDb) -> Value {
    done(server, "DescribeTable", json!({"TableName": "logfile"}))["Table"].take()
}

/// The statuses of the table and of its only index, and whether that is being filled.
fn statuses(table: &Value) -> (&str, &str, &Value) {
    let index = &table["GlobalSecondaryIndexes"][0];
    (table["TableStatus"].as_str().unwrap(), index["IndexStatus"].as_str().unwrap_or("none"), &index["Backfilling"])
}

fn wait_for(server: &LocalDynamoDb, table_status: &str, index_status: &str) -> Value {
    eventually(|| {
        Some(describe(server)).filter(|table| {
            let (of_table, of_index, _) = statuses(table);
            (of_table, of_index) == (table_status, index_status)
        })
    })
}

fn query(index: &str) -> Value {
    json!({
        "TableName": "logfile", "IndexName": index, "KeyConditionExpression": "#g = :g",
        "ExpressionAttributeNames": {"#g": "group"}, "ExpressionAttributeValues": {":g": {"S": "all"}},
    })
}

/// The keys of the items in the index, in its order.
fn indexed(server: &LocalDynamoDb, index: &str) -> Vec<String> {
    let items = done(server, "Query", query(index))["Items"].as_array().unwrap().clone();
    items.iter().map(|item| item["PK"]["S"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_is_created_filled_and_active_and_consumes_its_own_capacity() {
    let server = server(1_000, 600, 300);
    table(&server, "logfile", 1_000, None);
    fill(&server);
    let written = sum(&server, "ConsumedWriteCapacityUnits", &["logfile"]);
    let answer = done(&server, "UpdateTable", create("GSI_1", "ALL", Some(5)));
    assert_eq!(statuses(&answer["TableDescription"]), ("UPDATING", "CREATING", &json!(false)));
    assert_eq!(statuses(&describe(&server)), ("UPDATING", "CREATING", &json!(false)));
    assert_eq!(describe(&server)["ItemCount"], ITEMS + 1);

    let active = wait_for(&server, "ACTIVE", "ACTIVE");
    assert_eq!(active["GlobalSecondaryIndexes"][0]["Backfilling"], Value::Null);
    let expected: Vec<_> = (0..ITEMS).filter(|n| !n.is_multiple_of(5)).map(|n| format!("{n:04}")).collect();
    assert_eq!(indexed(&server, "GSI_1"), expected);
    let of_index = |metric| sum(&server, metric, &["logfile", "GSI_1"]);
    assert_eq!(of_index("OnlineIndexConsumedWriteCapacity"), INDEXED as f64);
    assert_eq!(of_index("ConsumedWriteCapacityUnits"), 0.0, "it has a metric of its own");
    assert!(of_index("OnlineIndexPercentageProgress") >= 100.0);
    assert_eq!(sum(&server, "ConsumedWriteCapacityUnits", &["logfile"]), written, "the table pays nothing");
    assert_eq!(describe(&server)["GlobalSecondaryIndexes"][0]["ItemCount"], INDEXED);
}

/// A table on demand gets provisioned capacity: enough for everything but the index.
fn provision(server: &LocalDynamoDb) {
    done(
        server,
        "UpdateTable",
        json!({"TableName": "logfile", "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 1_000, "WriteCapacityUnits": 1_000}}),
    );
}

#[test]
fn it_cannot_be_read_and_takes_writes_meanwhile() {
    // Without a burst, 5 WCU fill in 100 of 200 entries in 20 s of the clock.
    let server = server(1, 0, 0);
    table(&server, "logfile", 0, None);
    fill(&server);
    provision(&server);
    done(&server, "UpdateTable", create("GSI_1", "KEYS_ONLY", Some(5)));
    let creating = wait_for(&server, "ACTIVE", "CREATING");
    assert_eq!(statuses(&creating).2, &json!(true));

    let message = "Cannot read from backfilling global secondary index: GSI_1";
    let select = "SELECT * FROM \"logfile\".\"GSI_1\" WHERE \"group\" = 'all'";
    for (operation, request) in [
        ("Query", query("GSI_1")),
        ("Scan", json!({"TableName": "logfile", "IndexName": "GSI_1"})),
        ("ExecuteStatement", json!({"Statement": select})),
    ] {
        let (kind, answer) = refused(&server, operation, request);
        assert_eq!((kind.as_str(), answer["message"].as_str().unwrap()), ("ValidationException", message));
    }
    // Before the point that the fill has reached and after it; changed, deleted and new.
    eventually(|| (sum(&server, "OnlineIndexConsumedWriteCapacity", &["logfile", "GSI_1"]) > 0.0).then_some(()));
    let update = |key: &str, group: &str| {
        let request = json!({"TableName": "logfile", "Key": {"PK": {"S": key}}, "UpdateExpression": "SET #g = :g",
            "ExpressionAttributeNames": {"#g": "group"}, "ExpressionAttributeValues": {":g": {"S": group}}});
        eventually(|| (support::json::call(&server, "UpdateItem", request.clone()).0 == 200).then_some(()));
    };
    for key in ["0001", "0249"] {
        update(key, "other");
    }
    update("0000", "all");
    for key in ["0002", "0248"] {
        done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": key}}}));
    }
    done(
        &server,
        "PutItem",
        json!({"TableName": "logfile", "Item": {"PK": {"S": "new"}, "group": {"S": "all"}, "n": {"N": "-1"}}}),
    );
    assert!(sum(&server, "OnlineIndexThrottleEvents", &["logfile", "GSI_1"]) >= 1.0);

    // More capacity makes it faster.
    done(
        &server,
        "UpdateTable",
        json!({"TableName": "logfile", "GlobalSecondaryIndexUpdates": [
        {"Update": {"IndexName": "GSI_1", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 1_000}}}]}),
    );
    wait_for(&server, "ACTIVE", "ACTIVE");
    let mut expected: Vec<_> =
        (0..ITEMS).filter(|n| !n.is_multiple_of(5) || *n == 0).map(|n| format!("{n:04}")).collect();
    expected.retain(|key| !["0001", "0249", "0002", "0248"].contains(&key.as_str()));
    expected.insert(0, "new".into());
    assert_eq!(indexed(&server, "GSI_1"), expected);
}

#[test]
fn one_index_changes_at_a_time_and_the_table_stays() {
    // An hour; the server does not get that far.
    let server = server(1, 3_600, 300);
    table(&server, "logfile", 5, None);
    let limit = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
    let in_use = |what: &str| format!("Attempt to change a resource which is still in use: {what}");
    let assert_refused = |operation: &str, request: Value, kind: &str, message: &str| {
        let (refused_kind, answer) = refused(&server, operation, request);
        assert_eq!((refused_kind.as_str(), answer["message"].as_str().unwrap()), (kind, message), "{operation}");
    };
    let mut two = create("GSI_1", "ALL", Some(5));
    let mut second = two["GlobalSecondaryIndexUpdates"][0].clone();
    second["Create"]["IndexName"] = json!("GSI_2");
    two["GlobalSecondaryIndexUpdates"].as_array_mut().unwrap().push(second);
    assert_refused("UpdateTable", two, "LimitExceededException", limit);
    assert_eq!(statuses(&describe(&server)), ("ACTIVE", "none", &Value::Null));

    done(&server, "UpdateTable", create("GSI_1", "ALL", Some(5)));
    assert_refused("UpdateTable", create("GSI_2", "ALL", Some(5)), "LimitExceededException", limit);
    let allocating = "Index creation is in resource allocation phase. Retry deletion during backfilling phase or when the \
        index is active. Table: logfile Index: GSI_1";
    assert_refused("UpdateTable", delete("GSI_1"), "ResourceInUseException", &in_use(allocating));
    let more =
        json!({"TableName": "logfile", "ProvisionedThroughput": {"ReadCapacityUnits": 6, "WriteCapacityUnits": 6}});
    assert_refused("UpdateTable", more, "ResourceInUseException", &in_use("Table is being updated: logfile"));
    let table = "Cannot delete table while indexes are being created, updated, or deleted.";
    assert_refused("DeleteTable", json!({"TableName": "logfile"}), "ResourceInUseException", &in_use(table));
    done(&server, "PutItem", json!({"TableName": "logfile", "Item": item(1)}));
}

#[test]
fn its_creation_can_be_cancelled_and_its_deletion_takes_time() {
    let server = server(1_000, 1_000, 0);
    table(&server, "logfile", 100, None);
    eventually(|| {
        (support::json::call(&server, "PutItem", json!({"TableName": "logfile", "Item": item(1)})).0 == 200)
            .then_some(())
    });
    done(&server, "UpdateTable", create("GSI_1", "ALL", Some(1)));
    wait_for(&server, "ACTIVE", "ACTIVE");
    let answer = done(&server, "UpdateTable", delete("GSI_1"));
    assert_eq!(statuses(&answer["TableDescription"]), ("UPDATING", "DELETING", &Value::Null));
    assert_eq!(statuses(&describe(&server)).1, "DELETING");
    assert_eq!(refused(&server, "UpdateTable", create("GSI_2", "ALL", Some(1))).0, "LimitExceededException");
    assert_eq!(refused(&server, "DeleteTable", json!({"TableName": "logfile"})).0, "ResourceInUseException");
    assert_eq!(refused(&server, "Query", query("GSI_1")).0, "ValidationException");
    wait_for(&server, "ACTIVE", "none");
    done(&server, "UpdateTable", create("GSI_1", "ALL", Some(1)));
    wait_for(&server, "ACTIVE", "ACTIVE");
    assert_eq!(indexed(&server, "GSI_1"), ["0001"]);
}

fn with_file(file: &Path, speed: u32) -> LocalDynamoDb {
    with(|options| {
        options.db_path = Some(file.to_owned());
        options.speed = NonZeroU32::new(speed).unwrap();
        options.capacity.update_time = Duration::ZERO;
        options.capacity.starting_burst = Duration::ZERO;
    })
}

#[test]
fn a_fill_is_resumed_by_the_next_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.db");
    let server = with_file(&file, 1);
    table(&server, "logfile", 0, None);
    fill(&server);
    provision(&server);
    done(&server, "UpdateTable", create("GSI_1", "ALL", Some(2)));
    eventually(|| (sum(&server, "OnlineIndexConsumedWriteCapacity", &["logfile", "GSI_1"]) > 0.0).then_some(()));
    server.stop();

    let server = with_file(&file, 1_000);
    let first = describe(&server);
    assert!(matches!(statuses(&first).1, "CREATING" | "ACTIVE"));
    wait_for(&server, "ACTIVE", "ACTIVE");
    assert_eq!(indexed(&server, "GSI_1").len(), INDEXED);
    let rest = sum(&server, "OnlineIndexConsumedWriteCapacity", &["logfile", "GSI_1"]);
    assert!(rest > 0.0 && rest < INDEXED as f64, "{rest}");
}
