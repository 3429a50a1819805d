//! Auto scaling and alarms through the server's port: the load of a table changes its capacity.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::num::NonZeroU32;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::eventually;
use support::http::Raw;
use support::json::{about_scalable_target, call, done, item, put, table, with};

fn scaling(server: &LocalDynamoDb, operation: &str, request: &Value) -> (u16, Value) {
    let request = Raw::operation("", request.to_string())
        .header("x-amz-target", format!("AnyScaleFrontendService.{operation}").as_str())
        .header("content-type", "application/x-amz-json-1.1");
    let answer = request.send(&server.address().to_string());
    assert!(answer.headers.contains("content-type: application/x-amz-json-1.1\r\n"), "{answer:?}");
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn scaled(server: &LocalDynamoDb, operation: &str, more: Value) -> Value {
    let (status, answer) = scaling(server, operation, &about_scalable_target(more));
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

fn alarms(server: &LocalDynamoDb, operation: &str, request: &Value) -> Value {
    let request = Raw::operation("", request.to_string())
        .header("x-amz-target", format!("GraniteServiceVersion20100801.{operation}").as_str());
    let answer = request.send(&server.address().to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

fn wcu(server: &LocalDynamoDb) -> u64 {
    let table = done(server, "DescribeTable", json!({"TableName": "logfile"}));
    table["Table"]["ProvisionedThroughput"]["WriteCapacityUnits"].as_u64().unwrap()
}

/// A minute of this server's clock is a quarter of a second.
fn fast() -> LocalDynamoDb {
    with(|options| options.speed = NonZeroU32::new(240).unwrap())
}

#[test]
fn a_load_raises_the_capacity_and_its_end_lowers_it() {
    let server = fast();
    table(&server, "logfile", 5, None);
    scaled(&server, "RegisterScalableTarget", json!({"MinCapacity": 5, "MaxCapacity": 1_000}));
    let policy = json!({
        "PolicyName": "half", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 50.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"},
        },
    });
    let put_policy = scaled(&server, "PutScalingPolicy", policy);
    let high = put_policy["Alarms"][0]["AlarmName"].as_str().unwrap().to_owned();
    assert!(high.starts_with("TargetTracking-table/logfile-AlarmHigh-"), "{high}");

    let large = json!({"TableName": "logfile", "Item": item("large", 100 * 1024, false)});
    let raised = eventually(|| {
        call(&server, "PutItem", large.clone());
        Some(wcu(&server)).filter(|units| *units > 5)
    });
    let activities = eventually(|| {
        let answer = scaled(&server, "DescribeScalingActivities", json!({}));
        let first = answer["ScalingActivities"].as_array().unwrap().last().unwrap().clone();
        (first["StatusCode"] == "Successful").then_some(first)
    });
    assert!(
        activities["Description"].as_str().unwrap().starts_with("Setting write capacity units to "),
        "{activities}"
    );
    assert_eq!(activities["Cause"], format!("monitor alarm {high} in state ALARM triggered policy half"));
    let history =
        alarms(&server, "DescribeAlarmHistory", &json!({"AlarmName": high, "HistoryItemType": "StateUpdate"}));
    let summaries = history["AlarmHistoryItems"].as_array().unwrap().iter().map(|each| each["HistorySummary"].clone());
    assert!(
        summaries.collect::<Vec<_>>().iter().any(|each| each.as_str().unwrap().ends_with(" to ALARM")),
        "{history}"
    );

    let monitor = Raw::operation("", "").method("GET").path("/monitor.json").send(&server.address().to_string());
    let monitor: Value = serde_json::from_str(&monitor.body).unwrap();
    let shown = &monitor["Tables"][0];
    let scaling = json!({"Min": 5, "Max": 1_000, "TargetValue": 50.0, "Suspended": false});
    assert_eq!(shown["Resources"][0]["Write"]["AutoScaling"], scaling);
    assert_eq!(shown["Resources"][0]["Read"]["AutoScaling"], Value::Null);
    assert_eq!(shown["Alarms"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(shown["Alarms"][0]["Name"], high);
    assert_eq!(shown["Activities"].as_array().unwrap().last().unwrap()["Description"], activities["Description"]);

    let lowered = eventually(|| {
        call(&server, "PutItem", put("logfile", "small"));
        std::thread::sleep(std::time::Duration::from_millis(20));
        Some(wcu(&server)).filter(|units| *units < raised)
    });
    assert!(lowered >= 5, "{lowered}");
}

#[test]
fn an_alarm_goes_through_its_states() {
    let server = fast();
    table(&server, "logfile", 5, None);
    let alarm = json!({
        "AlarmName": "writes", "Namespace": "AWS/DynamoDB", "MetricName": "ConsumedWriteCapacityUnits",
        "Dimensions": [{"Name": "TableName", "Value": "logfile"}], "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 3, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    });
    alarms(&server, "PutMetricAlarm", &alarm);
    let state = || {
        let answer = alarms(&server, "DescribeAlarms", &json!({"AlarmNames": ["writes"]}));
        answer["MetricAlarms"][0]["StateValue"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "INSUFFICIENT_DATA");
    let large = json!({"TableName": "logfile", "Item": item("large", 4 * 1024 - 100, false)});
    eventually(|| {
        call(&server, "PutItem", large.clone());
        (state() == "ALARM").then_some(())
    });
    eventually(|| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        call(&server, "PutItem", put("logfile", "small"));
        (state() == "OK").then_some(())
    });
    alarms(&server, "DeleteAlarms", &json!({"AlarmNames": ["writes"]}));
    assert_eq!(alarms(&server, "DescribeAlarms", &json!({})), json!({"MetricAlarms": [], "CompositeAlarms": []}));
}

#[test]
fn unsigned_requests_and_servers_without_throttling_scale_nothing() {
    let server = fast();
    let request = Raw::operation("", "{}")
        .header("x-amz-target", "AnyScaleFrontendService.DescribeScalableTargets")
        .header("authorization", None);
    assert!(request.send(&server.address().to_string()).body.contains("MissingAuthenticationTokenException"));
    let server = with(|options| options.throttle = false);
    table(&server, "logfile", 5, None);
    let request = json!({
        "ServiceNamespace": "dynamodb", "ResourceId": "table/logfile",
        "ScalableDimension": "dynamodb:table:WriteCapacityUnits", "MinCapacity": 1, "MaxCapacity": 2,
    });
    let (status, answer) = scaling(&server, "RegisterScalableTarget", &request);
    assert_eq!(status, 400);
    assert!(answer["Message"].as_str().unwrap().contains("--no-throttle"), "{answer}");
}
