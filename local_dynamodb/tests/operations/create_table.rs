//! What is checked and described of a new table, the quotas of provisioned throughput, and the burst of a table that is
//! created with warm throughput.

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::message;
use crate::support::json::{call, done, refused, table, with};
use crate::support::server;

fn throughput(read: u64, write: u64) -> Value {
    json!({"ReadCapacityUnits": read, "WriteCapacityUnits": write})
}

fn create(name: &str, more: &Value) -> Value {
    let mut request = json!({
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
    });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn provisioned(name: &str, read: u64, write: u64) -> Value {
    create(name, &json!({"ProvisionedThroughput": throughput(read, write)}))
}

fn index(read: u64, write: u64) -> Value {
    json!({
        "IndexName": "GSI_1", "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"}, "ProvisionedThroughput": throughput(read, write),
    })
}

fn limit_exceeded(server: &LocalDynamoDb, operation: &str, request: Value) -> String {
    let (kind, error) = refused(server, operation, request);
    assert_eq!(kind, "LimitExceededException", "{error}");
    message(&error).to_owned()
}

#[test]
fn more_than_the_quota_of_a_table_or_the_account_is_refused() {
    let server = server();
    let refusal = |operation, request| limit_exceeded(&server, operation, request);
    let of_table = "Subscriber limit exceeded: Requested WriteCapacityUnits: 40001 for the table exceeds \
        TableMaxWriteCapacityUnits: 40000";
    assert_eq!(refusal("CreateTable", provisioned("logfile", 1, 40_001)), of_table);
    let mut with_index = provisioned("logfile", 1, 1);
    with_index["GlobalSecondaryIndexes"] = json!([index(50_000, 1)]);
    let of_index = "Subscriber limit exceeded: Requested ReadCapacityUnits: 50000 for the index GSI_1 exceeds \
        TableMaxReadCapacityUnits: 40000";
    assert_eq!(refusal("CreateTable", with_index), of_index);
    assert_eq!(done(&server, "ListTables", json!({}))["TableNames"], json!([]));

    done(&server, "CreateTable", provisioned("first", 40_000, 40_000));
    done(&server, "CreateTable", provisioned("second", 39_990, 1));
    done(&server, "DescribeTable", json!({"TableName": "second"}));
    let of_account = |units| {
        format!(
            "Subscriber limit exceeded: Requested ReadCapacityUnits: {units} for all tables exceeds \
            AccountMaxReadCapacityUnits: 80000"
        )
    };
    assert_eq!(refusal("CreateTable", provisioned("third", 11, 1)), of_account(80_001));
    let update = |read, write| json!({"TableName": "second", "ProvisionedThroughput": throughput(read, write)});
    assert_eq!(refusal("UpdateTable", update(40_000, 40_001)), of_table);
    done(&server, "CreateTable", provisioned("third", 10, 1));
    assert_eq!(refusal("UpdateTable", update(39_991, 1)), of_account(80_001));
    let add = json!({"TableName": "second", "GlobalSecondaryIndexUpdates": [{"Create": index(1, 1)}],
        "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}]});
    assert_eq!(refusal("UpdateTable", add), of_account(80_001));
    // Less is never too much, and tables on demand have no part in it.
    done(&server, "UpdateTable", update(39_989, 1));
    table(&server, "free", 0, Some(0));
}

#[test]
fn quotas_can_be_raised() {
    let server = with(|options| {
        options.capacity.table_quota = 100_000;
        options.capacity.account_quota = 150_000;
    });
    done(&server, "CreateTable", provisioned("first", 100_000, 100_000));
    limit_exceeded(&server, "CreateTable", provisioned("second", 1, 50_001));
    let limits = done(&server, "DescribeLimits", json!({}));
    assert_eq!(
        (&limits["TableMaxReadCapacityUnits"], &limits["AccountMaxWriteCapacityUnits"]),
        (&json!(100_000), &json!(150_000))
    );
    // Without throttling there are none.
    let server = with(|options| options.throttle = false);
    done(&server, "CreateTable", provisioned("first", 1_000_000, 1));
}

/// 25 items of about 390 KB are nearly 9,800 WCU, each on a key of its own.
#[test]
fn warm_throughput_is_there_from_the_start() {
    let server = server();
    for (name, more) in [("cold", json!({})), ("warm", json!({"WarmThroughput": {"WriteUnitsPerSecond": 30_000}}))] {
        let mut request = create(name, &more);
        request["BillingMode"] = json!("PAY_PER_REQUEST");
        done(&server, "CreateTable", request);
        done(&server, "DescribeTable", json!({"TableName": name}));
    }
    let written = |table: &str| {
        let requests: Vec<_> = (0..25)
            .map(|n| json!({"PutRequest": {"Item": {"PK": {"S": n.to_string()}, "x": {"S": "x".repeat(390 * 1024)}}}}))
            .collect();
        let (status, answer) = call(&server, "BatchWriteItem", json!({"RequestItems": {table: requests}}));
        assert_eq!(status, 200, "{answer}");
        25 - answer["UnprocessedItems"][table].as_array().map_or(0, Vec::len)
    };
    assert_eq!(written("warm"), 25);
    assert!(written("cold") < 25);
}

#[test]
fn a_table_is_described_as_it_was_created() {
    let server = server();
    let attribute = |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
    let key = |hash: &str, range: &str| json!([{"AttributeName": hash, "KeyType": "HASH"}, {"AttributeName": range, "KeyType": "RANGE"}]);
    let include = json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "y"]});
    let request = json!({
        "TableName": "items", "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("p", "c"),
        "AttributeDefinitions": [attribute("p", "S"), attribute("c", "N"), attribute("g", "B")],
        "GlobalSecondaryIndexes": [{"IndexName": "by_g", "KeySchema": key("g", "c"), "Projection": include}],
        "LocalSecondaryIndexes": [{"IndexName": "by_l", "KeySchema": key("p", "g"), "Projection": {"ProjectionType": "KEYS_ONLY"}}],
        "TableClass": "STANDARD_INFREQUENT_ACCESS", "DeletionProtectionEnabled": true, "SSESpecification": {"Enabled": true},
        "OnDemandThroughput": {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 5},
    });
    let created = done(&server, "CreateTable", request.clone())["TableDescription"].clone();
    assert_eq!(created["TableStatus"], "CREATING");
    crate::wait_until_active(&server, "items");
    let table = done(&server, "DescribeTable", json!({"TableName": "items"}))["Table"].clone();
    assert_eq!(table["TableId"], created["TableId"]);
    for member in ["KeySchema", "AttributeDefinitions", "OnDemandThroughput", "DeletionProtectionEnabled"] {
        assert_eq!(table[member], request[member], "{member}");
    }
    assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["TableClassSummary"]["TableClass"], "STANDARD_INFREQUENT_ACCESS");
    assert_eq!(
        (&table["SSEDescription"]["Status"], &table["SSEDescription"]["SSEType"]),
        (&json!("ENABLED"), &json!("KMS"))
    );
    for (indexes, status) in [("GlobalSecondaryIndexes", json!("ACTIVE")), ("LocalSecondaryIndexes", Value::Null)] {
        let (index, sent) = (&table[indexes][0], &request[indexes][0]);
        for member in ["IndexName", "KeySchema", "Projection"] {
            assert_eq!(index[member], sent[member], "{indexes} {member}");
        }
        assert_eq!(index["IndexStatus"], status);
    }
    let (kind, error) = refused(&server, "CreateTable", request);
    assert_eq!((kind.as_str(), message(&error)), ("ResourceInUseException", "Table already exists: items"));
}

#[test]
fn definitions_that_do_not_fit_together_are_refused() {
    let server = server();
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let part = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let simple = |more: Value| {
        crate::with(
            json!({"TableName": "items", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [attribute("p")],
                "KeySchema": [part("p", "HASH")]}),
            more,
        )
    };
    let global = |projection: Value| {
        let index = json!({"IndexName": "by_g", "KeySchema": [part("g", "HASH")], "Projection": projection});
        simple(json!({"AttributeDefinitions": [attribute("p"), attribute("g")], "GlobalSecondaryIndexes": [index]}))
    };
    let local = |table_key: Value, index_key: Value| {
        let index = json!({"IndexName": "by_l", "KeySchema": index_key, "Projection": {"ProjectionType": "ALL"}});
        let definitions = json!([attribute("p"), attribute("c"), attribute("l")]);
        simple(json!({"AttributeDefinitions": definitions, "KeySchema": table_key, "LocalSecondaryIndexes": [index]}))
    };
    let composite = || json!([part("p", "HASH"), part("c", "RANGE")]);
    let long = "x".repeat(256);
    for (request, expected) in [
        (simple(json!({"TableName": "ab"})), "Member must have length greater than or equal to 3"),
        (simple(json!({"TableName": "a".repeat(256)})), "Member must have length less than or equal to 255"),
        (simple(json!({"TableName": "a table"})), "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        (simple(json!({"KeySchema": []})), "Member must have length greater than or equal to 1"),
        (simple(json!({"KeySchema": [part("p", "HASH"), part("p", "RANGE")]})), "Invalid KeySchema"),
        (
            simple(json!({"KeySchema": [part("q", "HASH")]})),
            "Some index key attributes are not defined in AttributeDefinitions",
        ),
        (
            simple(json!({"AttributeDefinitions": [attribute("p"), attribute("unused")]})),
            "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ),
        (
            global(json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": [long]})),
            "at 'globalSecondaryIndexes.1.member.projection.nonKeyAttributes.1.member' failed to satisfy constraint: Member must \
             have length less than or equal to 255",
        ),
        (simple(json!({"BillingMode": "FREE"})), "Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"),
        (simple(json!({"ProvisionedThroughput": throughput(1, 1)})), "PAY_PER_REQUEST"),
        (
            simple(json!({"StreamSpecification": {"StreamEnabled": false, "StreamViewType": "NEW_IMAGE"}})),
            "Table is being created with a stream disabled",
        ),
        (
            simple(json!({"AttributeDefinitions": [attribute(&"p".repeat(256))]})),
            "at 'attributeDefinitions.1.member.attributeName' failed to satisfy constraint: Member must have length less than or equal to 255",
        ),
        (
            simple(json!({"KeySchema": [part(&"p".repeat(256), "HASH")]})),
            "at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must have length less than or equal to 255",
        ),
        (
            global(json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": vec!["x"; 21]})),
            "x, x]' at 'globalSecondaryIndexes.1.member.projection.nonKeyAttributes' failed to satisfy constraint: Member must have length less than or equal to 20",
        ),
        (global(json!({"ProjectionType": "INCLUDE"})), "NonKeyAttributes"),
        (global(json!({"ProjectionType": "KEYS_ONLY", "NonKeyAttributes": ["x"]})), "NonKeyAttributes"),
        (
            local(json!([part("p", "HASH")]), json!([part("p", "HASH"), part("l", "RANGE")])),
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ),
        (
            local(composite(), json!([part("l", "HASH"), part("c", "RANGE")])),
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: by_l",
        ),
    ] {
        let refusal = crate::invalid(&server, "CreateTable", request.clone());
        assert!(refusal.contains(expected), "{request}: {refusal}");
    }
    assert_eq!(done(&server, "ListTables", json!({}))["TableNames"], json!([]));
}
