//! The operations, through the JSON codec.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use capacity::{Access, CapacityUnits, Limit, Resource, Throttle};
use serde_json::{Value as Json, json};

use super::*;
use crate::metrics::{Datapoint, Metrics, Series};

const HOUR: u64 = 3600;

/// Two tables; one has an index. `logfile` consumed 5, 6, 7 … WCU in ten minutes from 01:00, in two requests each.
fn metrics() -> Metrics {
    let (table, other): (Arc<str>, Arc<str>) = ("logfile".into(), "other".into());
    let index: Arc<str> = "GSI_1".into();
    let mut metrics = Metrics::default();
    for minute in 0..10 {
        let now = Duration::from_secs(HOUR + 60 * minute);
        for units in [2, minute + 3] {
            metrics.consumed(now, Access::Write, &table, None, CapacityUnits::new(units));
        }
        metrics.consumed(now, Access::Write, &table, Some(&index), CapacityUnits::new(1));
    }
    let throttle =
        |resource| Throttle { resource, access: Access::Write, limit: Limit::ProvisionedThroughput, retry_at: None };
    let now = Duration::from_secs(HOUR + 65);
    metrics.throttled_item(now, &table, &throttle(Resource::Index(index)));
    metrics.throttled_request(now, &table, "BatchWriteItem");
    metrics.consumed(now, Access::Read, &other, None, CapacityUnits::from_halves(1));
    metrics
}

fn snapshot<'a>(series: &'a [(&'a Series, Vec<Datapoint>)], now: Duration, speed: u32) -> Snapshot<'a> {
    Snapshot { tables: &[], creations: &[], series, now, speed: NonZeroU32::new(speed).unwrap(), throttling: true }
}

fn ask_at(now: u64, speed: u32, operation: &str, request: &Json) -> Result<Json, Error> {
    let metrics = metrics();
    let now = Duration::from_secs(now);
    let series = metrics.series(now);
    let snapshot = snapshot(&series, now, speed);
    let request =
        Request { operation: Operation::parse(operation)?, members: json::decode(request.to_string().as_bytes())? };
    let answer = json::encode(&run(&request, "us-east-1", &snapshot, &mut Alarms::default())?);
    Ok(serde_json::from_slice(&answer).unwrap())
}

fn ask(operation: &str, request: &Json) -> Json {
    ask_at(2 * HOUR, 1, operation, request).unwrap()
}

fn refusal(operation: &str, request: &Json) -> (&'static str, String) {
    let error = ask_at(2 * HOUR, 1, operation, request).unwrap_err();
    (error.kind.code(), error.message)
}

fn dimension(name: &str, value: &str) -> Json {
    json!({"Name": name, "Value": value})
}

/// A request for a day of the WCU of `logfile`, with `changes`.
fn statistics(changes: &Json) -> Json {
    let mut request = json!({
        "Namespace": "AWS/DynamoDB", "MetricName": "ConsumedWriteCapacityUnits", "Statistics": ["Sum"],
        "Dimensions": [dimension("TableName", "logfile")], "StartTime": HOUR, "EndTime": 2 * HOUR, "Period": 60,
    });
    merge(&mut request, changes);
    request
}

fn query(id: &str, changes: &Json) -> Json {
    let mut stat = json!({
        "Metric": {
            "Namespace": "AWS/DynamoDB", "MetricName": "ConsumedWriteCapacityUnits",
            "Dimensions": [dimension("TableName", "logfile")],
        },
        "Period": 60, "Stat": "Sum",
    });
    merge(&mut stat, changes);
    json!({"Id": id, "MetricStat": stat})
}

fn data(queries: &[Json], changes: &Json) -> Json {
    let mut request = json!({"MetricDataQueries": queries, "StartTime": HOUR, "EndTime": HOUR + 300});
    merge(&mut request, changes);
    request
}

/// Null takes a member away.
fn merge(request: &mut Json, changes: &Json) {
    for (name, value) in changes.as_object().unwrap() {
        request[name] = value.clone();
    }
}

fn listed(request: &Json) -> Vec<String> {
    let answer = ask("ListMetrics", request);
    let text = |metric: &Json| {
        let dimensions = metric["Dimensions"].as_array().unwrap().iter();
        let dimensions: Vec<_> = dimensions.map(|each| each["Value"].as_str().unwrap()).collect();
        format!("{} {}", metric["MetricName"].as_str().unwrap(), dimensions.join("/"))
    };
    answer["Metrics"].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn metrics_are_listed_by_name_and_dimensions() {
    let all = [
        "ConsumedWriteCapacityUnits logfile",
        "ThrottledRequests logfile/BatchWriteItem",
        "ConsumedWriteCapacityUnits logfile/GSI_1",
        "WriteThrottleEvents logfile/GSI_1",
        "WriteProvisionedThroughputThrottleEvents logfile/GSI_1",
        "ConsumedReadCapacityUnits other",
    ];
    assert_eq!(listed(&json!({})), all);
    assert_eq!(listed(&json!({"Namespace": "AWS/DynamoDB"})), all);
    assert_eq!(listed(&json!({"Namespace": "AWS/EC2"})), [""; 0]);
    assert_eq!(listed(&json!({"MetricName": "WriteThrottleEvents"})), all[3..4]);
    assert_eq!(listed(&json!({"Dimensions": [{"Name": "GlobalSecondaryIndexName"}]})), all[2..5]);
    assert_eq!(listed(&json!({"Dimensions": [dimension("TableName", "other")]})), all[5..]);
    assert_eq!(listed(&json!({"RecentlyActive": "PT3H"})), all);
    let later = ask_at(5 * HOUR, 1, "ListMetrics", &json!({"RecentlyActive": "PT3H"})).unwrap();
    assert_eq!(later["Metrics"], json!([]));
    assert_eq!(refusal("ListMetrics", &json!({"RecentlyActive": "PT1H"})).0, "InvalidParameterValue");
    assert_eq!(refusal("ListMetrics", &json!({"NextToken": "x"})).0, "InvalidParameterValue");
}

#[test]
fn long_lists_come_in_pages() {
    let mut metrics = Metrics::default();
    let now = Duration::from_secs(HOUR);
    for n in 0..1100 {
        metrics.condition_failed(now, &format!("table{n:04}").into());
    }
    let (mut token, mut names, mut pages) = (Json::Null, Vec::new(), 0);
    loop {
        // A table that comes in between shifts nothing.
        metrics.condition_failed(now, &format!("a{pages}").into());
        let series = metrics.series(now);
        let request = json::decode(json!({"NextToken": token}).to_string().as_bytes()).unwrap();
        let snapshot = snapshot(&series, now, 1);
        let answer = list_metrics::run(&Members::of_request(&request).unwrap(), &snapshot).unwrap();
        let answer: Json = serde_json::from_slice(&json::encode(&answer)).unwrap();
        let page = answer["Metrics"].as_array().unwrap();
        assert!(page.len() <= 500);
        names.extend(page.iter().map(|metric| metric["Dimensions"][0]["Value"].as_str().unwrap().to_owned()));
        pages += 1;
        token = answer["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((pages, names.len()), (3, 1101));
    assert!(names.is_sorted());
}

#[test]
fn statistics_of_a_metric() {
    let five_minutes = ask(
        "GetMetricStatistics",
        &statistics(&json!({"Period": 300, "Statistics": ["Maximum", "Sum", "SampleCount", "Average", "Minimum"]})),
    );
    let point = |time, sum: f64, minimum, maximum| {
        json!({
            "Timestamp": time, "SampleCount": 10.0, "Average": sum / 10.0, "Sum": sum, "Minimum": minimum,
            "Maximum": maximum, "Unit": "Count",
        })
    };
    let expected = [point(HOUR, 35.0, 2.0, 7.0), point(HOUR + 300, 60.0, 2.0, 12.0)];
    assert_eq!(five_minutes, json!({"Label": "ConsumedWriteCapacityUnits", "Datapoints": expected}));

    let minute = ask("GetMetricStatistics", &statistics(&json!({"StartTime": 3630.5, "EndTime": HOUR + 60})));
    assert_eq!(minute["Datapoints"], json!([{"Timestamp": HOUR, "Sum": 5.0, "Unit": "Count"}]));
}

#[test]
fn dimensions_are_all_or_no_match() {
    let index = dimension("GlobalSecondaryIndexName", "GSI_1");
    let table = dimension("TableName", "logfile");
    let points =
        |changes: &Json| ask("GetMetricStatistics", &statistics(changes))["Datapoints"].as_array().unwrap().len();
    assert_eq!(points(&json!({})), 10);
    assert_eq!(points(&json!({"Dimensions": [index, table], "MetricName": "WriteThrottleEvents"})), 1);
    assert_eq!(points(&json!({"MetricName": "WriteThrottleEvents"})), 0, "the events are on the index alone");
    assert_eq!(points(&json!({"Dimensions": [index]})), 0);
    assert_eq!(points(&json!({"Dimensions": []})), 0);
    assert_eq!(points(&json!({"Dimensions": [dimension("TableName", "nowhere")]})), 0);
    assert_eq!(points(&json!({"Namespace": "local_dynamodb"})), 0);
    assert_eq!(points(&json!({"Unit": "Count"})), 10);
    assert_eq!(points(&json!({"Unit": "Seconds"})), 0);
}

#[test]
fn what_is_wrong_with_a_request_for_statistics() {
    let refused = |changes: &Json| refusal("GetMetricStatistics", &statistics(changes));
    for name in ["Namespace", "MetricName", "StartTime", "EndTime", "Period"] {
        let expected = ("MissingParameter", format!("The parameter {name} is required."));
        assert_eq!(refused(&json!({name: null})), expected);
    }
    let at_least_one = "At least one of the parameters Statistics and ExtendedStatistics must be specified.";
    assert_eq!(refused(&json!({"Statistics": []})), ("InvalidParameterCombination", at_least_one.into()));
    let too_many = "You have requested up to 20,160 datapoints, which exceeds the limit of 1,440. You may reduce the \
        datapoints requested by increasing Period, or decreasing the time range.";
    assert_eq!(refused(&json!({"EndTime": HOUR + 14 * 24 * HOUR})), ("InvalidParameterCombination", too_many.into()));
    let equal = "The parameter StartTime must not equal parameter EndTime.";
    assert_eq!(refused(&json!({"EndTime": HOUR})), ("InvalidParameterValue", equal.into()));
    for (changes, code) in [
        (json!({"EndTime": 0}), "InvalidParameterValue"),
        (json!({"Period": 61}), "InvalidParameterValue"),
        (json!({"Statistics": ["Sum", "Median"]}), "InvalidParameterValue"),
        (json!({"ExtendedStatistics": ["p99"]}), "InvalidParameterValue"),
        (json!({"Dimensions": [{"Name": "TableName"}]}), "MissingParameter"),
        (json!({"Dimensions": ["TableName"]}), "MalformedInput"),
        (json!({"Dimensions": {}}), "MalformedInput"),
        (json!({"Period": [60]}), "MalformedInput"),
        (json!({"StartTime": "yesterday"}), "MalformedInput"),
        (json!({"MetricName": 5}), "MalformedInput"),
    ] {
        let (refused, message) = refused(&changes);
        assert_eq!(refused, code, "{changes}: {message}");
    }
    assert_eq!(
        refused(&json!({"Dimensions": [{"Value": "a"}]})).1,
        "The parameter Dimensions.member.1.Name is required."
    );
    assert_eq!(refusal("PutMetricData", &json!({})).0, "InvalidAction");
}

#[test]
fn values_of_several_metrics() {
    let index = json!({
        "Namespace": "AWS/DynamoDB", "MetricName": "ConsumedWriteCapacityUnits",
        "Dimensions": [dimension("TableName", "logfile"), dimension("GlobalSecondaryIndexName", "GSI_1")],
    });
    let absent = json!({"Namespace": "AWS/DynamoDB", "MetricName": "WriteThrottleEvents"});
    let mut hidden = query("hidden", &json!({}));
    hidden["ReturnData"] = json!(false);
    let mut named = query("named", &json!({"Stat": "Maximum", "Period": 300}));
    named["Label"] = json!("my label");
    let queries = [
        query("a", &json!({})),
        query("b", &json!({"Metric": index})),
        query("c", &json!({"Metric": absent})),
        hidden,
        named,
    ];
    let times = [HOUR + 240, HOUR + 180, HOUR + 120, HOUR + 60, HOUR];
    let result = |id, label, times: &[u64], values: &[f64]| json!({"Id": id, "Label": label, "Timestamps": times, "Values": values, "StatusCode": "Complete"});
    let expected = json!([
        result("a", "logfile ConsumedWriteCapacityUnits", &times, &[9.0, 8.0, 7.0, 6.0, 5.0]),
        result("b", "logfile GSI_1 ConsumedWriteCapacityUnits", &times, &[1.0; 5]),
        result("c", "WriteThrottleEvents", &[], &[]),
        result("named", "my label", &[HOUR], &[7.0]),
    ]);
    assert_eq!(
        ask("GetMetricData", &data(&queries, &json!({}))),
        json!({"MetricDataResults": expected, "Messages": []})
    );
}

#[test]
fn values_come_in_pages() {
    for scan_by in ["TimestampDescending", "TimestampAscending"] {
        let queries =
            [query("a", &json!({})), query("b", &json!({"Stat": "Maximum"})), query("c", &json!({"Period": 300}))];
        let mut changes = json!({"ScanBy": scan_by, "MaxDatapoints": 3});
        let (mut values, mut codes) = (Vec::new(), Vec::new());
        loop {
            let answer = ask("GetMetricData", &data(&queries, &changes));
            let results = answer["MetricDataResults"].as_array().unwrap();
            let of_page = results.iter().flat_map(|result| result["Values"].as_array().unwrap());
            let of_page: Vec<_> = of_page.map(|value| value.as_f64().unwrap()).collect();
            assert!((1..=3).contains(&of_page.len()));
            values.extend(of_page);
            codes.extend(results.iter().map(|result| result["StatusCode"].as_str().unwrap() == "Complete"));
            match &answer["NextToken"] {
                Json::Null => break,
                token => changes["NextToken"] = token.clone(),
            }
        }
        let mut sums = [5.0, 6.0, 7.0, 8.0, 9.0];
        let mut maxima = [3.0, 4.0, 5.0, 6.0, 7.0];
        if scan_by == "TimestampDescending" {
            sums.reverse();
            maxima.reverse();
        }
        assert_eq!(values, [&sums[..], &maxima[..], &[35.0]].concat());
        // 3 of a; 2 of a and 1 of b; 3 of b; 1 of b and all of c.
        assert_eq!(codes, [false, true, false, false, true, true]);
    }
}

#[test]
fn what_is_wrong_with_a_request_for_data() {
    let refused = |queries: &[Json], changes: &Json| refusal("GetMetricData", &data(queries, changes));
    let fine = || query("a", &json!({}));
    let mut expression = fine();
    expression["Expression"] = json!("SUM(METRICS())");
    let (code, message) = refused(&[fine(), expression], &json!({}));
    assert_eq!(code, "ValidationError");
    assert!(message.starts_with("The parameter MetricDataQueries.member.2.Expression is not supported"), "{message}");
    let pattern = "The value 5xx for parameter MetricDataQueries.member.1.Id is not matching the expected pattern \
        ^[a-z][a-zA-Z0-9_]*$.";
    assert_eq!(refused(&[query("5xx", &json!({}))], &json!({})), ("ValidationError", pattern.into()));
    let equal = "The parameter StartTime must not equal parameter EndTime.";
    assert_eq!(refused(&[fine()], &json!({"EndTime": HOUR})), ("ValidationError", equal.into()));
    for (queries, changes, code) in [
        (vec![], json!({}), "ValidationError"),
        (vec![fine(), fine()], json!({}), "ValidationError"),
        (vec![json!({"Id": "a"})], json!({}), "ValidationError"),
        (vec![query("a", &json!({"Stat": "p99"}))], json!({}), "ValidationError"),
        (vec![query("a", &json!({"Period": 10}))], json!({}), "ValidationError"),
        (vec![query("a", &json!({"Metric": {}}))], json!({}), "ValidationError"),
        (vec![fine()], json!({"StartTime": null}), "ValidationError"),
        (vec![fine()], json!({"ScanBy": "up"}), "ValidationError"),
        (vec![fine()], json!({"MaxDatapoints": 0}), "ValidationError"),
        (vec![fine()], json!({"MaxDatapoints": 100_801}), "ValidationError"),
        (vec![fine()], json!({"NextToken": "7"}), "InvalidNextToken"),
        (vec![fine()], json!({"NextToken": "0:x"}), "InvalidNextToken"),
        (vec![query("a", &json!({"Period": "x"}))], json!({}), "MalformedInput"),
    ] {
        assert_eq!(refused(&queries, &changes).0, code, "{queries:?} {changes}");
    }
    let many: Vec<_> = (0..501).map(|n| query(&format!("q{n}"), &json!({}))).collect();
    assert_eq!(refused(&many[..], &json!({})).0, "ValidationError");
    assert_eq!(
        ask("GetMetricData", &data(&many[..500], &json!({})))["MetricDataResults"].as_array().unwrap().len(),
        500
    );
}

#[test]
fn who_asks_a_fast_clock_for_times_before_now_is_told() {
    let request = data(&[query("a", &json!({}))], &json!({}));
    let messages = |now, speed, request| ask_at(now, speed, "GetMetricData", request).unwrap()["Messages"].clone();
    let told = messages(2 * HOUR, 60, &request);
    assert_eq!(told[0]["Code"], "ServerClock");
    assert!(
        told[0]["Value"].as_str().unwrap().contains("60 times as fast as the wall's and shows 1970-01-01T02:00:00Z")
    );
    assert_eq!(messages(2 * HOUR, 1, &request), json!([]));
    let ahead = data(&[query("a", &json!({}))], &json!({"EndTime": 3 * HOUR}));
    assert_eq!(messages(2 * HOUR, 60, &ahead), json!([]));
}
