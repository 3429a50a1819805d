//! Expressions and statements that no program means to send, in every operation that takes one: each gets an answer, and
//! none ends the server.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use fastrand::Rng;
use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::http::Connection;
use support::json::{call, done, put, refused, table, with};

const VALUES: [(&str, &str); 3] = [(":v", "x"), (":low", "a"), (":high", "z")];

/// Every operation with `expression` in each place where it takes one.
fn requests(expression: &str) -> Vec<(&'static str, Value)> {
    let values: Value = VALUES.iter().map(|(name, value)| (name.to_string(), json!({"S": value}))).collect();
    let with = |mut request: Value, member: &str| {
        request["TableName"] = json!("logfile");
        request[member] = json!(expression);
        request["ExpressionAttributeValues"] = values.clone();
        request["ExpressionAttributeNames"] = json!({"#n": "n"});
        request
    };
    let (key, item) = (json!({"Key": {"PK": {"S": "a"}}}), json!({"Item": {"PK": {"S": "a"}}}));
    let mut update = with(key.clone(), "ConditionExpression");
    update["UpdateExpression"] = json!("SET a = :v");
    let query = with(json!({"KeyConditionExpression": "PK = :v"}), "FilterExpression");
    let transaction = |kind: &str, request: Value| json!({"TransactItems": [{kind: request}]});
    vec![
        ("PutItem", with(item.clone(), "ConditionExpression")),
        ("DeleteItem", with(key.clone(), "ConditionExpression")),
        ("UpdateItem", with(key.clone(), "UpdateExpression")),
        ("UpdateItem", update.clone()),
        ("GetItem", with(key.clone(), "ProjectionExpression")),
        ("Query", with(json!({}), "KeyConditionExpression")),
        ("Query", query),
        ("Scan", with(json!({}), "FilterExpression")),
        ("Scan", with(json!({}), "ProjectionExpression")),
        ("TransactWriteItems", transaction("Put", with(item, "ConditionExpression"))),
        ("TransactWriteItems", transaction("Delete", with(key.clone(), "ConditionExpression"))),
        ("TransactWriteItems", transaction("ConditionCheck", with(key.clone(), "ConditionExpression"))),
        ("TransactWriteItems", transaction("Update", with(key, "UpdateExpression"))),
        ("TransactWriteItems", transaction("Update", update)),
        ("ExecuteStatement", json!({"Statement": format!("SELECT * FROM logfile WHERE {expression}")})),
        ("ExecuteStatement", json!({"Statement": format!("UPDATE logfile SET a={expression} WHERE PK='a'")})),
        ("ExecuteStatement", json!({"Statement": format!("INSERT INTO logfile VALUE {{'PK':'a','a':{expression}}}")})),
        (
            "BatchExecuteStatement",
            json!({"Statements": [{"Statement": format!("DELETE FROM logfile WHERE {expression}")}]}),
        ),
        (
            "ExecuteTransaction",
            json!({"TransactStatements": [
            {"Statement": format!("EXISTS(SELECT * FROM logfile WHERE {expression})")}]}),
        ),
    ]
}

fn answered(client: &mut Connection, expression: &str) {
    for (operation, request) in requests(expression) {
        let (status, body) = client.call(operation, &request.to_string()).expect("the server answers");
        assert!(matches!(status, 200 | 400), "{status} {body} to {operation} {request}");
        serde_json::from_str::<Value>(&body).unwrap();
    }
}

fn logfile() -> LocalDynamoDb {
    let server = with(|options| options.throttle = false);
    table(&server, "logfile", 0, None);
    done(&server, "PutItem", put("logfile", "a"));
    server
}

#[test]
fn nothing_that_is_nested_ends_the_server() {
    let server = logfile();
    let mut client = Connection::open(&server.address().to_string());
    for (open, middle, close) in [
        ("(", "", ""),
        ("(", "a<:v", ")"),
        ("NOT ", "a<:v", ""),
        ("not(", "a<:v", ")"),
        ("a<:v or (", "a<:v", ")"),
        ("(", "a<:v", " and a<:v)"),
        ("a<:v and ", "a<:v", ""),
        ("size(", "a", ")"),
        ("SET a = if_not_exists(", "a", ",:v)"),
        ("SET a = (", ":v", ")"),
        ("SET a = ", ":v", " + :v"),
        ("[", "", "]"),
        ("{'a':", "1", "}"),
        ("<<", "1", ">>"),
        ("-", "1", ""),
        ("a.", "a", ""),
        ("", "a", "[0]"),
        ("CASE WHEN ", "1", " THEN 1 END"),
    ] {
        let most = 4096 / (open.len() + close.len());
        for depth in [60, 300, most] {
            answered(&mut client, &format!("{}{middle}{}", open.repeat(depth), close.repeat(depth)));
        }
    }
    answered(&mut client, &"(".repeat(100_000));
    assert_eq!(call(&server, "ListTables", json!({})).0, 200);
}

#[test]
fn expressions_made_of_random_tokens_get_answers() {
    const TOKENS: [&str; 40] = [
        "(",
        ")",
        "(",
        ")",
        ",",
        "=",
        "<",
        ">",
        "<=",
        ">=",
        "<>",
        "+",
        "-",
        "a",
        "PK",
        "#n",
        "#m",
        ":v",
        ":low",
        ":high",
        ":w",
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "size",
        "contains",
        "attribute_exists",
        "attribute_type",
        "begins_with",
        "list_append",
        "a.b[0]",
        "'x'",
        "?",
        "é",
    ];
    let server = logfile();
    let mut client = Connection::open(&server.address().to_string());
    let mut random = Rng::with_seed(11);
    for _ in 0..200 {
        let words = (0..random.usize(1..30)).map(|_| *random.choice(TOKENS.iter()).unwrap());
        answered(&mut client, &words.collect::<Vec<_>>().join(random.choice(["", " ", "  "]).unwrap()));
    }
}

#[test]
fn too_many_operators_are_refused_in_dynamodbs_words() {
    let server = logfile();
    let chain = |terms: usize| vec!["a<:v"; terms].join(" OR ");
    let scan = |filter: String| json!({"TableName": "logfile", "FilterExpression": filter, "ExpressionAttributeValues": {":v": {"S": "x"}}});
    done(&server, "Scan", scan(chain(150)));
    let (kind, answer) = refused(&server, "Scan", scan(chain(151)));
    assert_eq!(kind, "ValidationException");
    let message = "Invalid FilterExpression: The expression contains too many operators; operator count: 301";
    assert_eq!(answer["message"], message);
}
