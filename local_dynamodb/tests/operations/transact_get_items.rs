use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, key, put, refusal};

fn read(table: &str, key: &Value) -> Value {
    json!({"Get": {"TableName": table, "Key": key}})
}

fn transaction(reads: &[Value]) -> Value {
    json!({"TransactItems": reads, "ReturnConsumedCapacity": "INDEXES"})
}

#[test]
fn items_come_in_the_order_of_the_request() {
    let server = server();
    composite_table(&server, "t01");
    composite_table(&server, "t02");
    put(&server, "t01", key("a", "1"), json!({"x": {"N": "1"}, "y": {"N": "2"}}));
    put(&server, "t02", key("a", "1"), json!({}));
    let projected = json!({"Get": {"TableName": "t01", "Key": key("a", "1"), "ProjectionExpression": "y"}});
    let reads = [read("t02", &key("a", "1")), read("t01", &key("a", "9")), projected];
    let answer = done(&server, "TransactGetItems", transaction(&reads));
    assert_eq!(answer["Responses"], json!([{"Item": key("a", "1")}, {}, {"Item": {"y": {"N": "2"}}}]));
    let units = |table: &str| {
        let of_table = answer["ConsumedCapacity"].as_array().unwrap().iter().find(|each| each["TableName"] == table);
        of_table.unwrap()["Table"]["ReadCapacityUnits"].as_f64().unwrap()
    };
    // A missing item costs as much as a small one.
    assert_eq!((units("t01"), units("t02")), (4.0, 2.0));
}

#[test]
fn what_is_wrong_with_a_request_is_refused_before_it_reads() {
    let server = server();
    composite_table(&server, "t01");
    let one = || read("t01", &key("a", "1"));
    let mut unknown_enum = transaction(&[read("absent", &key("a", "1"))]);
    unknown_enum["ReturnConsumedCapacity"] = json!("SOME");
    let projection = json!({"Get": {"TableName": "t01", "Key": key("a", "1"), "ProjectionExpression": "!!!"}});
    let number = read("t01", &json!({"p": {"N": "text"}, "c": {"S": "1"}}));
    for (request, expected) in [
        (
            transaction(&[one(), one()]),
            "ValidationException: Transaction request cannot include multiple operations on one item",
        ),
        (transaction(&[read("absent", &key("a", "1"))]), "ResourceNotFoundException: Requested resource not found"),
        (
            unknown_enum,
            "ValidationException: 1 validation error detected: Value 'SOME' at 'returnConsumedCapacity' failed to satisfy \
             constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]",
        ),
        (
            transaction(&[projection]),
            "ValidationException: Invalid ProjectionExpression: Syntax error; token: \"!\", near: \"!!\"",
        ),
        (transaction(&[number]), "ValidationException: The parameter cannot be converted to a numeric value: text"),
    ] {
        assert_eq!(refusal(&server, "TransactGetItems", request.clone()), expected, "{request}");
    }
    for (reads, constraint) in [(0, "greater than or equal to 1"), (101, "less than or equal to 100")] {
        let reads: Vec<_> = (0..reads).map(|n| read("t01", &key("a", &n.to_string()))).collect();
        let refusal = refusal(&server, "TransactGetItems", transaction(&reads));
        assert!(
            refusal.ends_with(&format!("failed to satisfy constraint: Member must have length {constraint}")),
            "{refusal}"
        );
    }
}

#[test]
fn a_key_of_another_form_cancels_the_transaction() {
    let server = server();
    composite_table(&server, "t01");
    for other in [json!({}), json!({"p": {"S": "a"}}), json!({"p": {"N": "1"}, "c": {"S": "1"}})] {
        let reads = [read("t01", &key("a", "1")), read("t01", &other)];
        let (kind, error) = refused(&server, "TransactGetItems", transaction(&reads));
        assert_eq!(kind, "TransactionCanceledException", "{other}");
        assert_eq!(error["CancellationReasons"][0]["Code"], "None", "{error}");
        assert_eq!(error["CancellationReasons"][1]["Code"], "ValidationError", "{error}");
    }
}

#[test]
fn a_projection_is_all_that_is_returned() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"x": {"N": "1"}, "y": {"N": "2"}}));
    let project = |projection: &str, names: Value| {
        let mut get = json!({"TableName": "t01", "Key": key("a", "1"), "ProjectionExpression": projection});
        if !names.is_null() {
            get["ExpressionAttributeNames"] = names;
        }
        transaction(&[json!({"Get": get})])
    };
    for (projection, names, expected) in [
        ("x, gone", Value::Null, json!({"x": {"N": "1"}})),
        ("#key, #y", json!({"#key": "p", "#y": "y"}), json!({"p": {"S": "a"}, "y": {"N": "2"}})),
    ] {
        let answer = done(&server, "TransactGetItems", project(projection, names));
        assert_eq!(answer["Responses"], json!([{"Item": expected}]), "{projection}");
    }
    for (projection, names, expected) in [
        (
            "#x",
            json!({"#x": "x", "#q": "q"}),
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#q}",
        ),
        (
            "#z",
            Value::Null,
            "Invalid ProjectionExpression: An expression attribute name used in the document path is not defined; attribute \
             name: #z",
        ),
        ("x", json!({}), "ExpressionAttributeNames must not be empty"),
    ] {
        let refusal = refusal(&server, "TransactGetItems", project(projection, names));
        assert_eq!(refusal, format!("ValidationException: {expected}"), "{projection}");
    }
}
