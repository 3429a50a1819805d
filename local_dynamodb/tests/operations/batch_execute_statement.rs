use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, get, key, put, refusal};

fn batch(server: &LocalDynamoDb, statements: &[Value]) -> Value {
    let request = json!({"Statements": statements, "ReturnConsumedCapacity": "TOTAL"});
    done(server, "BatchExecuteStatement", request)
}

fn statement(text: &str) -> Value {
    json!({"Statement": text})
}

fn read(c: &str) -> Value {
    statement(&format!("SELECT * FROM t01 WHERE p = 'a' AND c = '{c}'"))
}

#[test]
fn one_statement_fails_alone() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"n": {"N": "1"}}));
    put(&server, "t01", key("a", "2"), json!({}));
    let needs_key = "Select statements within BatchExecuteStatement must specify the primary key in the where clause.";
    let not_well_formed = "Statement wasn't well formed, can't be processed: Expected data manipulation";
    let cannot_convert = "The parameter cannot be converted to a numeric value: 1e99999999999";
    let returning =
        "Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.";
    let unconvertible = json!({
        "Statement": "UPDATE t01 SET n = ? WHERE p = 'a' AND c = '1'", "Parameters": [{"N": "1e99999999999"}],
    });
    // `TableName` is there for a statement that got as far as its table.
    for (failing, code, text, table) in [
        (statement("SLECT * FROM t01"), "ValidationError", not_well_formed, None),
        (statement("SELECT * FROM t01 WHERE p = 'a'"), "ValidationError", needs_key, None),
        (statement("SELECT * FROM t01 WHERE n = 1"), "ValidationError", needs_key, None),
        (statement("SELECT * FROM \"t01\".\"by_l\" WHERE p = 'a' AND c = '1'"), "ValidationError", needs_key, None),
        (unconvertible, "ValidationError", cannot_convert, None),
        (
            statement("DELETE FROM t01 WHERE p = 'a' AND c = '1' RETURNING ALL NEW *"),
            "ValidationError",
            returning,
            None,
        ),
        (
            statement("SELECT * FROM absent WHERE p = 'a'"),
            "ResourceNotFound",
            "Requested resource not found",
            Some("absent"),
        ),
        (
            statement("UPDATE t01 SET x = 1 WHERE p = 'a' AND c = '1' AND n = 2"),
            "ConditionalCheckFailed",
            "The conditional request failed",
            Some("t01"),
        ),
        (
            statement("INSERT INTO t01 VALUE {'p': 'a', 'c': '1'}"),
            "DuplicateItem",
            "Duplicate primary key exists in table",
            Some("t01"),
        ),
    ] {
        // A batch reads or writes, not both.
        let is_read = failing["Statement"].as_str().unwrap().starts_with('S');
        let other = if is_read { read("2") } else { statement("UPDATE t01 SET y = 1 WHERE p = 'a' AND c = '2'") };
        let answer = batch(&server, &[failing.clone(), other]);
        let [failed, done] = &answer["Responses"].as_array().unwrap()[..] else { panic!("{answer}") };
        assert_eq!((&failed["Error"]["Code"], &failed["Error"]["Message"]), (&json!(code), &json!(text)), "{failing}");
        assert_eq!(failed["TableName"].as_str(), table, "{failing}");
        assert_eq!((done.get("Error"), &done["TableName"]), (None, &json!("t01")), "{failing}");
    }
    assert_eq!(get(&server, "t01", &key("a", "2"))["y"], json!({"N": "1"}));
    let empty = refusal(&server, "BatchExecuteStatement", json!({"Statements": []}));
    assert!(empty.starts_with("ValidationException: "), "{empty}");
}

#[test]
fn statements_return_items_and_what_is_asked_for() {
    let server = server();
    composite_table(&server, "t01");
    let insert = |c: &str| statement(&format!("INSERT INTO t01 VALUE {{'p': 'a', 'c': '{c}', 'n': 1}}"));
    assert_eq!(
        batch(&server, &[insert("1"), insert("2")])["Responses"],
        json!([{"TableName": "t01"}, {"TableName": "t01"}])
    );
    let update = |rest: &str| statement(&format!("UPDATE t01 {rest}"));
    let answer = batch(
        &server,
        &[
            update("SET n = 2 WHERE p = 'a' AND c = '1' RETURNING MODIFIED NEW *"),
            update("REMOVE n WHERE p = 'a' AND c = '2' RETURNING MODIFIED NEW *"),
        ],
    );
    assert_eq!(answer["Responses"], json!([{"TableName": "t01", "Item": {"n": {"N": "2"}}}, {"TableName": "t01"}]));
    let delete = statement("DELETE FROM t01 WHERE p = 'a' AND c = '2' RETURNING ALL OLD *");
    assert_eq!(batch(&server, &[delete])["Responses"][0]["Item"], key("a", "2"));
    assert_eq!(get(&server, "t01", &key("a", "2")), Value::Null);
}

#[test]
fn each_read_is_as_consistent_as_it_asks_for() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({}));
    let with = |consistent: Option<bool>| {
        let mut statement = read("1");
        if let Some(consistent) = consistent {
            statement["ConsistentRead"] = json!(consistent);
        }
        statement
    };
    for (statements, units) in [
        (vec![with(None)], 0.5),
        (vec![with(Some(false))], 0.5),
        (vec![with(Some(true))], 1.0),
        (vec![with(Some(true)), read("2")], 1.5),
    ] {
        let answer = batch(&server, &statements);
        assert_eq!(answer["ConsumedCapacity"][0]["CapacityUnits"], json!(units), "{statements:?}");
    }
}
