//! Many clients at once: nothing is lost, nothing counted twice, nothing hangs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::http::Raw;
use support::json::{call, done, item, sum_in, table, table_with, with};

const CLIENTS: usize = 64;
const ROUNDS: usize = 8;

/// What the answers say: units by metric and dimension, and the items that must be there, with their text.
#[derive(Default)]
struct Tally {
    sums: HashMap<(&'static str, Vec<String>), f64>,
    items: HashMap<String, Value>,
}

impl Tally {
    fn add(&mut self, metric: &'static str, dimensions: &[&str], value: f64) {
        let dimensions = dimensions.iter().map(|each| (*each).to_owned()).collect();
        self.sums.entry((metric, dimensions)).or_default().add_assign(value);
    }

    /// Sends an operation that asks what it consumed, and adds up what its answer says.
    fn send(&mut self, server: &LocalDynamoDb, operation: &str, mut request: Value) -> Option<Value> {
        request["ReturnConsumedCapacity"] = json!("INDEXES");
        let is_read = matches!(operation, "GetItem" | "Query" | "Scan" | "BatchGetItem" | "TransactGetItems");
        let (status, answer) = call(server, operation, request);
        if status != 200 {
            let kind = answer["__type"].as_str().unwrap();
            assert!(kind.ends_with("#ProvisionedThroughputExceededException"), "{operation}: {status} {answer}");
            return None;
        }
        let metric = if is_read { "ConsumedReadCapacityUnits" } else { "ConsumedWriteCapacityUnits" };
        let consumed = &answer["ConsumedCapacity"];
        for table in consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice) {
            let name = table["TableName"].as_str().unwrap();
            self.add(metric, &[name], table["Table"]["CapacityUnits"].as_f64().unwrap());
            for (index, units) in table["GlobalSecondaryIndexes"].as_object().into_iter().flatten() {
                self.add(metric, &[name, index], units["CapacityUnits"].as_f64().unwrap());
            }
        }
        Some(answer)
    }

    /// Notes that all of a request was refused, which asked for so many items.
    fn refused(&mut self, operation: &str, table: &str, items: usize) {
        let reads = operation == "GetItem";
        self.add("ThrottledRequests", &[table, operation], 1.0);
        self.add(if reads { "ReadThrottleEvents" } else { "WriteThrottleEvents" }, &["all"], items as f64);
    }

    fn put(&mut self, server: &LocalDynamoDb, key: &str, size: usize) {
        let item = item(key, size, true);
        match self.send(server, "PutItem", json!({"TableName": "logfile", "Item": item})) {
            Some(_) => _ = self.items.insert(key.to_owned(), item),
            None => self.refused("PutItem", "logfile", 1),
        }
    }

    fn delete(&mut self, server: &LocalDynamoDb, key: &str) {
        match self.send(server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": key}}})) {
            Some(_) => _ = self.items.remove(key),
            None => self.refused("DeleteItem", "logfile", 1),
        }
    }

    fn update(&mut self, server: &LocalDynamoDb, key: &str) {
        let request = json!({
            "TableName": "logfile", "Key": {"PK": {"S": key}}, "UpdateExpression": "SET GSI_1_PK = :b",
            "ExpressionAttributeValues": {":b": {"S": "b"}}, "ReturnValues": "ALL_NEW",
        });
        match self.send(server, "UpdateItem", request) {
            Some(answer) => _ = self.items.insert(key.to_owned(), answer["Attributes"].clone()),
            None => self.refused("UpdateItem", "logfile", 1),
        }
    }

    fn batch(&mut self, server: &LocalDynamoDb, keys: &[String]) {
        let put = |key: &String| json!({"PutRequest": {"Item": item(key, 1_500, true)}});
        let requests: Vec<_> = keys.iter().map(put).collect();
        let Some(answer) = self.send(server, "BatchWriteItem", json!({"RequestItems": {"logfile": requests}})) else {
            return self.refused("BatchWriteItem", "logfile", keys.len());
        };
        let none = Vec::new();
        let unprocessed = answer["UnprocessedItems"]["logfile"].as_array().unwrap_or(&none);
        self.add("WriteThrottleEvents", &["all"], unprocessed.len() as f64);
        for request in requests.iter().filter(|request| !unprocessed.contains(request)) {
            let item = &request["PutRequest"]["Item"];
            self.items.insert(item["PK"]["S"].as_str().unwrap().to_owned(), item.clone());
        }
    }

    fn reads(&mut self, server: &LocalDynamoDb, key: &str) {
        let found = json!({"TableName": "logfile", "Key": {"PK": {"S": key}}, "ConsistentRead": true});
        let answer = self.send(server, "GetItem", found).unwrap();
        assert_eq!(answer.get("Item"), self.items.get(key), "{key}");
        let of_index = json!({
            "TableName": "logfile", "IndexName": "GSI_1", "KeyConditionExpression": "GSI_1_PK = :a",
            "ExpressionAttributeValues": {":a": {"S": "a"}}, "Limit": 20,
        });
        self.send(server, "Query", of_index).unwrap();
        let keys = json!([{"PK": {"S": key}}, {"PK": {"S": "none"}}]);
        self.send(server, "BatchGetItem", json!({"RequestItems": {"logfile": {"Keys": keys}}})).unwrap();
        let slow = json!({"TableName": "slow", "Key": {"PK": {"S": "a"}}, "ConsistentRead": true});
        if self.send(server, "GetItem", slow).is_none() {
            self.refused("GetItem", "slow", 1);
        }
    }

    fn merge(&mut self, other: Self) {
        for ((metric, dimensions), value) in other.sums {
            self.sums.entry((metric, dimensions)).or_default().add_assign(value);
        }
        self.items.extend(other.items);
    }
}

/// A client with keys of its own.
fn client(server: &LocalDynamoDb, number: usize) -> Tally {
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        let key = |n: usize| format!("{number}#{round}#{n}");
        tally.put(server, &key(0), 300 + 40 * number);
        if tally.items.contains_key(&key(0)) {
            tally.update(server, &key(0));
        }
        let keys: Vec<_> = (1..10).map(key).collect();
        tally.batch(server, &keys);
        tally.delete(server, &key(1));
        tally.reads(server, &key(2));
    }
    tally
}

/// Changes and looks at tables until told to stop.
fn administrator(server: &LocalDynamoDb, number: usize, stop: &AtomicBool) {
    let name = format!("side{number}");
    while !stop.load(Ordering::Relaxed) {
        table(server, &name, 5, Some(5));
        let throughput = json!({"ReadCapacityUnits": 6, "WriteCapacityUnits": 6});
        done(server, "UpdateTable", json!({"TableName": name, "ProvisionedThroughput": throughput}));
        done(server, "DescribeTable", json!({"TableName": "logfile"}));
        assert!(server.metrics()["Tables"].as_array().is_some_and(|tables| tables.len() >= 3));
        // Not while it is being updated.
        while call(server, "DeleteTable", json!({"TableName": name})).0 != 200 {}
    }
}

#[test]
fn what_64_clients_are_answered_is_what_was_counted_and_stored() {
    // 100 units of the table and 30 of the index in every second, after 3,000 and 900 saved ones.
    let server = with(|options| {
        options.speed = NonZeroU32::new(10).unwrap();
        options.capacity.index_backlog = 100;
    });
    table_with(&server, "logfile", (40_000, 10), Some(3));
    table_with(&server, "slow", (1, 1), None);
    let throughput = json!({"ReadCapacityUnits": 39_000, "WriteCapacityUnits": 3});
    let of_index = json!({"Update": {"IndexName": "GSI_1", "ProvisionedThroughput": throughput}});
    done(&server, "UpdateTable", json!({"TableName": "logfile", "GlobalSecondaryIndexUpdates": [of_index]}));

    let stop = AtomicBool::new(false);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        for number in 0..2 {
            let (server, stop) = (&server, &stop);
            scope.spawn(move || administrator(server, number, stop));
        }
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn({
                    let server = &server;
                    move || client(server, number)
                })
            })
            .collect();
        for client in clients {
            let result = client.join();
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            tally.merge(result.unwrap());
        }
        stop.store(true, Ordering::Relaxed);
    });

    // The index follows in its own time.
    let settled = (0..3_000).find_map(|_| {
        let metrics = server.metrics();
        let tables = metrics["Tables"].as_array().unwrap();
        let of_logfile = tables.iter().find(|table| table["TableName"] == "logfile").unwrap();
        let waiting = of_logfile["GlobalSecondaryIndexes"][0]["Backlog"]["Writes"] != 0;
        std::thread::sleep(Duration::from_millis(20));
        (!waiting).then_some(metrics)
    });
    let metrics = settled.expect("the index follows within a minute");
    let sum = |metric: &str, dimensions: &[&str]| sum_in(&metrics, metric, dimensions);
    let mut kinds = 0;
    for ((metric, dimensions), expected) in &tally.sums {
        let counted = if dimensions == &["all"] {
            [&["logfile"] as &[&str], &["logfile", "GSI_1"], &["slow"]].iter().map(|each| sum(metric, each)).sum()
        } else {
            sum(metric, &dimensions.iter().map(String::as_str).collect::<Vec<_>>())
        };
        assert_eq!(counted, *expected, "{metric} {dimensions:?}");
        kinds += 1;
    }
    // The model has charged what was answered, and not only counted it.
    let tables = metrics["Tables"].as_array().unwrap();
    let of = |name: &str| tables.iter().find(|table| table["TableName"] == name).unwrap();
    let index = &of("logfile")["GlobalSecondaryIndexes"][0];
    for (charged, metric, dimensions) in [
        (&of("logfile")["Write"], "ConsumedWriteCapacityUnits", vec!["logfile"]),
        (&of("logfile")["Read"], "ConsumedReadCapacityUnits", vec!["logfile"]),
        (&of("slow")["Read"], "ConsumedReadCapacityUnits", vec!["slow"]),
        (&index["Write"], "ConsumedWriteCapacityUnits", vec!["logfile", "GSI_1"]),
        (&index["Read"], "ConsumedReadCapacityUnits", vec!["logfile", "GSI_1"]),
    ] {
        assert_eq!(charged["Consumed"].as_f64(), Some(sum(metric, &dimensions)), "{metric} {dimensions:?}");
    }
    // Everything that can happen has happened.
    assert!(kinds >= 12, "{:?}", tally.sums);
    assert!(sum("WriteThrottleEvents", &["logfile"]) + sum("WriteThrottleEvents", &["logfile", "GSI_1"]) > 0.0);

    let mut stored = HashMap::new();
    let mut start = Value::Null;
    loop {
        let page =
            done(&server, "Scan", json!({"TableName": "logfile", "ConsistentRead": true, "ExclusiveStartKey": start}));
        for item in page["Items"].as_array().unwrap() {
            stored.insert(item["PK"]["S"].as_str().unwrap().to_owned(), item.clone());
        }
        match page.get("LastEvaluatedKey") {
            Some(key) => start = key.clone(),
            None => break,
        }
    }
    assert_eq!(stored.len(), tally.items.len());
    assert!(stored == tally.items, "the table holds something else than was acknowledged");
}

#[test]
fn a_stop_under_load_is_clean() {
    let server = with(|_| {});
    table(&server, "logfile", 40_000, Some(40_000));
    let address = server.address().to_string();
    let answered = AtomicUsize::new(0);
    let (sender, stopped) = mpsc::channel();
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (address, answered) = (&address, &answered);
            scope.spawn(move || {
                for n in 0.. {
                    let request = json!({"TableName": "logfile", "Item": item(&format!("{number}#{n}"), 500, true)});
                    match Raw::operation("PutItem", request.to_string()).try_send(address) {
                        Some(answer) => assert_eq!(answer.status, 200, "{answer:?}"),
                        None => break,
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while answered.load(Ordering::Relaxed) < 10 * CLIENTS {
            std::thread::sleep(Duration::from_millis(5));
        }
        scope.spawn(move || {
            server.stop();
            sender.send(()).unwrap();
        });
        stopped.recv_timeout(Duration::from_secs(30)).expect("it stops although clients go on");
    });
    assert!(std::net::TcpStream::connect(&address).is_err(), "nobody listens");
}
