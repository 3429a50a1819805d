//! Loads with a user's limit: the consumption in any ten seconds.

use std::num::NonZeroU64;
use std::time::Duration;

use super::workers::{End, Row, Rows, Service, Workers};
use crate::core::attempt::Lane;
use crate::core::pacer::Outcome;
use crate::service_error::ServiceError;
use crate::{Backoff, BatchResponse, BatchResult, Consumed, WriteBatch, WriteLimit};
use capacity::{CapacityUnits, write_units};

const PERIOD: Duration = Duration::from_secs(10);

/// A table that accepts everything, at any time between request and response, and records what it consumed and when.
struct Meter {
    /// What a write costs, times the units of the item.
    factor: u64,
    tells: bool,
    /// One in this many responses is lost; none with 0.
    lost: u32,
    slowest: Duration,
    consumed: Vec<(Duration, u64)>,
    random: fastrand::Rng,
}

impl Service for Meter {
    fn send(&mut self, now: Duration, batch: &WriteBatch<Row>) -> (Duration, BatchResult) {
        let at = now + self.slowest.mul_f64(self.random.f64());
        let sizes = batch.requests().iter().map(|request| write_units(request.item_size()).rounded_up());
        let units = sizes.sum::<u64>() * self.factor;
        self.consumed.push((now + (at - now).mul_f64(self.random.f64()), units));
        if self.lost > 0 && self.random.u32(..self.lost) == 0 {
            return (at, Err(ServiceError::from_response(500, None, None)));
        }
        (at, Ok(BatchResponse { unprocessed: Vec::new(), consumed: self.tells.then(|| by_table(units)) }))
    }
}

fn by_table(units: u64) -> Consumed {
    Consumed { table: CapacityUnits::new(units), indexes: Vec::new() }
}

impl Meter {
    fn new() -> Self {
        let random = fastrand::Rng::with_seed(11);
        Self { factor: 1, tells: true, lost: 0, slowest: Duration::from_millis(50), consumed: Vec::new(), random }
    }

    /// The most that was consumed within a period that begins at `from` or later.
    fn most_in_a_period(&mut self, from: Duration) -> u64 {
        self.consumed.sort_unstable();
        let (mut first, mut sum, mut most) = (0, 0, 0);
        let later: Vec<_> = self.consumed.iter().filter(|(at, _)| *at >= from).collect();
        for (at, units) in &later {
            sum += units;
            while later[first].0 + PERIOD < *at {
                sum -= later[first].1;
                first += 1;
            }
            most = most.max(sum);
        }
        most
    }
}

fn load(meter: &mut Meter, wcu: u64, rows: usize, item_size: usize, workers: usize) -> Duration {
    let mut input = Rows::new(rows, item_size);
    let mut workers = Workers::new(Duration::ZERO, workers, 32, Backoff::default(), 7);
    workers.pacer.set_limit(Duration::ZERO, NonZeroU64::new(wcu).map(WriteLimit::each));
    let end = workers.run(&mut input, meter, u64::MAX, u64::MAX);
    assert!(matches!(end, Ok(End::Done)), "{end:?}");
    workers.now
}

#[test]
fn the_limit_is_kept_in_any_ten_seconds_and_used() {
    for (wcu, item_size, workers) in [
        (1, 500, 1),
        (5, 500, 3),
        (5, 3_000, 2),
        (25, 500, 4),
        (100, 500, 4),
        (100, 90_000, 3),
        (1000, 500, 2),
        (1000, 20_000, 4),
    ] {
        let units = write_units(item_size).rounded_up();
        let rows = (wcu * 100 / units).min(30_000) as usize;
        for tells in [true, false] {
            let mut meter = Meter { tells, ..Meter::new() };
            let time = load(&mut meter, wcu, rows, item_size, workers).as_secs_f64();
            let most = meter.most_in_a_period(Duration::ZERO);
            assert!(most <= wcu * 10, "{most} units in ten seconds, {wcu} WCU, {item_size} B");
            let least = (rows as u64 * units) as f64 / wcu as f64;
            assert!(time <= least * 1.05 + 1.0, "{time} s instead of {least} s, {wcu} WCU, {item_size} B");
        }
    }
}

#[test]
fn writes_that_cost_more_than_their_item_are_counted_once_an_answer_tells() {
    let mut meter = Meter { factor: 3, ..Meter::new() };
    let time = load(&mut meter, 100, 3000, 500, 3).as_secs_f64();
    assert!(meter.most_in_a_period(Duration::from_secs(1)) <= 1000);
    assert!((88.0..=94.0).contains(&time), "{time} s instead of 90 s");
}

#[test]
fn slow_answers_and_lost_ones_break_no_limit() {
    let slowest = Duration::from_secs(4);
    let mut meter = Meter { slowest, lost: 10, ..Meter::new() };
    load(&mut meter, 100, 5000, 500, 3);
    assert!(meter.most_in_a_period(Duration::ZERO) <= 1000);
}

#[test]
fn an_item_that_costs_more_than_ten_seconds_allow_is_sent_and_paid_for() {
    let mut meter = Meter::new();
    let time = load(&mut meter, 10, 20, 400_000, 2);
    assert!((Duration::from_secs(19 * 39)..Duration::from_secs(20 * 40)).contains(&time), "{time:?}");
}

#[test]
fn a_limit_may_change_meanwhile() {
    let mut pacer = crate::core::pacer::Pacer::default();
    let mut sent_until = |limit: u64, from: u64, to: u64| {
        let (mut now, end, mut sent) = (Duration::from_secs(from), Duration::from_secs(to), 0);
        pacer.set_limit(now, NonZeroU64::new(limit).map(WriteLimit::each));
        while now < end {
            let ready_at = pacer.ready_at(Lane::Main, now, 1);
            if ready_at > now {
                now = ready_at;
                continue;
            }
            let units = pacer.batch_limit(Lane::Main, 1).unwrap_or(25);
            let attempt = pacer.sent(Lane::Main, now, 1, units);
            let consumed = by_table(units);
            pacer.responded(attempt, &Outcome::Accepted { units, consumed: Some(&consumed) }, now, 0.0);
            sent += units;
        }
        sent
    };
    for (limit, from) in [(10, 0), (1000, 100), (5, 200)] {
        let sent = sent_until(limit, from, from + 100);
        let owed = if limit == 5 { 10_000 } else { 0 }; // from the period before
        assert!(sent <= limit * 100 + limit, "{sent} at {limit} WCU");
        assert!(sent + owed.min(limit * 10) >= limit * 98, "{sent} at {limit} WCU");
    }
}
