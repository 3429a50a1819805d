use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, get, indexed_table, invalid, key, put, refused_with, simple_table, with};

#[expect(clippy::needless_pass_by_value, reason = "callers write the item as a literal")]
fn put_request(item: Value) -> Value {
    json!({"PutRequest": {"Item": item}})
}

#[test]
fn items_of_several_tables_are_put_and_deleted() {
    let server = server();
    composite_table(&server, "t01");
    simple_table(&server, "t02", &["S"]);
    put(&server, "t01", key("old", "1"), json!({}));
    let answer = done(
        &server,
        "BatchWriteItem",
        json!({"RequestItems": {
            "t01": [put_request(with(key("new", "1"), json!({"x": {"SS": ["b", "a"]}}))), {"DeleteRequest": {"Key": key("old", "1")}},
                {"DeleteRequest": {"Key": key("absent", "1")}}],
            "t02": [put_request(json!({"p": {"S": "a"}}))],
        }}),
    );
    assert_eq!(answer, json!({"UnprocessedItems": {}}));
    assert_eq!(get(&server, "t01", &key("new", "1"))["x"], json!({"SS": ["a", "b"]}));
    assert_eq!(get(&server, "t01", &key("old", "1")), Value::Null);
    assert_ne!(get(&server, "t02", &json!({"p": {"S": "a"}})), Value::Null);
}

#[test]
fn a_batch_with_an_error_writes_nothing() {
    let server = server();
    indexed_table(&server, "t01");
    let good = key("a", "1");
    let schema = "The provided key element does not match the schema".to_owned();
    let empty =
        |what: &str| format!("The AttributeValue for a key attribute cannot contain an empty string value. {what}");
    for (second, expected) in [
        (put_request(good.clone()), "Provided list of item keys contains duplicates".to_owned()),
        (json!({"DeleteRequest": {"Key": good}}), "Provided list of item keys contains duplicates".into()),
        (put_request(json!({"p": {"S": "b"}})), schema.clone()),
        (put_request(json!({"p": {"S": "b"}, "c": {"N": "1"}})), schema.clone()),
        (json!({"DeleteRequest": {"Key": {"p": {"S": "b"}}}}), schema),
        (put_request(key("", "1")), format!("One or more parameter values are not valid. {}", empty("Key: p"))),
        (
            put_request(with(key("b", "1"), json!({"g": {"N": "1"}}))),
            "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: by_g".into(),
        ),
        (
            put_request(with(key("b", "1"), json!({"l": {"S": ""}}))),
            format!(
                "One or more parameter values are not valid. A value specified for a secondary index key is not supported. {}",
                empty("IndexName: by_l, IndexKey: l")
            ),
        ),
        (
            put_request(with(key("b", "1"), json!({"x": {"SS": ["b", "a", "b"]}}))),
            "One or more parameter values were invalid: Input collection [b, a, b] contains duplicates.".into(),
        ),
    ] {
        let request = json!({"RequestItems": {"t01": [put_request(good.clone()), second]}});
        assert_eq!(invalid(&server, "BatchWriteItem", request), expected, "{second}");
        assert_eq!(get(&server, "t01", &good), Value::Null, "{second}");
    }
}

#[test]
fn limits_and_options_are_checked_before_the_table() {
    let server = server();
    simple_table(&server, "t02", &["S"]);
    let many: Value = (0..26).map(|n| put_request(json!({"p": {"S": n.to_string()}}))).collect();
    let refusal = invalid(&server, "BatchWriteItem", json!({"RequestItems": {"t02": many}}));
    assert!(refusal.contains("Member must have length less than or equal to 25"), "{refusal}");
    let refusal = invalid(&server, "BatchWriteItem", json!({"RequestItems": {"t02": []}}));
    assert!(refusal.contains("Member must have length greater than or equal to 1"), "{refusal}");
    assert!(invalid(&server, "BatchWriteItem", json!({"RequestItems": {}})).to_lowercase().contains("requestitems"));
    let absent = json!({"RequestItems": {"none": [put_request(json!({"p": {"S": "a"}}))]}});
    refused_with(&server, "ResourceNotFoundException", "BatchWriteItem", absent.clone());
    let option = with(absent, json!({"ReturnConsumedCapacity": "ALL"}));
    assert_eq!(
        invalid(&server, "BatchWriteItem", option),
        "Value 'ALL' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, \
         TOTAL, NONE]"
    );
}
