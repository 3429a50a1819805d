use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, invalid, key, put, refused_with, simple_table};

#[test]
fn items_of_several_tables_are_found() {
    let server = server();
    composite_table(&server, "t01");
    simple_table(&server, "t02", &["S"]);
    put(&server, "t01", key("a", "1"), json!({"x": {"N": "1"}}));
    put(&server, "t01", key("a", "2"), json!({"x": {"N": "2"}}));
    put(&server, "t02", json!({"p": {"S": "a"}}), json!({}));
    let request = |keys: Value| json!({"RequestItems": {"t01": {"Keys": keys}, "t02": {"Keys": [{"p": {"S": "a"}}]}}});
    let answer = done(&server, "BatchGetItem", request(json!([key("a", "1"), key("absent", "1"), key("a", "2")])));
    assert_eq!(answer["Responses"]["t01"].as_array().unwrap().len(), 2);
    assert_eq!(answer["Responses"]["t02"], json!([{"p": {"S": "a"}}]));
    assert_eq!(answer["UnprocessedKeys"], json!({}));
    let answer = done(&server, "BatchGetItem", request(json!([key("absent", "1")])));
    assert_eq!(answer["Responses"]["t01"], json!([]), "nothing found is an empty list");
}

#[test]
fn limits_and_repeated_keys_are_checked() {
    let server = server();
    simple_table(&server, "t02", &["S"]);
    let batch = |table: &str, keys: Value| json!({"RequestItems": {table: {"Keys": keys}}});
    let many: Value = (0..101).map(|n| json!({"p": {"S": n.to_string()}})).collect();
    let at = |path: &str, limit: &str| {
        format!("Value at '{path}' failed to satisfy constraint: Member must have length {limit}")
    };
    for (request, expected) in [
        (json!({"RequestItems": {}}), at("RequestItems", "greater than or equal to 1")),
        (batch("t02", many), at("RequestItems.t02.member.Keys", "less than or equal to 100")),
        (batch("t02", json!([])), at("RequestItems.t02.member.Keys", "greater than or equal to 1")),
        (batch("t02", json!([{"p": {"S": "a"}}, {"p": {"S": "a"}}])), "Provided list of item keys contains duplicates".into()),
        (batch("t02", json!([{"p": {"N": "1"}}])), "The provided key element does not match the schema".into()),
        (
            json!({"RequestItems": {"t02": {"Keys": [{"p": {"S": "a"}}], "AttributesToGet": ["p"], "ProjectionExpression": "p"}}}),
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {AttributesToGet} Expression parameters: {ProjectionExpression}"
                .into(),
        ),
    ] {
        assert_eq!(invalid(&server, "BatchGetItem", request), expected);
    }
    refused_with(&server, "ResourceNotFoundException", "BatchGetItem", batch("none", json!([{"p": {"S": "a"}}])));
}
