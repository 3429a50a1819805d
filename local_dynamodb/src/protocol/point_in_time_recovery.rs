//! Point-in-time recovery. Whether a table has it is kept, because deployments set it; there is nothing to restore from.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// API Reference, "PointInTimeRecoverySpecification".
const MAX_DAYS: u64 = 35;
/// API Reference, "PointInTimeRecoveryDescription": the latest time is typically five minutes ago.
const LATEST_SECONDS: u64 = 300;

/// A table's recovery, where it is enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recovery {
    since_seconds: u64,
    days: u64,
}

impl Recovery {
    /// What an UpdateContinuousBackups makes of a table's recovery: `None` is disabled.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub(super) fn update(before: Option<Self>, request: &Value, now_seconds: u64) -> Result<Option<Self>, String> {
        const PATH: &str = "pointInTimeRecoverySpecification";
        let constraint = |value: &str, path: &str, constraint: &str| {
            format!(
                "1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: Member must {constraint}"
            )
        };
        let specification = &request["PointInTimeRecoverySpecification"];
        if specification.is_null() {
            return Err(constraint("null", PATH, "not be null"));
        }
        let Some(is_enabled) = specification["PointInTimeRecoveryEnabled"].as_bool() else {
            return Err(constraint("null", &format!("{PATH}.pointInTimeRecoveryEnabled"), "not be null"));
        };
        let days = match &specification["RecoveryPeriodInDays"] {
            Value::Null => before.map_or(MAX_DAYS, |before| before.days),
            days => match days.as_u64().filter(|days| (1..=MAX_DAYS).contains(days)) {
                Some(days) => days,
                None => {
                    let bound = match days.as_i64() {
                        Some(..1) => "have value greater than or equal to 1",
                        _ => "have value less than or equal to 35",
                    };
                    return Err(constraint(&format!("'{days}'"), &format!("{PATH}.recoveryPeriodInDays"), bound));
                }
            },
        };
        let since_seconds = before.map_or(now_seconds, |before| before.since_seconds);
        Ok(is_enabled.then_some(Self { since_seconds, days }))
    }
}

/// The description of a table's backups.
pub(super) fn describe(recovery: Option<Recovery>, now_seconds: u64) -> Value {
    let recovery = match recovery {
        None => json!({ "PointInTimeRecoveryStatus": "DISABLED" }),
        Some(Recovery { since_seconds, days }) => {
            let earliest = since_seconds.max(now_seconds.saturating_sub(days * 86_400));
            json!({
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": days,
                "EarliestRestorableDateTime": earliest,
                "LatestRestorableDateTime": earliest.max(now_seconds.saturating_sub(LATEST_SECONDS)),
            })
        }
    };
    json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": recovery,
    }})
}
