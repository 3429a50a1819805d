//! KeyConditionExpression: what a Query takes, and what it says of the rest.

use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, indexed_table, invalid, key, put, simple_table, texts, with};

fn query(table: &str, condition: &str) -> Value {
    let values = [
        (":p", json!({"S": "a"})),
        (":x", json!({"S": "b"})),
        (":y", json!({"S": "d"})),
        (":n", json!({"N": "1"})),
        (":bool", json!({"BOOL": true})),
    ];
    let used: Value = values
        .into_iter()
        .filter(|(name, _)| {
            condition
                .match_indices(name)
                .any(|(at, _)| !condition[at + name.len()..].starts_with(char::is_alphanumeric))
        })
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut request = json!({"TableName": table, "KeyConditionExpression": condition});
    if used != json!({}) {
        request["ExpressionAttributeValues"] = used;
    }
    request
}

#[test]
fn every_condition_finds_its_items_in_order() {
    let server = server();
    composite_table(&server, "t01");
    for sort in ["a", "b", "bb", "c", "d"] {
        put(&server, "t01", key("a", sort), json!({}));
    }
    put(&server, "t01", key("other", "b"), json!({}));
    for (condition, expected) in [
        ("p = :p", "a b bb c d"),
        ("p = :p AND c = :x", "b"),
        ("c = :x AND p = :p", "b"),
        ("p = :p AND c < :x", "a"),
        ("p = :p AND c <= :x", "a b"),
        ("p = :p AND c > :x", "bb c d"),
        ("p = :p AND c >= :x", "b bb c d"),
        ("p = :p AND :x >= c", "a b"),
        (":p = p AND :x < c", "bb c d"),
        ("p = :p AND c BETWEEN :x AND :y", "b bb c d"),
        ("p = :p AND begins_with(c, :x)", "b bb"),
        ("(p = :p) AND (c = :x)", "b"),
        ("(p = :p AND (begins_with(c, :x)))", "b bb"),
        ("p=:p and c between :x and :y", "b bb c d"),
    ] {
        let items = done(&server, "Query", query("t01", condition))["Items"].clone();
        assert_eq!(texts(&items, "c").join(" "), expected, "{condition}");
    }
}

#[test]
fn numbers_and_bytes_have_their_own_order() {
    let server = server();
    simple_table(&server, "numbers", &["S", "N"]);
    simple_table(&server, "bytes", &["S", "B"]);
    let sorted = ["-100", "-5", "-0.5", "0", "1", "5", "10", "100"];
    for number in ["10", "-5", "100", "0", "-100", "1", "5", "-0.5"] {
        put(&server, "numbers", json!({"p": {"S": "a"}, "c": {"N": number}}), json!({}));
    }
    for bytes in ["/w==", "AQ==", "Ag==", "AQI="] {
        put(&server, "bytes", json!({"p": {"S": "a"}, "c": {"B": bytes}}), json!({}));
    }
    let sorts = |table: &str, condition: &str, more: Value| -> Vec<String> {
        let answer = done(&server, "Query", with(query(table, condition), more));
        let items = answer["Items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["c"].as_object().unwrap().values().next().unwrap().as_str().unwrap().into())
            .collect()
    };
    assert_eq!(sorts("numbers", "p = :p", json!({})), sorted);
    let mut reversed = sorted;
    reversed.reverse();
    assert_eq!(sorts("numbers", "p = :p", json!({"ScanIndexForward": false})), reversed);
    assert_eq!(sorts("numbers", "p = :p AND c > :n", json!({})), ["5", "10", "100"]);
    assert_eq!(sorts("bytes", "p = :p", json!({})), ["AQ==", "AQI=", "Ag==", "/w=="]);
    let prefix = json!({"ExpressionAttributeValues": {":p": {"S": "a"}, ":b": {"B": "AQ=="}}});
    assert_eq!(sorts("bytes", "p = :p AND begins_with(c, :b)", prefix), ["AQ==", "AQI="]);
}

#[test]
fn what_is_no_key_condition_is_refused_in_dynamodbs_words() {
    let server = server();
    composite_table(&server, "t01");
    simple_table(&server, "numbers", &["S", "N"]);
    let several = "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition";
    let once = "KeyConditionExpressions must only contain one condition per key";
    for (condition, expected) in [
        // The mistakes of beginners: values in the expression.
        ("p = a", several),
        ("p = 'a'", r#"Syntax error; token: "'", near: "= 'a""#),
        ("p = 5", r#"Syntax error; token: "5", near: "= 5""#),
        ("p == :p", r#"Syntax error; token: "=", near: "== :p""#),
        ("p = :p c = :x", r#"Syntax error; token: "c", near: ":p c =""#),
        ("p = :p AND _c = :x", r#"Syntax error; token: "_", near: "AND _c""#),
        ("p = :p AND", r#"Syntax error; token: "<EOF>", near: "AND""#),
        ("((p = :p))", "The expression has redundant parentheses;"),
        ("p = :p OR c = :x", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT p = :p", "Invalid operator used in KeyConditionExpression: NOT"),
        ("p = :p AND c <> :x", "Invalid operator used in KeyConditionExpression: <>"),
        ("p IN (:p)", "Invalid operator used in KeyConditionExpression: IN"),
        ("p = :p AND contains(c, :x)", "Invalid operator used in KeyConditionExpression: contains"),
        ("p = :p AND attribute_exists(c)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("p = :p AND size(c) = :x", "KeyConditionExpressions cannot contain nested operations"),
        ("p = :p AND c.x = :x", "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("p = :p AND Begins_With(c, :x)", "Invalid function name; function: Begins_With"),
        (
            "p = :p AND begins_with(c)",
            "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
        ),
        (
            "p = :p AND begins_with(:x, c)",
            "Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand",
        ),
        (
            "p = :p AND :x BETWEEN c AND :y",
            "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand",
        ),
        (":p = :x", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        ("p = :p AND c > :x AND c < :y", once),
        ("p = :p AND p = :x", once),
        (
            "p = :p AND begins_with(c, :n)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "p = :p AND c < :bool",
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "p = :absent AND begins_with(c, :n)",
            "An expression attribute value used in expression is not defined; attribute value: :absent",
        ),
        ("#p = :p", "An expression attribute name used in the document path is not defined; attribute name: #p"),
        ("name = :p", "Attribute name is a reserved keyword; reserved keyword: name"),
    ] {
        let refusal = invalid(&server, "Query", query("t01", condition));
        assert_eq!(refusal, format!("Invalid KeyConditionExpression: {expected}"), "{condition}");
    }
    for (table, condition, expected) in [
        ("t01", "p > :p", "Query key condition not supported"),
        ("t01", "c = :x", "Query condition missed key schema element: p"),
        ("t01", "p = :p AND q = :x", "Query condition missed key schema element: c"),
        (
            "numbers",
            "p = :p AND c = :x",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "t01",
            "p = :p AND c > :x AND q = :y",
            "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
        ),
    ] {
        assert_eq!(invalid(&server, "Query", query(table, condition)), expected, "{condition}");
    }
}

#[test]
fn keys_that_no_item_can_have_are_refused() {
    let server = server();
    indexed_table(&server, "t01");
    let of_table = "The AttributeValue for a key attribute cannot contain an empty string value. Key: ";
    let of_index =
        "The AttributeValue for a key attribute cannot contain an empty string value. IndexName: by_g, IndexKey: g";
    let invalid_value = "One or more parameter values were invalid: ";
    for (condition, more, expected) in [
        ("p = :empty", json!({}), format!("{of_table}p")),
        ("p = :p AND begins_with(c, :empty)", json!({}), format!("{of_table}c")),
        ("#key = :empty", json!({"ExpressionAttributeNames": {"#key": "p"}}), format!("{of_table}p")),
        ("g = :empty", json!({"IndexName": "by_g"}), of_index.into()),
        (
            "p = :long",
            json!({}),
            format!("{invalid_value}Size of hashkey has exceeded the maximum size limit of2048 bytes"),
        ),
        (
            "p = :p AND c > :half",
            json!({}),
            format!("{invalid_value}Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
        ),
    ] {
        let mut request = with(query("t01", condition), more);
        for (name, value) in [(":empty", String::new()), (":long", "k".repeat(2049)), (":half", "k".repeat(1025))] {
            if condition.contains(name) {
                request["ExpressionAttributeValues"][name] = json!({"S": value});
            }
        }
        let refusal = invalid(&server, "Query", request);
        assert!(refusal.ends_with(&expected), "{condition}: {refusal}");
    }
    let older = json!({"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": ""}]}});
    let refusal = invalid(&server, "Query", json!({"TableName": "t01", "KeyConditions": older}));
    assert!(refusal.ends_with(&format!("{of_table}p")), "{refusal}");
}

#[test]
fn placeholders_and_empty_expressions_are_reported_first() {
    let server = server();
    composite_table(&server, "t01");
    for (more, expected) in [
        (json!({"FilterExpression": ""}), "Invalid FilterExpression: The expression can not be empty;"),
        (json!({"ProjectionExpression": ""}), "Invalid ProjectionExpression: The expression can not be empty;"),
        (json!({"ExpressionAttributeValues": {"p": {"S": "a"}}}), r#"invalid key: Syntax error; key: "p""#),
    ] {
        let refusal = invalid(&server, "Query", with(query("t01", "p = a"), more));
        assert!(refusal.ends_with(expected), "{refusal}");
    }
}
