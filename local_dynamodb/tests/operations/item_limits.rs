//! How large items, keys and numbers may be and how deep they may nest, in whichever operation they are written.

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::json::{done, with};
use crate::{composite_table, get, key, refusal};

/// DynamoDB's limit.
const MAX_SIZE: usize = 400 * 1024;

fn put_request(item: &Value) -> Value {
    json!({"TableName": "t01", "Item": item})
}

/// An item of [`composite_table`] with `attributes`, filled up to `size` bytes. `counted` is the size of `attributes`.
#[expect(clippy::needless_pass_by_value, reason = "callers write the attributes as a literal")]
fn sized(attributes: Value, counted: usize, size: usize) -> Value {
    let mut item = key("a", "1");
    item.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    // The names `p`, `c` and `s`, and the two key values, take a byte each.
    item["s"] = json!({"S": "x".repeat(size - counted - 5)});
    item
}

#[test]
fn an_item_of_400_kb_fits_and_a_byte_more_does_not() {
    let server = with(|options| options.throttle = false);
    composite_table(&server, "t01");
    let put = "ValidationException: Item size has exceeded the maximum allowed size";
    let update = "Item size to update has exceeded the maximum allowed size";
    let fits = sized(json!({}), 0, MAX_SIZE);
    let too_large = sized(json!({}), 0, MAX_SIZE + 1);
    let batch = |item: &Value| json!({"RequestItems": {"t01": [{"PutRequest": {"Item": item}}]}});
    let transaction = |item: &Value| json!({"TransactItems": [{"Put": put_request(item)}]});
    let insert = |item: &Value| json!({"Statement": "INSERT INTO t01 VALUE {'p': ?, 'c': '1', 's': ?}", "Parameters": [{"S": "a"}, item["s"]]});
    for (operation, request) in [
        ("PutItem", &put_request as &dyn Fn(&Value) -> Value),
        ("BatchWriteItem", &batch),
        ("TransactWriteItems", &transaction),
        ("ExecuteStatement", &insert),
    ] {
        assert_eq!(refusal(&server, operation, request(&too_large)), put, "{operation}");
        done(&server, operation, request(&fits));
        assert_eq!(get(&server, "t01", &key("a", "1")), fits, "{operation}");
        done(&server, "DeleteItem", json!({"TableName": "t01", "Key": key("a", "1")}));
    }

    // How large an updated item is shows only when the transaction runs.
    let set = |item: &Value| {
        let update = json!({
            "TableName": "t01", "Key": key("a", "1"), "UpdateExpression": "SET s = :s",
            "ExpressionAttributeValues": {":s": item["s"]},
        });
        json!({"TransactItems": [{ "Update": update }]})
    };
    let cancelled = refusal(&server, "TransactWriteItems", set(&too_large));
    assert!(
        cancelled.starts_with("TransactionCanceledException: ") && cancelled.ends_with("[ValidationError]"),
        "{cancelled}"
    );
    done(&server, "TransactWriteItems", set(&fits));
    let partiql = |item: &Value| json!({"Statement": "UPDATE t01 SET s = ? WHERE p = 'a' AND c = '1'", "Parameters": [item["s"]]});
    assert_eq!(refusal(&server, "ExecuteStatement", partiql(&too_large)), format!("ValidationException: {update}"));
    done(&server, "ExecuteStatement", partiql(&fits));
}

#[test]
fn each_value_counts_as_dynamodb_counts_it() {
    let server = with(|options| options.throttle = false);
    composite_table(&server, "t01");
    for (value, size) in [
        (json!({"S": "größe"}), 7),
        (json!({"B": "AAEC"}), 3),
        (json!({"BOOL": true}), 1),
        (json!({"NULL": true}), 1),
        (json!({"SS": ["a", "bc"]}), 3),
        (json!({"L": [{"S": "a"}, {"S": "bc"}]}), 3 + 2 + 3),
        (json!({"M": {"k": {"S": "abc"}}}), 3 + 1 + 4),
        (json!({"N": "0"}), 1),
        (json!({"N": "-0"}), 1),
        (json!({"N": "12"}), 2),
        (json!({"N": "123"}), 3),
        (json!({"N": "-42"}), 3),
        (json!({"N": "100"}), 2),
        (json!({"N": "1E125"}), 2),
        (json!({"N": "1.5"}), 3),
        (json!({"N": "100.5"}), 4),
        (json!({"N": "3.14159"}), 5),
        (json!({"N": "0.15"}), 2),
        (json!({"N": "12345678901234567890123456789012345678"}), 20),
    ] {
        let item = |size_of_item| sized(json!({"v": value}), 1 + size, size_of_item);
        done(&server, "PutItem", put_request(&item(MAX_SIZE)));
        let refused = refusal(&server, "PutItem", put_request(&item(MAX_SIZE + 1)));
        assert_eq!(refused, "ValidationException: Item size has exceeded the maximum allowed size", "{value}");
    }
}

#[test]
fn numbers_have_38_digits_and_a_range() {
    let server = with(|options| options.throttle = false);
    composite_table(&server, "t01");
    let item = |number: &str| {
        let mut item = key("a", "1");
        item["n"] = json!({"N": number});
        put_request(&item)
    };
    for (number, stored) in [
        ("00042", "42"),
        ("-0", "0"),
        ("0e125", "0"),
        ("1.50", "1.5"),
        ("1.5E2", "150"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ] {
        done(&server, "PutItem", item(number));
        assert_eq!(get(&server, "t01", &key("a", "1"))["n"], json!({"N": stored}), "{number}");
    }
    for number in
        ["9.9999999999999999999999999999999999999E+125", "-9.9999999999999999999999999999999999999E+125", "1E-130"]
    {
        done(&server, "PutItem", item(number));
    }
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    let underflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    let cannot_convert = |number: &str| format!("The parameter cannot be converted to a numeric value: {number}");
    for (number, text) in [
        ("1E126", overflow.to_owned()),
        ("-1E126", overflow.to_owned()),
        ("0e126", overflow.to_owned()),
        ("1e99999999999", overflow.to_owned()),
        ("1E-131", underflow.to_owned()),
        ("1e-99999999999", underflow.to_owned()),
        (
            "123456789012345678901234567890123456789",
            "Attempting to store more than 38 significant digits in a Number".to_owned(),
        ),
        ("1e9223372036854775808", cannot_convert("1e9223372036854775808")),
        ("NaN", cannot_convert("NaN")),
        ("0x10", cannot_convert("0x10")),
        (" 1", cannot_convert(" 1")),
        ("", cannot_convert("")),
    ] {
        let expected = format!("ValidationException: 1 validation error detected: {text}");
        assert_eq!(refusal(&server, "PutItem", item(number)), expected, "{number}");
    }
    let sum = json!({
        "TableName": "t01", "Key": key("a", "2"), "UpdateExpression": "SET n = :n + :n",
        "ExpressionAttributeValues": {":n": {"N": "9E125"}},
    });
    assert!(refusal(&server, "UpdateItem", sum).contains(overflow));
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!({"S": "leaf"}), |inner, level| match level % 2 {
        0 => json!({"M": {"n": inner}}),
        _ => json!({"L": [inner]}),
    })
}

/// Writes that are refused, wherever the value stands, or accepted.
fn writes_of(value: &Value) -> [(&'static str, Value); 4] {
    let mut item = key("a", "1");
    item["n"] = value.clone();
    let update = json!({
        "TableName": "t01", "Key": key("a", "1"), "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": value},
    });
    [
        ("PutItem", put_request(&item)),
        ("UpdateItem", update),
        ("BatchWriteItem", json!({"RequestItems": {"t01": [{"PutRequest": {"Item": item}}]}})),
        ("TransactWriteItems", json!({"TransactItems": [{"Put": put_request(&item)}]})),
    ]
}

#[test]
fn values_nest_32_levels_deep() {
    let server = with(|options| options.throttle = false);
    composite_table(&server, "t01");
    for (operation, request) in writes_of(&nested(31)) {
        done(&server, operation, request);
        assert_eq!(get(&server, "t01", &key("a", "1"))["n"], nested(31), "{operation}");
    }
    // serde_json reads 127 levels of JSON, which 62 of ours exceed.
    for levels in [32, 61, 100] {
        for (operation, request) in writes_of(&nested(levels)) {
            let refusal = refusal(&server, operation, request);
            let text = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond \
                supported limit";
            assert!(refusal.starts_with("ValidationException: ") && refusal.contains(text), "{operation}: {refusal}");
        }
    }
}

fn is_refused(server: &LocalDynamoDb, operation: &str, request: Value) -> bool {
    refusal(server, operation, request).starts_with("ValidationException: One or more parameter values")
}

#[test]
fn keys_have_up_to_2048_and_1024_bytes() {
    let server = with(|options| options.throttle = false);
    composite_table(&server, "t01");
    let with = |p: usize, c: usize| key(&"p".repeat(p), &"c".repeat(c));
    done(&server, "PutItem", put_request(&with(2048, 1024)));
    assert_eq!(get(&server, "t01", &with(2048, 1024)), with(2048, 1024));
    for (p, c) in [(2049, 1), (1, 1025), (0, 1), (1, 0)] {
        assert!(is_refused(&server, "PutItem", put_request(&with(p, c))), "{p} {c}");
        assert!(is_refused(&server, "GetItem", json!({"TableName": "t01", "Key": with(p, c)})), "{p} {c}");
    }
    // Attributes outside of the key may be empty, sets may not.
    let mut item = key("a", "1");
    item["empty"] = json!({"L": [{"S": ""}, {"B": ""}, {"L": []}, {"M": {}}]});
    done(&server, "PutItem", put_request(&item));
    assert_eq!(get(&server, "t01", &key("a", "1")), item);
    for set in [json!({"SS": []}), json!({"NS": []}), json!({"BS": []})] {
        item["empty"] = json!({"L": [{"M": {"x": set}}]});
        let refusal = refusal(&server, "PutItem", put_request(&item));
        assert!(refusal.contains("One or more parameter values were invalid: "), "{refusal}");
    }
}
