//! Loads of tables of the capacity model: their duration, and the number of refused requests.

use std::time::Duration;

use super::workers::{End, Row, Rows, Service, Workers};
use crate::service_error::ServiceError;
use crate::{Backoff, BatchResponse, BatchResult, Settled, WriteBatch, WriteRequest};
use capacity::{CapacityUnits, IndexWrite, PartitionKey, Settings, Table, Throughput, Write, WriteCost, write_units};

const INDEX: &str = "GSI_1";

/// A load, and the table it goes to.
#[derive(Debug, Clone, Copy)]
struct Case {
    wcu: u64,
    /// Whether the table begins with 300 seconds' capacity or with none.
    burst: bool,
    rows: u64,
    item_size: usize,
    workers: usize,
    round_trip: Duration,
    /// Capacity of an index, and the writes that fit between it and the table.
    index: Option<(u64, usize)>,
    /// At which second the capacity becomes how much.
    change: Option<(u64, u64)>,
}

impl Case {
    /// Rows of 1 WCU that an empty table accepts in this many seconds.
    fn lasting(wcu: u64, seconds: u64, workers: usize) -> Self {
        let round_trip = Duration::from_millis(10);
        Self { wcu, burst: false, rows: wcu * seconds, item_size: 500, workers, round_trip, index: None, change: None }
    }
}

struct Throttling {
    case: Case,
    table: Table,
    requests: u64,
    partly: u64,
    refused: u64,
    first_refusal: Option<Duration>,
    refused_at_first: u64,
}

impl Throttling {
    fn new(case: Case) -> Self {
        let starting_burst = Duration::from_secs(if case.burst { 300 } else { 0 });
        let index_backlog = case.index.map_or(20_000, |(_, backlog)| backlog);
        let settings = Settings { starting_burst, index_backlog, ..Settings::default() };
        let mut table = Table::new(Duration::ZERO, throughput(case.wcu), settings);
        if let Some((wcu, _)) = case.index {
            table.add_index(Duration::ZERO, INDEX, throughput(wcu));
        }
        Self { case, table, requests: 0, partly: 0, refused: 0, first_refusal: None, refused_at_first: 0 }
    }

    fn admits(&mut self, now: Duration, request: &WriteRequest<Row>) -> bool {
        let key = PartitionKey::new(&request.tag.key.to_le_bytes());
        let mut cost = WriteCost::of_table(write_units(request.item_size()));
        if self.case.index.is_some() {
            cost.indexes.push(IndexWrite { index: INDEX.into(), key, units: CapacityUnits::new(1) });
        }
        self.table.admit_write(now, Write { key, cost }).is_ok()
    }
}

impl Service for Throttling {
    fn send(&mut self, now: Duration, batch: &WriteBatch<Row>) -> (Duration, BatchResult) {
        if let Some((second, wcu)) = self.case.change
            && now >= Duration::from_secs(second)
        {
            self.case.change = None;
            self.table.set_throughput(Duration::from_secs(second), throughput(wcu));
        }
        let arrived = now + self.case.round_trip / 2;
        let requests = batch.requests();
        let unprocessed: Vec<usize> =
            (0..requests.len()).filter(|place| !self.admits(arrived, &requests[*place])).collect();
        self.requests += 1;
        let answer = if unprocessed.len() == requests.len() {
            self.refused += 1;
            let first = *self.first_refusal.get_or_insert(now);
            self.refused_at_first += u64::from(now <= first + self.case.round_trip);
            Err(ServiceError::from_response(400, Some("ProvisionedThroughputExceededException"), None))
        } else {
            self.partly += u64::from(!unprocessed.is_empty());
            Ok(BatchResponse { unprocessed, consumed: None })
        };
        (now + self.case.round_trip, answer)
    }
}

fn throughput(wcu: u64) -> Throughput {
    Throughput::Provisioned { read: 1, write: wcu }
}

#[derive(Debug)]
struct Loaded {
    seconds: f64,
    requests: u64,
    /// Of these, throttled in part.
    partly: u64,
    /// Requests refused completely.
    refused: u64,
    /// Of these, sent before the first refusal could be known.
    refused_at_first: u64,
}

fn load(case: Case) -> Loaded {
    let mut input = Rows::new(case.rows as usize, case.item_size);
    let mut service = Throttling::new(case);
    let mut workers = Workers::new(Duration::ZERO, case.workers, 32, Backoff::default(), 7);
    let end = workers.run(&mut input, &mut service, u64::MAX, u64::MAX);
    assert!(matches!(end, Ok(End::Done)), "{end:?}");
    let written = workers.settled.iter().filter(|settled| matches!(settled, Settled::Written(_))).count();
    assert_eq!(written as u64, case.rows);
    let Throttling { requests, partly, refused, refused_at_first, .. } = service;
    Loaded { seconds: workers.now.as_secs_f64(), requests, partly, refused, refused_at_first }
}

/// Loads, and compares with the minimum time that the capacity allows: at most 2% more, and at most 1 in 20 requests
/// refused completely. When a burst ends, batches in flight are refused before the writer can know; these are not
/// counted.
fn check(case: Case, least: f64) -> Loaded {
    let loaded = load(case);
    assert!(loaded.seconds >= least - 1.0, "the table took more than it can: {case:?}: {loaded:?}");
    assert!(loaded.seconds <= least * 1.02, "{case:?}: {loaded:?}, least {least} s");
    let refused = if case.burst { loaded.refused - loaded.refused_at_first } else { loaded.refused };
    assert!(refused * 20 <= loaded.requests, "{case:?}: {loaded:?}");
    loaded
}

#[test]
fn small_items_on_an_empty_table() {
    for wcu in [1, 5, 25, 100, 1000, 5000] {
        for workers in [1, 2, 4] {
            let seconds = 300.min(100_000 / wcu);
            let loaded = check(Case::lasting(wcu, seconds, workers), seconds as f64);
            assert!(loaded.partly * 7 <= loaded.requests, "too many throttled in part: {loaded:?}");
        }
    }
}

#[test]
fn small_items_after_a_burst() {
    for wcu in [1, 5, 25, 100] {
        for workers in [1, 3, 4] {
            check(Case { burst: true, ..Case::lasting(wcu, 600, workers) }, 300.0);
        }
    }
}

#[test]
fn long_round_trips() {
    for wcu in [5, 100, 1000] {
        for workers in [1, 4] {
            check(Case { round_trip: Duration::from_millis(200), ..Case::lasting(wcu, 100, workers) }, 100.0);
        }
    }
}

#[test]
fn large_items() {
    let cases =
        [(1, 3_000), (5, 10_000), (25, 100_000), (25, 400_000), (100, 400_000), (1000, 400_000), (5000, 400_000)];
    for (wcu, item_size) in cases {
        for workers in [1, 3] {
            let units = write_units(item_size).rounded_up();
            let rows = (wcu * 3000 / units).clamp(400, 2000);
            check(Case { rows, item_size, ..Case::lasting(wcu, 0, workers) }, (rows * units) as f64 / wcu as f64);
        }
    }
}

/// The bucket of such a table cannot hold what one item costs, so every second that the writer comes too late is lost.
#[test]
fn items_that_cost_more_than_the_bucket_holds() {
    let case = Case { rows: 400, item_size: 400_000, ..Case::lasting(1, 0, 1) };
    let loaded = load(case);
    assert!(loaded.seconds <= 400.0 * 391.0 * 1.2, "{loaded:?}");
    assert!(loaded.refused * 20 <= loaded.requests, "{loaded:?}");
}

#[test]
fn an_index_with_little_capacity_and_a_full_backlog() {
    for workers in [1, 4] {
        let case = Case { burst: true, ..Case::lasting(1000, 0, workers) };
        // In addition to its burst and its backlog, the index accepts its capacity.
        check(Case { index: Some((5, 1000)), rows: 1500 + 1000 + 500, ..case }, 100.0);
        check(Case { index: Some((1, 200)), rows: 300 + 200 + 600, ..case }, 600.0);
    }
}

#[test]
fn a_capacity_that_is_raised_or_lowered_meanwhile() {
    for (from, to) in [(5, 100), (1, 1000), (100, 5), (1000, 5), (1000, 400), (100, 200)] {
        for workers in [1, 4] {
            let rows = 100 * from + 200 * to;
            check(Case { change: Some((100, to)), rows, ..Case::lasting(from, 0, workers) }, 300.0);
        }
    }
}
