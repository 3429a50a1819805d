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
    for operation in ["CreateBackup", "RestoreTableToPointInTime", "ImportTable"] {
        let (kind, error) = refused(&server, operation, json!({}));
        assert_eq!(kind, "UnknownOperationException");
        assert!(message(&error).contains(operation), "{error}");
    }
    for (operation, list) in [("ListExports", "ExportSummaries"), ("ListImports", "ImportSummaryList")] {
        assert_eq!(done(&server, operation, json!({}))[list], Value::Array(Vec::new()));
    }
}

#[test]
fn point_in_time_recovery_is_kept_with_its_table() {
    let server = server();
    table(&server, "logfile", 0, None);
    let update =
        |specification: Value| json!({"TableName": "logfile", "PointInTimeRecoverySpecification": specification});
    let described = || {
        let backups = done(&server, "DescribeContinuousBackups", json!({"TableName": "logfile"}));
        backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"].clone()
    };
    let enabled = done(&server, "UpdateContinuousBackups", update(json!({"PointInTimeRecoveryEnabled": true})));
    let recovery = &enabled["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
    assert_eq!(
        (&recovery["PointInTimeRecoveryStatus"], &recovery["RecoveryPeriodInDays"]),
        (&json!("ENABLED"), &json!(35))
    );
    assert_eq!(&described()["EarliestRestorableDateTime"], &recovery["EarliestRestorableDateTime"]);
    assert!(described()["LatestRestorableDateTime"].as_u64() >= recovery["EarliestRestorableDateTime"].as_u64());
    let shorter = json!({"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 7});
    done(&server, "UpdateContinuousBackups", update(shorter));
    assert_eq!(described()["RecoveryPeriodInDays"], 7);

    for (specification, constraint) in [
        (
            Value::Null,
            "Value null at 'pointInTimeRecoverySpecification' failed to satisfy constraint: Member must not be null",
        ),
        (
            json!({}),
            "'pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled' failed to satisfy constraint: Member must not be null",
        ),
        (
            json!({"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 36}),
            "Member must have value less than or equal to 35",
        ),
        (
            json!({"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 0}),
            "Member must have value greater than or equal to 1",
        ),
    ] {
        let (kind, error) = refused(&server, "UpdateContinuousBackups", update(specification));
        assert_eq!(kind, "ValidationException");
        assert!(message(&error).contains(constraint), "{error}");
    }
    let absent =
        json!({"TableName": "absent", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
    assert_eq!(refused(&server, "UpdateContinuousBackups", absent).0, "TableNotFoundException");

    let disabled = json!({"PointInTimeRecoveryStatus": "DISABLED"});
    done(&server, "UpdateContinuousBackups", update(json!({"PointInTimeRecoveryEnabled": false})));
    assert_eq!(described(), disabled);
    done(&server, "UpdateContinuousBackups", update(json!({"PointInTimeRecoveryEnabled": true})));
    done(&server, "DeleteTable", json!({"TableName": "logfile"}));
    table(&server, "logfile", 0, None);
    assert_eq!(described(), disabled, "the table is another one");
}
