use serde_json::{Value, json};

use crate::support::json::{done, with as server_with};
use crate::{invalid, refused_with, simple_table, with};

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
