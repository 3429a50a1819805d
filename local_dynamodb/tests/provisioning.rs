//! UpdateTable: what is shown meanwhile, when the capacity changes, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::eventually;
use support::json::{call, done, exhaust, put, refused, table, with};

/// An hour of its clock is 3.6 s.
const SPEED: u32 = 1_000;

fn server(speed: u32, update_time: u64) -> LocalDynamoDb {
    with(|options| {
        options.speed = NonZeroU32::new(speed).unwrap();
        options.capacity.update_time = Duration::from_secs(update_time);
    })
}

fn throughput(units: u64) -> Value {
    json!({"ReadCapacityUnits": units, "WriteCapacityUnits": units})
}

fn update(units: u64) -> Value {
    json!({"TableName": "logfile", "ProvisionedThroughput": throughput(units)})
}

fn update_index(units: u64) -> Value {
    let update = json!({"Update": {"IndexName": "GSI_1", "ProvisionedThroughput": throughput(units)}});
    json!({"TableName": "logfile", "GlobalSecondaryIndexUpdates": [update]})
}

/// Status and WCU of the table and of its index.
fn shown(table: &Value) -> (&str, u64, &str, u64) {
    let index = &table["GlobalSecondaryIndexes"][0];
    let units = |of: &Value| of["ProvisionedThroughput"]["WriteCapacityUnits"].as_u64().unwrap();
    (table["TableStatus"].as_str().unwrap(), units(table), index["IndexStatus"].as_str().unwrap(), units(index))
}

fn describe(server: &LocalDynamoDb) -> Value {
    done(server, "DescribeTable", json!({"TableName": "logfile"}))["Table"].take()
}

/// Describes the table until it is as wanted.
fn wait_for(server: &LocalDynamoDb, wanted: (&str, u64, &str, u64)) -> Value {
    eventually(|| Some(describe(server)).filter(|table| shown(table) == wanted))
}

#[test]
fn the_old_values_hold_until_the_update_is_complete() {
    // 25 minutes of the clock are 1.5 s.
    let server = server(SPEED, 1_500);
    table(&server, "logfile", 5, Some(3));
    let answer = done(&server, "UpdateTable", update(100));
    assert_eq!(shown(&answer["TableDescription"]), ("UPDATING", 5, "ACTIVE", 3));
    assert_eq!(shown(&describe(&server)), ("UPDATING", 5, "ACTIVE", 3));
    let (kind, answer) = refused(&server, "UpdateTable", update(200));
    assert_eq!(kind, "ResourceInUseException");
    assert_eq!(
        answer["message"],
        "Attempt to change a resource which is still in use: Table is being updated: logfile"
    );
    done(&server, "PutItem", put("logfile", "a"));
    let table = wait_for(&server, ("ACTIVE", 100, "ACTIVE", 3));
    assert!(table["ProvisionedThroughput"]["LastIncreaseDateTime"].as_f64().unwrap() > 1.7e9);

    let answer = done(&server, "UpdateTable", update_index(30));
    assert_eq!(shown(&answer["TableDescription"]), ("ACTIVE", 100, "UPDATING", 3));
    for (operation, request) in [("UpdateTable", update(7)), ("DeleteTable", json!({"TableName": "logfile"}))] {
        let (kind, answer) = refused(&server, operation, request);
        assert_eq!(kind, "ResourceInUseException", "{operation}");
        assert_eq!(
            answer["message"],
            "Attempt to change a resource which is still in use: Index is being updated.  Table: logfile Index: GSI_1"
        );
    }
    wait_for(&server, ("ACTIVE", 100, "ACTIVE", 30));

    let mut both = update(7);
    both["GlobalSecondaryIndexUpdates"] = update_index(8)["GlobalSecondaryIndexUpdates"].take();
    done(&server, "UpdateTable", both);
    wait_for(&server, ("ACTIVE", 7, "ACTIVE", 8));
}

#[test]
fn decreases_are_counted_for_a_day() {
    let server = server(1, 0);
    table(&server, "logfile", 100, Some(100));
    let counts = [99, 98, 97].map(|units| {
        let mut both = update(units);
        both["GlobalSecondaryIndexUpdates"] = update_index(units)["GlobalSecondaryIndexUpdates"].take();
        done(&server, "UpdateTable", both);
        let table = wait_for(&server, ("ACTIVE", units, "ACTIVE", units));
        let count = |of: &Value| of["ProvisionedThroughput"]["NumberOfDecreasesToday"].as_u64().unwrap();
        (count(&table), count(&table["GlobalSecondaryIndexes"][0]))
    });
    // Midnight may come once, and begins a new count.
    let one_more_or_anew = |before: u64, after: u64| after == before + 1 || after <= 1;
    let follow =
        counts.windows(2).all(|pair| one_more_or_anew(pair[0].0, pair[1].0) && one_more_or_anew(pair[0].1, pair[1].1));
    let counts_on = counts.iter().any(|count| count.0 >= 2) && counts.iter().any(|count| count.1 >= 2);
    assert!(follow && counts_on, "{counts:?}");
}

#[test]
fn more_capacity_lets_more_in_from_then_on() {
    let server = with(|options| {
        options.capacity.update_time = Duration::from_millis(100);
    });
    table(&server, "logfile", 1, None);
    exhaust(&server, "logfile");
    refused(&server, "PutItem", put("logfile", "b"));
    done(&server, "UpdateTable", update(1_000));
    eventually(|| (call(&server, "PutItem", put("logfile", "b")).0 == 200).then_some(()));
    // The debt of nearly 300 units is paid off, which takes five minutes with 1 WCU.
    assert_eq!(server.metrics()["Tables"][0]["Write"]["BurstLimit"], 300_000);
}

#[test]
fn an_update_that_changes_nothing_is_refused() {
    let server = server(SPEED, 1);
    table(&server, "logfile", 5, Some(3));
    let (kind, answer) = refused(&server, "UpdateTable", update(5));
    assert_eq!(kind, "ValidationException");
    let message = answer["message"].as_str().unwrap();
    assert!(
        message.starts_with("The provisioned throughput for the table will not change. The requested value equals"),
        "{message}"
    );
    let (kind, answer) = refused(&server, "UpdateTable", update_index(3));
    assert_eq!(kind, "ValidationException");
    assert_eq!(
        answer["message"],
        "The provisioned throughput for the index GSI_1 will not change. The requested value equals the current value. \
         Current ReadCapacityUnits provisioned for the index: 3. Requested ReadCapacityUnits: 3. Current \
         WriteCapacityUnits provisioned for the index: 3. Requested WriteCapacityUnits: 3. Refer to the Amazon \
         DynamoDB Developer Guide for current limits and how to request higher limits."
    );
    assert_eq!(refused(&server, "UpdateTable", update(0)).0, "ValidationException");
    assert_eq!(refused(&server, "UpdateTable", update_index(0)).0, "ValidationException");
    let mut other = update_index(7);
    other["GlobalSecondaryIndexUpdates"][0]["Update"]["IndexName"] = json!("GSI_2");
    assert_eq!(refused(&server, "UpdateTable", other).0, "ValidationException");
    assert_eq!(
        refused(&server, "UpdateTable", json!({"TableName": "nowhere", "ProvisionedThroughput": throughput(1)})).0,
        "ResourceNotFoundException"
    );
    assert_eq!(shown(&describe(&server)), ("ACTIVE", 5, "ACTIVE", 3));
}

#[test]
fn decreases_are_limited_within_a_day() {
    let server = server(SPEED, 1);
    table(&server, "logfile", 100, Some(3));
    for units in [99, 98, 97, 96] {
        done(&server, "UpdateTable", update(units));
        wait_for(&server, ("ACTIVE", units, "ACTIVE", 3));
    }
    // The four may have been on two days, when midnight came between them.
    let mut units = 95;
    let (kind, answer) = loop {
        match call(&server, "UpdateTable", update(units)) {
            (200, _) => {
                wait_for(&server, ("ACTIVE", units, "ACTIVE", 3));
                units -= 1;
            }
            (_, answer) => break (answer["__type"].clone(), answer),
        }
    };
    assert!(units > 85, "refused at {units}");
    assert_eq!(kind, "com.amazonaws.dynamodb.v20120810#LimitExceededException");
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with("Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number of decreases today: "), "{message}");
    // More is never refused, and the index has decreases of its own.
    done(&server, "UpdateTable", update_index(2));
    wait_for(&server, ("ACTIVE", units + 1, "ACTIVE", 2));
    // An hour of the clock later.
    eventually(|| (call(&server, "UpdateTable", update(units)).0 == 200).then_some(()));
}

#[test]
fn a_table_can_go_on_demand_and_back() {
    let server = server(1, 0);
    table(&server, "logfile", 1, Some(1));
    exhaust(&server, "logfile");
    refused(&server, "PutItem", put("logfile", "b"));
    done(&server, "UpdateTable", json!({"TableName": "logfile", "BillingMode": "PAY_PER_REQUEST"}));
    assert_eq!(describe(&server)["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    for n in 0..20 {
        done(&server, "PutItem", put("logfile", &n.to_string()));
    }
    assert_eq!(refused(&server, "UpdateTable", update(3)).0, "ValidationException");
    assert_eq!(refused(&server, "UpdateTable", update_index(3)).0, "ValidationException");
    let mut back = update(2);
    back["BillingMode"] = json!("PROVISIONED");
    back["GlobalSecondaryIndexUpdates"] = update_index(9)["GlobalSecondaryIndexUpdates"].take();
    done(&server, "UpdateTable", back);
    assert_eq!(shown(&describe(&server)), ("ACTIVE", 2, "ACTIVE", 9));
    let state = &server.metrics()["Tables"][0];
    assert_eq!((&state["Write"]["Provisioned"], &state["Write"]["BurstBalance"]), (&json!(2), &json!(600)));
    assert_eq!(state["GlobalSecondaryIndexes"][0]["Read"]["Provisioned"], 9);
}

#[test]
fn an_index_that_is_added_has_its_own_capacity() {
    let server = server(SPEED, 1);
    table(&server, "logfile", 5, None);
    let create = json!({"Create": {
        "IndexName": "GSI_1",
        "KeySchema": [{"AttributeName": "GSI_1_PK", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": throughput(7),
    }});
    let attribute = json!({"AttributeName": "GSI_1_PK", "AttributeType": "S"});
    let add =
        json!({"TableName": "logfile", "AttributeDefinitions": [attribute], "GlobalSecondaryIndexUpdates": [create]});
    done(&server, "UpdateTable", add);
    wait_for(&server, ("ACTIVE", 5, "ACTIVE", 7));
    assert_eq!(server.metrics()["Tables"][0]["GlobalSecondaryIndexes"][0]["Write"]["Provisioned"], 7);
    let delete = json!({"Delete": {"IndexName": "GSI_1"}});
    done(&server, "UpdateTable", json!({"TableName": "logfile", "GlobalSecondaryIndexUpdates": [delete]}));
    assert_eq!(server.metrics()["Tables"][0]["GlobalSecondaryIndexes"], json!([]));
}

#[test]
fn a_provisioned_table_and_its_indexes_need_throughput_whether_it_is_enforced_or_not() {
    for throttle in [true, false] {
        let server = with(|options| {
            options.speed = NonZeroU32::new(SPEED).unwrap();
            options.throttle = throttle;
        });
        needs_throughput(&server);
    }
}

fn needs_throughput(server: &LocalDynamoDb) {
    let invalid = |reason: &str| json!(format!("One or more parameter values were invalid: {reason}"));
    let index = |throughput: Option<u64>| {
        let mut index = json!({
            "IndexName": "GSI_1",
            "KeySchema": [{"AttributeName": "GSI_1_PK", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        });
        if let Some(units) = throughput {
            index["ProvisionedThroughput"] = json!({"ReadCapacityUnits": units, "WriteCapacityUnits": units});
        }
        index
    };
    let key = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let create = |extra: Value| {
        let mut request = json!({
            "TableName": "logfile",
            "AttributeDefinitions": [key("PK"), key("GSI_1_PK")],
            "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [index(Some(1))],
        });
        request.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        request
    };
    let five = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 5});
    let message = |request: Value| refused(server, "CreateTable", request).1["message"].clone();
    let missing = "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED";
    assert_eq!(message(create(json!({}))), invalid(missing));
    assert_eq!(message(create(json!({"BillingMode": "PROVISIONED"}))), invalid(missing));
    let without = create(json!({"ProvisionedThroughput": five, "GlobalSecondaryIndexes": [index(None)]}));
    assert_eq!(message(without), invalid("ProvisionedThroughput is not specified for index: GSI_1"));

    // A table that is provisioned, and gets an index; then on demand; then provisioned again.
    table(server, "logfile", 5, None);
    let message = |mut request: Value| {
        request["TableName"] = json!("logfile");
        refused(server, "UpdateTable", request).1["message"].clone()
    };
    let add = |throughput| {
        json!({"AttributeDefinitions": [key("PK"), key("GSI_1_PK")],
        "GlobalSecondaryIndexUpdates": [{"Create": index(throughput)}]})
    };
    assert_eq!(message(add(None)), invalid("ProvisionedThroughput must be specified for index: GSI_1"));
    let update = |mut request: Value| {
        request["TableName"] = json!("logfile");
        done(server, "UpdateTable", request);
        eventually(|| {
            let table = describe(server);
            let indexes = table["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
            let statuses = indexes.map(|index| &index["IndexStatus"]).chain([&table["TableStatus"]]);
            statuses.into_iter().all(|status| status == "ACTIVE").then_some(())
        });
    };
    update(json!({"BillingMode": "PAY_PER_REQUEST"}));
    let reason = "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: GSI_1 when BillingMode is \
        PAY_PER_REQUEST";
    assert_eq!(message(add(Some(1))), invalid(reason));
    update(add(None));
    let switch = json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": five});
    assert_eq!(message(switch.clone()), invalid("ProvisionedThroughput must be specified for index: GSI_1"));
    let mut whole = switch;
    whole["GlobalSecondaryIndexUpdates"] = json!([{"Update": {"IndexName": "GSI_1", "ProvisionedThroughput": five}}]);
    update(whole);
}

#[test]
fn a_table_takes_no_items_until_it_is_active() {
    // An hour; so only the client's asking makes the table ACTIVE.
    let server = with(|options| options.capacity.create_time = Duration::from_secs(3600));
    let request = json!({
        "TableName": "logfile",
        "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    });
    let created = done(&server, "CreateTable", request);
    assert_eq!(created["TableDescription"]["TableStatus"], "CREATING");
    let (kind, answer) = refused(&server, "PutItem", put("logfile", "a"));
    assert_eq!(
        (kind.as_str(), &answer["message"]),
        ("ResourceNotFoundException", &json!("Requested resource not found"))
    );
    let throughput = json!({"ReadCapacityUnits": 6, "WriteCapacityUnits": 6});
    let update = json!({"TableName": "logfile", "ProvisionedThroughput": throughput});
    for (operation, request) in [("UpdateTable", update.clone()), ("DeleteTable", json!({"TableName": "logfile"}))] {
        let (kind, answer) = refused(&server, operation, request);
        let message = "Attempt to change a resource which is still in use: Table is being created: logfile";
        assert_eq!((kind.as_str(), &answer["message"]), ("ResourceInUseException", &json!(message)));
    }
    let described = done(&server, "DescribeTable", json!({"TableName": "logfile"}));
    assert_eq!(described["Table"]["TableStatus"], "ACTIVE");
    done(&server, "PutItem", put("logfile", "a"));
    done(&server, "UpdateTable", update);
}
