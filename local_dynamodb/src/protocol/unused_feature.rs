//! Operations on features of DynamoDB that this server does not have: backups, exports, global tables and the like.
//! Those that only read are answered as for an account that does not use the feature, because tools call them for every
//! table. The others are refused by name, but for point-in-time recovery, which can be set.

use serde_json::{Value, json};

use super::point_in_time_recovery::{self, Recovery};
use super::table_arns::table_name;

/// What there is to say about an operation.
#[derive(Clone, Copy, Debug)]
enum Unused {
    Limits,
    Endpoints,
    /// The response for an existing table.
    OfTable(fn(&str) -> Value),
    /// The recovery of an existing table, which may be set.
    Backups,
    /// A list of nothing.
    Nothing(&'static str),
    /// The exception and its message.
    NotFound(&'static str, &'static str),
    /// The policy of an existing table, of which there is none.
    Policy,
    /// The removal of such a policy.
    NoPolicy,
    NotHere,
}

use Unused::{Backups, Endpoints, Limits, NoPolicy, NotFound, NotHere, Nothing, OfTable, Policy};

/// API Reference, "Amazon DynamoDB": all operations that the engine lacks.
const OPERATIONS: &[(&str, Unused)] = &[
    ("CreateBackup", NotHere),
    ("CreateGlobalTable", NotHere),
    ("DeleteBackup", NotHere),
    ("DeleteResourcePolicy", NoPolicy),
    ("DescribeBackup", NotFound("BackupNotFoundException", "Backup not found")),
    ("DescribeContinuousBackups", Backups),
    ("DescribeContributorInsights", OfTable(contributor_insights)),
    ("DescribeEndpoints", Endpoints),
    ("DescribeExport", NotFound("ExportNotFoundException", "Export not found")),
    ("DescribeGlobalTable", NotFound("GlobalTableNotFoundException", "Global table not found")),
    ("DescribeGlobalTableSettings", NotFound("GlobalTableNotFoundException", "Global table not found")),
    ("DescribeImport", NotFound("ImportNotFoundException", "Import not found")),
    ("DescribeKinesisStreamingDestination", OfTable(kinesis_destinations)),
    ("DescribeLimits", Limits),
    ("DescribeTableReplicaAutoScaling", OfTable(replica_auto_scaling)),
    ("DisableKinesisStreamingDestination", NotHere),
    ("EnableKinesisStreamingDestination", NotHere),
    ("ExportTableToPointInTime", NotHere),
    ("GetResourcePolicy", Policy),
    ("ImportTable", NotHere),
    ("ListBackups", Nothing("BackupSummaries")),
    ("ListContributorInsights", Nothing("ContributorInsightsSummaries")),
    ("ListExports", Nothing("ExportSummaries")),
    ("ListGlobalTables", Nothing("GlobalTables")),
    ("ListImports", Nothing("ImportSummaryList")),
    ("PutResourcePolicy", NotHere),
    ("RestoreTableFromBackup", NotHere),
    ("RestoreTableToPointInTime", NotHere),
    ("UpdateContinuousBackups", Backups),
    ("UpdateContributorInsights", NotHere),
    ("UpdateGlobalTable", NotHere),
    ("UpdateGlobalTableSettings", NotHere),
    ("UpdateKinesisStreamingDestination", NotHere),
    ("UpdateTableReplicaAutoScaling", NotHere),
];

const NO_TABLE_NAME: &str =
    "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null";

/// What the answers need to know of the server.
pub(crate) trait Account {
    fn has_table(&self, name: &str) -> bool;
    /// The quotas of a table and of the account.
    fn quotas(&self) -> (u64, u64);
    fn now_seconds(&self) -> u64;
    /// `None` if a table's recovery is disabled.
    fn recovery(&self, table: &str) -> Option<Recovery>;
    fn set_recovery(&self, table: &str, recovery: Option<Recovery>);
}

/// An operation on a feature that this server does not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnusedFeature {
    operation: &'static str,
    unused: Unused,
}

impl UnusedFeature {
    /// `None` if DynamoDB has no such operation, or the engine has it.
    pub(crate) fn parse(operation: &str) -> Option<Self> {
        let (operation, unused) = *OPERATIONS.iter().find(|(name, _)| *name == operation)?;
        Some(Self { operation, unused })
    }

    /// The status and the response. `host` is the address that the client reached this server at.
    pub(crate) fn answer(self, request: &Value, host: &str, account: &impl Account) -> (u16, Value) {
        let error = |prefix: &str, kind: &str, message: &str| {
            (400, json!({ "__type": format!("{prefix}#{kind}"), "message": message }))
        };
        let dynamodb = "com.amazonaws.dynamodb.v20120810";
        let invalid = |message: &str| error("com.amazon.coral.validate", "ValidationException", message);
        match self.unused {
            Limits => (200, limits(account.quotas())),
            // DynamoDB's own address would lead a client that discovers endpoints away from here.
            Endpoints => (200, json!({ "Endpoints": [{ "Address": host, "CachePeriodInMinutes": 1440 }] })),
            Nothing(list) => (200, json!({ list: [] })),
            NotFound(kind, message) => error(dynamodb, kind, message),
            OfTable(of_table) => match request["TableName"].as_str() {
                Some(name) if account.has_table(name) => (200, of_table(name)),
                Some(name) => {
                    let message = format!("Requested resource not found: Table: {name} not found");
                    error(dynamodb, "ResourceNotFoundException", &message)
                }
                None => invalid(NO_TABLE_NAME),
            },
            Backups => match request["TableName"].as_str() {
                Some(name) if account.has_table(name) => {
                    let (before, now) = (account.recovery(name), account.now_seconds());
                    if self.operation == "DescribeContinuousBackups" {
                        return (200, point_in_time_recovery::describe(before, now));
                    }
                    match Recovery::update(before, request, now) {
                        Ok(recovery) => {
                            account.set_recovery(name, recovery);
                            (200, point_in_time_recovery::describe(recovery, now))
                        }
                        Err(message) => invalid(&message),
                    }
                }
                Some(name) => error(dynamodb, "TableNotFoundException", &format!("Table not found: {name}")),
                None => invalid(NO_TABLE_NAME),
            },
            Policy | NoPolicy => {
                let arn = request["ResourceArn"].as_str().unwrap_or_default();
                let table = table_name(arn).unwrap_or(arn);
                if !account.has_table(table) {
                    let message = format!("Requested resource not found: Table: {table} not found");
                    error(dynamodb, "ResourceNotFoundException", &message)
                } else if matches!(self.unused, NoPolicy) {
                    (200, json!({}))
                } else {
                    let message = format!("Resource-based policy not found for the provided ResourceArn: {arn}");
                    error(dynamodb, "PolicyNotFoundException", &message)
                }
            }
            NotHere => error(
                "com.amazon.coral.service",
                "UnknownOperationException",
                &format!("local_dynamodb does not have the operation {}", self.operation),
            ),
        }
    }
}

fn limits((table, account): (u64, u64)) -> Value {
    json!({
        "AccountMaxReadCapacityUnits": account,
        "AccountMaxWriteCapacityUnits": account,
        "TableMaxReadCapacityUnits": table,
        "TableMaxWriteCapacityUnits": table,
    })
}

fn contributor_insights(table: &str) -> Value {
    json!({ "TableName": table, "ContributorInsightsRuleList": [], "ContributorInsightsStatus": "DISABLED" })
}

fn kinesis_destinations(table: &str) -> Value {
    json!({ "TableName": table, "KinesisDataStreamDestinations": [] })
}

fn replica_auto_scaling(table: &str) -> Value {
    json!({ "TableAutoScalingDescription": { "TableName": table, "TableStatus": "ACTIVE", "Replicas": [] } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::OperationName;

    #[test]
    fn an_operation_is_the_engines_or_listed_here() {
        assert!(OPERATIONS.iter().all(|(name, _)| OperationName::parse(name).is_none()));
        assert!(OPERATIONS.is_sorted_by_key(|(name, _)| *name));
        assert!(UnusedFeature::parse("DropAll").is_none());
    }
}
