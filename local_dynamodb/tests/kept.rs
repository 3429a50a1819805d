//! What is in the database file after `kill -9`: everything that clients have set.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use support::binary::Binary;
use support::http::{Connection, Raw};
use support::json::about_scalable_target;

struct Client(Connection, String);

impl Client {
    fn new(server: &Binary) -> Self {
        let address = server.url.strip_prefix("http://").unwrap();
        Self(Connection::open(address), address.to_owned())
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the request as a literal")]
    fn done(&mut self, operation: &str, request: Value) -> Value {
        let (status, body) = self.0.call(operation, &request.to_string()).unwrap();
        assert_eq!(status, 200, "{operation}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// A request to Application Auto Scaling.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the request as a literal")]
    fn auto_scaling(&self, operation: &str, request: Value) -> Value {
        let raw = Raw::operation("", request.to_string())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", &*format!("AnyScaleFrontendService.{operation}"));
        let answer = raw.send(&self.1);
        assert_eq!(answer.status, 200, "{operation}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    /// A request to CloudWatch.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the request as a literal")]
    fn cloudwatch(&self, operation: &str, request: Value) -> Value {
        let raw = Raw::operation("", request.to_string())
            .header("x-amz-target", &*format!("GraniteServiceVersion20100801.{operation}"));
        let answer = raw.send(&self.1);
        assert_eq!(answer.status, 200, "{operation}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    fn throughput_of_logfile(&mut self) -> Value {
        self.done("DescribeTable", json!({"TableName": "logfile"}))["Table"]["ProvisionedThroughput"].take()
    }

    /// The day of the last decrease.
    fn last_decrease(&mut self) -> u64 {
        day(self.throughput_of_logfile()["LastDecreaseDateTime"].as_f64().unwrap())
    }

    /// `decreases` are the days of all decreases: those of the current day are counted.
    #[expect(clippy::disallowed_methods, reason = "a client compares the days of the decreases with the current one")]
    fn check_decreases(&mut self, decreases: &[u64]) {
        let today = || day(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64());
        let (asked_on, number) = loop {
            let before = today();
            let number = self.throughput_of_logfile()["NumberOfDecreasesToday"].as_u64().unwrap();
            if today() == before {
                break (before, number);
            }
        };
        assert_eq!(number, decreases.iter().filter(|day| **day == asked_on).count() as u64, "{decreases:?}");
    }

    /// All that is described, but for what follows from the time.
    fn described(&mut self) -> Value {
        let mut table = self.done("DescribeTable", json!({"TableName": "logfile"}));
        let free = self.done("DescribeTable", json!({"TableName": "free"}));
        let all = json!({"ServiceNamespace": "dynamodb"});
        table["Table"]["TableStatus"].take();
        table["Table"]["ProvisionedThroughput"]["NumberOfDecreasesToday"].take();
        json!({
            "table": table,
            "free": free,
            "ttl": self.done("DescribeTimeToLive", json!({"TableName": "logfile"})),
            "targets": self.auto_scaling("DescribeScalableTargets", all.clone()),
            "policies": self.auto_scaling("DescribeScalingPolicies", all),
            "alarms": self.cloudwatch("DescribeAlarms", json!({})),
            "history": self.cloudwatch("DescribeAlarmHistory", json!({})),
        })
    }
}

/// A UTC day, as its number since 1970.
fn day(seconds: f64) -> u64 {
    seconds as u64 / 86_400
}

fn throughput(units: u64) -> Value {
    json!({"ReadCapacityUnits": units, "WriteCapacityUnits": units})
}

#[test]
fn everything_that_was_set_is_there_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.db");
    let arguments = ["--db-path", file.to_str().unwrap(), "--update-time", "0"];
    let server = Binary::start(&arguments);
    let mut client = Client::new(&server);
    let string = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let index = json!({"IndexName": "GSI_1", "KeySchema": [{"AttributeName": "G", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"}});
    let create = |name: &str, more: Value| {
        let mut request = json!({"TableName": name, "AttributeDefinitions": [string("PK"), string("G")],
            "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}], "GlobalSecondaryIndexes": [index.clone()]});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let mut provisioned = index.clone();
    provisioned["ProvisionedThroughput"] = throughput(7);
    client.done(
        "CreateTable",
        create("logfile", json!({"ProvisionedThroughput": throughput(100), "GlobalSecondaryIndexes": [provisioned]})),
    );
    let mut limited = index.clone();
    limited["OnDemandThroughput"] = json!({"MaxReadRequestUnits": 5, "MaxWriteRequestUnits": 6});
    limited["WarmThroughput"] = json!({"WriteUnitsPerSecond": 4_500});
    client.done(
        "CreateTable",
        create(
            "free",
            json!({"BillingMode": "PAY_PER_REQUEST", "GlobalSecondaryIndexes": [limited],
        "WarmThroughput": {"ReadUnitsPerSecond": 15_000, "WriteUnitsPerSecond": 5_000},
        "OnDemandThroughput": {"MaxWriteRequestUnits": 77}}),
        ),
    );
    for table in ["logfile", "free"] {
        client.done("DescribeTable", json!({"TableName": table}));
    }
    // Two decreases, which count for the day, and a table that was on demand in between.
    let mut decreases = Vec::new();
    for units in [50, 40] {
        client.done("UpdateTable", json!({"TableName": "logfile", "ProvisionedThroughput": throughput(units),
            "GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "GSI_1", "ProvisionedThroughput": throughput(units / 10)}}]}));
        decreases.push(client.last_decrease());
    }
    client.done("UpdateTable", json!({"TableName": "logfile", "BillingMode": "PAY_PER_REQUEST"}));
    client.done(
        "UpdateTable",
        json!({"TableName": "logfile", "BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput(41),
        "GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "GSI_1", "ProvisionedThroughput": throughput(9)}}]}),
    );
    client.done(
        "UpdateTimeToLive",
        json!({"TableName": "logfile", "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true}}),
    );
    client.auto_scaling(
        "RegisterScalableTarget",
        about_scalable_target(json!({"MinCapacity": 5, "MaxCapacity": 60, "Tags": {"a": "b"}})),
    );
    client.auto_scaling(
        "PutScalingPolicy",
        about_scalable_target(json!({"PolicyName": "writes", "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.5, "ScaleInCooldown": 30,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}}})),
    );
    client.cloudwatch("PutMetricAlarm", json!({"AlarmName": "mine", "Namespace": "AWS/DynamoDB", "MetricName": "WriteThrottleEvents",
        "Dimensions": [{"Name": "TableName", "Value": "logfile"}], "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 0.1, "ComparisonOperator": "GreaterThanThreshold"}));
    client.cloudwatch("SetAlarmState", json!({"AlarmName": "mine", "StateValue": "ALARM", "StateReason": "tried"}));

    let before = client.described();
    assert_eq!(before["alarms"]["MetricAlarms"].as_array().unwrap().len(), 5);
    client.check_decreases(&decreases);
    server.stop("KILL");

    let server = Binary::start(&arguments);
    let mut client = Client::new(&server);
    assert_eq!(client.described(), before);
    client.check_decreases(&decreases);
    // And what is deleted stays away.
    client.auto_scaling("DeregisterScalableTarget", about_scalable_target(json!({})));
    client.cloudwatch("DeleteAlarms", json!({"AlarmNames": ["mine"]}));
    client.done("DeleteTable", json!({"TableName": "free"}));
    server.stop("KILL");
    let server = Binary::start(&arguments);
    let mut client = Client::new(&server);
    assert_eq!(client.cloudwatch("DescribeAlarms", json!({}))["MetricAlarms"], json!([]));
    assert_eq!(
        client.auto_scaling("DescribeScalableTargets", json!({"ServiceNamespace": "dynamodb"}))["ScalableTargets"],
        json!([])
    );
    client.done("CreateTable", create("free", json!({"BillingMode": "PAY_PER_REQUEST"})));
    let free = client.done("DescribeTable", json!({"TableName": "free"}));
    assert_eq!(free["Table"]["WarmThroughput"]["WriteUnitsPerSecond"], 4_000);
}
