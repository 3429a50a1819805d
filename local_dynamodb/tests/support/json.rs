//! Operations as JSON, and the metrics of a server.

use std::collections::BTreeMap;
use std::path::Path;

use local_dynamodb::{LocalDynamoDb, Options};
use serde_json::{Value, json};

use super::http::Raw;

/// A server with other options than the defaults.
pub(crate) fn with(options: impl FnOnce(&mut Options)) -> LocalDynamoDb {
    let mut all = Options::default();
    options(&mut all);
    LocalDynamoDb::start(&all).unwrap()
}

/// The requests in the files of `tests/requests`, with tables on demand: the operation and the body.
pub(crate) fn recorded_requests() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests");
    let mut requests = Vec::new();
    for file in ["tables.txt", "items.txt", "malformed.txt"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let text =
            text.replace("capacity(table)", r#","BillingMode":"PAY_PER_REQUEST""#).replace("capacity(index)", "");
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (operation, body) = line.trim_start_matches("! ").split_once(' ').unwrap();
            requests.push((operation.to_owned(), body.to_owned()));
        }
    }
    requests
}

/// A request about the write capacity of `logfile` to Application Auto Scaling, with `more` members.
#[expect(clippy::needless_pass_by_value, reason = "callers write the members as a literal")]
pub(crate) fn about_scalable_target(more: Value) -> Value {
    let mut request = json!({"ServiceNamespace": "dynamodb", "ResourceId": "table/logfile",
        "ScalableDimension": "dynamodb:table:WriteCapacityUnits"});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// Sends an operation: the status and the answer.
#[expect(clippy::needless_pass_by_value, reason = "callers write the request as a literal")]
pub(crate) fn call(server: &LocalDynamoDb, operation: &str, request: Value) -> (u16, Value) {
    let answer = Raw::operation(operation, request.to_string()).send(&server.address().to_string());
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}")))
}

/// Sends an operation that is expected to succeed.
pub(crate) fn done(server: &LocalDynamoDb, operation: &str, request: Value) -> Value {
    let (status, answer) = call(server, operation, request);
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

/// Sends an operation that is expected to fail: the type without its prefix, and the whole.
pub(crate) fn refused(server: &LocalDynamoDb, operation: &str, request: Value) -> (String, Value) {
    let (status, answer) = call(server, operation, request);
    assert_eq!(status, 400, "{operation}: {answer}");
    let kind = answer["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
    (kind, answer)
}

/// Creates a table with the key `PK` and, if its throughput is given, the index `GSI_1` on `GSI_1_PK` that holds the
/// keys. A throughput of 0 is a table on demand.
pub(crate) fn table(server: &LocalDynamoDb, name: &str, units: u64, index_units: Option<u64>) {
    table_with(server, name, (units, units), index_units);
}

/// The same with different read and write units.
pub(crate) fn table_with(server: &LocalDynamoDb, name: &str, (read, write): (u64, u64), index_units: Option<u64>) {
    let throughput = |read: u64, write: u64| json!({"ReadCapacityUnits": read, "WriteCapacityUnits": write});
    let mut request = json!({
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
    });
    if write == 0 {
        request["BillingMode"] = json!("PAY_PER_REQUEST");
    } else {
        request["ProvisionedThroughput"] = throughput(read, write);
    }
    if let Some(index_units) = index_units {
        request["AttributeDefinitions"]
            .as_array_mut()
            .unwrap()
            .push(json!({"AttributeName": "GSI_1_PK", "AttributeType": "S"}));
        let mut index = json!({
            "IndexName": "GSI_1",
            "KeySchema": [{"AttributeName": "GSI_1_PK", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        });
        if write > 0 {
            index["ProvisionedThroughput"] = throughput(index_units, index_units);
        }
        request["GlobalSecondaryIndexes"] = json!([index]);
    }
    done(server, "CreateTable", request);
    let described = done(server, "DescribeTable", json!({"TableName": name}));
    assert_eq!(described["Table"]["TableStatus"], "ACTIVE");
}

/// An item of this many bytes with the key `key`, also in the index `GSI_1` if `indexed`.
pub(crate) fn item(key: &str, size: usize, indexed: bool) -> Value {
    let mut item = json!({"PK": {"S": key}});
    let mut left = size.saturating_sub(2 + key.len());
    if indexed {
        item["GSI_1_PK"] = json!({"S": "a"});
        left = left.saturating_sub(9);
    }
    if left > 1 {
        item["x"] = json!({"S": "x".repeat(left - 1)});
    }
    item
}

/// Spends all of the burst of a table with 1 WCU, and nearly 300 units more: for five minutes it refuses every write.
pub(crate) fn exhaust(server: &LocalDynamoDb, table: &str) {
    done(server, "PutItem", json!({"TableName": table, "Item": item("large", 299 * 1024, false)}));
    done(server, "UpdateItem", json!({"TableName": table, "Key": {"PK": {"S": "large"}}}));
}

/// What [`exhaust`] consumes.
pub(crate) const EXHAUSTED: f64 = 2.0 * 299.0;

/// A PutItem.
pub(crate) fn put(table: &str, key: &str) -> Value {
    json!({"TableName": table, "Item": item(key, 10, false)})
}

/// The sum of a metric over all minutes; `dimensions` beside the table are an index or an operation.
pub(crate) fn sum(server: &LocalDynamoDb, metric: &str, dimensions: &[&str]) -> f64 {
    sum_in(&server.metrics(), metric, dimensions)
}

/// The same in metrics that were read before.
pub(crate) fn sum_in(metrics: &Value, metric: &str, dimensions: &[&str]) -> f64 {
    let series = metrics["Metrics"].as_array().unwrap().iter().find(|series| {
        let values = series["Dimensions"].as_array().unwrap().iter().map(|each| each["Value"].as_str().unwrap());
        series["MetricName"] == metric && values.eq(dimensions.iter().copied())
    });
    let points = series.map(|series| series["Datapoints"].as_array().unwrap().iter()).into_iter().flatten();
    points.map(|point| point["Sum"].as_f64().unwrap()).sum()
}

/// The sums of all metrics over all minutes, by name and dimensions.
pub(crate) fn all_sums(metrics: &Value) -> BTreeMap<(String, Vec<String>), f64> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let series = metrics["Metrics"].as_array().unwrap().iter().map(|series| {
        let dimensions = series["Dimensions"].as_array().unwrap().iter().map(|each| text(&each["Value"])).collect();
        let points = series["Datapoints"].as_array().unwrap().iter();
        ((text(&series["MetricName"]), dimensions), points.map(|point| point["Sum"].as_f64().unwrap()).sum())
    });
    series.collect()
}
