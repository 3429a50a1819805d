//! What no SDK sends: web pages, malformed requests, clients that stall.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::{Read as _, Write as _};
use std::time::Duration;

use local_dynamodb::{LocalDynamoDb, Options};
use serde_json::json;
use support::http::{Raw, connect, read_answer};
use support::json::{done, put, refused, table, with};
use support::{client, create_table, item, server};

const SERIALIZATION: &str = r#"{"__type":"com.amazon.coral.service#SerializationException"}"#;
const UNKNOWN: &str = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;

fn list_tables() -> Raw {
    Raw::operation("ListTables", "{}")
}

#[test]
fn an_answer_has_dynamodbs_headers() {
    let server = server();
    let address = server.address().to_string();
    let answer = list_tables().send(&address);
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"TableNames":[]}"#));
    let header = |name: &str| {
        let line = answer.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("{name}: {}", answer.headers)).to_owned()
    };
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(header("x-amz-crc32"), crc32fast::hash(answer.body.as_bytes()).to_string());
    let id = header("x-amzn-requestid");
    assert!(id.len() == 52 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    assert!(!answer.headers.contains("access-control"), "{}", answer.headers);

    let plain = list_tables().header("content-type", "application/json; charset=utf-8").send(&address);
    assert!(plain.headers.contains("content-type: application/json\r\n"), "{}", plain.headers);
}

#[test]
fn a_health_check_is_answered() {
    let server = server();
    for (path, method) in [("/", "GET"), ("/health", "GET"), ("/health", "HEAD")] {
        let request = Raw { headers: vec![], ..Raw::operation("", "") }.method(method).path(path);
        let answer = request.send(&server.address().to_string());
        let body = if method == "GET" { "healthy: dynamodb.us-east-1.amazonaws.com " } else { "" };
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{method} {path}");
    }
}

#[test]
fn names_with_a_dot_are_for_servers_that_others_reach_and_names_that_were_allowed() {
    let status = |server: &LocalDynamoDb, host: &str| {
        let address = format!("127.0.0.1:{}", server.address().port());
        list_tables().header("host", host).send(&address).status
    };
    let loopback = with(|options| options.allowed_hosts = vec!["dynamodb.example".into()]);
    assert_eq!(status(&loopback, "DynamoDB.example:8000"), 200);
    for host in ["host.docker.internal:8000", "x.svc.cluster.local", "evil.example"] {
        assert_eq!(status(&loopback, host), 403, "{host}");
    }
    let public = with(|options| options.host = "0.0.0.0".into());
    for host in ["host.docker.internal:8000", "x.svc.cluster.local"] {
        assert_eq!(status(&public, host), 200, "{host}");
    }
}

#[tokio::test]
async fn a_web_page_of_another_origin_can_neither_read_nor_write() {
    let server = server();
    let address = server.address().to_string();
    create_table(&client(&server.url()), "logfile").await;
    let put = Raw::operation("PutItem", r#"{"TableName":"logfile","Item":{"PK":{"S":"evil"}}}"#);
    let scan = Raw::operation("Scan", r#"{"TableName":"logfile"}"#);
    for origin in ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1"] {
        let metrics = scan.clone().method("GET").path("/metrics.json");
        for request in [&put, &scan, &put.clone().method("OPTIONS"), &scan.clone().method("GET"), &metrics] {
            let answer = request.clone().header("origin", origin).send(&address);
            assert_eq!(answer.status, 403, "{origin}: {answer:?}");
            assert!(!answer.headers.contains("access-control"), "{answer:?}");
        }
    }
    for host in ["evil.example", "evil.example:8000", "127.0.0.1.nip.io"] {
        for request in [&put, &scan, &put.clone().header("origin", format!("http://{host}").as_str())] {
            let answer = request.clone().header("host", host).send(&address);
            assert_eq!(answer.status, 403, "{host}: {answer:?}");
        }
    }
    let found = scan.send(&address);
    assert_eq!((found.status, found.body.as_str()), (200, r#"{"Items":[],"Count":0,"ScannedCount":0}"#));

    let own = scan.header("origin", format!("http://{address}").as_str()).send(&address);
    assert_eq!(own.status, 200, "{own:?}");
}

#[test]
fn what_is_not_a_request_gets_dynamodbs_error() {
    let server = server();
    let address = server.address().to_string();
    let not_found = (404, "<UnknownOperationException/>\n");
    let cases = [
        ("GET elsewhere", list_tables().method("GET").path("/shell"), not_found),
        ("POST elsewhere", list_tables().path("/tables"), not_found),
        ("PUT", list_tables().method("PUT"), not_found),
        ("DELETE", list_tables().method("DELETE"), not_found),
        ("OPTIONS", list_tables().method("OPTIONS"), not_found),
        ("no content type", list_tables().header("content-type", None), not_found),
        ("a form", list_tables().header("content-type", "text/plain"), not_found),
        ("no target", list_tables().header("x-amz-target", None), (400, UNKNOWN)),
        ("unknown operation", list_tables().header("x-amz-target", "DynamoDB_20120810.DropAll"), (400, UNKNOWN)),
        ("older API", list_tables().header("x-amz-target", "DynamoDB_20111205.ListTables"), (400, UNKNOWN)),
        ("empty body", Raw::operation("ListTables", ""), (400, SERIALIZATION)),
        ("no JSON", Raw::operation("ListTables", "{"), (400, SERIALIZATION)),
        ("two documents", Raw::operation("ListTables", "{}{}"), (400, SERIALIZATION)),
        ("no UTF-8", Raw::operation("ListTables", b"{\"ExclusiveStartTableName\":\"\xff\"}"), (400, SERIALIZATION)),
    ];
    for (case, request, expected) in cases {
        let answer = request.send(&address);
        assert_eq!((answer.status, answer.body.as_str()), expected, "{case}");
    }
    let unsigned = list_tables().header("authorization", None).send(&address);
    assert_eq!(unsigned.status, 400);
    assert!(unsigned.body.contains("MissingAuthenticationTokenException"), "{}", unsigned.body);
    assert_eq!(list_tables().send(&address).status, 200, "the server lives");
}

#[test]
fn a_body_over_16_mb_is_refused() {
    let server = server();
    let address = server.address().to_string();
    let padded = |size: usize| {
        let mut body = br#"{"Limit":1}"#.to_vec();
        body.resize(size, b' ');
        Raw::operation("ListTables", body)
    };
    assert_eq!(padded(16 * 1024 * 1024).send(&address).status, 200);
    let refused = padded(16 * 1024 * 1024 + 1).send(&address);
    assert_eq!(refused.status, 413);
    assert!(refused.body.contains("RequestEntityTooLargeException"), "{}", refused.body);

    // A body of unknown length.
    let mut stream = connect(&address);
    let head = String::from_utf8(list_tables().bytes(&address)).unwrap();
    let head = head.replace("content-length: 2", "transfer-encoding: chunked").replace("\r\n\r\n{}", "\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let megabyte = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    for _ in 0..17 {
        stream.write_all(&megabyte).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_answer(&mut stream).status, 413);
    assert_eq!(list_tables().send(&address).status, 200, "the server lives");
}

#[test]
fn a_client_that_stalls_is_dropped_and_harms_nobody() {
    let short = Duration::from_millis(200);
    let options = Options { header_timeout: short, body_timeout: short, ..Options::default() };
    let server = LocalDynamoDb::start(&options).unwrap();
    let address = server.address().to_string();
    let whole = list_tables().bytes(&address);

    let mut silent = connect(&address);
    let mut in_headers = connect(&address);
    in_headers.write_all(&whole[..20]).unwrap();
    let mut in_body = connect(&address);
    in_body.write_all(&whole[..whole.len() - 1]).unwrap();
    assert_eq!(list_tables().send(&address).status, 200, "others are served meanwhile");

    assert_eq!(read_answer(&mut in_body).status, 408);
    // hyper closes without an answer, or with 408, where no request is known.
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).unwrap();
    in_headers.read_to_end(&mut rest).unwrap();
    assert_eq!(list_tables().send(&address).status, 200, "the server lives");
}

#[tokio::test]
async fn stop_waits_for_a_running_request_but_not_for_a_stalled_one() {
    let options = Options { stop_timeout: Duration::from_millis(300), ..Options::default() };
    let server = LocalDynamoDb::start(&options).unwrap();
    let address = server.address().to_string();
    let client = client(&server.url());
    create_table(&client, "logfile").await;
    client.put_item().table_name("logfile").set_item(Some(item(&[("PK", "a")]))).send().await.unwrap();
    let mut stalled = connect(&address);
    let whole = list_tables().bytes(&address);
    stalled.write_all(&whole[..whole.len() - 1]).unwrap();
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    tokio::time::timeout(Duration::from_secs(10), stopped).await.unwrap().unwrap();
    assert!(std::net::TcpStream::connect(&address).is_err(), "nobody listens");
}

#[test]
fn names_that_cannot_be_kept_apart_are_refused_and_change_nothing() {
    for throttle in [true, false] {
        let server = with(|options| options.throttle = throttle);
        table(&server, "logfile", 10, Some(10));
        done(&server, "PutItem", put("logfile", "a"));
        let throughput = json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1});
        for name in ["Logfile", "LOGFILE", "_tables", "_Config", "_stream_records", "sqlite_log", "SQLITE_"] {
            let request = json!({
                "TableName": name, "ProvisionedThroughput": throughput,
                "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
            });
            let (kind, answer) = refused(&server, "CreateTable", request);
            assert!(kind == "ValidationException" && answer.to_string().contains(name), "{answer}");
            assert_eq!(refused(&server, "DeleteTable", json!({"TableName": name})).0, "ResourceNotFoundException");
        }
        let index = json!({
            "IndexName": "gsi_1", "KeySchema": [{"AttributeName": "GSI_1_PK", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"}, "ProvisionedThroughput": throughput,
        });
        let update = json!({
            "TableName": "logfile", "GlobalSecondaryIndexUpdates": [{"Create": index}],
            "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}, {"AttributeName": "GSI_1_PK", "AttributeType": "S"}],
        });
        let (kind, answer) = refused(&server, "UpdateTable", update);
        assert!(kind == "ValidationException" && answer.to_string().contains("gsi_1"), "{answer}");
        assert_eq!(done(&server, "ListTables", json!({})), json!({"TableNames": ["logfile"]}));
        assert_eq!(done(&server, "Scan", json!({"TableName": "logfile"}))["Count"], 1);
    }
}
