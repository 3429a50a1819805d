use serde_json::{Value, json};

use crate::support::json::{done, refused, with as server_with};
use crate::{indexed_table, invalid, message, refused_with, simple_table, with};

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
