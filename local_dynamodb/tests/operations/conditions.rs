//! Conditions and filters, in whichever operation they stand.

use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, invalid, key, message, put, texts, with};

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
fn functions_with_operands_that_they_do_not_take_are_refused() {
    let server = server();
    composite_table(&server, "t01");
    let many = format!("n IN ({})", ["n"; 101].map(|name| format!("{name}1")).join(", "));
    for (condition, expected) in [
        ("n = :1 AND __typename = :s", r#"Syntax error; token: "_", near: "AND __""#),
        ("Attribute_Exists(n)", "Invalid function name; function: Attribute_Exists"),
        ("size(n)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "attribute_exists(n) = :b",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "contains(n)",
            "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
        ),
        (
            "attribute_exists(n, m)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
        ),
        (
            "attribute_not_exists(:s)",
            "Operator or function requires a document path; operator or function: attribute_not_exists",
        ),
        (
            "begins_with(n, :1)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "attribute_type(n, :1)",
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
        ),
        (
            "attribute_type(n, :s)",
            "Invalid attribute type name found; type: abc, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "size(size(n)) = :1",
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "m.x[1] > m.x[1]",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: >, first \
             operand: [m, x, [1]]",
        ),
        (
            "NOT contains(n, n)",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, \
             first operand: [n]",
        ),
        (many.as_str(), "The IN operator is provided with too many operands; number of operands: 101"),
        // Of several errors, that in the first condition is reported; a value that is not defined comes first in its condition.
        (
            "n = :1 AND contains(n) AND size(:1) = n",
            "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
        ),
        (
            "contains(:absent)",
            "An expression attribute value used in expression is not defined; attribute value: :absent",
        ),
    ] {
        for (operation, name, request) in [
            ("Scan", "FilterExpression", without_empty_values(scan(condition))),
            ("PutItem", "ConditionExpression", without_empty_values(put_if(condition))),
        ] {
            let refusal = invalid(&server, operation, request);
            assert_eq!(refusal, format!("Invalid {name}: {expected}"), "{operation} {condition}");
        }
    }
}

fn without_empty_values(mut request: Value) -> Value {
    if request["ExpressionAttributeValues"] == json!({}) {
        request.as_object_mut().unwrap().remove("ExpressionAttributeValues");
    }
    request
}

#[test]
fn every_operator_and_function_finds_its_items() {
    let server = server();
    composite_table(&server, "t01");
    for (sort, attributes) in [
        (
            "1",
            json!({"n": {"N": "1"}, "s": {"S": "abc"}, "tags": {"SS": ["a", "b", "c"]}, "m": {"M": {"x": {"L": [{"N": "1"}]}}}}),
        ),
        ("2", json!({"n": {"N": "2"}, "s": {"S": "xyz"}, "tags": {"SS": ["b"]}, "bytes": {"B": "AQID"}})),
        (
            "3",
            json!({"n": {"S": "2"}, "none": {"NULL": true}, "list": {"L": [{"S": "abc"}, {"N": "3"}]}, "s": {"S": "é𝄞"}}),
        ),
    ] {
        put(&server, "t01", key("a", sort), attributes);
    }
    for (condition, expected) in [
        ("n = :2", "2"),
        ("n <> :2", "1 3"),
        ("n < :2", "1"),
        ("n >= :1", "1 2"),
        ("n BETWEEN :2 AND :10", "2"),
        ("n IN (:1, :S)", "1"),
        ("attribute_exists(m.x[0])", "1"),
        ("attribute_not_exists(tags)", "3"),
        ("attribute_type(n, :S)", "3"),
        ("begins_with(s, :s)", "1"),
        ("contains(s, :s)", "1"),
        ("contains(list, :s)", "3"),
        ("contains(list, :3)", "3"),
        ("tags = :set", "1"),
        ("none = :null", "3"),
        // A text has a size in UTF-16 code units; what is not there has none.
        ("size(s) = :3", "1 2 3"),
        ("size(tags) >= :3 OR size(bytes) = :3 OR size(list) = :2", "1 2 3"),
        ("size(m) = :1", "1"),
        ("NOT (n = :1 OR n = :2)", "3"),
        ("NOT n = :1 AND n = :2 OR n = :1", "1 2"),
    ] {
        let request = with(
            scan(condition),
            json!({"FilterExpression": condition.replace("list", "#l").replace("none", "#none")}),
        );
        let names: serde_json::Map<_, _> = [("#l", "list"), ("#none", "none")]
            .into_iter()
            .filter(|(alias, _)| request["FilterExpression"].as_str().unwrap().contains(alias))
            .map(|(alias, name)| (alias.to_owned(), json!(name)))
            .collect();
        let names = if names.is_empty() { json!({}) } else { json!({"ExpressionAttributeNames": names}) };
        let answer = done(&server, "Scan", without_empty_values(with(request, names)));
        let mut found = texts(&answer["Items"], "c");
        found.sort();
        assert_eq!(found.join(" "), expected, "{condition}");
        assert_eq!(answer["ScannedCount"], 3);
    }
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

#[test]
fn the_older_conditions_check_the_types_of_their_operands() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"n": {"N": "2"}, "s": {"S": "hello"}, "list": {"L": [{"N": "1"}]}}));
    let (list, set) = (json!({"L": []}), json!({"NS": ["1"]}));
    let not_valid = |operator: &str, kind: &str| {
        format!("ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    };
    let same = "AttributeValues inside AttributeValueList must be of same type".to_owned();
    for (attribute, operator, operands, expected) in [
        ("n", "LT", json!([list]), not_valid("LT", "L")),
        ("list", "CONTAINS", json!([list]), not_valid("CONTAINS", "L")),
        ("s", "BEGINS_WITH", json!([{"N": "1"}]), not_valid("BEGINS_WITH", "N")),
        ("n", "BETWEEN", json!([set, set]), not_valid("BETWEEN", "NS")),
        ("n", "IN", json!([{"N": "2"}, {"S": "2"}]), same.clone()),
        ("n", "BETWEEN", json!([{"N": "2"}, {"S": "2"}]), same),
        (
            "n",
            "BETWEEN",
            json!([{"N": "10"}, {"N": "9"}]),
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound".into(),
        ),
    ] {
        let condition = json!({attribute: {"ComparisonOperator": operator, "AttributeValueList": operands}});
        let expected = format!("One or more parameter values were invalid: {expected}");
        let scan = json!({"TableName": "t01", "ScanFilter": condition});
        assert_eq!(invalid(&server, "Scan", scan), expected, "{condition}");
        let put = json!({"TableName": "t01", "Item": key("a", "1"), "Expected": condition});
        assert_eq!(invalid(&server, "PutItem", put), expected, "{condition}");
    }
    for (attribute, operator, operands) in [
        ("n", "IN", json!([{"N": "1"}, {"N": "2.0"}])),
        ("n", "BETWEEN", json!([{"N": "1.5"}, {"N": "10"}])),
        ("s", "BEGINS_WITH", json!([{"S": "hell"}])),
        ("list", "CONTAINS", json!([{"N": "1.0"}])),
        ("list", "EQ", json!([{"L": [{"N": "1"}]}])),
    ] {
        let condition = json!({attribute: {"ComparisonOperator": operator, "AttributeValueList": operands}});
        let found = done(&server, "Scan", json!({"TableName": "t01", "ScanFilter": condition}));
        assert_eq!(found["Count"], 1, "{condition}");
    }
}
