use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, get, key, put, refusal};

fn transaction(statements: &[&str]) -> Value {
    let statements: Vec<_> = statements.iter().map(|statement| json!({"Statement": statement})).collect();
    json!({"TransactStatements": statements, "ReturnConsumedCapacity": "TOTAL"})
}

#[test]
fn exists_is_a_condition_of_the_transaction() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"x": {"N": "5"}}));
    let insert = |sort: &str| format!("INSERT INTO \"t01\" VALUE {{'p': 'a', 'c': '{sort}'}}");
    let exists = |x: u8| format!("EXISTS(SELECT * FROM \"t01\" WHERE p = 'a' AND c = '1' AND x = {x})");

    let answer = done(&server, "ExecuteTransaction", transaction(&[&exists(5), &insert("2")]));
    assert_eq!(answer["ConsumedCapacity"][0]["CapacityUnits"], json!(4.0), "{answer}");
    assert_ne!(get(&server, "t01", &key("a", "2")), Value::Null);

    let (kind, cancelled) = refused(&server, "ExecuteTransaction", transaction(&[&insert("3"), &exists(6)]));
    assert_eq!(kind, "TransactionCanceledException");
    let codes: Vec<_> = cancelled["CancellationReasons"].as_array().unwrap().iter().map(|each| &each["Code"]).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(get(&server, "t01", &key("a", "3")), Value::Null);

    // The reasons of the other statements stand at their places.
    let (_, cancelled) = refused(&server, "ExecuteTransaction", transaction(&[&exists(5), &insert("2")]));
    assert_eq!(cancelled["CancellationReasons"][0]["Code"], "None");
    assert_eq!(cancelled["CancellationReasons"][1]["Code"], "DuplicateItem", "{cancelled}");
}

#[test]
fn a_token_makes_a_repetition_a_read() {
    let server = server();
    composite_table(&server, "t01");
    let mut request = transaction(&["INSERT INTO \"t01\" VALUE {'p': 'a', 'c': '1'}"]);
    request["ClientRequestToken"] = json!("token");
    let first = done(&server, "ExecuteTransaction", request.clone());
    let second = done(&server, "ExecuteTransaction", request);
    assert_eq!(first["ConsumedCapacity"][0]["WriteCapacityUnits"], json!(2.0), "{first}");
    assert_eq!(second["ConsumedCapacity"][0]["ReadCapacityUnits"], json!(2.0), "{second}");
}

#[test]
fn exists_needs_one_item_and_a_condition() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"x": {"N": "5"}}));
    let insert = "INSERT INTO \"t01\" VALUE {'p': 'a', 'c': '2'}";
    for condition in ["p = 'a' AND c = '1'", "p = 'a' AND x = 5", "p = 'a AND x AND y'"] {
        let exists = format!("EXISTS(SELECT * FROM \"t01\" WHERE {condition})");
        let expected = "ValidationException: Validation failed in TransactStatements[1]: EXISTS() must contain a single item \
            read with additional condition";
        assert_eq!(refusal(&server, "ExecuteTransaction", transaction(&[insert, &exists])), expected, "{condition}");
    }
    assert_eq!(get(&server, "t01", &key("a", "2")), Value::Null);
}

#[test]
fn reads_answer_in_order_and_writes_have_no_answers() {
    let server = server();
    composite_table(&server, "t01");
    let insert = |sort: &str| format!("INSERT INTO \"t01\" VALUE {{'p': 'a', 'c': '{sort}'}}");
    let delete = "DELETE FROM \"t01\" WHERE p = 'a' AND c = '9'";
    let answer = done(&server, "ExecuteTransaction", transaction(&[&insert("1"), &insert("2"), delete]));
    assert_eq!(answer["Responses"], json!([]));
    let read = |sort: &str| format!("SELECT * FROM \"t01\" WHERE p = 'a' AND c = '{sort}'");
    let answer = done(&server, "ExecuteTransaction", transaction(&[&read("2"), &read("9"), &read("1")]));
    assert_eq!(answer["Responses"], json!([{"Item": key("a", "2")}, {}, {"Item": key("a", "1")}]));
}

#[test]
fn nothing_is_written_if_one_statement_fails() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"x": {"N": "5"}}));
    let insert = "INSERT INTO \"t01\" VALUE {'p': 'a', 'c': '2'}";
    let failed = |detail: &str| format!("ValidationException: Validation failed in TransactStatements[1]: {detail}");
    for (failing, expected) in [
        (
            "UPDATE \"t01\" SET x = 6 WHERE p = 'a' AND c = '1' RETURNING ALL NEW *",
            failed("RETURNING clause is not supported in ExecuteTransaction."),
        ),
        (
            "UPDATE \"t01\" SET x = 6 WHERE p = 'a' AND c = '1' AND x = 6",
            "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons \
             [None, ConditionalCheckFailed]"
                .into(),
        ),
        (
            "INSERT INTO \"t01\" VALUE {'p': 'a', 'c': '1'}",
            "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons \
             [None, DuplicateItem]"
                .into(),
        ),
    ] {
        assert_eq!(refusal(&server, "ExecuteTransaction", transaction(&[insert, failing])), expected, "{failing}");
        assert_eq!(get(&server, "t01", &key("a", "2")), Value::Null, "{failing}");
    }
    assert_eq!(get(&server, "t01", &key("a", "1"))["x"], json!({"N": "5"}));
    let first = |detail: &str| format!("ValidationException: Validation failed in TransactStatements[0]: {detail}");
    for (read, expected) in [
        (
            "SELECT * FROM \"t01\".\"by_l\" WHERE p = 'a'",
            first("Reads on indices are not supported within transactions."),
        ),
        (
            "SELECT * FROM \"t01\" WHERE p = 'a' AND attribute_exists(x)",
            first("Select statements within ExecuteTransaction must specify the primary key in the where clause."),
        ),
    ] {
        assert_eq!(refusal(&server, "ExecuteTransaction", transaction(&[read])), expected, "{read}");
    }
}
