//! What CloudWatch would have counted: for each table, index and operation, minute by minute of the server's clock.

mod metric;
pub(crate) mod report;
mod snapshot;
mod statistic;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use capacity::{Access, CapacityUnits, Resource, Throttle};

pub(crate) use self::metric::{Metric, Series};
pub(crate) use self::snapshot::Snapshot;
pub(crate) use self::statistic::{Statistic, Statistics};

/// Minutes kept: a day of the server's clock. A series has at most this many data points of 40 bytes.
pub(crate) const HISTORY_MINUTES: u64 = 24 * 60;

/// How often series without new data points are searched for older ones.
const SWEEP_MINUTES: u64 = 60;

/// A minute since 1970 and what was counted in it.
pub(crate) type Datapoint = (u64, Statistics);

#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    series: HashMap<Series, VecDeque<Datapoint>>,
    swept: u64,
}

/// The minute that a time of the clock is in.
pub(crate) fn minute(now: Duration) -> u64 {
    now.as_secs() / 60
}

impl Metrics {
    /// Counts a value. A time before the latest of the series counts as that one.
    pub(crate) fn add(&mut self, now: Duration, series: Series, value: f64) {
        let minute = minute(now);
        self.sweep(minute);
        let points = self.series.entry(series).or_default();
        match points.back_mut() {
            Some((last, statistics)) if *last >= minute => statistics.merge(Statistics::of(value)),
            _ => points.push_back((minute, Statistics::of(value))),
        }
        while points.front().is_some_and(|(first, _)| is_old(*first, minute)) {
            points.pop_front();
        }
    }

    fn sweep(&mut self, minute: u64) {
        if minute < self.swept + SWEEP_MINUTES {
            return;
        }
        self.swept = minute;
        self.series.retain(|_, points| points.back().is_some_and(|(last, _)| !is_old(*last, minute)));
    }

    /// The data points of the metric with this name and exactly these dimensions, in the order of time.
    pub(crate) fn find(
        &self,
        namespace: &str,
        name: &str,
        dimensions: &[(String, String)],
    ) -> Option<&VecDeque<Datapoint>> {
        let is_it = |series: &Series| {
            series.metric.name() == name
                && series.metric.namespace().name() == namespace
                && series.dimensions().count() == dimensions.len()
                && series.dimensions().all(|(name, value)| dimensions.iter().any(|(n, v)| n == name && v == value))
        };
        self.series.iter().find(|(series, _)| is_it(series)).map(|(_, points)| points)
    }

    /// All series with the data points of the last [`HISTORY_MINUTES`], by table, index, operation and metric.
    pub(crate) fn series(&self, now: Duration) -> Vec<(&Series, Vec<Datapoint>)> {
        let minute = minute(now);
        let recent = |points: &VecDeque<Datapoint>| {
            points.iter().filter(|(each, _)| !is_old(*each, minute)).copied().collect::<Vec<_>>()
        };
        let all = self.series.iter().map(|(series, points)| (series, recent(points)));
        let mut all: Vec<_> = all.filter(|(_, points)| !points.is_empty()).collect();
        all.sort_unstable_by_key(|(series, _)| *series);
        all
    }
}

fn is_old(minute: u64, now: u64) -> bool {
    minute + HISTORY_MINUTES <= now
}

/// Each method counts one kind of event.
impl Metrics {
    /// Capacity consumed by a request, by a table itself (`index` is `None`) or by one of its indexes.
    pub(crate) fn consumed(
        &mut self,
        now: Duration,
        access: Access,
        table: &Arc<str>,
        index: Option<&Arc<str>>,
        units: CapacityUnits,
    ) {
        let metric = match access {
            Access::Read => Metric::ConsumedReadCapacityUnits,
            Access::Write => Metric::ConsumedWriteCapacityUnits,
        };
        if !units.is_zero() {
            self.add(now, of_resource(metric, table, index), units.as_f64());
        }
    }

    /// A throttled item.
    pub(crate) fn throttled_item(&mut self, now: Duration, table: &Arc<str>, throttle: &Throttle) {
        let index = match &throttle.resource {
            Resource::Table => None,
            Resource::Index(name) => Some(name),
        };
        let (all, by_limit) = match throttle.access {
            Access::Read => (Metric::ReadThrottleEvents, Metric::read_throttle_events(throttle.limit)),
            Access::Write => (Metric::WriteThrottleEvents, Metric::write_throttle_events(throttle.limit)),
        };
        for metric in [all, by_limit] {
            self.add(now, of_resource(metric, table, index), 1.0);
        }
    }

    /// A request throttled as a whole.
    pub(crate) fn throttled_request(&mut self, now: Duration, table: &Arc<str>, operation: &'static str) {
        self.add(now, of_operation(Metric::ThrottledRequests, table, operation), 1.0);
    }

    /// A request answered.
    pub(crate) fn answered(&mut self, now: Duration, table: &Arc<str>, operation: &'static str, latency: Duration) {
        let series = of_operation(Metric::SuccessfulRequestLatency, table, operation);
        self.add(now, series, latency.as_secs_f64() * 1000.0);
    }

    /// Items returned by a Query or Scan.
    pub(crate) fn returned_items(&mut self, now: Duration, table: &Arc<str>, operation: &'static str, items: usize) {
        self.add(now, of_operation(Metric::ReturnedItemCount, table, operation), items as f64);
    }

    /// A request refused because of the client.
    pub(crate) fn user_error(&mut self, now: Duration) {
        self.add(now, Series::of_account(Metric::UserErrors), 1.0);
    }

    /// A request that failed because of the server.
    pub(crate) fn system_error(&mut self, now: Duration, table: &Arc<str>, operation: &'static str) {
        self.add(now, of_operation(Metric::SystemErrors, table, operation), 1.0);
    }

    /// A write refused because of another transaction.
    pub(crate) fn transaction_conflict(&mut self, now: Duration, table: &Arc<str>) {
        self.add(now, of_resource(Metric::TransactionConflict, table, None), 1.0);
    }

    /// Items deleted because they had expired.
    pub(crate) fn expired(&mut self, now: Duration, table: &Arc<str>, items: usize) {
        self.add(now, of_resource(Metric::TimeToLiveDeletedItemCount, table, None), items as f64);
    }

    /// A write whose condition failed.
    pub(crate) fn condition_failed(&mut self, now: Duration, table: &Arc<str>) {
        self.add(now, of_resource(Metric::ConditionalCheckFailedRequests, table, None), 1.0);
    }
}

/// A metric of a table, or of one of its indexes.
pub(crate) fn of_resource(metric: Metric, table: &Arc<str>, index: Option<&Arc<str>>) -> Series {
    Series { table: table.clone(), index: index.cloned(), operation: None, metric }
}

fn of_operation(metric: Metric, table: &Arc<str>, operation: &'static str) -> Series {
    Series { table: table.clone(), index: None, operation: Some(operation), metric }
}

#[cfg(test)]
mod tests {
    use super::*;
    use capacity::Limit;

    const MINUTE: Duration = Duration::from_secs(60);

    fn consumed(metrics: &mut Metrics, now: Duration, units: u64) {
        metrics.consumed(now, Access::Write, &"logfile".into(), None, CapacityUnits::new(units));
    }

    #[test]
    fn values_of_a_minute_are_one_data_point() {
        let mut metrics = Metrics::default();
        for (seconds, units) in [(60, 3), (119, 5), (120, 1), (61, 2)] {
            consumed(&mut metrics, Duration::from_secs(seconds), units);
        }
        let series = metrics.series(2 * MINUTE);
        let [(series, points)] = &series[..] else { panic!("one series: {series:?}") };
        assert_eq!((series.metric.name(), series.metric.unit()), ("ConsumedWriteCapacityUnits", "Count"));
        // The last came late, as from a thread that had asked the clock before: it counts in the later minute.
        let first = Statistics { sample_count: 2, sum: 8.0, minimum: 3.0, maximum: 5.0 };
        let second = Statistics { sample_count: 2, sum: 3.0, minimum: 1.0, maximum: 2.0 };
        assert_eq!(*points, [(1, first), (2, second)]);
    }

    #[test]
    fn the_history_is_a_day() {
        let mut metrics = Metrics::default();
        let days = 3 * HISTORY_MINUTES;
        (0..days).for_each(|minute| consumed(&mut metrics, MINUTE * minute as u32, 1));
        let now = MINUTE * (days - 1) as u32;
        assert_eq!(metrics.series(now)[0].1.len() as u64, HISTORY_MINUTES);
        assert_eq!(metrics.series.values().map(VecDeque::len).max(), Some(HISTORY_MINUTES as usize));
        // Nothing new comes for the table: it is not shown, and then forgotten.
        let later = now + MINUTE * HISTORY_MINUTES as u32;
        assert!(metrics.series(later).is_empty());
        metrics.returned_items(later, &"other".into(), "Scan", 7);
        assert_eq!(metrics.series.len(), 1);
    }

    #[test]
    fn an_event_is_counted_for_the_resource_that_was_the_cause() {
        let mut metrics = Metrics::default();
        let of = |resource, limit| Throttle { resource, access: Access::Write, limit, retry_at: None };
        let table: Arc<str> = "logfile".into();
        metrics.throttled_item(MINUTE, &table, &of(Resource::Index("GSI_1".into()), Limit::ProvisionedThroughput));
        metrics.throttled_item(MINUTE, &table, &of(Resource::Table, Limit::KeyRange));
        let counted: Vec<_> = metrics
            .series(MINUTE)
            .iter()
            .map(|(series, points)| (series.index.as_deref(), series.metric.name(), points[0].1.sum))
            .collect();
        assert_eq!(
            counted,
            [
                (None, "WriteThrottleEvents", 1.0),
                (None, "WriteKeyRangeThroughputThrottleEvents", 1.0),
                (Some("GSI_1"), "WriteThrottleEvents", 1.0),
                (Some("GSI_1"), "WriteProvisionedThroughputThrottleEvents", 1.0),
            ]
        );
    }
}
