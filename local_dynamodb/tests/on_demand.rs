//! Tables on demand: what they serve at once, the maximum that is set, warm throughput, and what is shown of it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::eventually;
use support::json::{call, done, item, refused, sum, table, with};

/// A table on demand with an index and whatever else the request says.
fn create(server: &LocalDynamoDb, name: &str, more: &Value) -> (u16, Value) {
    let key = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let mut request = json!({
        "TableName": name,
        "AttributeDefinitions": [key("PK"), key("GSI_1_PK")],
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [index(&json!({}))],
    });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(server, "CreateTable", request)
}

fn index(more: &Value) -> Value {
    let mut index = json!({
        "IndexName": "GSI_1",
        "KeySchema": [{"AttributeName": "GSI_1_PK", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    });
    index.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    index
}

fn describe(server: &LocalDynamoDb, name: &str) -> Value {
    done(server, "DescribeTable", json!({"TableName": name}))["Table"].take()
}

fn warm(read: u64, write: u64) -> Value {
    json!({"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write, "Status": "ACTIVE"})
}

fn update(server: &LocalDynamoDb, mut request: Value) {
    request["TableName"] = json!("logfile");
    done(server, "UpdateTable", request);
    eventually(|| (describe(server, "logfile")["TableStatus"] == "ACTIVE").then_some(()));
}

/// The reason of a `ThrottlingException`.
fn reason(answer: &Value) -> &str {
    assert_eq!(answer["__type"], "com.amazon.coral.availability#ThrottlingException", "{answer}");
    answer["throttlingReasons"][0]["reason"].as_str().unwrap()
}

/// Puts items of 100 KB until one is refused.
fn put_until_refused(server: &LocalDynamoDb, key: impl Fn(u32) -> String) -> Value {
    (0..200)
        .find_map(|n| {
            let request = json!({"TableName": "logfile", "Item": item(&key(n), 100 * 1024, false)});
            let (status, answer) = call(server, "PutItem", request);
            (status != 200).then_some(answer)
        })
        .expect("20,000 units do not get in")
}

#[test]
fn one_key_is_limited_and_others_are_not() {
    let server = with(|_| {});
    assert_eq!(create(&server, "logfile", &json!({})).0, 200);
    describe(&server, "logfile");
    let answer = put_until_refused(&server, |_| "hot".into());
    assert_eq!(reason(&answer), "TableWriteKeyRangeThroughputExceeded");
    assert!(answer["message"].as_str().unwrap().starts_with("Throughput exceeds the current capacity of your table"));
    done(&server, "PutItem", json!({"TableName": "logfile", "Item": item("cold", 100, false)}));
    assert_eq!(sum(&server, "WriteKeyRangeThroughputThrottleEvents", &["logfile"]), 1.0);
}

#[test]
fn a_maximum_is_set_enforced_shown_and_removed() {
    let server = with(|_| {});
    let maximum = json!({"MaxReadRequestUnits": 1, "MaxWriteRequestUnits": 10});
    let (status, answer) = create(&server, "logfile", &json!({"OnDemandThroughput": maximum}));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(describe(&server, "logfile")["OnDemandThroughput"], maximum);
    let answer = put_until_refused(&server, |n| n.to_string());
    assert_eq!(reason(&answer), "TableWriteMaxOnDemandThroughputExceeded");
    assert_eq!(answer["message"], "Throughput exceeds the maximum OnDemandThroughput configured on table or index");
    let read = json!({"TableName": "logfile", "Key": {"PK": {"S": "0"}}, "ConsistentRead": true});
    done(&server, "GetItem", read.clone());
    let (_, answer) = refused(&server, "GetItem", read.clone());
    assert_eq!(reason(&answer), "TableReadMaxOnDemandThroughputExceeded");
    for metric in ["WriteMaxOnDemandThroughputThrottleEvents", "ReadMaxOnDemandThroughputThrottleEvents"] {
        assert_eq!(sum(&server, metric, &["logfile"]), 1.0, "{metric}");
    }
    update(&server, json!({"OnDemandThroughput": {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}}));
    // What was read and written above the maximum is soon paid off.
    eventually(|| (call(&server, "GetItem", read.clone()).0 == 200).then_some(()));
    let put = json!({"TableName": "logfile", "Item": item("x", 100, false)});
    eventually(|| (call(&server, "PutItem", put.clone()).0 == 200).then_some(()));
}

#[test]
fn the_maximum_of_an_index_holds_the_table_back() {
    let server = with(|options| options.capacity.index_backlog = 5);
    let slow = index(&json!({"OnDemandThroughput": {"MaxWriteRequestUnits": 1}}));
    let (status, answer) = create(&server, "logfile", &json!({"GlobalSecondaryIndexes": [slow]}));
    assert_eq!(status, 200, "{answer}");
    let shown = describe(&server, "logfile")["GlobalSecondaryIndexes"][0].take();
    assert_eq!(shown["OnDemandThroughput"], json!({"MaxWriteRequestUnits": 1}));
    let answer = (0..50).find_map(|n| {
        let request = json!({"TableName": "logfile", "Item": item(&n.to_string(), 100, true)});
        let (status, answer) = call(&server, "PutItem", request);
        (status != 200).then_some(answer)
    });
    assert_eq!(reason(&answer.unwrap()), "IndexWriteMaxOnDemandThroughputExceeded");
    let none = json!({"Update": {"IndexName": "GSI_1", "OnDemandThroughput": {"MaxWriteRequestUnits": -1}}});
    update(&server, json!({"GlobalSecondaryIndexUpdates": [none]}));
    done(&server, "PutItem", json!({"TableName": "logfile", "Item": item("x", 100, true)}));
    assert_eq!(describe(&server, "logfile")["GlobalSecondaryIndexes"][0]["OnDemandThroughput"], Value::Null);
}

#[test]
fn warm_throughput_is_shown_raised_and_used() {
    let server = with(|_| {});
    assert_eq!(create(&server, "logfile", &json!({})).0, 200);
    let shown = describe(&server, "logfile");
    assert_eq!(shown["WarmThroughput"], warm(12_000, 4_000));
    assert_eq!(shown["GlobalSecondaryIndexes"][0]["WarmThroughput"], warm(12_000, 4_000));
    let (_, answer) = refused(
        &server,
        "UpdateTable",
        json!({"TableName": "logfile", "WarmThroughput": {"ReadUnitsPerSecond": 6_000, "WriteUnitsPerSecond": 6_000}}),
    );
    let message = "One or more parameter values were invalid: Requested ReadUnitsPerSecond for WarmThroughput for table is \
        lower than current WarmThroughput, decreasing WarmThroughput is not supported";
    assert_eq!(answer["message"], message);
    let of_index = json!({"Update": {"IndexName": "GSI_1", "WarmThroughput": {"WriteUnitsPerSecond": 5_000}}});
    update(
        &server,
        json!({"WarmThroughput": {"WriteUnitsPerSecond": 30_000}, "GlobalSecondaryIndexUpdates": [of_index]}),
    );
    let shown = describe(&server, "logfile");
    assert_eq!(shown["WarmThroughput"], warm(12_000, 30_000));
    assert_eq!(shown["GlobalSecondaryIndexes"][0]["WarmThroughput"], warm(12_000, 5_000));
    // Created with it.
    assert_eq!(create(&server, "other", &json!({"WarmThroughput": {"ReadUnitsPerSecond": 12_001}})).0, 200);
    assert_eq!(describe(&server, "other")["WarmThroughput"], warm(12_001, 4_000));
    let (status, answer) = create(&server, "third", &json!({"WarmThroughput": {"WriteUnitsPerSecond": 1}}));
    let message = answer["message"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(message.contains("WriteUnitsPerSecond for WarmThroughput for table is lower than initial"), "{message}");
}

#[test]
fn it_follows_the_provisioned_throughput_through_changes_of_the_billing_mode() {
    let server = with(|options| {
        options.speed = NonZeroU32::new(1_000).unwrap();
        options.capacity.update_time = Duration::from_secs(1);
    });
    table(&server, "logfile", 5, None);
    assert_eq!(describe(&server, "logfile")["WarmThroughput"], warm(5, 5));
    let throughput = |units: u64| json!({"ReadCapacityUnits": units, "WriteCapacityUnits": units});
    update(&server, json!({"ProvisionedThroughput": throughput(9_000)}));
    update(&server, json!({"ProvisionedThroughput": throughput(7)}));
    assert_eq!(describe(&server, "logfile")["WarmThroughput"], warm(9_000, 9_000));
    update(&server, json!({"BillingMode": "PAY_PER_REQUEST", "OnDemandThroughput": {"MaxWriteRequestUnits": 100}}));
    let shown = describe(&server, "logfile");
    assert_eq!(shown["WarmThroughput"], warm(12_000, 9_000));
    assert_eq!(shown["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(shown["OnDemandThroughput"]["MaxWriteRequestUnits"], 100);
    update(&server, json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput(3)}));
    assert_eq!(describe(&server, "logfile")["WarmThroughput"], warm(12_000, 9_000), "it never decreases");
}

#[test]
fn a_table_becomes_on_demand_four_times_a_day() {
    let server = with(|options| options.capacity.update_time = Duration::ZERO);
    table(&server, "logfile", 5, None);
    assert_eq!(describe(&server, "logfile")["BillingModeSummary"], Value::Null);
    let throughput = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 5});
    for _ in 0..4 {
        update(&server, json!({"BillingMode": "PAY_PER_REQUEST"}));
        let summary = describe(&server, "logfile")["BillingModeSummary"].take();
        assert_eq!(summary["BillingMode"], "PAY_PER_REQUEST");
        update(&server, json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput}));
        let after = describe(&server, "logfile")["BillingModeSummary"].take();
        assert_eq!(after["BillingMode"], "PROVISIONED");
        assert_eq!(after["LastUpdateToPayPerRequestDateTime"], summary["LastUpdateToPayPerRequestDateTime"]);
        assert!(after["LastUpdateToPayPerRequestDateTime"].as_f64().unwrap() > 1.7e9);
    }
    let again = json!({"TableName": "logfile", "BillingMode": "PAY_PER_REQUEST"});
    let (kind, answer) = refused(&server, "UpdateTable", again);
    let message = answer["message"].as_str().unwrap();
    assert_eq!(kind, "LimitExceededException");
    assert!(
        message.starts_with("Subscriber limit exceeded: Update to PayPerRequest mode are limited to 4 times"),
        "{message}"
    );
}
