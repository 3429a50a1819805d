//! Requests to every operation with values of odd kinds, sizes and depths anywhere in them: each is answered, none of them by an
//! error of the server, and none ends it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use fastrand::Rng;
use serde_json::{Value, json};
use support::http::{Connection, Raw};
use support::json::{about_scalable_target, done, recorded_requests, table, with};

/// Each is a request with one to three odd values.
const CASES: usize = 1_500;

/// Operations that the files of requests lack.
fn more_requests() -> Vec<(&'static str, Value)> {
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/logfile";
    let index = json!({"IndexName": "GSI_9", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["y"]},
        "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, "WarmThroughput": {"ReadUnitsPerSecond": 1},
        "OnDemandThroughput": {"MaxReadRequestUnits": 1}});
    vec![
        (
            "CreateTable",
            json!({"TableName": "other", "AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
            "GlobalSecondaryIndexes": [index.clone()], "WarmThroughput": {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000},
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}, "Tags": [{"Key": "a", "Value": "b"}],
            "SSESpecification": {"Enabled": true}, "TableClass": "STANDARD", "DeletionProtectionEnabled": false,
            "OnDemandThroughput": {"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 5}}),
        ),
        (
            "UpdateTable",
            json!({"TableName": "logfile", "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 9, "WriteCapacityUnits": 9}, "TableClass": "STANDARD",
            "AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [{"Create": index}, {"Update": {"IndexName": "GSI_1"}}, {"Delete": {"IndexName": "GSI_1"}}]}),
        ),
        (
            "UpdateTimeToLive",
            json!({"TableName": "logfile", "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}}),
        ),
        ("DescribeTimeToLive", json!({"TableName": "logfile"})),
        ("TagResource", json!({"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "b"}]})),
        ("UntagResource", json!({"ResourceArn": arn, "TagKeys": ["a"]})),
        ("ListTagsOfResource", json!({"ResourceArn": arn, "NextToken": "x"})),
        ("ListTables", json!({"ExclusiveStartTableName": "logfile", "Limit": 5})),
        ("DescribeTable", json!({"TableName": "logfile"})),
        ("DescribeLimits", json!({"x": 1})),
        ("DescribeContinuousBackups", json!({"TableName": "logfile"})),
        ("ListBackups", json!({"TableName": "logfile", "Limit": 5})),
        ("SearchVectors", json!({"TableName": "logfile", "IndexName": "v", "Vector": [1.5, 2], "Limit": 5})),
    ]
}

/// Operations of other services: the value of `x-amz-target` and the request.
fn other_services() -> Vec<(&'static str, Value)> {
    let metric = json!({"Namespace": "AWS/DynamoDB", "MetricName": "ConsumedWriteCapacityUnits",
        "Dimensions": [{"Name": "TableName", "Value": "logfile"}]});
    vec![
        (
            "AnyScaleFrontendService.RegisterScalableTarget",
            about_scalable_target(
                json!({"MinCapacity": 1, "MaxCapacity": 9, "SuspendedState": {"DynamicScalingInSuspended": true}, "Tags": {"a": "b"}}),
            ),
        ),
        (
            "AnyScaleFrontendService.PutScalingPolicy",
            about_scalable_target(json!({"PolicyName": "p", "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.5, "ScaleInCooldown": 30,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}}})),
        ),
        (
            "AnyScaleFrontendService.DescribeScalableTargets",
            json!({"ServiceNamespace": "dynamodb", "MaxResults": 5, "ResourceIds": ["x"]}),
        ),
        (
            "AnyScaleFrontendService.DescribeScalingActivities",
            json!({"ServiceNamespace": "dynamodb", "NextToken": "x"}),
        ),
        (
            "GraniteServiceVersion20100801.PutMetricAlarm",
            json!({"AlarmName": "a", "Namespace": "AWS/DynamoDB",
            "MetricName": "WriteThrottleEvents", "Dimensions": [{"Name": "TableName", "Value": "logfile"}], "Statistic": "Sum",
            "Period": 60, "EvaluationPeriods": 1, "Threshold": 0.5, "ComparisonOperator": "GreaterThanThreshold"}),
        ),
        ("GraniteServiceVersion20100801.DescribeAlarms", json!({"AlarmNames": ["a"], "MaxRecords": 5})),
        (
            "GraniteServiceVersion20100801.GetMetricData",
            json!({"StartTime": 1_700_000_000, "EndTime": 1_800_000_000,
            "MetricDataQueries": [{"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}], "MaxDatapoints": 9}),
        ),
        ("GraniteServiceVersion20100801.ListMetrics", json!({"Namespace": "AWS/DynamoDB", "NextToken": "x"})),
    ]
}

fn requests() -> Vec<(String, Value)> {
    let recorded = recorded_requests().into_iter();
    let mut requests: Vec<_> =
        recorded.filter_map(|(operation, body)| Some((operation, serde_json::from_str(&body).ok()?))).collect();
    requests.extend(more_requests().into_iter().map(|(operation, body)| (operation.to_owned(), body)));
    requests
}

/// A JSON text that has no business where it is put.
fn odd(random: &mut Rng) -> String {
    let depth = random.choice([2, 31, 33, 127, 200, 2_000, 20_000]).unwrap();
    let nested = |open: &str, middle: &str, close: &str| [&open.repeat(depth), middle, &close.repeat(depth)].concat();
    match random.u8(0..14) {
        0 => nested("[", "", "]"),
        1 => nested(r#"{"a":"#, "1", "}"),
        2 => nested(r#"{"L":["#, r#"{"S":"x"}"#, "]}"),
        3 => nested(r#"{"M":{"a":"#, r#"{"N":"1"}"#, "}}"),
        4 => format!(r#"{{"N":"{}"}}"#, number(random)),
        5 => number(random),
        6 => format!("\"{}\"", "x".repeat(random.choice([0, 1, 255, 256, 2_049, 70_000, 500_000]).unwrap())),
        7 => random
            .choice([r#"{"B":"===="}"#, r#"{"BS":["",""]}"#, r#"{"NS":["1","1.0"]}"#, r#"{"SS":[]}"#])
            .unwrap()
            .into(),
        8 => random
            .choice([r#"{"NULL":false}"#, r#"{"BOOL":"x"}"#, r#"{"S":"a","N":"1"}"#, r#"{"X":1}"#, "{}"])
            .unwrap()
            .into(),
        9 => format!("\"{}\"", nested("(", "a", ")")),
        10 => random
            .choice(["\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"é\"", "\"a.b\"", "\"#a\"", "\":a\"", "\"%s'\\\"--\""])
            .unwrap()
            .into(),
        11 => format!("[{}]", vec!["{\"S\":\"x\"}"; random.choice([0, 1, 26, 101, 5_000]).unwrap()].join(",")),
        12 => random
            .choice(["\"SET a = :v REMOVE a\"", "\"a IN (:v)\"", "\"size(a) > :v\"", "\"a[99999999999999999999]\""])
            .unwrap()
            .into(),
        _ => random.choice(["null", "true", "false", "[]", "[null]", "[[]]", "\"\""]).unwrap().into(),
    }
}

fn number(random: &mut Rng) -> String {
    let digits = "9".repeat(random.choice([1, 18, 38, 39, 400]).unwrap());
    match random.u8(0..6) {
        0 => digits,
        1 => format!("-{digits}"),
        2 => {
            format!("{digits}e{}", random.choice(["-131", "-130", "125", "126", "308", "999", "99999999999"]).unwrap())
        }
        3 => format!("0.{digits}"),
        4 => random
            .choice(["-0", "0e0", "-1", "2147483648", "9223372036854775807", "9223372036854775808", "1.5"])
            .unwrap()
            .into(),
        _ => random.i64(..).to_string(),
    }
}

/// What stands for an odd value until the request is text: the odd values are no values of serde_json's.
const MARK: &str = "odd value";

/// The request with one to three of its values replaced, some under another name or beside the value.
fn distorted(request: &Value, random: &mut Rng) -> String {
    let mut request = request.clone();
    let count = random.usize(1..4);
    for _ in 0..count {
        let mut value = &mut request;
        loop {
            let has_more = match value {
                Value::Object(members) => !members.is_empty(),
                Value::Array(elements) => !elements.is_empty(),
                _ => false,
            };
            if !has_more || random.u8(0..5) == 0 {
                break;
            }
            value = match value {
                Value::Object(members) => {
                    let chosen = random.usize(0..members.len());
                    members.values_mut().nth(chosen).unwrap()
                }
                Value::Array(elements) => random.choice(elements.iter_mut()).unwrap(),
                _ => break,
            };
        }
        match value {
            Value::Object(members) if random.bool() => {
                let names = ["S", "N", "L", "M", "ReturnValues", "Expected", "Limit", "Select", "a"];
                members.insert(random.choice(names).unwrap().into(), json!(MARK));
            }
            other => *other = json!(MARK),
        }
    }
    let mark = json!(MARK).to_string();
    let mut text = request.to_string();
    while let Some(at) = text.find(&mark) {
        text.replace_range(at..at + mark.len(), &odd(random));
    }
    text
}

#[test]
fn every_operation_answers_whatever_it_is_sent() {
    let server = with(|_| {});
    table(&server, "logfile", 1_000, Some(1_000));
    let address = server.address().to_string();
    let mut client = Connection::open(&address);
    let (requests, others) = (requests(), other_services());
    let mut random = Rng::with_seed(23);
    let mut refused = 0;
    for case in 0..CASES {
        if case % 10 == 0 {
            let (target, request) = random.choice(others.iter()).unwrap();
            let text = distorted(request, &mut random);
            let answer = Raw::operation("", text.clone()).header("x-amz-target", *target).send(&address);
            assert!(answer.status < 500, "{target} {}: {answer:?}", short(&text));
            continue;
        }
        let (operation, request) = random.choice(requests.iter()).unwrap();
        let text = distorted(request, &mut random);
        let Some((status, answer)) = client.call(operation, &text) else {
            panic!("no answer to {operation} {}", short(&text));
        };
        assert!(matches!(status, 200 | 400), "{operation} {}: {status} {}", short(&text), short(&answer));
        serde_json::from_str::<Value>(&answer).unwrap_or_else(|error| panic!("{operation} {}: {error}", short(&text)));
        refused += usize::from(status == 400);
    }
    assert!(refused > CASES / 3, "{refused}");
    assert!(done(&server, "ListTables", json!({}))["TableNames"].is_array(), "the server lives");
}

fn short(text: &str) -> String {
    text.chars().take(2_000).collect()
}
