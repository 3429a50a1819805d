//! The metrics: what was consumed and throttled is the sum of what clients were told, whatever they sent to which tables.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::http::Connection;
use support::json::{all_sums, item, table, with};

const CLIENTS: u64 = 16;
const REQUESTS: usize = 200;

/// What a client was told, named as the metrics are.
type Sums = BTreeMap<(String, Vec<String>), f64>;

fn add(sums: &mut Sums, metric: &str, dimensions: &[&str], value: f64) {
    if value > 0.0 {
        let dimensions = dimensions.iter().map(|&each| each.to_owned()).collect();
        *sums.entry((metric.to_owned(), dimensions)).or_default() += value;
    }
}

/// A request of any kind for items, and the tables and items that it asks for.
struct Request {
    operation: &'static str,
    body: Value,
    is_write: bool,
    tables: Vec<&'static str>,
    items: usize,
}

fn any_request(random: &mut fastrand::Rng) -> Request {
    let table = random.choice(["logfile", "other", "free"]).unwrap();
    let key = |random: &mut fastrand::Rng| json!({"PK": {"S": format!("k{}", random.u8(..))}});
    let new = |random: &mut fastrand::Rng| item(&format!("k{}", random.u8(..)), random.usize(10..5_000), random.bool());
    let name = json!(table);
    let request = |operation, is_write, body| Request { operation, body, is_write, tables: vec![table], items: 1 };
    match random.u8(..14) {
        0..3 => request("PutItem", true, json!({"TableName": name, "Item": new(random)})),
        3 => {
            let values =
                json!({":x": {"S": "x".repeat(random.usize(..3_000))}, ":a": {"S": format!("{}", random.u8(..4))}});
            let expression = *random.choice(["SET x = :x, GSI_1_PK = :a", "SET y = :a, z = :x"].iter()).unwrap();
            let body = json!({"Key": key(random), "UpdateExpression": expression, "ExpressionAttributeValues": values});
            request("UpdateItem", true, with_table(body, table))
        }
        4 => request("DeleteItem", true, json!({"TableName": name, "Key": key(random)})),
        5 => request("GetItem", false, json!({"TableName": name, "Key": key(random), "ConsistentRead": random.bool()})),
        6 => {
            let condition =
                json!({"KeyConditionExpression": "GSI_1_PK = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}});
            request("Query", false, with_table(with_index(condition), table))
        }
        7 => request("Scan", false, json!({"TableName": name, "Limit": random.u8(1..50)})),
        8..10 => {
            let (mut requests, mut items) = (json!({}), 0);
            for table in ["logfile", "other"] {
                let puts: BTreeMap<_, _> = (0..random.usize(1..12)).map(|_| (random.u8(..), new(random))).collect();
                let puts = puts.into_iter().map(|(n, mut item)| {
                    item["PK"] = json!({"S": format!("k{n}")});
                    json!({"PutRequest": {"Item": item}})
                });
                let puts: Vec<_> = puts.collect();
                items += puts.len();
                requests[table] = json!(puts);
            }
            let tables = vec!["logfile", "other"];
            Request {
                operation: "BatchWriteItem",
                body: json!({"RequestItems": requests}),
                is_write: true,
                tables,
                items,
            }
        }
        10 => {
            let keys: BTreeMap<_, _> = (0..20).map(|_| key(random)).map(|key| (key.to_string(), key)).collect();
            let items = keys.len();
            let body = json!({"RequestItems": {table: {"Keys": keys.into_values().collect::<Vec<_>>()}}});
            Request { operation: "BatchGetItem", body, is_write: false, tables: vec![table], items }
        }
        11 => {
            let puts = ["logfile", "other"].map(|table| json!({"Put": {"TableName": table, "Item": new(random)}}));
            let tables = vec!["logfile", "other"];
            let body = json!({"TransactItems": puts});
            Request { operation: "TransactWriteItems", body, is_write: true, tables, items: 2 }
        }
        12 => {
            let get = json!({"Get": {"TableName": name, "Key": key(random)}});
            request("TransactGetItems", false, json!({"TransactItems": [get]}))
        }
        _ => {
            let statement = format!("SELECT * FROM \"{table}\" WHERE PK = 'k{}'", random.u8(..));
            request("ExecuteStatement", false, json!({"Statement": statement}))
        }
    }
}

fn with_table(mut body: Value, table: &str) -> Value {
    body["TableName"] = json!(table);
    body
}

fn with_index(mut body: Value) -> Value {
    body["IndexName"] = json!("GSI_1");
    body
}

/// Adds up what an answer tells: capacity consumed, or how much was refused. The latter only if it can be told of what: of
/// requests for one table.
fn count(sums: &mut Sums, request: &Request, status: u16, answer: &Value) {
    let access = if request.is_write { "Write" } else { "Read" };
    let consumed = format!("Consumed{access}CapacityUnits");
    let told = &answer["ConsumedCapacity"];
    for told in told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice) {
        let Some(table) = told["TableName"].as_str() else { continue };
        add(sums, &consumed, &[table], told["Table"]["CapacityUnits"].as_f64().unwrap());
        for (index, told) in told["GlobalSecondaryIndexes"].as_object().into_iter().flatten() {
            add(sums, &consumed, &[table, index], told["CapacityUnits"].as_f64().unwrap());
        }
    }
    match (status, answer["__type"].as_str().and_then(|kind| kind.rsplit('#').next())) {
        (200, _) => {
            for (member, per_table) in [("UnprocessedItems", None), ("UnprocessedKeys", Some("Keys"))] {
                for (table, left) in answer[member].as_object().into_iter().flatten() {
                    let left = per_table.map_or(left, |keys| &left[keys]).as_array().unwrap();
                    add(sums, &format!("{access} refused"), &[table], left.len() as f64);
                }
            }
        }
        (400, Some("ProvisionedThroughputExceededException")) => {
            assert!(answer["ThrottlingReasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{answer}");
            for table in &request.tables {
                add(sums, "ThrottledRequests", &[table, request.operation], 1.0);
            }
            if let [table] = request.tables[..] {
                add(sums, &format!("{access} refused"), &[table], request.items as f64);
            } else {
                let requests = request.body["RequestItems"].as_object().unwrap();
                for (table, requests) in requests {
                    add(sums, &format!("{access} refused"), &[table], requests.as_array().unwrap().len() as f64);
                }
            }
        }
        (400, Some("TransactionCanceledException")) => {
            let reasons = answer["CancellationReasons"].as_array().unwrap();
            let throttled = reasons.iter().zip(request.tables.iter()).filter(|(reason, _)| reason["Code"] != "None");
            for (reason, table) in throttled {
                assert_eq!(reason["Code"], "ProvisionedThroughputExceeded", "{answer}");
                add(sums, "ThrottledRequests", &[table, request.operation], 1.0);
                add(sums, &format!("{access} refused"), &[table], 1.0);
            }
        }
        _ => panic!("{}: {answer}", request.operation),
    }
}

/// Tables of which `logfile` is short of capacity, `other` has an index that is, and `free` is on demand.
fn server() -> LocalDynamoDb {
    let server = with(|options| {
        options.capacity.starting_burst = Duration::from_secs(2);
        options.capacity.index_backlog = 100;
    });
    table(&server, "logfile", 10, Some(1_000));
    table(&server, "other", 40_000, Some(1));
    table(&server, "free", 0, Some(0));
    server
}

#[test]
fn the_books_agree_with_what_clients_were_told() {
    let server = server();
    let address = server.address().to_string();
    let client = |seed| {
        let (mut random, mut connection) = (fastrand::Rng::with_seed(seed), Connection::open(&address));
        let mut sums = Sums::new();
        for _ in 0..REQUESTS {
            let mut request = any_request(&mut random);
            request.body["ReturnConsumedCapacity"] = json!("INDEXES");
            let (status, answer) = connection.call(request.operation, &request.body.to_string()).unwrap();
            count(&mut sums, &request, status, &serde_json::from_str(&answer).unwrap());
        }
        sums
    };
    let told = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|seed| scope.spawn(move || client(seed))).collect();
        let mut all = Sums::new();
        for sums in clients.into_iter().map(|client| client.join().unwrap()) {
            for (name, value) in sums {
                *all.entry(name).or_default() += value;
            }
        }
        all
    });

    let metrics = server.stop_with_metrics();
    let counted = all_sums(&metrics);
    let of = |sums: &Sums, names: &[&str]| -> Sums {
        sums.iter()
            .filter(|((name, _), _)| names.contains(&name.as_str()))
            .map(|(key, value)| (key.clone(), *value))
            .collect()
    };
    let names = ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ThrottledRequests"];
    assert_eq!(of(&counted, &names), of(&told, &names));
    for access in ["Read", "Write"] {
        for name in ["logfile", "other", "free"] {
            let dimensions = |index: Option<&str>| std::iter::once(name).chain(index).map(str::to_owned).collect();
            let events = |index| counted.get(&(format!("{access}ThrottleEvents"), dimensions(index))).unwrap_or(&0.0);
            let refused = told.get(&(format!("{access} refused"), dimensions(None))).unwrap_or(&0.0);
            assert_eq!(events(None) + events(Some("GSI_1")), *refused, "{access} {name}");
        }
    }
    // There was something of each kind to count.
    for (metric, dimensions) in [
        ("WriteThrottleEvents", &["logfile"][..]),
        ("WriteThrottleEvents", &["other", "GSI_1"]),
        ("ReadThrottleEvents", &["logfile"]),
        ("ConsumedWriteCapacityUnits", &["free", "GSI_1"]),
    ] {
        let key = (metric.to_owned(), dimensions.iter().map(|&each| each.to_owned()).collect());
        assert!(counted.contains_key(&key), "{key:?} in {counted:?}");
    }
    // The model's own sums are the same.
    for state in metrics["Tables"].as_array().unwrap() {
        let name = state["TableName"].as_str().unwrap();
        let model = |of: &Value, access: &str| of[access]["Consumed"].as_f64().unwrap();
        for access in ["Read", "Write"] {
            let metric = format!("Consumed{access}CapacityUnits");
            let told = |dimensions: Vec<String>| told.get(&(metric.clone(), dimensions)).copied().unwrap_or_default();
            assert_eq!(model(state, access), told(vec![name.into()]), "{access} {name}");
            let index = &state["GlobalSecondaryIndexes"][0];
            assert_eq!(model(index, access), told(vec![name.into(), "GSI_1".into()]), "{access} {name} GSI_1");
        }
    }
}
