//! The monitor page, as a browser asks for it, and what it is told.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use local_dynamodb::{LocalDynamoDb, Options};
use serde_json::{Value, json};
use support::http::{Answer, Raw};
use support::json::{EXHAUSTED, done, exhaust, put, refused, table, with};
use support::{eventually, server};

fn get(server: &LocalDynamoDb, path: &str, accept: &str) -> Answer {
    browser(path, accept).send(&server.address().to_string())
}

fn browser(path: &str, accept: &str) -> Raw {
    Raw { method: "GET", path: path.into(), headers: vec![("accept", accept.into())], body: Vec::new() }
}

fn told(server: &LocalDynamoDb, since: u64) -> Value {
    let answer = get(server, &format!("/monitor.json?since={since}"), "*/*");
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

/// The sum of a series of the table or of an index.
fn sum(table: &Value, index: &Value, metric: &str) -> f64 {
    let series = table["Series"].as_array().unwrap();
    let found = series.iter().find(|series| series["MetricName"] == metric && series["IndexName"] == *index);
    let points = found.map(|series| series["Points"].as_array().unwrap().iter()).into_iter().flatten();
    points.map(|point| point[1].as_f64().unwrap()).sum()
}

#[test]
fn a_browser_gets_the_page_and_a_program_the_health_check() {
    let server = server();
    let page = get(&server, "/", "text/html,application/xhtml+xml,*/*;q=0.8");
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with("<!doctype html>"), "{}", page.body);
    for header in [
        "content-type: text/html; charset=utf-8\r\n",
        "content-security-policy: default-src 'none'; script-src 'self';",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff\r\n",
        "cross-origin-resource-policy: same-origin\r\n",
    ] {
        assert!(page.headers.contains(header), "{header}: {}", page.headers);
    }
    assert!(!page.headers.contains("access-control"), "{}", page.headers);
    for accept in ["*/*", "", "application/json"] {
        assert!(get(&server, "/", accept).body.starts_with("healthy: "), "{accept}");
    }
    let script = get(&server, "/monitor/main.js", "*/*");
    assert!(script.status == 200 && script.headers.contains("content-type: text/javascript"), "{script:?}");
    for path in ["/monitor", "/monitor/", "/monitor/../Cargo.toml", "/monitor/uplot/LICENSE", "/index.html"] {
        assert_eq!(get(&server, path, "text/html").status, 404, "{path}");
    }
}

#[test]
fn a_web_page_of_another_origin_gets_nothing() {
    let server = server();
    for path in ["/", "/monitor.json", "/monitor/main.js"] {
        for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
            let answer = browser(path, "text/html").header(name, value).send(&server.address().to_string());
            assert_eq!(answer.status, 403, "{path} {name}");
        }
    }
}

#[test]
fn it_is_told_what_stands_where_and_why() {
    let server = server();
    table(&server, "logfile", 1, Some(1));
    table(&server, "other", 0, None);
    exhaust(&server, "logfile");
    refused(&server, "PutItem", put("logfile", "a"));
    let told = told(&server, 0);
    assert_eq!(told["Throttling"], true);
    let [logfile, other] = &told["Tables"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!((&logfile["TableName"], &other["TableName"]), (&json!("logfile"), &json!("other")));
    assert_eq!(logfile["Status"], "throttled");
    assert_eq!(logfile["Headline"], "logfile: writes are refused because of its own capacity");
    assert_eq!(logfile["Past"], "Write throttle events in the minutes kept: 1 on the table, none on GSI_1.");
    let on_demand =
        "The table is on demand: it serves 4,000 WCU and 12,000 RCU a second at once, and grows with its load.";
    assert_eq!(other["Explanation"], on_demand);

    let (own, index) = (&logfile["Resources"][0], &logfile["Resources"][1]);
    assert_eq!((&own["IndexName"], &index["IndexName"]), (&Value::Null, &json!("GSI_1")));
    assert_eq!((&own["Write"]["Provisioned"], &own["Write"]["BurstLimit"]), (&json!(1), &json!(300)));
    assert_eq!(index["Backlog"], json!({"Writes": 0, "Limit": 20_000}));
    assert_eq!(own["Backlog"], Value::Null);
    assert_eq!(sum(logfile, &Value::Null, "ConsumedWriteCapacityUnits"), EXHAUSTED);
    assert_eq!(sum(logfile, &Value::Null, "WriteProvisionedThroughputThrottleEvents"), 1.0);
    assert_eq!(sum(logfile, &json!("GSI_1"), "WriteProvisionedThroughputThrottleEvents"), 0.0);
    assert_eq!(sum(logfile, &Value::Null, "ThrottledRequests"), 1.0);
}

#[test]
fn it_is_told_how_far_the_fill_of_a_new_index_is() {
    // Without a burst, 1 WCU fills in an entry a second.
    let server = with(|options| {
        options.capacity.update_time = Duration::ZERO;
        options.capacity.starting_burst = Duration::ZERO;
    });
    table(&server, "logfile", 0, None);
    for n in 0..150 {
        done(&server, "PutItem", put("logfile", &format!("item {n}")));
    }
    let throughput = |units: u64| json!({"ReadCapacityUnits": units, "WriteCapacityUnits": units});
    done(
        &server,
        "UpdateTable",
        json!({"TableName": "logfile", "BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput(1_000)}),
    );
    done(
        &server,
        "UpdateTable",
        json!({"TableName": "logfile", "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "GSI_2", "ProvisionedThroughput": throughput(1),
                "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}}]}),
    );
    let logfile = eventually(|| {
        let logfile = told(&server, 0)["Tables"][0].take();
        (logfile["Resources"][1]["Creation"]["Throttled"] == true).then_some(logfile)
    });
    let creation = &logfile["Resources"][1]["Creation"];
    assert_eq!((&creation["Backfilling"], &logfile["Resources"][0]["Creation"]), (&json!(true), &Value::Null));
    assert!((0.0..20.0).contains(&creation["Progress"].as_f64().unwrap()), "{creation}");
    assert_eq!(logfile["Headline"], "logfile: its new index GSI_2 is being created");
    eventually(|| {
        (told(&server, 0)["Tables"][0]["Resources"][1]["Creation"]["Progress"].as_f64()? > 1.0).then_some(())
    });
    let consumed = sum(&told(&server, 0)["Tables"][0], &json!("GSI_2"), "OnlineIndexConsumedWriteCapacity");
    assert!(consumed > 1.0, "{consumed}");
}

#[test]
fn it_is_told_only_of_the_minutes_that_it_asks_for() {
    let server = server();
    table(&server, "logfile", 5, None);
    done(&server, "PutItem", put("logfile", "a"));
    let now = told(&server, 0)["Clock"]["Seconds"].as_f64().unwrap() as u64 / 60;
    let consumed = |since| sum(&told(&server, since)["Tables"][0], &Value::Null, "ConsumedWriteCapacityUnits");
    assert_eq!((consumed(0), consumed(now - 1), consumed(now + 60)), (1.0, 1.0, 0.0));
}

#[test]
fn a_deleted_table_is_kept_apart() {
    let server = server();
    table(&server, "logfile", 5, None);
    done(&server, "PutItem", put("logfile", "a"));
    done(&server, "DeleteTable", json!({"TableName": "logfile"}));
    let told = told(&server, 0);
    let logfile = &told["Tables"][0];
    assert_eq!((&logfile["Status"], &logfile["Headline"]), (&json!("deleted"), &json!("logfile was deleted")));
    assert_eq!(
        logfile["Resources"],
        json!([{"IndexName": null, "Write": null, "Read": null, "Backlog": null, "Creation": null}])
    );
    assert_eq!(sum(logfile, &Value::Null, "ConsumedWriteCapacityUnits"), 1.0);
}

#[test]
fn tables_of_a_file_are_shown_before_they_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("lab.db"));
    let first = with(|options| options.db_path.clone_from(&file));
    table(&first, "logfile", 5, Some(5));
    first.stop();
    let second = LocalDynamoDb::start(&Options { db_path: file, ..Options::default() }).unwrap();
    let told = told(&second, 0);
    assert_eq!(told["Tables"][0]["TableName"], "logfile");
    assert_eq!(told["Tables"][0]["Resources"][1]["Write"]["Provisioned"], 5);
}

#[test]
fn without_throttling_it_is_told_that_there_is_nothing() {
    let server = with(|options| options.throttle = false);
    table(&server, "logfile", 5, None);
    done(&server, "PutItem", put("logfile", "a"));
    assert_eq!(told(&server, 0)["Throttling"], false);
}

#[test]
fn items_are_shown_page_by_page_and_by_key_and_cost_nothing() {
    let server = server();
    table(&server, "logfile", 100, None);
    for n in 0..30 {
        done(&server, "PutItem", put("logfile", &format!("item {n}")));
    }
    let items = |query: &str| -> Value {
        let answer = get(&server, &format!("/monitor/items.json?{query}"), "*/*");
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    };
    let consumed = || {
        let told = told(&server, 0);
        sum(&told["Tables"][0], &Value::Null, "ConsumedReadCapacityUnits")
    };
    let first = items("table=logfile");
    assert_eq!(first["Keys"], json!([{"Name": "PK", "Type": "S"}]));
    assert_eq!(first["TimeToLive"], Value::Null);
    assert_eq!(first["Items"].as_array().unwrap().len(), 25);
    let start = first["Next"].to_string();
    let start: String = form_urlencoded::byte_serialize(start.as_bytes()).collect();
    let second = items(&format!("table=logfile&start={start}"));
    assert_eq!((second["Items"].as_array().unwrap().len(), &second["Next"]), (5, &Value::Null));
    let by_key = items("table=logfile&key=%7B%22PK%22%3A%7B%22S%22%3A%22item+7%22%7D%7D");
    assert_eq!(by_key["Items"][0]["PK"], json!({"S": "item 7"}));
    assert_eq!(items("table=logfile&key=%7B%22PK%22%3A%7B%22S%22%3A%22none%22%7D%7D")["Items"], json!([]));
    for wrong in ["", "table=other", "table=logfile&key=%7B", "table=logfile&key=%7B%7D", "table=logfile&start=7"] {
        assert!(items(wrong)["Error"].is_string(), "{wrong}: {}", items(wrong));
    }
    assert_eq!(consumed(), 0.0);
}
