use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, get, key, put};

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
