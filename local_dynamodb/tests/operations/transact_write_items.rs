use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, get, key, put};

#[test]
fn removing_from_a_missing_item_does_not_make_it() {
    let server = server();
    composite_table(&server, "t01");
    let remove = json!({"Update": {"TableName": "t01", "Key": key("a", "1"), "UpdateExpression": "REMOVE x"}});
    let item = json!({"p": {"S": "a"}, "c": {"S": "2"}});
    let put = json!({"Put": {"TableName": "t01", "Item": item}});
    done(&server, "TransactWriteItems", json!({"TransactItems": [remove, put]}));
    assert_eq!(get(&server, "t01", &key("a", "1")), Value::Null);
    assert_eq!(get(&server, "t01", &key("a", "2")), item);
}

#[test]
fn a_token_makes_a_repetition_a_read() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"n": {"N": "0"}}));
    let add = json!({"Update": {
        "TableName": "t01", "Key": key("a", "1"), "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }});
    let request = |items: Value| json!({"TransactItems": items, "ClientRequestToken": "token", "ReturnConsumedCapacity": "TOTAL"});
    let first = done(&server, "TransactWriteItems", request(json!([add])));
    let second = done(&server, "TransactWriteItems", request(json!([add])));
    assert_eq!(get(&server, "t01", &key("a", "1"))["n"], json!({"N": "1"}));
    assert_eq!(first["ConsumedCapacity"][0]["WriteCapacityUnits"], json!(2.0), "{first}");
    assert_eq!(second["ConsumedCapacity"][0]["ReadCapacityUnits"], json!(2.0), "{second}");
    let delete = json!([{"Delete": {"TableName": "t01", "Key": key("a", "1")}}]);
    let (kind, _) = refused(&server, "TransactWriteItems", request(delete));
    assert_eq!(kind, "IdempotentParameterMismatchException");
}
