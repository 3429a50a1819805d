use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{indexed_table, invalid, key, put, refused_with, simple_table, with};

#[test]
fn an_item_is_found_by_its_whole_key_only() {
    let server = server();
    indexed_table(&server, "requests");
    put(&server, "requests", key("web1", "001"), json!({"status": {"N": "200"}}));
    let get =
        |key: Value| done(&server, "GetItem", json!({"TableName": "requests", "Key": key, "ConsistentRead": true}));
    assert_eq!(get(key("web1", "001"))["Item"]["status"], json!({"N": "200"}));
    assert_eq!(get(key("web1", "002")), json!({}));
    assert_eq!(get(key("web2", "001")), json!({}));
    refused_with(
        &server,
        "ResourceNotFoundException",
        "GetItem",
        json!({"TableName": "none", "Key": {"p": {"S": "a"}}}),
    );
}

#[test]
fn keys_that_do_not_fit_the_table_are_refused() {
    let server = server();
    simple_table(&server, "texts", &["S", "S"]);
    simple_table(&server, "bytes", &["B"]);
    let schema = "The provided key element does not match the schema";
    let empty = |kind: &str, name: &str| {
        format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             {kind} value. Key: {name}"
        )
    };
    for (table, key, expected) in [
        ("texts", json!({"p": {"S": "a"}}), schema.to_owned()),
        ("texts", json!({"p": {"S": "a"}, "c": {"S": "b"}, "x": {"S": "c"}}), schema.to_owned()),
        ("texts", json!({"p": {"S": "a"}, "c": {"N": "1"}}), schema.to_owned()),
        ("texts", json!({"p": {"S": "a"}, "c": {"S": ""}}), empty("string", "c")),
        ("bytes", json!({"p": {"B": ""}}), empty("binary", "p")),
    ] {
        let request = json!({"TableName": table, "Key": key});
        for (operation, more) in
            [("GetItem", json!({})), ("DeleteItem", json!({})), ("UpdateItem", json!({"UpdateExpression": "REMOVE z"}))]
        {
            assert_eq!(invalid(&server, operation, with(request.clone(), more)), expected, "{operation} {key}");
        }
    }
}

#[test]
fn reads_cost_by_consistency() {
    let server = server();
    simple_table(&server, "requests", &["S"]);
    put(&server, "requests", json!({"p": {"S": "a"}}), json!({"x": {"S": "x".repeat(4_095)}}));
    for (consistent, key, units) in [(true, "a", 2.0), (false, "a", 1.0), (true, "absent", 1.0), (false, "absent", 0.5)]
    {
        let request = json!({"TableName": "requests", "Key": {"p": {"S": key}}, "ConsistentRead": consistent,
            "ReturnConsumedCapacity": "TOTAL"});
        // No part of it is called read capacity: only transactions tell the two apart.
        let expected = json!({"TableName": "requests", "CapacityUnits": units});
        assert_eq!(done(&server, "GetItem", request)["ConsumedCapacity"], expected, "{consistent} {key}");
    }
}
