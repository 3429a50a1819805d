//! Loads through a service that fails, each compared with a sequential load.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::faulty_table::FaultyTable;
use super::workers::{End, Input, Row, Workers, request};
use crate::service_error::ServiceErrorKind;
use crate::{Backoff, ItemJson, Settled, Stop, WriteRequest};

/// How many seeds one run of the test tries: those that a debug build tries within seconds.
const SEEDS: u64 = 20_000;

/// If set, the number of seeds that the test tries.
const MORE_SEEDS: &str = "SIMULATION_SEEDS";

/// Set to a seed's number, it makes the test run that one alone, and tell all it did if it fails.
const REPLAY: &str = "SIMULATION_SEED";

/// No row waits longer than this for faults that have ended, and the script has at most a hundred.
const LONGEST_LOAD: Duration = Duration::from_secs(4 * 3600);

/// Where a stopped load resumes: at the first row, in the input's order, that was not settled. Rows behind it that were
/// are sent again, in their order, so the table ends the same.
fn resume_from(outcomes: &[Option<Outcome>]) -> usize {
    outcomes.iter().position(Option::is_none).unwrap_or(outcomes.len())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Written,
    Rejected,
}

struct Rows<'a> {
    rows: &'a [Row],
    next: usize,
    /// Between two rows, as from a pipe.
    gap: Duration,
    started: Duration,
    payload: &'a ItemJson,
}

impl Input for Rows<'_> {
    fn peek(&self) -> Option<Row> {
        self.rows.get(self.next).copied()
    }

    fn take(&mut self) -> WriteRequest<Row> {
        let row = self.rows[self.next];
        self.next += 1;
        request(row, self.payload)
    }

    fn ready_at(&self) -> Duration {
        self.started + self.gap * self.next as u32
    }
}

/// Of 900 KB, so that 16 MB are reached before 25 requests, and made once.
fn large_payload() -> &'static ItemJson {
    static PAYLOAD: OnceLock<ItemJson> = OnceLock::new();
    PAYLOAD.get_or_init(|| {
        let mut payload = ItemJson::new();
        payload.string("p", &[&"x".repeat(900_000)]);
        payload
    })
}

fn random_rows(random: &mut fastrand::Rng) -> (usize, Vec<Row>) {
    let (most_rows, most_keys) = ([2, 10, 60, 120][random.usize(..4)], [1, 4, 40, 400][random.usize(..4)]);
    let (count, keys) = (random.usize(..most_rows), 1 + random.usize(..most_keys));
    let bad = [0, 0, 0, 1, 5, 50][random.usize(..6)];
    let rows = (0..count).map(|number| Row { number, key: random.usize(..keys), bad: random.u32(..100) < bad });
    (keys, rows.collect())
}

/// One load from its first row to its last, with as many stops and resumes as the seed has.
struct Load {
    rows: Vec<Row>,
    outcomes: Vec<Option<Outcome>>,
    table: FaultyTable,
    backoff: Backoff,
    workers: usize,
    in_flight: usize,
    gap: Duration,
    large: bool,
    now: Duration,
    random: fastrand::Rng,
    trace: Option<Vec<String>>,
}

impl Load {
    fn new(seed: u64, traced: bool) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let (keys, rows) = random_rows(&mut random);
        let large = random.u32(..2000) == 0;
        Self {
            outcomes: vec![None; rows.len()],
            rows,
            table: FaultyTable::new(keys, random.fork()),
            backoff: Backoff { attempts: [2, 10, 100][random.usize(..3)], ..Backoff::default() },
            workers: 1 + random.usize(..3),
            in_flight: 1 + random.usize(..5),
            gap: Duration::from_millis([0, 0, 0, 1, 30][random.usize(..5)]),
            large,
            now: Duration::ZERO,
            random,
            trace: traced.then(Vec::new),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        let mut stops_left = self.random.u32(..4);
        while !self.run_once(&mut stops_left)? {}
        self.table.take_effect(Duration::MAX);
        self.check_table()
    }

    /// From where the last run left off; says whether the load is complete.
    fn run_once(&mut self, stops_left: &mut u32) -> Result<bool, String> {
        let start = resume_from(&self.outcomes);
        self.outcomes[start..].fill(None);
        let seed = self.random.u64(..);
        let mut workers = Workers::new(self.now, self.workers, self.in_flight, self.backoff, seed);
        workers.trace = self.trace.take();
        let (mut kill_at, mut interrupt_at) = (u64::MAX, u64::MAX);
        if *stops_left > 0 {
            *stops_left -= 1;
            let at = if self.random.bool() { &mut kill_at } else { &mut interrupt_at };
            *at = self.random.u64(..1 + self.rows.len() as u64 / 4);
        }
        let small = ItemJson::new();
        let payload = if self.large { large_payload() } else { &small };
        let mut input = Rows { rows: &self.rows, next: start, gap: self.gap, started: self.now, payload };
        let (faults, refused) = (self.table.faults, self.table.refused);
        let end = workers.run(&mut input, &mut self.table, kill_at, interrupt_at);
        self.trace = workers.trace.take();
        let end = end?;
        self.note(&format!("{:?} {end:?}", workers.now));
        for settled in std::mem::take(&mut workers.settled) {
            self.settle(&settled)?;
        }
        let settled = self.outcomes[start..].iter().flatten().count();
        if workers.pushed != settled + workers.in_hand() {
            return Err(format!("{} rows read, {settled} settled, {} in hand", workers.pushed, workers.in_hand()));
        }
        let (faults, refused) = (self.table.faults - faults, self.table.refused - refused);
        // Every other answer settles at least one row, and 25 rows are halved five times before the bad one stands alone.
        let bad_rows = self.rows[start..].iter().filter(|row| row.bad).count() as u64;
        if workers.requests > faults + refused + (settled + workers.unanswered()) as u64
            || refused > 6 * (bad_rows + faults)
        {
            let requests = workers.requests;
            return Err(format!(
                "{requests} requests, {refused} of them refused, for {settled} rows with {faults} faults"
            ));
        }
        if workers.now - self.now > LONGEST_LOAD {
            return Err(format!("the load took {:?}", workers.now - self.now));
        }
        self.now = workers.now;
        match end {
            End::Done => return Ok(true),
            End::Killed => self.table.killed(self.now),
            End::Stopped(Stop::Asked) if interrupt_at < u64::MAX => {}
            End::Stopped(Stop::GaveUp { attempts, .. }) if attempts == self.backoff.attempts => {}
            End::Stopped(Stop::Service(error)) if error.kind == ServiceErrorKind::AccessDenied => {}
            End::Stopped(stop) => return Err(format!("stopped: {stop:?}")),
        }
        Ok(false)
    }

    fn settle(&mut self, settled: &Settled<Row>) -> Result<(), String> {
        let (row, outcome) = match settled {
            Settled::Written(row) => (*row, Outcome::Written),
            Settled::Rejected(row, _) => (*row, Outcome::Rejected),
        };
        let expected = if row.bad { Outcome::Rejected } else { Outcome::Written };
        let before = self.outcomes[row.number].replace(outcome);
        if before.is_some() || outcome != expected {
            return Err(format!("{row:?} was {before:?} before it was {outcome:?}"));
        }
        Ok(())
    }

    fn check_table(&self) -> Result<(), String> {
        if let Some(row) = self.outcomes.iter().position(Option::is_none) {
            return Err(format!("row {row} was never settled"));
        }
        let mut expected = vec![None; self.table.rows.len()];
        for row in self.rows.iter().filter(|row| !row.bad) {
            expected[row.key] = Some(row.number);
        }
        if self.table.rows != expected {
            return Err(format!("the table holds {:?} instead of {expected:?}", self.table.rows));
        }
        Ok(())
    }

    fn note(&mut self, what: &str) {
        if let Some(trace) = &mut self.trace {
            trace.push(what.to_owned());
        }
    }
}

/// What is wrong with this seed, if anything.
fn fault_of(seed: u64, traced: bool) -> Option<String> {
    let mut load = Load::new(seed, traced);
    let result = catch_unwind(AssertUnwindSafe(|| load.run())).unwrap_or_else(|_| Err("it panicked".to_owned()));
    let what = result.err()?;
    let trace = load.trace.take().unwrap_or_default();
    Some(format!("seed {seed}: {what}\n{}", trace.join("\n")))
}

#[test]
fn every_load_leaves_the_table_that_a_sequential_load_leaves() {
    if let Ok(seed) = std::env::var(REPLAY) {
        let seed = seed.parse().expect("SIMULATION_SEED is the number of a seed");
        if let Some(what) = fault_of(seed, true) {
            panic!("{what}");
        }
        return;
    }
    let next = AtomicU64::new(0);
    let seeds = std::env::var(MORE_SEEDS).map_or(SEEDS, |seeds| seeds.parse().expect("SIMULATION_SEEDS is a number"));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let search = || {
            std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed))
                .take_while(|seed| *seed < seeds)
                .find_map(|seed| fault_of(seed, false))
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(search)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    });
    assert!(failed.is_empty(), "{}replay with {REPLAY}=NUMBER cargo test -p batch_writer simulation", failed.concat());
}
