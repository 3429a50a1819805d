use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{get, invalid, put, refused_with, simple_table, with};

fn delete(more: Value) -> Value {
    with(json!({"TableName": "items", "Key": {"p": {"S": "a"}}}), more)
}

#[test]
fn deleting_returns_the_item_or_nothing() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    let key = json!({"p": {"S": "a"}});
    put(&server, "items", key.clone(), json!({"x": {"N": "1"}}));
    let answer = done(&server, "DeleteItem", delete(json!({"ReturnValues": "ALL_OLD"})));
    assert_eq!(answer["Attributes"], json!({"p": {"S": "a"}, "x": {"N": "1"}}));
    assert_eq!(get(&server, "items", &key), Value::Null);
    assert_eq!(done(&server, "DeleteItem", delete(json!({"ReturnValues": "ALL_OLD"}))), json!({}), "there is none");
    refused_with(
        &server,
        "ResourceNotFoundException",
        "DeleteItem",
        with(delete(json!({})), json!({"TableName": "none"})),
    );
}

#[test]
fn a_condition_decides_whether_an_item_is_deleted() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    let item = json!({"p": {"S": "a"}, "state": {"S": "done"}});
    put(&server, "items", item.clone(), json!({}));
    let if_state = |state: &str, condition: &str| {
        delete(json!({
            "ConditionExpression": condition, "ExpressionAttributeNames": {"#s": "state"},
            "ExpressionAttributeValues": {":s": {"S": state}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }))
    };
    let (kind, error) = refused(&server, "DeleteItem", if_state("open", "attribute_exists(p) AND (#s = :s)"));
    assert_eq!((kind.as_str(), &error["Item"]), ("ConditionalCheckFailedException", &item), "{error}");
    assert_eq!(get(&server, "items", &json!({"p": {"S": "a"}})), item);
    done(&server, "DeleteItem", if_state("done", "(attribute_exists(p)) AND (#s = :s)"));
    assert_eq!(get(&server, "items", &json!({"p": {"S": "a"}})), Value::Null);
}

#[test]
fn requests_that_say_too_much_or_too_little_are_refused() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    let parameters = |reason: &str| format!("One or more parameter values were invalid: {reason}");
    let text = json!({"S": "x"});
    for (more, expected) in [
        (json!({"ExpressionAttributeNames": {"#a": "a"}}), "ExpressionAttributeNames can only be specified when using expressions".to_owned()),
        (json!({"ExpressionAttributeValues": {":a": text}}), "ExpressionAttributeValues can only be specified when using expressions".into()),
        (json!({"ConditionExpression": "attribute_exists(a)", "ExpressionAttributeNames": {}}), "ExpressionAttributeNames must not be empty".into()),
        (json!({"ConditionExpression": "attribute_exists(a)", "ExpressionAttributeValues": {}}), "ExpressionAttributeValues must not be empty".into()),
        (json!({"ConditionExpression": ""}), "Invalid ConditionExpression: The expression can not be empty;".into()),
        (json!({"ReturnValues": "ALL_NEW"}), "ReturnValues can only be ALL_OLD or NONE".into()),
        (
            json!({"ConditionExpression": "attribute_exists(a)", "Expected": {"a": {"Exists": false}}}),
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {Expected} Expression parameters: {ConditionExpression}"
                .into(),
        ),
        (json!({"Expected": {"a": {"Exists": true}}}), parameters("Value must be provided when Exists is true for Attribute: a")),
        (
            json!({"Expected": {"a": {"Exists": false, "Value": text}}}),
            parameters("Value cannot be used when Exists is false for Attribute: a"),
        ),
        (
            json!({"Expected": {"a": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [text]}}}),
            parameters("Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
        ),
    ] {
        assert_eq!(invalid(&server, "DeleteItem", delete(more.clone())), expected, "{more}");
    }
}
