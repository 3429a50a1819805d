//! How a table and its indexes are doing: what is consumed, what is refused and where, now and in the minutes kept.

use std::time::Duration;

use capacity::{CapacityState, IndexState, TableState};

use crate::ledger::CreationPhase;
use crate::metrics::Snapshot;
use crate::metrics::{self, Datapoint, Metric, Series};

/// From when on the minute that is not over tells the rate better than the one before it.
const SETTLED: Duration = Duration::from_secs(20);
/// For how long, by the wall's clock, a refusal is news: long enough to be read.
const NEWS_SECONDS: u64 = 5;

/// A table, first, and its indexes. A table that is gone has the indexes of which something is known.
#[derive(Debug)]
pub(super) struct Situation<'a> {
    pub(super) table: &'a str,
    pub(super) exists: bool,
    pub(super) resources: Vec<Resource<'a>>,
}

/// A table or an index.
#[derive(Debug)]
pub(super) struct Resource<'a> {
    /// `None` is the table.
    pub(super) index: Option<&'a str>,
    pub(super) write: Activity<'a>,
    pub(super) read: Activity<'a>,
    /// Of an index that exists.
    pub(super) backlog: Option<&'a IndexState>,
    /// Of an index that UpdateTable is adding.
    pub(super) creation: Option<CreationPhase>,
}

/// Reads or writes.
#[derive(Debug)]
pub(super) struct Activity<'a> {
    /// `None` if the table is gone.
    pub(super) capacity: Option<&'a CapacityState>,
    /// Units consumed per second.
    pub(super) rate: f64,
    /// Items refused lately: in this minute and the one before it, or a few more of a fast clock.
    pub(super) recent: Events,
    /// Items refused in all minutes kept.
    pub(super) all: Events,
}

/// Items refused, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Events {
    pub(super) throughput: f64,
    pub(super) partition_key: f64,
    /// Of a table or index on demand, by the maximum that is set.
    pub(super) maximum: f64,
    /// By the quota of a table.
    pub(super) quota: f64,
}

impl Events {
    pub(super) fn total(self) -> f64 {
        self.throughput + self.partition_key + self.maximum + self.quota
    }
}

/// Every table that there is, and then those that are gone, each by name.
pub(super) fn all<'a>(snapshot: &Snapshot<'a>) -> Vec<Situation<'a>> {
    let mut all: Vec<_> = snapshot.tables.iter().map(|(table, state)| of_table(table, state, snapshot)).collect();
    for (series, _) in snapshot.series.iter().filter(|(series, _)| !series.is_of_account()) {
        if !all.iter().any(|each| each.table == &*series.table) {
            all.push(of_deleted(&series.table, snapshot));
        }
    }
    all
}

fn of_table<'a>(table: &'a str, state: &'a TableState, snapshot: &Snapshot<'a>) -> Situation<'a> {
    let resource = |index, write, read, backlog| Resource {
        index,
        write: activity(table, index, Some(write), &WRITE, snapshot),
        read: activity(table, index, Some(read), &READ, snapshot),
        backlog,
        creation: index.and_then(|index| creation(table, index, snapshot)),
    };
    let own = resource(None, &state.write, &state.read, None);
    let indexes =
        state.indexes.iter().map(|index| resource(Some(&*index.name), &index.write, &index.read, Some(index)));
    Situation { table, exists: true, resources: std::iter::once(own).chain(indexes).collect() }
}

fn of_deleted<'a>(table: &'a str, snapshot: &Snapshot<'a>) -> Situation<'a> {
    let mut indexes: Vec<Option<&str>> = vec![None];
    for (series, _) in snapshot.series.iter().filter(|(series, _)| *series.table == *table) {
        if !indexes.contains(&series.index.as_deref()) {
            indexes.push(series.index.as_deref());
        }
    }
    let resources = indexes.into_iter().map(|index| Resource {
        index,
        write: activity(table, index, None, &WRITE, snapshot),
        read: activity(table, index, None, &READ, snapshot),
        backlog: None,
        creation: None,
    });
    Situation { table, exists: false, resources: resources.collect() }
}

fn creation(table: &str, index: &str, snapshot: &Snapshot<'_>) -> Option<CreationPhase> {
    let mut creations = snapshot.creations.iter();
    creations.find(|each| *each.table == *table && *each.index == *index).map(|each| each.phase)
}

struct Names {
    consumed: Metric,
    throughput: Metric,
    partition_key: Metric,
    maximum: Metric,
    quota: Metric,
}

const WRITE: Names = Names {
    consumed: Metric::ConsumedWriteCapacityUnits,
    throughput: Metric::WriteProvisionedThroughputThrottleEvents,
    partition_key: Metric::WriteKeyRangeThroughputThrottleEvents,
    maximum: Metric::WriteMaxOnDemandThroughputThrottleEvents,
    quota: Metric::WriteAccountLimitThrottleEvents,
};

const READ: Names = Names {
    consumed: Metric::ConsumedReadCapacityUnits,
    throughput: Metric::ReadProvisionedThroughputThrottleEvents,
    partition_key: Metric::ReadKeyRangeThroughputThrottleEvents,
    maximum: Metric::ReadMaxOnDemandThroughputThrottleEvents,
    quota: Metric::ReadAccountLimitThrottleEvents,
};

fn activity<'a>(
    table: &str,
    index: Option<&str>,
    capacity: Option<&'a CapacityState>,
    names: &Names,
    snapshot: &Snapshot<'a>,
) -> Activity<'a> {
    let minute = metrics::minute(snapshot.now);
    let points = |metric| {
        let is_it =
            |series: &Series| series.metric == metric && *series.table == *table && series.index.as_deref() == index;
        let found = snapshot.series.iter().find(|(series, _)| is_it(series));
        found.map_or(&[][..], |(_, points)| points)
    };
    let events = |since| Events {
        throughput: sum(points(names.throughput), since),
        partition_key: sum(points(names.partition_key), since),
        maximum: sum(points(names.maximum), since),
        quota: sum(points(names.quota), since),
    };
    let consumed = points(names.consumed);
    let elapsed = snapshot.now.saturating_sub(Duration::from_secs(60 * minute));
    let current = sum(consumed, minute);
    let rate = if elapsed >= SETTLED {
        current / elapsed.as_secs_f64()
    } else {
        (sum(consumed, minute.saturating_sub(1)) - current) / 60.0
    };
    let news = (NEWS_SECONDS * u64::from(snapshot.speed.get())).div_ceil(60);
    Activity { capacity, rate, recent: events(minute.saturating_sub(news)), all: events(0) }
}

fn sum(points: &[Datapoint], since: u64) -> f64 {
    points.iter().filter(|(minute, _)| *minute >= since).map(|(_, statistics)| statistics.sum).sum()
}
