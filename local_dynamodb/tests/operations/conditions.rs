//! Conditions and filters, in whichever operation they stand.

use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, key, message, put};

fn values() -> Value {
    json!({
        ":1": {"N": "1"}, ":2": {"N": "2"}, ":10": {"N": "10"}, ":b": {"BOOL": true}, ":s": {"S": "abc"}, ":null": {"NULL": true},
        ":S": {"S": "S"}, ":N": {"S": "N"}, ":bad": {"S": "X"}, ":set": {"SS": ["a", "b", "c"]}, ":3": {"N": "3"}, ":l": {"L": []},
    })
}

/// The values that a condition names.
fn used(condition: &str) -> Value {
    let mut values = values();
    let is_used = |name: &str| {
        condition
            .match_indices(name)
            .any(|(at, _)| !condition[at + name.len()..].starts_with(|c: char| c.is_alphanumeric()))
    };
    values.as_object_mut().unwrap().retain(|name, _| is_used(name));
    values
}

fn scan(condition: &str) -> Value {
    json!({"TableName": "t01", "FilterExpression": condition, "ExpressionAttributeValues": used(condition)})
}

fn put_if(condition: &str) -> Value {
    let (item, values) = (key("b", "1"), used(condition));
    json!({"TableName": "t01", "Item": item, "ConditionExpression": condition, "ExpressionAttributeValues": values})
}

fn check_in_transaction(condition: &str) -> Value {
    let check = json!({
        "TableName": "t01", "Key": key("a", "1"), "ConditionExpression": condition, "ExpressionAttributeValues": used(condition),
    });
    json!({"TransactItems": [{"ConditionCheck": check}]})
}

#[test]
fn comparisons_without_an_order_and_reversed_bounds_are_refused() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"n": {"N": "5"}}));
    for (condition, part) in [
        ("n < :b", "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL"),
        ("n >= :null", "operator or function: >=, operand type: NULL"),
        (":set > n", "operator or function: >, operand type: SS"),
        ("n BETWEEN :l AND :l", "operator or function: BETWEEN, operand type: L"),
        (
            "n BETWEEN :10 AND :2",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower \
            bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:2}",
        ),
        ("NOT n BETWEEN :1 AND :s", "The BETWEEN operator requires same data type for lower and upper bounds"),
        ("size(:1) = n", "operator or function: size, operand type: N"),
        ("attribute_type(:s, :bad)", "Invalid attribute type name found; type: X"),
    ] {
        for (operation, request) in [
            ("Scan", scan(condition)),
            ("PutItem", put_if(condition)),
            ("TransactWriteItems", check_in_transaction(condition)),
        ] {
            let (kind, error) = refused(&server, operation, request);
            assert_eq!(kind, "ValidationException", "{operation} {condition}: {error}");
            assert!(message(&error).contains(part), "{operation} {condition}: {error}");
        }
    }
    let between = |lower: &str, upper: &str| {
        let bounds = [json!({"N": lower}), json!({"N": upper})];
        json!({"n": {"ComparisonOperator": "BETWEEN", "AttributeValueList": bounds}})
    };
    let (_, error) = refused(&server, "Scan", json!({"TableName": "t01", "ScanFilter": between("9", "1")}));
    assert!(message(&error).contains("lower bound is greater than the upper bound"), "{error}");
    assert_eq!(done(&server, "Scan", json!({"TableName": "t01", "ScanFilter": between("5", "10")}))["Count"], 1);
}

#[test]
fn functions_take_values() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"n": {"N": "3"}}));
    for (condition, count) in [
        ("size(:s) = n", 1),
        ("size(:set) = n AND size(:s) >= :3", 1),
        ("size(:s) <> size(:set)", 0),
        ("attribute_type(:s, :S)", 1),
        ("attribute_type(:s, :N) OR n = :1", 0),
        ("NOT attribute_type(:s, :N)", 1),
        ("n BETWEEN :2 AND :10", 1),
        ("n IN (:b, :3)", 1),
    ] {
        assert_eq!(done(&server, "Scan", scan(condition))["Count"], count, "{condition}");
    }
    done(&server, "PutItem", put_if("size(:s) = :3"));
    done(&server, "TransactWriteItems", check_in_transaction("size(:s) = n"));
}
