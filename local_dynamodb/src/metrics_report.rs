//! The metrics as they are shown: JSON with every minute, and text with sums, which a shell script can read.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use common::capacity::{CapacityState, IndexState, TableState};
use serde_json::{Value, json};

use crate::clock::Utc;
use crate::ledger::Ledger;
use crate::metrics::{Datapoint, HISTORY_MINUTES, Series};
use crate::table_definition::TableDefinition;

/// Everything: the clock, how each table stands now, and each metric with the minutes of the last day in which there was
/// something to count. Members are named as CloudWatch names them.
pub(crate) fn json(ledger: &mut Ledger, now: Duration, speed: NonZeroU32) -> Value {
    let tables: Vec<_> = ledger.states(now).iter().map(|(table, state)| table_json(table, state)).collect();
    let metrics: Vec<_> =
        ledger.metrics.series(now).iter().map(|(series, points)| series_json(series, points)).collect();
    json!({
        "Clock": { "Now": Utc::of(now).to_string(), "Seconds": now.as_secs_f64(), "Speed": speed, "HistoryMinutes": HISTORY_MINUTES },
        "Tables": tables,
        "Metrics": metrics,
    })
}

fn table_json(table: &Arc<TableDefinition>, state: &TableState) -> Value {
    let index = |index: &IndexState| {
        json!({
            "IndexName": &*index.name,
            "Read": capacity_json(&index.read),
            "Write": capacity_json(&index.write),
            "Backlog": { "Writes": index.backlog, "Units": index.backlog_units.as_f64(), "Limit": index.backlog_limit },
        })
    };
    json!({
        "TableName": &*table.name,
        "Read": capacity_json(&state.read),
        "Write": capacity_json(&state.write),
        "GlobalSecondaryIndexes": state.indexes.iter().map(index).collect::<Vec<_>>(),
    })
}

fn capacity_json(state: &CapacityState) -> Value {
    json!({
        "Provisioned": state.provisioned,
        "BurstBalance": state.balance,
        "BurstLimit": state.ceiling,
        "Consumed": state.consumed.as_f64(),
    })
}

fn series_json(series: &Series, points: &[Datapoint]) -> Value {
    let dimension = |(name, value): (&str, &str)| json!({ "Name": name, "Value": value });
    let point = |(minute, statistics): &Datapoint| {
        json!({
            "Timestamp": Utc::of(Duration::from_secs(minute * 60)).to_string(),
            "SampleCount": statistics.sample_count,
            "Sum": statistics.sum,
            "Minimum": statistics.minimum,
            "Maximum": statistics.maximum,
        })
    };
    json!({
        "Namespace": series.metric.namespace().name(),
        "MetricName": series.metric.name(),
        "Dimensions": series.dimensions().map(dimension).collect::<Vec<_>>(),
        "Unit": series.metric.unit(),
        "Datapoints": points.iter().map(point).collect::<Vec<_>>(),
    })
}

/// A line for the clock, one with the names of the columns, and one for each metric with its sum over the last day;
/// columns are separated by tabs, `-` stands for no index and no operation. Metrics that are the state at the end of a
/// minute have no sum and are left out.
pub(crate) fn text(ledger: &mut Ledger, now: Duration, speed: NonZeroU32) -> String {
    ledger.states(now);
    let mut text = format!("# clock\t{}\tspeed\t{speed}\nMETRIC\tTABLE\tINDEX\tOPERATION\tSUM\n", now.as_secs());
    for (series, points) in ledger.metrics.series(now) {
        if series.metric.is_state() {
            continue;
        }
        let sum: f64 = points.iter().map(|(_, statistics)| statistics.sum).sum();
        let index = series.index.as_deref().unwrap_or("-");
        let operation = series.operation.unwrap_or("-");
        // Writing into a string does not fail.
        let _ = writeln!(text, "{}\t{}\t{index}\t{operation}\t{sum}", series.metric.name(), series.table);
    }
    text
}
