//! What DynamoDB answers, arranged by operation: above all where the engine alone would answer something else.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod batch_execute_statement;
mod batch_get_item;
mod conditions;
mod create_table;
mod describe_table;
mod execute_statement;
mod execute_transaction;
mod item_limits;
mod query;
mod scan;
mod streams;
mod table_names;
mod tags;
mod time_to_live;
mod transact_get_items;
mod transact_write_items;
mod update_item;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::eventually;
use support::json::{done, refused};

/// Creates a table on demand with the key `p`, `c`, and the local index `by_l` on `l`, which holds keys and `included`.
fn composite_table(server: &LocalDynamoDb, name: &str) {
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key =
        |sort: &str| json!([{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]);
    let projection = json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["included"]});
    done(
        server,
        "CreateTable",
        json!({
            "TableName": name,
            "AttributeDefinitions": [attribute("p"), attribute("c"), attribute("l")],
            "KeySchema": key("c"),
            "LocalSecondaryIndexes": [{"IndexName": "by_l", "KeySchema": key("l"), "Projection": projection}],
            "BillingMode": "PAY_PER_REQUEST",
        }),
    );
    wait_until_active(server, name);
}

fn wait_until_active(server: &LocalDynamoDb, name: &str) {
    eventually(|| {
        let described = done(server, "DescribeTable", json!({"TableName": name}));
        (described["Table"]["TableStatus"] == "ACTIVE").then_some(())
    });
}

/// The key of an item of [`composite_table`].
fn key(p: &str, c: &str) -> Value {
    json!({"p": {"S": p}, "c": {"S": c}})
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the attributes as a literal")]
fn put(server: &LocalDynamoDb, table: &str, mut item: Value, attributes: Value) {
    item.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    done(server, "PutItem", json!({"TableName": table, "Item": item}));
}

/// The item with `key`, or null.
fn get(server: &LocalDynamoDb, table: &str, key: &Value) -> Value {
    done(server, "GetItem", json!({"TableName": table, "Key": key, "ConsistentRead": true}))["Item"].clone()
}

/// The text of an error.
fn message(error: &Value) -> &str {
    error["message"].as_str().or(error["Message"].as_str()).unwrap_or_default()
}

/// Sends an operation that is expected to fail: the type and the text.
fn refusal(server: &LocalDynamoDb, operation: &str, request: Value) -> String {
    let (kind, error) = refused(server, operation, request);
    format!("{kind}: {}", message(&error))
}
