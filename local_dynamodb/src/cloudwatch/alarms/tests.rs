use std::num::NonZeroU32;

use serde_json::{Value as Json, json};

use super::super::{Operation, Request, json, query, run};
use super::*;
use crate::metrics::Snapshot;

const NOW: Duration = Duration::from_secs(7_200);

fn ask(alarms: &mut Alarms, operation: &str, request: &Json) -> Result<Json, Error> {
    let snapshot =
        Snapshot { tables: &[], creations: &[], series: &[], now: NOW, speed: NonZeroU32::MIN, throttling: true };
    let members = json::decode(request.to_string().as_bytes())?;
    let request = Request { operation: Operation::parse(operation)?, members };
    let answer = json::encode(&run(&request, "eu-west-1", &snapshot, alarms)?);
    Ok(serde_json::from_slice(&answer).unwrap())
}

fn alarm(changes: &Json) -> Json {
    let mut request = json!({
        "AlarmName": "busy", "Namespace": "AWS/DynamoDB", "MetricName": "ConsumedWriteCapacityUnits",
        "Dimensions": [{"Name": "TableName", "Value": "logfile"}], "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 3, "Threshold": 240, "ComparisonOperator": "GreaterThanThreshold",
    });
    for (name, value) in changes.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn names(answer: &Json) -> Vec<&str> {
    answer["MetricAlarms"].as_array().unwrap().iter().map(|alarm| alarm["AlarmName"].as_str().unwrap()).collect()
}

#[test]
fn an_alarm_is_described_as_it_was_put() {
    let mut alarms = Alarms::default();
    let action = "arn:aws:sns:eu-west-1:000000000000:topic";
    let more = json!({
        "AlarmDescription": "much", "DatapointsToAlarm": 2, "TreatMissingData": "notBreaching", "AlarmActions": [action],
        "Unit": "Count",
    });
    assert_eq!(ask(&mut alarms, "PutMetricAlarm", &alarm(&more)).unwrap(), json!({}));
    let answer = ask(&mut alarms, "DescribeAlarms", &json!({})).unwrap();
    let expected = json!({
        "AlarmName": "busy", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:busy",
        "AlarmDescription": "much", "AlarmConfigurationUpdatedTimestamp": 7_200, "ActionsEnabled": true, "OKActions": [],
        "AlarmActions": [action], "InsufficientDataActions": [], "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation", "StateUpdatedTimestamp": 7_200,
        "MetricName": "ConsumedWriteCapacityUnits", "Namespace": "AWS/DynamoDB", "Statistic": "Sum",
        "Dimensions": [{"Name": "TableName", "Value": "logfile"}], "Period": 60, "Unit": "Count", "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2, "Threshold": 240.0, "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching", "StateTransitionedTimestamp": 7_200,
    });
    assert_eq!(answer["MetricAlarms"], json!([expected]));
    let of_metric = json!({
        "Namespace": "AWS/DynamoDB", "MetricName": "ConsumedWriteCapacityUnits",
        "Dimensions": [{"Name": "TableName", "Value": "logfile"}],
    });
    assert_eq!(names(&ask(&mut alarms, "DescribeAlarmsForMetric", &of_metric).unwrap()), ["busy"]);
    let mut other = of_metric.clone();
    other["Period"] = json!(300);
    assert_eq!(names(&ask(&mut alarms, "DescribeAlarmsForMetric", &other).unwrap()), [""; 0]);
}

#[test]
fn alarms_are_found_by_name_prefix_state_and_page_by_page() {
    let mut alarms = Alarms::default();
    for name in ["a-1", "a-2", "b-1"] {
        ask(&mut alarms, "PutMetricAlarm", &alarm(&json!({ "AlarmName": name }))).unwrap();
    }
    let set = json!({ "AlarmName": "a-2", "StateValue": "ALARM", "StateReason": "a drill" });
    ask(&mut alarms, "SetAlarmState", &set).unwrap();
    let mut found = |request: Json| {
        let answer = ask(&mut alarms, "DescribeAlarms", &request).unwrap();
        (names(&answer).join(" "), answer["NextToken"].as_str().map(ToOwned::to_owned))
    };
    let whole = |names: &str| (names.to_owned(), None);
    assert_eq!(found(json!({ "AlarmNamePrefix": "a" })), whole("a-1 a-2"));
    assert_eq!(found(json!({ "AlarmNames": ["b-1", "c"] })), whole("b-1"));
    assert_eq!(found(json!({ "StateValue": "ALARM" })), whole("a-2"));
    assert_eq!(found(json!({ "AlarmTypes": ["CompositeAlarm"] })), whole(""));
    let (first, token) = found(json!({ "MaxRecords": 2 }));
    assert_eq!((&*first, token.is_some()), ("a-1 a-2", true));
    assert_eq!(found(json!({ "MaxRecords": 2, "NextToken": token })), whole("b-1"));

    let history = ask(&mut alarms, "DescribeAlarmHistory", &json!({ "AlarmName": "a-2" })).unwrap();
    let items = history["AlarmHistoryItems"].as_array().unwrap();
    let summaries: Vec<_> = items.iter().map(|item| item["HistorySummary"].as_str().unwrap()).collect();
    assert_eq!(summaries, ["Alarm updated from INSUFFICIENT_DATA to ALARM", "Alarm \"a-2\" created"]);
    let page = json!({ "MaxRecords": 1, "ScanBy": "TimestampAscending", "HistoryItemType": "ConfigurationUpdate" });
    let history = ask(&mut alarms, "DescribeAlarmHistory", &page).unwrap();
    assert_eq!(history["AlarmHistoryItems"][0]["AlarmName"], "a-1");
    assert_eq!(history["NextToken"], "1");

    let both = json!({ "AlarmNames": ["a-1", "gone"] });
    ask(&mut alarms, "DisableAlarmActions", &both).unwrap();
    assert!(!alarms.get("a-1").unwrap().definition.actions_enabled);
    let error = ask(&mut alarms, "DeleteAlarms", &both).unwrap_err();
    assert_eq!((error.kind, &*error.message), (Kind::ResourceNotFound, "There is no alarm named gone."));
    assert!(alarms.get("a-1").is_none() && alarms.get("b-1").is_some());
}

#[test]
fn a_form_puts_an_alarm_as_json_does() {
    let form = "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=busy&Namespace=AWS%2FDynamoDB\
        &MetricName=ConsumedWriteCapacityUnits&Dimensions.member.1.Name=TableName&Dimensions.member.1.Value=logfile\
        &Statistic=Sum&Period=60&EvaluationPeriods=3&Threshold=240.0&ComparisonOperator=GreaterThanThreshold";
    let (operation, members) = query::decode(form.as_bytes()).unwrap();
    let request = Request { operation: Operation::parse(&operation.unwrap()).unwrap(), members };
    let snapshot =
        Snapshot { tables: &[], creations: &[], series: &[], now: NOW, speed: NonZeroU32::MIN, throttling: true };
    let (mut by_form, mut by_json) = (Alarms::default(), Alarms::default());
    run(&request, "eu-west-1", &snapshot, &mut by_form).unwrap();
    ask(&mut by_json, "PutMetricAlarm", &alarm(&json!({}))).unwrap();
    assert_eq!(by_form.get("busy").unwrap().definition, by_json.get("busy").unwrap().definition);
}

#[test]
fn what_an_alarm_cannot_be_is_refused() {
    let mut alarms = Alarms::default();
    for (changes, words) in [
        (json!({ "AlarmName": null }), "The parameter AlarmName is required."),
        (json!({ "Threshold": null }), "The parameter Threshold is required."),
        (json!({ "Period": 90 }), "Period must be a multiple of 60"),
        (json!({ "EvaluationPeriods": 0 }), "at 'evaluationPeriods' failed to satisfy constraint"),
        (json!({ "EvaluationPeriods": 1441 }), "Metrics cannot be checked across more than one day"),
        (json!({ "Period": 3600, "EvaluationPeriods": 169 }), "Metrics cannot be checked across more than 7 days"),
        (json!({ "DatapointsToAlarm": 4 }), "DatapointsToAlarm must be between 1 and EvaluationPeriods."),
        (json!({ "ComparisonOperator": "More" }), "Value 'More' at 'comparisonOperator'"),
        (json!({ "Statistic": "p99" }), "is not supported by local_dynamodb"),
        (json!({ "TreatMissingData": "bad" }), "TreatMissingData was set to invalid value bad"),
        (json!({ "Metrics": [{}] }), "it does no metric math"),
        (json!({ "AlarmActions": ["mail"] }), "Invalid arn syntax: mail"),
        (json!({ "AlarmName": "x".repeat(256) }), "length less than or equal to 255"),
    ] {
        let error = ask(&mut alarms, "PutMetricAlarm", &alarm(&changes)).unwrap_err();
        assert_eq!(error.kind, Kind::Validation, "{changes}");
        assert!(error.message.contains(words), "{changes}: {}", error.message);
    }
    for (operation, request, kind) in [
        ("DeleteAlarms", json!({}), Kind::Validation),
        (
            "SetAlarmState",
            json!({ "AlarmName": "gone", "StateValue": "OK", "StateReason": "" }),
            Kind::ResourceNotFound,
        ),
        ("SetAlarmState", json!({ "AlarmName": "gone", "StateValue": "BAD", "StateReason": "" }), Kind::Validation),
        (
            "SetAlarmState",
            json!({ "AlarmName": "gone", "StateValue": "OK", "StateReason": "", "StateReasonData": "{" }),
            Kind::InvalidFormat,
        ),
        ("DescribeAlarms", json!({ "MaxRecords": 101 }), Kind::Validation),
        ("DescribeAlarms", json!({ "NextToken": "x" }), Kind::InvalidNextToken),
        ("DescribeAlarms", json!({ "AlarmNames": ["a"], "AlarmNamePrefix": "a" }), Kind::Validation),
        ("DescribeAlarmHistory", json!({ "NextToken": "x" }), Kind::InvalidNextToken),
    ] {
        assert_eq!(ask(&mut alarms, operation, &request).unwrap_err().kind, kind, "{operation} {request}");
    }
    assert!(alarms.is_empty());
}
