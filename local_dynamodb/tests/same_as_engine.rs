//! The same requests to our server and to the engine's own, well-formed and malformed: the answers are the same, but
//! for the differences that are listed with their reasons.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::num::NonZeroU32;
use std::path::Path;

use dynoxide::Database;
use serde_json::{Value, json};
use support::http::{Answer, Raw};
use support::json::with;

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
    // The engine's region is its name; ours is the request's.
    let text = answer.body.replace(":dynoxide:", ":us-east-1:");
    let mut body = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(answer.body.clone()));
    blank(&mut body);
    (answer.status, content_type, body)
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => {
            // The engine has none.
            members.remove("WarmThroughput");
            members.remove("LastUpdateToPayPerRequestDateTime");
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

/// What the tables of a test are created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capacity {
    /// More than the test needs.
    Provisioned,
    OnDemand,
}

impl Capacity {
    /// What `capacity(table)` and `capacity(index)` in the files stand for.
    fn of(self, whose: &str) -> &'static str {
        match (self, whose) {
            (Self::Provisioned, _) => {
                r#","ProvisionedThroughput":{"ReadCapacityUnits":40000,"WriteCapacityUnits":40000}"#
            }
            (Self::OnDemand, "table") => r#","BillingMode":"PAY_PER_REQUEST""#,
            (Self::OnDemand, _) => "",
        }
    }
}

/// A request, and whether the bodies of its answers are known to differ.
struct Line {
    request: Raw,
    differs: bool,
    text: String,
}

/// The requests in a file, one a line: `! ` if the answers differ (the file says why), the operation, a space, the body.
/// Empty lines and lines that begin with `#` are not requests.
fn requests(file: &str, capacity: Capacity) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parsed = lines.map(|line| {
        let (differs, text) = line.strip_prefix("! ").map_or((false, line), |rest| (true, rest));
        let (operation, body) = text.split_once(' ').unwrap();
        Line { request: Raw::operation(operation, written_out(body, capacity)), differs, text: text.to_owned() }
    });
    parsed.collect()
}

/// Writes out `nested(N)`, N maps in one another with text in the innermost; `text(N)`, N digits; and `capacity(...)`.
fn written_out(body: &str, capacity: Capacity) -> String {
    let nested = |levels: &str| {
        let levels = levels.parse().unwrap();
        [r#"{"M":{"n":"#.repeat(levels), r#"{"S":"x"}"#.to_owned(), "}}".repeat(levels)].concat()
    };
    let body = replaced(body, "nested(", &nested);
    let body = replaced(&body, "text(", &|length| "1".repeat(length.parse().unwrap()));
    replaced(&body, "capacity(", &|whose| capacity.of(whose).to_owned())
}

fn replaced(body: &str, name: &str, write: &dyn Fn(&str) -> String) -> String {
    let Some((before, rest)) = body.split_once(name) else { return body.to_owned() };
    let (argument, after) = rest.split_once(')').unwrap();
    [before, &write(argument), &replaced(after, name, write)].concat()
}

/// Sends each request of a file to both servers, in order; both begin empty.
async fn assert_same(file: &'static str, throttle: bool, capacity: Capacity) {
    let engine = engine().await;
    let ours = with(|options| {
        options.throttle = throttle;
        // More capacity than anyone needs also for the items of one partition key, 1,000 units of the server's second.
        options.speed = NonZeroU32::new(1_000).unwrap();
        // The engine has none.
        options.capacity.account_quota = u64::MAX;
    });
    let differ = tokio::task::spawn_blocking(move || {
        let address = ours.address().to_string();
        let mut differ = Vec::new();
        for Line { request, differs, text } in requests(file, capacity) {
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
async fn without_throttling_the_engine_answers() {
    assert_same("tables.txt", false, Capacity::Provisioned).await;
    for file in ["items.txt", "malformed.txt"] {
        assert_same(file, false, Capacity::Provisioned).await;
        assert_same(file, false, Capacity::OnDemand).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_capacity_to_spare_the_engine_answers() {
    assert_same("items.txt", true, Capacity::Provisioned).await;
    assert_same("malformed.txt", true, Capacity::Provisioned).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_demand_the_engine_answers() {
    assert_same("items.txt", true, Capacity::OnDemand).await;
    assert_same("malformed.txt", true, Capacity::OnDemand).await;
}
