//! The data for the page.

use capacity::{Access, CapacityState, IndexState};
use serde_json::{Value, json};

use super::automation::Automatic;
use super::explanation;
use super::situation::{self, Resource, Situation};
use crate::clock;
use crate::ledger::CreationPhase;
use crate::metrics::Snapshot;
use crate::metrics::{Datapoint, HISTORY_MINUTES, Metric, Series, Statistics};

/// How everything stands, and what was counted since the minute `since`. A data point is a minute since 1970 and a value: the
/// sum of what happened in the minute, or the state at its end.
pub(crate) fn json(snapshot: &Snapshot<'_>, automatic: Automatic<'_>, since: u64) -> Value {
    let situations = situation::all(snapshot);
    json!({
        "Clock": {
            "Now": clock::timestamp(snapshot.now).to_string(),
            "Seconds": snapshot.now.as_secs_f64(),
            "Speed": snapshot.speed,
            "HistoryMinutes": HISTORY_MINUTES,
        },
        "Throttling": snapshot.throttling,
        "Tables": situations.iter().map(|each| table_json(each, snapshot, automatic, since)).collect::<Vec<_>>(),
    })
}

fn table_json(situation: &Situation<'_>, snapshot: &Snapshot<'_>, automatic: Automatic<'_>, since: u64) -> Value {
    let explanation = explanation::of(situation);
    let series = snapshot.series.iter().filter(|(series, _)| *series.table == *situation.table && is_shown(series));
    json!({
        "TableName": situation.table,
        "Status": explanation.status.name(),
        "Headline": explanation.headline,
        "Explanation": explanation.now,
        "Past": explanation.past,
        "Resources": situation
            .resources
            .iter()
            .map(|resource| resource_json(situation.table, resource, automatic))
            .collect::<Vec<_>>(),
        "Alarms": automatic.alarms(situation.table),
        "Activities": automatic.activities(situation.table),
        "Series": series.map(|(series, points)| series_json(series, points, since)).collect::<Vec<_>>(),
    })
}

/// What the page has charts for.
fn is_shown(series: &Series) -> bool {
    !matches!(
        series.metric,
        Metric::SuccessfulRequestLatency
            | Metric::ReturnedItemCount
            | Metric::ConditionalCheckFailedRequests
            | Metric::SystemErrors
            | Metric::TransactionConflict
            | Metric::ReadThrottleEvents
            | Metric::WriteThrottleEvents
    )
}

fn resource_json(table: &str, resource: &Resource<'_>, automatic: Automatic<'_>) -> Value {
    let capacity = |state: Option<&CapacityState>, access| {
        state.map(|state| capacity_json(state, &automatic.target(table, resource.index, access)))
    };
    json!({
        "IndexName": resource.index,
        "Write": capacity(resource.write.capacity, Access::Write),
        "Read": capacity(resource.read.capacity, Access::Read),
        "Backlog": resource.backlog.map(backlog_json),
        "Creation": resource.creation.map(creation_json),
    })
}

fn capacity_json(state: &CapacityState, auto_scaling: &Value) -> Value {
    json!({
        "Provisioned": state.provisioned,
        "BurstBalance": state.balance,
        "BurstLimit": state.ceiling,
        "Maximum": state.maximum,
        "Warm": state.provisioned.is_none().then_some(state.warm),
        "Consumed": state.consumed.as_f64(),
        "AutoScaling": auto_scaling,
    })
}

fn backlog_json(index: &IndexState) -> Value {
    json!({ "Writes": index.backlog, "Limit": index.backlog_limit })
}

fn creation_json(phase: CreationPhase) -> Value {
    match phase {
        CreationPhase::Allocation => json!({ "Backfilling": false, "Progress": 0, "Throttled": false }),
        CreationPhase::Backfilling { progress, is_throttled } => {
            json!({ "Backfilling": true, "Progress": progress, "Throttled": is_throttled })
        }
    }
}

fn series_json(series: &Series, points: &[Datapoint], since: u64) -> Value {
    let points = points.iter().filter(|(minute, _)| *minute >= since);
    json!({
        "IndexName": series.index.as_deref(),
        "MetricName": series.metric.name(),
        "Operation": series.operation,
        "State": series.metric.is_state(),
        "Points": points.map(|(minute, statistics)| json!([minute, value(series.metric, statistics)])).collect::<Vec<_>>(),
    })
}

fn value(metric: Metric, statistics: &Statistics) -> f64 {
    if metric.is_state() { statistics.sum / statistics.sample_count as f64 } else { statistics.sum }
}
