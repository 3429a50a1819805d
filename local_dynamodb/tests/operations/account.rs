//! Operations on what this server does not have.

use serde_json::{Value, json};

use crate::message;
use crate::support::json::{done, refused, table};
use crate::support::{client, server};

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_reads_the_answers() {
    let server = server();
    let client = client(&server.url());
    table(&server, "logfile", 5, None);
    let limits = client.describe_limits().send().await.unwrap();
    assert_eq!(limits.table_max_write_capacity_units(), Some(40_000));
    let endpoints = client.describe_endpoints().send().await.unwrap();
    assert_eq!(endpoints.endpoints()[0].address(), server.address().to_string());
    let backups = client.describe_continuous_backups().table_name("logfile").send().await.unwrap();
    let recovery = backups.continuous_backups_description.unwrap().point_in_time_recovery_description.unwrap();
    assert_eq!(recovery.point_in_time_recovery_status.unwrap().as_str(), "DISABLED");
    let missing = client.describe_continuous_backups().table_name("missing").send().await.unwrap_err();
    assert!(missing.into_service_error().is_table_not_found_exception());
    assert!(client.list_backups().send().await.unwrap().backup_summaries().is_empty());
    let insights = client.describe_contributor_insights().table_name("logfile").send().await.unwrap();
    assert_eq!(insights.contributor_insights_status.unwrap().as_str(), "DISABLED");
    let destinations = client.describe_kinesis_streaming_destination().table_name("logfile").send().await.unwrap();
    assert!(destinations.kinesis_data_stream_destinations().is_empty());
    let policy =
        client.get_resource_policy().resource_arn("arn:aws:dynamodb:us-east-1:000000000000:table/logfile").send().await;
    assert!(policy.unwrap_err().into_service_error().is_policy_not_found_exception());
}

#[test]
fn an_operation_that_is_not_here_is_named() {
    let server = server();
    for operation in ["CreateBackup", "UpdateContinuousBackups", "ImportTable"] {
        let (kind, error) = refused(&server, operation, json!({}));
        assert_eq!(kind, "UnknownOperationException");
        assert!(message(&error).contains(operation), "{error}");
    }
    for (operation, list) in [("ListExports", "ExportSummaries"), ("ListImports", "ImportSummaryList")] {
        assert_eq!(done(&server, operation, json!({}))[list], Value::Array(Vec::new()));
    }
}
