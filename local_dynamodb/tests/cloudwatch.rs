//! The CloudWatch API on the server's port, in its three protocols.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::{Read as _, Write as _};

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::http::{Answer, Raw, SIGNED, connect};
use support::json::{done, put, table};
use support::server;

const METRIC: &str = "ConsumedWriteCapacityUnits";

/// A request in awsJson.
fn raw_json(operation: &str, request: &Value) -> Raw {
    Raw::operation("", request.to_string())
        .header("x-amz-target", format!("GraniteServiceVersion20100801.{operation}").as_str())
}

/// A request in the query protocol.
fn raw_query(form: &str) -> Raw {
    Raw::operation("", form)
        .header("x-amz-target", None)
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
}

/// A request in Smithy RPC v2 CBOR; the answer's head and body.
fn cbor(server: &LocalDynamoDb, operation: &str, body: &[u8]) -> (String, Vec<u8>) {
    let address = server.address().to_string();
    let request = Raw::operation("", body)
        .path(&format!("/service/GraniteServiceVersion20100801/operation/{operation}"))
        .header("x-amz-target", None)
        .header("content-type", "application/cbor")
        .header("smithy-protocol", "rpc-v2-cbor");
    let mut stream = connect(&address);
    stream.write_all(&request.bytes(&address)).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    (String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase(), bytes[end + 4..].to_vec())
}

fn send(server: &LocalDynamoDb, request: &Raw) -> Answer {
    request.send(&server.address().to_string())
}

/// A server that has consumed 3 WCU.
fn loaded() -> LocalDynamoDb {
    let server = server();
    table(&server, "logfile", 5, None);
    for key in ["a", "b", "c"] {
        done(&server, "PutItem", put("logfile", key));
    }
    server
}

/// Two hours around now, by the server's clock.
fn span(server: &LocalDynamoDb) -> (u64, u64) {
    let now = server.metrics()["Clock"]["Seconds"].as_f64().unwrap() as u64;
    (now - 3600, now + 3600)
}

#[test]
fn json_is_answered_in_json() {
    let server = loaded();
    let (start, end) = span(&server);
    let request = json!({
        "Namespace": "AWS/DynamoDB", "MetricName": METRIC, "Dimensions": [{"Name": "TableName", "Value": "logfile"}],
        "StartTime": start, "EndTime": end, "Period": 86_400, "Statistics": ["Sum", "SampleCount"],
    });
    let answer = send(&server, &raw_json("GetMetricStatistics", &request));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.headers.contains("content-type: application/x-amz-json-1.0\r\n"), "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let points = json!([{"Timestamp": start - start % 60, "SampleCount": 3.0, "Sum": 3.0, "Unit": "Count"}]);
    assert_eq!(body, json!({"Label": METRIC, "Datapoints": points}));
}

#[test]
fn cbor_is_answered_in_cbor() {
    let server = loaded();
    let mut request = minicbor::Encoder::new(Vec::new());
    request.map(1).unwrap().str("MetricName").unwrap().str(METRIC).unwrap();
    let (head, body) = cbor(&server, "ListMetrics", &request.into_writer());
    assert!(head.starts_with("http/1.1 200 ") && head.contains("content-type: application/cbor\r\n"), "{head}");
    assert!(head.contains("smithy-protocol: rpc-v2-cbor"), "{head}");
    let shown = minicbor::display(&body).to_string();
    assert_eq!(
        shown,
        "{\"Metrics\": [{\"Namespace\": \"AWS/DynamoDB\", \"MetricName\": \"ConsumedWriteCapacityUnits\", \
         \"Dimensions\": [{\"Name\": \"TableName\", \"Value\": \"logfile\"}]}]}"
    );

    let (head, body) = cbor(&server, "GetMetricData", b"\xa0");
    assert!(head.starts_with("http/1.1 400 ") && head.contains("x-amzn-query-error: validationerror;sender"), "{head}");
    let shown = minicbor::display(&body).to_string();
    assert_eq!(
        shown,
        "{\"__type\": \"com.amazon.coral.validate#ValidationException\", \
         \"message\": \"The parameter StartTime is required.\"}"
    );
    let (head, _) = cbor(&server, "ListMetrics", b"\xff");
    assert!(head.contains("x-amzn-query-error: malformedinput;sender"), "{head}");
}

#[test]
fn a_form_is_answered_in_xml() {
    let server = loaded();
    let form = "Action=ListMetrics&Version=2010-08-01&MetricName=ConsumedWriteCapacityUnits\
        &Dimensions.member.1.Name=TableName&Dimensions.member.1.Value=logfile";
    let answer = send(&server, &raw_query(form));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.headers.contains("content-type: text/xml\r\n"), "{answer:?}");
    let expected = "<ListMetricsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><ListMetricsResult>\
        <Metrics><member><Namespace>AWS/DynamoDB</Namespace><MetricName>ConsumedWriteCapacityUnits</MetricName>\
        <Dimensions><member><Name>TableName</Name><Value>logfile</Value></member></Dimensions></member></Metrics>\
        </ListMetricsResult><ResponseMetadata><RequestId>";
    assert!(answer.body.starts_with(expected), "{}", answer.body);

    let unknown = send(&server, &raw_query("Action=PutMetricData&Version=2010-08-01"));
    assert_eq!(unknown.status, 400);
    let error = "<Error><Type>Sender</Type><Code>InvalidAction</Code><Message>The action PutMetricData is not valid";
    assert!(unknown.body.contains(error), "{}", unknown.body);
}

#[test]
fn errors_have_both_of_their_names() {
    let server = server();
    let answer = send(&server, &raw_json("GetMetricStatistics", &json!({"Namespace": "AWS/DynamoDB"})));
    assert_eq!(answer.status, 400);
    assert!(answer.headers.contains("x-amzn-query-error: missingparameter;sender\r\n"), "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let kind = "com.amazonaws.cloudwatch#MissingRequiredParameterException";
    assert_eq!(body, json!({"__type": kind, "message": "The parameter MetricName is required."}));

    let unsigned = send(&server, &raw_json("ListMetrics", &json!({})).header("authorization", None));
    assert_eq!(unsigned.status, 403);
    assert!(unsigned.body.contains("Request is missing Authentication Token"), "{unsigned:?}");
    for broken in [&b"{"[..], b"[]", b"", b"\xff"] {
        let mut request = raw_json("ListMetrics", &json!({}));
        request.body = broken.to_vec();
        assert!(send(&server, &request).headers.contains("malformedinput;sender"), "{broken:?}");
    }
}

#[test]
fn a_web_page_of_another_origin_cannot_ask() {
    let server = loaded();
    // A form is what a page can post anywhere without being asked by the browser whether it may.
    let form = raw_query("Action=ListMetrics&Version=2010-08-01").header("authorization", SIGNED);
    assert_eq!(send(&server, &form).status, 200);
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        assert_eq!(send(&server, &form.clone().header(name, value)).status, 403);
    }
}
