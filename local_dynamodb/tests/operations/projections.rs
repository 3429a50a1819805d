//! Projections, in whichever operation they stand.

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, invalid, key, put, with};

/// Every operation that takes a projection, with `more` beside it.
fn requests(table: &str, more: &Value) -> Vec<(&'static str, Value)> {
    let get = with(json!({"Key": key("a", "1")}), more.clone());
    let named = with(get, json!({"TableName": table}));
    let query = json!({"TableName": table, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}});
    let keys = with(json!({"Keys": [key("a", "1")]}), more.clone());
    vec![
        ("GetItem", named.clone()),
        ("Query", with(query, more.clone())),
        ("Scan", with(json!({"TableName": table}), more.clone())),
        ("BatchGetItem", json!({"RequestItems": {table: keys}})),
        ("TransactGetItems", json!({"TransactItems": [{"Get": named}]})),
    ]
}

fn projected(server: &LocalDynamoDb, operation: &str, request: Value) -> Value {
    let answer = done(server, operation, request);
    match operation {
        "GetItem" => answer["Item"].clone(),
        "BatchGetItem" => answer["Responses"]["t01"][0].clone(),
        "TransactGetItems" => answer["Responses"][0]["Item"].clone(),
        _ => answer["Items"][0].clone(),
    }
}

#[test]
fn only_what_is_named_is_returned() {
    let server = server();
    composite_table(&server, "t01");
    let map = json!({"M": {"a": {"S": "A"}, "b": {"S": "B"}, "c": {"S": "C"}}});
    let list = json!({"L": [{"M": {"x": {"N": "1"}, "y": {"N": "2"}, "z": {"N": "3"}}}, {"S": "one"}, {"S": "two"}]});
    put(&server, "t01", key("a", "1"), json!({"m": map, "list": list, "s": {"S": "x"}}));
    for (expression, expected) in [
        ("s", json!({"s": {"S": "x"}})),
        ("c, absent", json!({"c": {"S": "1"}})),
        // An item of which nothing is named is still an item.
        ("absent, s.x, list[7]", json!({})),
        ("m.a, m.c", json!({"m": {"M": {"a": {"S": "A"}, "c": {"S": "C"}}}})),
        // Elements come in the order of the list, without gaps.
        ("list[2], list[1]", json!({"list": {"L": [{"S": "one"}, {"S": "two"}]}})),
        ("list[0].z, list[0].x", json!({"list": {"L": [{"M": {"x": {"N": "1"}, "z": {"N": "3"}}}]}})),
        ("list[1], list[0].y", json!({"list": {"L": [{"M": {"y": {"N": "2"}}}, {"S": "one"}]}})),
    ] {
        let expression = expression.replace("list", "#list");
        let mut more = json!({"ProjectionExpression": expression});
        if expression.contains('#') {
            more["ExpressionAttributeNames"] = json!({"#list": "list"});
        }
        for (operation, request) in requests("t01", &more) {
            // A transaction alone returns no item of which nothing is named.
            let is_left_out = operation == "TransactGetItems" && expected == json!({});
            let expected = if is_left_out { Value::Null } else { expected.clone() };
            assert_eq!(projected(&server, operation, request), expected, "{operation} {expression}");
        }
    }
}

#[test]
fn errors_are_in_dynamodbs_words() {
    let server = server();
    composite_table(&server, "t01");
    let overlap = |one: &str, two: &str| {
        format!(
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [{one}], path \
             two: [{two}]"
        )
    };
    for (expression, expected) in [
        ("", "The expression can not be empty;".to_owned()),
        ("a,", r#"Syntax error; token: "<EOF>", near: ",""#.into()),
        ("a,,b", r#"Syntax error; token: ",", near: ",,b""#.into()),
        ("a b", r#"Syntax error; token: "b", near: "a b""#.into()),
        ("a..b", r#"Syntax error; token: ".", near: "..b""#.into()),
        ("a[x]", r#"Syntax error; token: "x", near: "[x]""#.into()),
        (":v", r#"Syntax error; token: ":v", near: ":v""#.into()),
        ("*", r#"Syntax error; token: "*", near: "*""#.into()),
        ("a, _id", r#"Syntax error; token: "_", near: ", _id""#.into()),
        ("a[99999999999]", "List index is not within the allowable range; index: [99999999999]".into()),
        ("a.size", "Attribute name is a reserved keyword; reserved keyword: size".into()),
        ("#x", "An expression attribute name used in the document path is not defined; attribute name: #x".into()),
        ("a, b, a", overlap("a", "a")),
        ("a, a.b[1]", overlap("a", "a, b, [1]")),
        ("a.b, a[1].c", overlap("a, b", "a, [1], c").replace("overlap", "conflict")),
    ] {
        for (operation, request) in requests("t01", &json!({"ProjectionExpression": expression})) {
            let refusal = invalid(&server, operation, request);
            assert_eq!(refusal, format!("Invalid ProjectionExpression: {expected}"), "{operation} {expression}");
        }
    }
    let unused = json!({"ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "a", "#b": "b"}});
    for (operation, request) in requests("t01", &unused) {
        let refusal = invalid(&server, operation, request);
        assert_eq!(
            refusal, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}",
            "{operation}"
        );
    }
}

#[test]
fn a_bad_projection_is_reported_before_a_missing_table() {
    let server = server();
    for (more, expected) in [
        (json!({"ProjectionExpression": "a b"}), "Syntax error"),
        (
            json!({"ProjectionExpression": "a", "ExpressionAttributeNames": {"#b": "b"}}),
            "unused in expressions: keys: {#b}",
        ),
    ] {
        for operation in ["GetItem", "BatchGetItem"] {
            let request = requests("absent", &more).into_iter().find(|(name, _)| *name == operation).unwrap().1;
            assert!(invalid(&server, operation, request).contains(expected), "{operation} {more}");
        }
    }
}
