//! Provisioned capacity, enforced: what gets in, what is refused, in which words, and what is counted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::eventually;
use support::json::{EXHAUSTED, call, done, exhaust, item, put, refused, sum, table, table_with, with};

const OF_TABLE: &str = "The level of configured provisioned throughput for the table was exceeded. Consider increasing \
    your provisioning level with the UpdateTable API.";
const OF_INDEX: &str = "The level of configured provisioned throughput for one or more global secondary indexes of the \
    table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes \
    with the UpdateTable API";
const ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/logfile";

/// A server on which a table or index of 1 unit starts with so many units, and gains one in a second.
fn server(starting_units: u64) -> LocalDynamoDb {
    with(|options| options.capacity.starting_burst = Duration::from_secs(starting_units))
}

fn batch(keys: impl Iterator<Item = String>, size: usize) -> Value {
    let requests: Vec<_> = keys.map(|key| json!({"PutRequest": {"Item": item(&key, size, false)}})).collect();
    json!({"RequestItems": {"logfile": requests}})
}

fn keys(range: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    range.map(|n| format!("k{n}"))
}

#[test]
fn a_table_without_capacity_refuses_as_dynamodb_does() {
    let server = server(300);
    table(&server, "logfile", 1, None);
    exhaust(&server, "logfile");
    for (operation, request) in [
        ("PutItem", put("logfile", "d")),
        ("UpdateItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "a"}}})),
        ("DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "a"}}})),
        ("ExecuteStatement", json!({"Statement": "INSERT INTO \"logfile\" VALUE {'PK': 'e'}"})),
        ("BatchWriteItem", batch(keys(0..25), 10)),
    ] {
        let (status, answer) = call(&server, operation, request);
        let expected = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "message": OF_TABLE,
            "ThrottlingReasons": [{"reason": "TableWriteProvisionedThroughputExceeded", "resource": ARN}],
        });
        assert_eq!((status, answer), (400, expected), "{operation}");
        assert_eq!(sum(&server, "ThrottledRequests", &["logfile", operation]), 1.0, "{operation}");
    }
    // An item each, and 25 in the batch.
    assert_eq!(sum(&server, "WriteThrottleEvents", &["logfile"]), 29.0);
    assert_eq!(sum(&server, "WriteProvisionedThroughputThrottleEvents", &["logfile"]), 29.0);
    assert_eq!(sum(&server, "ConsumedWriteCapacityUnits", &["logfile"]), EXHAUSTED);
    // Nothing of it was done, and reads have capacity of their own.
    let scanned = done(&server, "Scan", json!({"TableName": "logfile"}));
    assert_eq!(scanned["Items"], json!([item("large", 299 * 1024, false)]));
}

#[test]
fn a_batch_is_processed_in_part() {
    let server = server(100);
    table(&server, "logfile", 1, None);
    let size = 10 * 1024; // 10 units: a second more or less makes no difference
    let mut request = batch(keys(0..25), size);
    request["ReturnConsumedCapacity"] = json!("TOTAL");
    let answer = done(&server, "BatchWriteItem", request);
    let unprocessed = answer["UnprocessedItems"]["logfile"].as_array().unwrap().clone();
    let expected: Vec<_> = keys(10..25).map(|key| json!({"PutRequest": {"Item": item(&key, size, false)}})).collect();
    assert_eq!(unprocessed, expected);
    assert_eq!(answer["ConsumedCapacity"], json!([{"TableName": "logfile", "CapacityUnits": 100.0}]));
    assert_eq!(sum(&server, "WriteThrottleEvents", &["logfile"]), 15.0);
    assert_eq!(sum(&server, "ThrottledRequests", &["logfile", "BatchWriteItem"]), 0.0);
    assert_eq!(done(&server, "Scan", json!({"TableName": "logfile", "Select": "COUNT"}))["Count"], 10);

    // As a client sends them again.
    let (kind, _) = refused(&server, "BatchWriteItem", json!({"RequestItems": {"logfile": unprocessed}}));
    assert_eq!(kind, "ProvisionedThroughputExceededException");
    assert_eq!(sum(&server, "WriteThrottleEvents", &["logfile"]), 30.0);
    assert_eq!(sum(&server, "ThrottledRequests", &["logfile", "BatchWriteItem"]), 1.0);
}

#[test]
fn unprocessed_items_of_every_type_come_back_as_they_were() {
    let server = server(300);
    table(&server, "logfile", 1, None);
    table(&server, "other", 1000, None);
    exhaust(&server, "logfile");
    let all = json!({
        "PK": {"S": "ü"}, "n": {"N": "1.50"}, "b": {"B": "AAEC/w=="}, "t": {"BOOL": false}, "z": {"NULL": true},
        "l": {"L": [{"M": {"x": {"S": ""}}}]}, "bs": {"BS": ["AA=="]}, "ss": {"SS": ["a", "b"]},
    });
    let requests = json!([{"PutRequest": {"Item": all}}, {"DeleteRequest": {"Key": {"PK": {"S": "large"}}}}]);
    let other = json!([{"PutRequest": {"Item": all}}]);
    let answer = done(&server, "BatchWriteItem", json!({"RequestItems": {"logfile": requests, "other": other}}));
    assert_eq!(answer["UnprocessedItems"], json!({"logfile": requests}));
}

#[test]
fn reads_are_let_in_on_credit_and_paid_off() {
    let server = server(300);
    table_with(&server, "logfile", (1, 1000), None);
    table(&server, "other", 1000, None);
    for key in ["a", "b"] {
        done(&server, "PutItem", json!({"TableName": "logfile", "Item": item(key, 400_000, false)}));
    }
    let scan = json!({"TableName": "logfile", "ConsistentRead": true, "ReturnConsumedCapacity": "TOTAL"});
    for _ in 0..2 {
        assert_eq!(done(&server, "Scan", scan.clone())["ConsumedCapacity"]["CapacityUnits"], 196.0);
    }
    let balance = server.metrics()["Tables"][0]["Read"]["BurstBalance"].as_i64().unwrap();
    assert!((-92..-60).contains(&balance), "{balance}");

    let (_, answer) = refused(&server, "Scan", scan);
    let reason = json!([{"reason": "TableReadProvisionedThroughputExceeded", "resource": ARN}]);
    assert_eq!((&answer["message"], &answer["ThrottlingReasons"]), (&json!(OF_TABLE), &reason));
    let query = json!({
        "TableName": "logfile", "KeyConditionExpression": "PK = :k",
        "ExpressionAttributeValues": {":k": {"S": "a"}},
    });
    refused(&server, "Query", query);
    refused(&server, "GetItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "a"}}}));
    refused(&server, "ExecuteStatement", json!({"Statement": "SELECT * FROM \"logfile\""}));
    assert_eq!(sum(&server, "ReadThrottleEvents", &["logfile"]), 4.0);
    assert_eq!(sum(&server, "ConsumedReadCapacityUnits", &["logfile"]), 392.0);
    assert_eq!(sum(&server, "ReturnedItemCount", &["logfile", "Scan"]), 4.0);

    // Of two tables the one gives and the other does not.
    let get = json!({
        "Keys": [{"PK": {"S": "a"}}, {"PK": {"S": "b"}}], "ConsistentRead": true, "ProjectionExpression": "#k",
        "ExpressionAttributeNames": {"#k": "PK"},
    });
    let both = json!({"RequestItems": {"logfile": get.clone(), "other": get.clone()}});
    let answer = done(&server, "BatchGetItem", both);
    assert_eq!((&answer["Responses"]["other"], &answer["UnprocessedKeys"]), (&json!([]), &json!({"logfile": get})));
}

#[test]
fn a_full_backlog_of_an_index_holds_all_writes_back() {
    let server = with(|options| {
        options.capacity.starting_burst = Duration::ZERO;
        options.capacity.index_backlog = 20;
    });
    table(&server, "logfile", 1000, Some(1));
    // The table starts empty: wait until it has gained enough.
    let indexed = |n: usize| json!({"TableName": "logfile", "Item": item(&format!("k{n}"), 100, true)});
    let mut taken = 0;
    let refusal = loop {
        match call(&server, "PutItem", indexed(taken)) {
            (200, _) => taken += 1,
            (_, answer) if answer["message"] == OF_TABLE => std::thread::sleep(Duration::from_millis(5)),
            (_, answer) => break answer,
        }
        assert!(taken < 1000, "the index holds nothing back");
    };
    assert!((20..60).contains(&taken), "{taken}");
    assert_eq!(refusal["__type"], "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException");
    assert_eq!(refusal["message"], OF_INDEX);
    let reason =
        json!([{"reason": "IndexWriteProvisionedThroughputExceeded", "resource": format!("{ARN}/index/GSI_1")}]);
    assert_eq!(refusal["ThrottlingReasons"], reason);

    // Also what would not enter the index, for as long as nothing has gone out of the backlog: a second at a time.
    let before = sum(&server, "ThrottledRequests", &["logfile", "DeleteItem"]);
    let (mut attempts, mut held_back) = (0, 0);
    while held_back == 0 {
        let (_, answer) = call(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "none"}}}));
        held_back += usize::from(answer["message"] == OF_INDEX);
        attempts += 1;
        assert!(attempts < 1000);
        call(&server, "PutItem", indexed(taken + attempts));
    }
    assert_eq!(sum(&server, "ThrottledRequests", &["logfile", "DeleteItem"]), before + 1.0);
    assert!(sum(&server, "WriteThrottleEvents", &["logfile", "GSI_1"]) >= 2.0);
    assert!(sum(&server, "WriteProvisionedThroughputThrottleEvents", &["logfile", "GSI_1"]) >= 2.0);
    // Reads go on.
    std::thread::sleep(Duration::from_millis(5));
    done(&server, "GetItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "k0"}}}));
}

#[test]
fn a_hot_partition_key_is_capped() {
    let server = with(|options| options.capacity.partition_write_units = 10);
    table(&server, "logfile", 1000, None);
    // 100 units of the 10 that the key has in a second: it gets in, as the bucket is full, and then nothing for a while.
    done(&server, "PutItem", json!({"TableName": "logfile", "Item": item("hot", 100 * 1024, false)}));
    let (_, refusal) = refused(&server, "PutItem", put("logfile", "hot"));
    let reason = json!([{"reason": "TableWriteKeyRangeThroughputExceeded", "resource": ARN}]);
    assert_eq!((&refusal["message"], &refusal["ThrottlingReasons"]), (&json!(OF_TABLE), &reason));
    assert_eq!(sum(&server, "WriteKeyRangeThroughputThrottleEvents", &["logfile"]), 1.0);
    assert_eq!(sum(&server, "WriteProvisionedThroughputThrottleEvents", &["logfile"]), 0.0);
    done(&server, "PutItem", put("logfile", "other"));
}

#[test]
fn a_transaction_is_cancelled_with_its_reasons() {
    let server = server(50);
    table(&server, "logfile", 1, None);
    table(&server, "other", 1000, None);
    let put = |table: &str, key: &str| json!({"Put": {"TableName": table, "Item": item(key, 10 * 1024, false)}});
    // 20 units each.
    let transaction = json!({"TransactItems": [put("logfile", "a"), put("other", "a"), put("logfile", "b")]});
    done(&server, "TransactWriteItems", transaction);
    assert_eq!(sum(&server, "ConsumedWriteCapacityUnits", &["logfile"]), 40.0);
    assert_eq!(sum(&server, "ConsumedWriteCapacityUnits", &["other"]), 20.0);

    let second = json!({"TransactItems": [put("other", "c"), put("logfile", "c"), put("logfile", "d")]});
    let (kind, answer) = refused(&server, "TransactWriteItems", second);
    assert_eq!(kind, "TransactionCanceledException");
    assert_eq!(
        answer["CancellationReasons"],
        json!([
            {"Code": "None"},
            {"Code": "ProvisionedThroughputExceeded", "Message": OF_TABLE},
            {"Code": "None"},
        ])
    );
    let get = |table: &str, key: &str| json!({"Get": {"TableName": table, "Key": {"PK": {"S": key}}}});
    let read = json!({"TransactItems": [get("other", "c"), get("logfile", "c"), get("other", "d")]});
    assert_eq!(done(&server, "TransactGetItems", read.clone())["Responses"], json!([{}, {}, {}]));
    assert_eq!(sum(&server, "ConsumedWriteCapacityUnits", &["other"]), 20.0, "a cancelled transaction costs nothing");
    // Two units each.
    let more = (0..50)
        .find_map(|_| Some(call(&server, "TransactGetItems", read.clone())).filter(|(status, _)| *status == 400));
    let (_, answer) = more.expect("50 units are spent");
    assert_eq!(answer["__type"], "com.amazonaws.dynamodb.v20120810#TransactionCanceledException");
    assert_eq!(answer["CancellationReasons"][1]["Code"], "ProvisionedThroughputExceeded");

    exhaust_by_updates(&server);
    let statements = json!({"TransactStatements": [
        {"Statement": "INSERT INTO \"other\" VALUE {'PK': 'x'}"},
        {"Statement": "UPDATE \"logfile\" SET a=1 WHERE PK='a'"},
    ]});
    let (kind, answer) = refused(&server, "ExecuteTransaction", statements);
    assert_eq!(
        (kind.as_str(), &answer["CancellationReasons"][0]["Code"]),
        ("TransactionCanceledException", &json!("None"))
    );
    assert_eq!(answer["CancellationReasons"][1]["Code"], "ProvisionedThroughputExceeded");
}

/// Ten units are left: an update is let in for the least it can cost, and costs 10.
fn exhaust_by_updates(server: &LocalDynamoDb) {
    let update = json!({"TableName": "logfile", "Key": {"PK": {"S": "a"}}});
    let spent = (0..50).any(|_| call(server, "UpdateItem", update.clone()).0 == 400);
    assert!(spent);
}

#[test]
fn every_statement_of_a_batch_answers_for_itself() {
    let server = server(300);
    table(&server, "logfile", 1, None);
    table(&server, "other", 1000, None);
    exhaust(&server, "logfile");
    let insert =
        |table: &str, key: &str| json!({"Statement": format!("INSERT INTO \"{table}\" VALUE {{'PK': '{key}'}}")});
    let statements = [insert("logfile", "a"), insert("logfile", "b"), insert("other", "a"), insert("logfile", "c")];
    let answer = done(&server, "BatchExecuteStatement", json!({"Statements": statements}));
    let error =
        json!({"Error": {"Code": "ProvisionedThroughputExceeded", "Message": OF_TABLE}, "TableName": "logfile"});
    let expected = json!([error, error, {"TableName": "other"}, error]);
    assert_eq!(answer["Responses"], expected);
    assert_eq!(sum(&server, "ThrottledRequests", &["logfile", "BatchExecuteStatement"]), 0.0);
    let answer = done(&server, "BatchExecuteStatement", json!({"Statements": [insert("logfile", "d")]}));
    assert_eq!(answer["Responses"], json!([error]));
    assert_eq!(sum(&server, "WriteThrottleEvents", &["logfile"]), 4.0);
    assert_eq!(sum(&server, "ThrottledRequests", &["logfile", "BatchExecuteStatement"]), 1.0);
    assert_eq!(done(&server, "Scan", json!({"TableName": "logfile"}))["Count"], 1);
}

#[test]
fn what_was_consumed_is_what_the_answer_says() {
    let server = server(300);
    table(&server, "logfile", 40_000, Some(40_000));
    let write = |key: &str, size| json!({"TableName": "logfile", "Item": item(key, size, true)});
    let consumed = |index: Option<&str>| {
        let dimensions: Vec<_> = std::iter::once("logfile").chain(index).collect();
        sum(&server, "ConsumedWriteCapacityUnits", &dimensions)
    };
    // 2,500 bytes are three units; the index has the keys.
    done(&server, "PutItem", write("a", 2_500));
    assert_eq!((consumed(None), consumed(Some("GSI_1"))), (3.0, 1.0));
    // Replaced by less: the larger counts, and nothing changes in the index.
    done(&server, "PutItem", write("a", 100));
    assert_eq!((consumed(None), consumed(Some("GSI_1"))), (6.0, 1.0));
    // Grown by an update, out of the index.
    let grow = json!({
        "TableName": "logfile", "Key": {"PK": {"S": "a"}}, "UpdateExpression": "SET x = :x REMOVE GSI_1_PK",
        "ExpressionAttributeValues": {":x": {"S": "x".repeat(5_000)}},
    });
    done(&server, "UpdateItem", grow);
    assert_eq!((consumed(None), consumed(Some("GSI_1"))), (11.0, 2.0));
    // A condition that fails: the larger of the item there and the one that was to be.
    let mut conditional = write("a", 100);
    conditional["ConditionExpression"] = json!("attribute_not_exists(PK)");
    let (kind, answer) = refused(&server, "PutItem", conditional);
    assert_eq!((kind.as_str(), &answer["Item"]), ("ConditionalCheckFailedException", &Value::Null));
    assert_eq!((consumed(None), consumed(Some("GSI_1"))), (16.0, 2.0));
    assert_eq!(sum(&server, "ConditionalCheckFailedRequests", &["logfile"]), 1.0);
    // What is not valid costs nothing.
    let (kind, _) = refused(&server, "PutItem", json!({"TableName": "logfile", "Item": {"PK": {"S": ""}}}));
    assert_eq!(kind, "ValidationException");
    let (kind, _) = refused(&server, "PutItem", json!({"TableName": "logfile", "Item": {"PK": {"N": "1"}}}));
    assert_eq!(kind, "ValidationException");
    assert_eq!(consumed(None), 16.0);
    // Deleting it costs what it was.
    done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "a"}}}));
    assert_eq!((consumed(None), consumed(Some("GSI_1"))), (21.0, 2.0));
    let table = &server.metrics()["Tables"][0];
    assert_eq!(
        (&table["Write"]["Consumed"], &table["GlobalSecondaryIndexes"][0]["Write"]["Consumed"]),
        (&json!(21.0), &json!(2.0))
    );
}

#[test]
fn requests_that_are_wrong_are_told_so_even_without_capacity() {
    let server = server(300);
    table(&server, "logfile", 1, None);
    exhaust(&server, "logfile");
    let twice = batch(["a", "a"].iter().map(|key| (*key).to_owned()), 10);
    let (kind, answer) = refused(&server, "BatchWriteItem", twice);
    assert_eq!(
        (kind.as_str(), answer["message"].as_str()),
        ("ValidationException", Some("Provided list of item keys contains duplicates"))
    );
    assert_eq!(refused(&server, "BatchWriteItem", batch(keys(0..26), 10)).0, "ValidationException");
    assert_eq!(refused(&server, "PutItem", put("nowhere", "a")).0, "ResourceNotFoundException");
    assert_eq!(
        refused(&server, "PutItem", json!({"TableName": "logfile", "Item": {"x": {"S": "a"}}})).0,
        "ValidationException"
    );
    let large = json!({"TableName": "logfile", "Item": item("b", 500_000, false)});
    assert_eq!(refused(&server, "PutItem", large).0, "ValidationException");
    assert_eq!(sum(&server, "ThrottledRequests", &["logfile", "PutItem"]), 0.0);
}

#[test]
fn tables_on_demand_and_servers_without_throttling_take_everything() {
    let on_demand = with(|options| options.capacity.starting_burst = Duration::ZERO);
    table(&on_demand, "logfile", 0, Some(0));
    let plain = with(|options| {
        options.throttle = false;
        options.capacity.starting_burst = Duration::ZERO;
    });
    table(&plain, "logfile", 1, Some(1));
    for server in [on_demand, plain] {
        for n in 0..20 {
            let answer = done(&server, "BatchWriteItem", batch(keys(n * 25..(n + 1) * 25), 10));
            assert_eq!(answer["UnprocessedItems"], json!({}));
        }
        assert_eq!(done(&server, "Scan", json!({"TableName": "logfile", "Select": "COUNT"}))["Count"], 500);
    }
}

/// Items of 200 KB, 40 of them, in a table with 1 RCU and 1 WCU and what its burst holds.
fn large_items(server: &LocalDynamoDb) {
    table(server, "logfile", 1_000, None);
    for n in 0..40 {
        done(server, "PutItem", json!({"TableName": "logfile", "Item": item(&n.to_string(), 200 * 1024, false)}));
    }
    let one = json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1});
    done(server, "UpdateTable", json!({"TableName": "logfile", "ProvisionedThroughput": one}));
    eventually(|| {
        let metrics = server.metrics();
        let write = &metrics["Tables"][0]["Write"];
        (write["Provisioned"] == 1 && write["BurstBalance"] == 300).then_some(())
    });
}

fn balance(server: &LocalDynamoDb, access: &str) -> i64 {
    server.metrics()["Tables"][0][access]["BurstBalance"].as_i64().unwrap()
}

#[test]
fn batches_do_not_run_a_table_far_into_debt() {
    let server = with(|options| options.capacity.update_time = Duration::from_millis(1));
    large_items(&server);
    let keys: Vec<_> = (0..40).map(|n| json!({"PK": {"S": n.to_string()}})).collect();
    let request = json!({"RequestItems": {"logfile": {"Keys": keys}}, "ReturnConsumedCapacity": "TOTAL"});
    let answer = done(&server, "BatchGetItem", request);
    // 25 RCU each, of 300.
    let read = answer["Responses"]["logfile"].as_array().unwrap().len();
    let unprocessed = answer["UnprocessedKeys"]["logfile"]["Keys"].as_array().unwrap().len();
    assert_eq!((read, unprocessed), (12, 28), "{}", answer["ConsumedCapacity"]);
    assert!(balance(&server, "Read") >= 0, "{}", balance(&server, "Read"));

    // A delete costs what the item had, and a put the larger of both: 200 WCU each.
    let delete = |n: u32| json!({"DeleteRequest": {"Key": {"PK": {"S": n.to_string()}}}});
    let put = |n: u32| json!({"PutRequest": {"Item": item(&n.to_string(), 10, false)}});
    let requests: Vec<_> = (0..10).map(delete).chain((10..20).map(put)).collect();
    let answer = done(&server, "BatchWriteItem", json!({"RequestItems": {"logfile": requests}}));
    assert_eq!(answer["UnprocessedItems"]["logfile"].as_array().unwrap().len(), 19, "{answer}");
    assert!(balance(&server, "Write") >= 0, "{}", balance(&server, "Write"));
}

#[test]
fn errors_of_clients_are_counted_for_the_account() {
    // A minute of its clock is 6 ms.
    let server = with(|options| options.speed = std::num::NonZeroU32::new(10_000).unwrap());
    table(&server, "logfile", 100, Some(300));
    done(&server, "PutItem", put("logfile", "a"));
    refused(&server, "PutItem", put("missing", "a"));
    refused(&server, "PutItem", json!({"TableName": "logfile"}));
    refused(&server, "UpdateTable", json!({"TableName": "logfile"}));
    let mut conditional = put("logfile", "a");
    conditional["ConditionExpression"] = json!("attribute_not_exists(PK)");
    refused(&server, "PutItem", conditional);
    assert_eq!(sum(&server, "UserErrors", &[]), 3.0);
    let last = |metric: &str| {
        let metrics = server.metrics();
        let series =
            metrics["Metrics"].as_array().unwrap().iter().find(|series| series["MetricName"] == metric).cloned();
        let points = series?["Datapoints"].as_array()?.clone();
        points.last()?["Maximum"].as_f64()
    };
    for (metric, value) in [
        ("AccountMaxWrites", 80_000.0),
        ("AccountMaxTableLevelReads", 40_000.0),
        ("AccountProvisionedWriteCapacityUtilization", 0.5),
        ("MaxProvisionedTableReadCapacityUtilization", 0.75),
    ] {
        eventually(|| (last(metric) == Some(value)).then_some(()));
    }
}
