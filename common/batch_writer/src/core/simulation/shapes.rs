//! Loads of endpoints that throttle in different shapes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::shape_models::{Endpoint, Shape};
use super::workers::{End, Input, Row, Workers, request};
use crate::{Backoff, ItemJson, Settled, WriteRequest};

/// Rows of which some share their keys.
struct Rows {
    rows: Vec<Row>,
    next: usize,
    payload: ItemJson,
}

impl Input for Rows {
    fn peek(&self) -> Option<Row> {
        self.rows.get(self.next).copied()
    }

    fn take(&mut self) -> WriteRequest<Row> {
        self.next += 1;
        request(self.rows[self.next - 1], &self.payload)
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    shape: Shape,
    rows: usize,
    /// The least time that the shape allows, in seconds.
    ideal: f64,
}

struct Loaded {
    seconds: f64,
    endpoint: Endpoint,
    most_in_hand: usize,
}

fn load(case: Case, workers: usize, latency: Duration, seed: u64) -> Loaded {
    let mut random = fastrand::Rng::with_seed(seed);
    let keys = case.rows;
    let rows = (0..case.rows).map(|number| {
        let again = number > 0 && random.u32(..20) == 0;
        Row { number, key: if again { random.usize(..number) } else { number }, bad: false }
    });
    let mut input = Rows { rows: rows.collect(), next: 0, payload: ItemJson::new() };
    let mut expected = vec![None; keys];
    input.rows.iter().for_each(|row| expected[row.key] = Some(row.number));
    let mut endpoint = Endpoint::new(case.shape, latency, keys, seed);
    let backoff = Backoff { attempts: 1000, ..Backoff::default() };
    let mut load = Workers::new(Duration::ZERO, workers, 128 / workers, backoff, seed);
    let end = load.run(&mut input, &mut endpoint, u64::MAX, u64::MAX);
    assert!(matches!(end, Ok(End::Done)), "{case:?}, seed {seed}: {end:?}");
    let written = load.settled.iter().filter(|settled| matches!(settled, Settled::Written(_))).count();
    assert_eq!(written, case.rows, "{case:?}, seed {seed}: every row is written once");
    assert_eq!(endpoint.rows, expected, "{case:?}, seed {seed}: the last row for a key wins");
    Loaded { seconds: load.now.as_secs_f64(), endpoint, most_in_hand: load.most_in_hand }
}

impl Case {
    const fn new(shape: Shape, rows: usize, ideal: f64) -> Self {
        Self { shape, rows, ideal }
    }
}

/// How many seeds one run of the test tries for each shape.
const SEEDS: u64 = 100;

/// Set to a number, it makes the test try so many.
const MORE_SEEDS: &str = "SHAPE_SEEDS";

/// What a load of each seed took, in seconds, sorted; one worker or four, responses after 1 or 50 ms. Nineteen of twenty do what they
/// should: the rest is chance.
fn loads(case: Case, holds: impl Fn(&Loaded) -> bool + Sync) -> Vec<f64> {
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let seeds = std::env::var(MORE_SEEDS).map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut seconds: Vec<f64> = std::thread::scope(|scope| {
        let load_some = || {
            let mine = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|seed| *seed < seeds);
            let load_one = |seed| {
                let (workers, latency) = [(1, 1), (4, 1), (1, 50), (4, 50)][(seed % 4) as usize];
                let loaded = load(case, workers, Duration::from_millis(latency), seed);
                failed.fetch_add(u64::from(!holds(&loaded)), Ordering::Relaxed);
                loaded.seconds
            };
            mine.map(load_one).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(load_some)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    seconds.sort_by(f64::total_cmp);
    let failed = failed.into_inner();
    assert!(failed * 20 <= seeds, "{case:?}: {failed} of {seeds} loads");
    seconds
}

/// At least 80 % of what the shape allows, in nineteen of twenty loads.
fn check_goodput(case: Case) {
    let most_in_hand = 128 * 25 + 4 * 25;
    let seconds = loads(case, |loaded| {
        assert!(loaded.most_in_hand <= most_in_hand, "{case:?}: {} requests in hand", loaded.most_in_hand);
        true
    });
    let nineteenth = seconds[seconds.len() * 19 / 20];
    assert!(nineteenth <= case.ideal / 0.8, "{case:?}: {nineteenth:.2} s");
}

#[test]
fn partitions_of_a_table() {
    check_goodput(Case::new(Shape::Partitions { slow: 1000.0, fast: 1000.0 }, 30_000, 7.5));
}

#[test]
fn one_slow_partition() {
    check_goodput(Case::new(Shape::Partitions { slow: 100.0, fast: 1000.0 }, 4000, 9.5));
}

#[test]
fn a_hot_key() {
    check_goodput(Case::new(Shape::HotKey { hot: 100.0, rest: 2000.0 }, 3000, 8.5));
}

#[test]
fn a_table_that_doubles() {
    check_goodput(Case::new(Shape::Change { from: 1000.0, to: 2000.0, at: 4.0 }, 12_000, 8.0));
}

#[test]
fn a_second_writer() {
    check_goodput(Case::new(Shape::SecondWriter { rate: 1000.0, other: 500.0 }, 5000, 10.0));
}

/// Units of the tenths of a second between these seconds.
fn between(tenths: &[u64], from: f64, to: f64) -> u64 {
    tenths.iter().take((to * 10.0) as usize).skip((from * 10.0) as usize).sum()
}

#[test]
fn a_capacity_that_is_raised_is_followed_within_five_seconds() {
    let case = Case::new(Shape::Change { from: 5.0, to: 100.0, at: 20.0 }, 100 + 3000, 50.0);
    loads(case, |Loaded { endpoint, .. }| between(&endpoint.accepted, 25.0, 35.0) >= 800);
}

/// Of 2,000 units that the rate before would offer in twenty seconds, a third is offered at the most, and nothing is lost by it.
#[test]
fn a_capacity_that_is_lowered_is_followed_within_five_seconds() {
    let case = Case::new(Shape::Change { from: 100.0, to: 5.0, at: 20.0 }, 2000 + 150, 50.0);
    let seconds = loads(case, |Loaded { endpoint, .. }| between(&endpoint.offered, 25.0, 45.0) <= 650);
    let nineteenth = seconds[seconds.len() * 19 / 20];
    assert!(nineteenth <= case.ideal * 1.05, "{nineteenth:.2} s");
}

/// At most one request in twenty is refused whole.
#[test]
fn one_bucket_sees_few_whole_refusals() {
    let case = Case::new(Shape::Bucket(100.0), 3000, 30.0);
    let seconds = loads(case, |Loaded { endpoint, .. }| endpoint.refused_whole * 20 <= endpoint.requests);
    let longest = seconds[seconds.len() - 1];
    assert!(longest <= case.ideal * 1.02, "{longest:.2} s");
}

#[test]
fn a_blackout() {
    for seconds in [2.0, 5.0, 10.0] {
        // A quarter of the blackout for its end to be noticed, and the rows.
        let shape = Shape::Blackout { rate: 1e6, from: 0.0, seconds };
        check_goodput(Case::new(shape, 3000, 0.8 * (seconds * 1.25 + 0.75)));
        // The earlier rate is back a quarter later.
        let case = Case::new(Shape::Blackout { rate: 1000.0, from: 5.0, seconds }, 1000 * 20, 20.0);
        loads(case, |Loaded { endpoint, .. }| {
            let back = 5.0 + seconds * 1.25;
            let accepted = between(&endpoint.accepted, back, back + 1.0);
            accepted >= 800
        });
    }
}

/// A sequential client needs as long for the responses alone, and waits for seconds after a batch that is refused whole.
#[test]
fn refusals_whatever_the_rate() {
    for (shape, most) in [
        (Shape::Partial(0.5), 10.0),
        (Shape::Partial(0.1), 10.0),
        (Shape::Whole(1.0 / 3.0), 60.0),
        (Shape::Mixed, 60.0),
    ] {
        let case = Case::new(shape, 3000, 0.0);
        let seconds = loads(case, |_| true);
        let nineteenth = seconds[seconds.len() * 19 / 20];
        assert!(nineteenth <= most, "{case:?}: {nineteenth:.2} s");
    }
}
