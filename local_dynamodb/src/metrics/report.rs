//! The metrics as JSON with every minute, and as text with sums, for shell scripts.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::time::Duration;

use capacity::{CapacityState, IndexState, TableState};
use serde::{Serialize, Serializer};

use jiff::Timestamp;

use super::{Datapoint, HISTORY_MINUTES, Series, Snapshot, Statistics};
use crate::clock;

/// The clock, the state of each table now, and each metric with the minutes of the last day in which anything was counted.
/// Members are named as in CloudWatch.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Report<'a> {
    clock: Clock,
    tables: Vec<Table<'a>>,
    metrics: Vec<Metric<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Clock {
    #[serde(serialize_with = "as_text")]
    now: Timestamp,
    seconds: f64,
    speed: NonZeroU32,
    history_minutes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Table<'a> {
    table_name: &'a str,
    read: Capacity,
    write: Capacity,
    global_secondary_indexes: Vec<Index<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Index<'a> {
    index_name: &'a str,
    read: Capacity,
    write: Capacity,
    backlog: Backlog,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Backlog {
    writes: usize,
    units: f64,
    limit: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Capacity {
    provisioned: Option<u64>,
    burst_balance: Option<i64>,
    burst_limit: Option<u64>,
    consumed: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric<'a> {
    namespace: &'static str,
    metric_name: &'static str,
    dimensions: Vec<Dimension<'a>>,
    unit: &'static str,
    #[serde(serialize_with = "points")]
    datapoints: &'a [Datapoint],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension<'a> {
    name: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Point {
    #[serde(serialize_with = "as_text")]
    timestamp: Timestamp,
    sample_count: u64,
    sum: f64,
    minimum: f64,
    maximum: f64,
}

pub(crate) fn of<'a>(snapshot: &Snapshot<'a>) -> Report<'a> {
    Report {
        clock: Clock {
            now: clock::timestamp(snapshot.now),
            seconds: snapshot.now.as_secs_f64(),
            speed: snapshot.speed,
            history_minutes: HISTORY_MINUTES,
        },
        tables: snapshot.tables.iter().map(|(table, state)| of_table(table, state)).collect(),
        metrics: snapshot.series.iter().map(|(series, points)| of_series(series, points)).collect(),
    }
}

fn of_table<'a>(name: &'a str, state: &'a TableState) -> Table<'a> {
    let index = |index: &'a IndexState| Index {
        index_name: &index.name,
        read: of_capacity(&index.read),
        write: of_capacity(&index.write),
        backlog: Backlog { writes: index.backlog, units: index.backlog_units.as_f64(), limit: index.backlog_limit },
    };
    Table {
        table_name: name,
        read: of_capacity(&state.read),
        write: of_capacity(&state.write),
        global_secondary_indexes: state.indexes.iter().map(index).collect(),
    }
}

fn of_capacity(state: &CapacityState) -> Capacity {
    Capacity {
        provisioned: state.provisioned,
        burst_balance: state.balance,
        burst_limit: state.ceiling,
        consumed: state.consumed.as_f64(),
    }
}

fn of_series<'a>(series: &'a Series, datapoints: &'a [Datapoint]) -> Metric<'a> {
    Metric {
        namespace: series.metric.namespace().name(),
        metric_name: series.metric.name(),
        dimensions: series.dimensions().map(|(name, value)| Dimension { name, value }).collect(),
        unit: series.metric.unit(),
        datapoints,
    }
}

fn as_text<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

fn points<S: Serializer>(points: &[Datapoint], serializer: S) -> Result<S::Ok, S::Error> {
    let point = |(minute, statistics): &Datapoint| {
        let Statistics { sample_count, sum, minimum, maximum } = *statistics;
        Point { timestamp: clock::timestamp(Duration::from_secs(minute * 60)), sample_count, sum, minimum, maximum }
    };
    serializer.collect_seq(points.iter().map(point))
}

/// The report as JSON.
pub(crate) fn json(snapshot: &Snapshot<'_>) -> String {
    // Text, numbers and lists can be written as JSON.
    serde_json::to_string(&of(snapshot)).unwrap_or_default()
}

/// A line for the clock, one with the names of the columns, and one for each metric with its sum over the last day.
/// Columns are separated by tabs; `-` means no table, index or operation. Metrics that are a state at the end of a
/// minute have no sum and are left out.
pub(crate) fn text(snapshot: &Snapshot<'_>) -> String {
    let Snapshot { now, speed, .. } = snapshot;
    let mut text = format!("# clock\t{}\tspeed\t{speed}\nMETRIC\tTABLE\tINDEX\tOPERATION\tSUM\n", now.as_secs());
    for (series, points) in snapshot.series.iter().filter(|(series, _)| !series.metric.is_state()) {
        let sum: f64 = points.iter().map(|(_, statistics)| statistics.sum).sum();
        let index = series.index.as_deref().unwrap_or("-");
        let operation = series.operation.unwrap_or("-");
        let table = if series.is_of_account() { "-" } else { &series.table };
        // Writing into a string does not fail.
        let _ = writeln!(text, "{}\t{table}\t{index}\t{operation}\t{sum}", series.metric.name());
    }
    text
}
