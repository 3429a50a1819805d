use std::time::Duration;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::json::{call, done, refused, with as server_with};
use crate::{composite_table, indexed_table, invalid, key, message, put, refused_with, simple_table, with};

fn throughput(units: u64) -> Value {
    json!({"ReadCapacityUnits": units, "WriteCapacityUnits": units})
}

#[test]
fn settings_are_changed_and_described() {
    // Changes are in force at once.
    let server = server_with(|options| options.throttle = false);
    simple_table(&server, "items", &["S"]);
    let update = |more: Value| {
        done(&server, "UpdateTable", with(json!({"TableName": "items"}), more));
        crate::wait_until_active(&server, "items");
        done(&server, "DescribeTable", json!({"TableName": "items"}))["Table"].clone()
    };
    let provisioned = update(json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput(5)}));
    assert_eq!(provisioned["ProvisionedThroughput"]["WriteCapacityUnits"], 5);
    assert_eq!(
        update(json!({"ProvisionedThroughput": throughput(7)}))["ProvisionedThroughput"]["ReadCapacityUnits"],
        7
    );
    let on_demand = update(json!({"BillingMode": "PAY_PER_REQUEST"}));
    assert_eq!(on_demand["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    update(json!({"BillingMode": "PAY_PER_REQUEST"}));
    let maximum = json!({"MaxReadRequestUnits": 20, "MaxWriteRequestUnits": 10});
    assert_eq!(update(json!({"OnDemandThroughput": maximum}))["OnDemandThroughput"], maximum);
    let class = update(json!({"TableClass": "STANDARD_INFREQUENT_ACCESS"}));
    assert_eq!(class["TableClassSummary"]["TableClass"], "STANDARD_INFREQUENT_ACCESS");
    assert_eq!(update(json!({"DeletionProtectionEnabled": true}))["DeletionProtectionEnabled"], true);
}

#[test]
fn what_changes_nothing_or_contradicts_itself_is_refused() {
    let server = server_with(|options| options.throttle = false);
    simple_table(&server, "items", &["S"]);
    let update = |more: Value| with(json!({"TableName": "items"}), more);
    done(&server, "UpdateTable", update(json!({"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput(5)})));
    crate::wait_until_active(&server, "items");
    for (more, expected) in [
        (json!({"ProvisionedThroughput": throughput(5)}), "The requested value equals the current value"),
        (json!({"ProvisionedThroughput": throughput(0)}), "Member must have value greater than or equal to 1"),
        (json!({"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": throughput(9)}), "PAY_PER_REQUEST"),
        (json!({}), "At least one of"),
    ] {
        let refusal = invalid(&server, "UpdateTable", update(more.clone()));
        assert!(refusal.contains(expected), "{more}: {refusal}");
    }
    refused_with(
        &server,
        "ResourceNotFoundException",
        "UpdateTable",
        json!({"TableName": "none", "ProvisionedThroughput": throughput(5)}),
    );
}

#[test]
fn one_index_is_created_or_deleted_at_a_time() {
    let server = server_with(|options| options.throttle = false);
    indexed_table(&server, "items");
    let delete = |table: &str, names: &[&str]| {
        let updates: Vec<_> = names.iter().map(|name| json!({"Delete": {"IndexName": name}})).collect();
        refused(&server, "UpdateTable", json!({"TableName": table, "GlobalSecondaryIndexUpdates": updates}))
    };
    let (kind, error) = delete("items", &["by_g", "other"]);
    assert_eq!(kind, "LimitExceededException");
    let expected = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
    assert_eq!(message(&error), expected);
    assert_eq!(delete("items", &["other"]).0, "ResourceNotFoundException");
    assert_eq!(message(&delete("none", &["by_g", "other"]).1), "Requested resource not found: Table: none not found");
}

fn create_index(table: &str, index: &str, key: &[(&str, &str)]) -> Value {
    let schema: Vec<_> = key
        .iter()
        .zip(["HASH", "RANGE"])
        .map(|((name, _), kind)| json!({"AttributeName": name, "KeyType": kind}))
        .collect();
    let defined: Vec<_> =
        key.iter().map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind})).collect();
    let create = json!({"IndexName": index, "KeySchema": schema, "Projection": {"ProjectionType": "KEYS_ONLY"}});
    json!({"TableName": table, "AttributeDefinitions": defined, "GlobalSecondaryIndexUpdates": [{"Create": create}]})
}

fn delete_index(table: &str, index: &str) -> Value {
    json!({"TableName": table, "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": index}}]})
}

/// Waits until the indexes are there, and those that are deleted are gone.
fn wait_for_indexes(server: &LocalDynamoDb, table: &str) {
    eventually(|| {
        let description = done(server, "DescribeTable", json!({"TableName": table}))["Table"].clone();
        let indexes = description["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
        indexes.iter().all(|index| index["IndexStatus"] == "ACTIVE").then_some(())
    });
}

#[test]
fn a_new_index_leaves_out_what_its_key_cannot_be() {
    for throttle in [false, true] {
        let server = server_with(|options| {
            options.throttle = throttle;
            options.capacity.update_time = Duration::ZERO;
        });
        composite_table(&server, "t01");
        let text = |length: usize| json!({"S": "x".repeat(length)});
        for (c, x) in [
            ("short", text(1)),
            ("1024", text(1_024)),
            ("1025", text(1_025)),
            ("2048", text(2_048)),
            ("2049", text(2_049)),
            ("empty", text(0)),
            ("number", json!({"N": "1"})),
            ("list", json!({"L": []})),
        ] {
            put(&server, "t01", key("a", c), json!({"x": x}));
        }
        put(&server, "t01", key("a", "without"), json!({}));
        let scan = |index: &str| {
            let answer = done(&server, "Scan", json!({"TableName": "t01", "IndexName": index}));
            let mut keys: Vec<_> = answer["Items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["c"]["S"].as_str().unwrap().to_owned())
                .collect();
            keys.sort();
            keys
        };
        done(&server, "UpdateTable", create_index("t01", "by_x", &[("x", "S")]));
        wait_for_indexes(&server, "t01");
        assert_eq!(scan("by_x"), ["1024", "1025", "2048", "short"], "{throttle}");
        done(&server, "UpdateTable", create_index("t01", "by_c_x", &[("c", "S"), ("x", "S")]));
        wait_for_indexes(&server, "t01");
        assert_eq!(scan("by_c_x"), ["1024", "short"], "{throttle}");
        let number = json!({"TableName": "t01", "Item": with(key("a", "other"), json!({"x": {"N": "2"}}))});
        assert!(invalid(&server, "PutItem", number.clone()).contains("mismatch"));

        // Without the indexes, the attribute can be of any type again.
        for index in ["by_x", "by_c_x"] {
            done(&server, "UpdateTable", delete_index("t01", index));
            eventually(|| {
                let (status, _) = call(&server, "Scan", json!({"TableName": "t01", "IndexName": index}));
                (status == 400).then_some(())
            });
            eventually(|| {
                let description = done(&server, "DescribeTable", json!({"TableName": "t01"}));
                (description["Table"]["TableStatus"] == "ACTIVE").then_some(())
            });
        }
        done(&server, "PutItem", number);
    }
}

#[test]
fn indexes_that_cannot_be_are_refused() {
    let server = server_with(|options| options.throttle = false);
    composite_table(&server, "t01");
    done(&server, "UpdateTable", create_index("t01", "by_x", &[("x", "S")]));
    let updates = |updates: &[&Value]| {
        let mut request = create_index("t01", "by_y", &[("y", "S")]);
        request["GlobalSecondaryIndexUpdates"] = updates.iter().map(|update| (*update).clone()).collect();
        request
    };
    let create = |index: &str| create_index("t01", index, &[("y", "S")])["GlobalSecondaryIndexUpdates"][0].clone();
    let delete = |index: &str| delete_index("t01", index)["GlobalSecondaryIndexUpdates"][0].clone();
    for two in
        [[create("by_y"), create("by_y_too")], [create("by_y"), delete("by_x")], [delete("by_x"), delete("absent")]]
    {
        refused_with(&server, "LimitExceededException", "UpdateTable", updates(&[&two[0], &two[1]]));
    }
    refused_with(&server, "ResourceNotFoundException", "UpdateTable", delete_index("t01", "absent"));
    let long = "x".repeat(256);
    for (request, expected) in [
        (updates(&[&with(create("by_y"), delete("by_x"))]), "Only one global secondary index action"),
        (updates(&[&json!({})]), "must not be null"),
        (create_index("t01", "by_x", &[("y", "S")]), "already exists"),
        (create_index("t01", "by_l", &[("y", "S")]), "already exists"),
        (
            create_index("t01", "by_y", &[("x", "N")]),
            "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. \
             Existing schema: Schema:[SchemaElement: key{x:S:HASH}] New schema: Schema:[SchemaElement: key{x:N:HASH}]",
        ),
        (
            create_index("t01", "by_y", &[(&long, "S")]),
            "at 'attributeDefinitions.1.member.attributeName' failed to satisfy constraint: Member must have length less than \
             or equal to 255",
        ),
    ] {
        let refusal = invalid(&server, "UpdateTable", request);
        assert!(refusal.contains(expected), "{expected}: {refusal}");
    }
    // The longest names.
    let attribute = "y".repeat(255);
    done(&server, "UpdateTable", create_index("t01", &"n".repeat(255), &[(&attribute, "S")]));
}
