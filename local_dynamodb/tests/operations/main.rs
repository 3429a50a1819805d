//! What DynamoDB answers, arranged by operation: above all where the engine alone would answer something else.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod batch_execute_statement;
mod batch_get_item;
mod batch_write_item;
mod conditions;
mod create_table;
mod delete_item;
mod delete_table;
mod describe_table;
mod execute_statement;
mod execute_transaction;
mod get_item;
mod item_limits;
mod key_conditions;
mod list_tables;
mod projections;
mod put_item;
mod query;
mod request_members;
mod scan;
mod streams;
mod table_names;
mod tags;
mod time_to_live;
mod transact_get_items;
mod transact_write_items;
mod update_item;
mod update_table;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::eventually;
use support::json::{done, refused};

/// Definitions of attributes of type S.
fn strings(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"})).collect()
}

/// A partition key, and a sort key if there is one.
fn key_schema(names: &[&str]) -> Value {
    names.iter().zip(["HASH", "RANGE"]).map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind})).collect()
}

fn keys_and_included() -> Value {
    json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["included"]})
}

/// Creates a table on demand with the key `p`, `c`, and the local index `by_l` on `l`, which holds keys and `included`.
fn composite_table(server: &LocalDynamoDb, name: &str) {
    done(
        server,
        "CreateTable",
        json!({
            "TableName": name,
            "AttributeDefinitions": strings(&["p", "c", "l"]),
            "KeySchema": key_schema(&["p", "c"]),
            "LocalSecondaryIndexes": [{"IndexName": "by_l", "KeySchema": key_schema(&["p", "l"]), "Projection": keys_and_included()}],
            "BillingMode": "PAY_PER_REQUEST",
        }),
    );
    wait_until_active(server, name);
}

/// Creates a table on demand with the key `p`, `c`, the global index `by_g` on `g`, which holds `included`, and the local
/// index `by_l` on `l`, which holds everything.
fn indexed_table(server: &LocalDynamoDb, name: &str) {
    done(
        server,
        "CreateTable",
        json!({
            "TableName": name,
            "AttributeDefinitions": strings(&["p", "c", "g", "l"]),
            "KeySchema": key_schema(&["p", "c"]),
            "GlobalSecondaryIndexes": [{"IndexName": "by_g", "KeySchema": key_schema(&["g"]), "Projection": keys_and_included()}],
            "LocalSecondaryIndexes": [{"IndexName": "by_l", "KeySchema": key_schema(&["p", "l"]),
                "Projection": {"ProjectionType": "ALL"}}],
            "BillingMode": "PAY_PER_REQUEST",
        }),
    );
    wait_until_active(server, name);
}

/// Creates a table on demand with the partition key `p` and no indexes; the types of its key, the sort key `c` if there are two.
fn simple_table(server: &LocalDynamoDb, name: &str, types: &[&str]) {
    let parts = || ["p", "c"].iter().zip(types);
    let definitions: Value =
        parts().map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind})).collect();
    let key = key_schema(&["p", "c"][..types.len()]);
    let request = json!({"TableName": name, "AttributeDefinitions": definitions, "KeySchema": key, "BillingMode": "PAY_PER_REQUEST"});
    done(server, "CreateTable", request);
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

/// `request` with more members, which replace its own.
#[expect(clippy::needless_pass_by_value, reason = "callers write the members as a literal")]
fn with(mut request: Value, more: Value) -> Value {
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// Sends a request that is refused with a `ValidationException`: its text without the envelope that some operations have.
fn invalid(server: &LocalDynamoDb, operation: &str, request: Value) -> String {
    let (kind, error) = refused(server, operation, request);
    assert_eq!(kind, "ValidationException", "{operation}: {error}");
    message(&error).trim_start_matches("1 validation error detected: ").to_owned()
}

/// Sends a request that is refused with `kind`.
fn refused_with(server: &LocalDynamoDb, kind: &str, operation: &str, request: Value) {
    let (found, error) = refused(server, operation, request);
    assert_eq!(found, kind, "{operation}: {error}");
}

/// The values of a string attribute in a list of items.
fn texts(items: &Value, name: &str) -> Vec<String> {
    items.as_array().unwrap().iter().map(|item| item[name]["S"].as_str().unwrap().to_owned()).collect()
}

/// All pages of a Query or Scan, and how many there are.
fn pages(server: &LocalDynamoDb, operation: &str, mut request: Value) -> (Vec<Value>, usize) {
    let (mut items, mut pages) = (Vec::new(), 0);
    loop {
        let page = done(server, operation, request.clone());
        items.extend(page["Items"].as_array().unwrap().clone());
        pages += 1;
        assert!(pages < 100, "{operation} does not end");
        match page.get("LastEvaluatedKey") {
            Some(key) => request["ExclusiveStartKey"] = key.clone(),
            None => return (items, pages),
        }
    }
}
