//! The same requests to our server and to the engine's own, well-formed and malformed: the answers are the same, but
//! for the differences that are listed with their reasons.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::Path;

use dynoxide::Database;
use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::http::{Answer, Raw};
use support::json::with;
use support::server;

/// Values that differ from one server to the next, not from one program to the other.
const OWN: [&str; 13] = [
    "CreationDateTime",
    "TableId",
    "LatestStreamArn",
    "LatestStreamLabel",
    "StreamArn",
    "StreamLabel",
    "LastIncreaseDateTime",
    "LastDecreaseDateTime",
    "ApproximateCreationDateTime",
    "CreationRequestDateTime",
    "StartingSequenceNumber",
    "EndingSequenceNumber",
    "eventID",
];

/// The engine's own server, on a free port until the test ends.
async fn engine() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let database = Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
    address
}

/// Status, content type and body, without what is a server's own.
fn comparable(answer: &Answer) -> (u16, Option<String>, Value) {
    let content_type = answer.headers.lines().find_map(|line| line.strip_prefix("content-type: ").map(str::to_owned));
    let mut body = serde_json::from_str(&answer.body).unwrap_or_else(|_| Value::String(answer.body.clone()));
    blank(&mut body);
    (answer.status, content_type, body)
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if let ("ConsumedCapacity", Value::Array(tables)) = (name.as_str(), &mut *value) {
                    // In the order of a hash map.
                    tables.sort_by_key(|table| table["TableName"].to_string());
                }
                if OWN.contains(&name.as_str()) && !value.is_null() {
                    *value = json!("own");
                } else {
                    blank(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(blank),
        _ => {}
    }
}

/// A request, and whether the bodies of its answers are known to differ.
struct Line {
    request: Raw,
    differs: bool,
    text: String,
}

/// The requests in a file, one a line: `! ` if the answers differ (the file says why), the operation, a space, the body. Empty
/// lines and lines that begin with `#` are not requests.
fn requests(file: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parsed = lines.map(|line| {
        let (differs, text) = line.strip_prefix("! ").map_or((false, line), |rest| (true, rest));
        let (operation, body) = text.split_once(' ').unwrap();
        Line { request: Raw::operation(operation, written_out(body)), differs, text: text.to_owned() }
    });
    parsed.collect()
}

/// Writes out `nested(N)`, N maps in one another with text in the innermost, and `text(N)`, N digits.
fn written_out(body: &str) -> String {
    let replaced = |body: &str, name: &str, write: &dyn Fn(usize) -> String| {
        let Some((before, rest)) = body.split_once(name) else { return body.to_owned() };
        let (number, after) = rest.split_once(')').unwrap();
        [before, &write(number.parse().unwrap()), after].concat()
    };
    let body = replaced(body, "nested(", &|levels| {
        [r#"{"M":{"n":"#.repeat(levels), r#"{"S":"x"}"#.to_owned(), "}}".repeat(levels)].concat()
    });
    replaced(&body, "text(", &|length| "1".repeat(length))
}

/// Sends each request to both servers, in order; both begin empty.
async fn assert_same(file: &str, ours: LocalDynamoDb) {
    let engine = engine().await;
    let lines = requests(file);
    let differ = tokio::task::spawn_blocking(move || {
        let address = ours.address().to_string();
        let mut differ = Vec::new();
        for Line { request, differs, text } in lines {
            let (ours, engines) = (comparable(&request.send(&address)), comparable(&request.send(&engine)));
            if ours.0 != engines.0 || (ours == engines) == differs {
                differ.push(format!("{text}\n  ours   {ours:?}\n  engine {engines:?}"));
            }
        }
        differ
    });
    let differ = differ.await.unwrap();
    assert!(differ.is_empty(), "{} answers not as expected:\n{}", differ.len(), differ.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn well_formed_requests_are_answered_as_by_the_engine() {
    // An update of a table takes its time where capacity is enforced, and the next request finds it UPDATING.
    assert_same("well_formed.txt", with(|options| options.throttle = false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_are_answered_as_by_the_engine() {
    assert_same("malformed.txt", server()).await;
}
