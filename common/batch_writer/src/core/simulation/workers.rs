//! Workers that share a pacer, and time that jumps from one event to the next.
//!
//! As the writer's, a worker sleeps until a response or a row comes to it, until the time that its dispatcher has named, or until the pacer wakes
//! all. What comes to another worker does not wake it.

use std::collections::HashSet;
use std::time::Duration;

use crate::core::dispatcher::{Dispatcher, InFlight, Step};
use crate::core::keyed;
use crate::core::pacer::Pacer;
use crate::{Backoff, BatchResult, ItemJson, Settled, Stop, WriteBatch, WriteRequest};
use capacity::limits::{MAX_BATCH_WRITE_REQUESTS, MAX_BATCH_WRITE_SIZE};

/// A row of the input. Its number tells whether it is newer than another row for the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) key: usize,
    /// DynamoDB refuses it for what it is.
    pub(super) bad: bool,
}

/// The rows of a load, and when they come.
pub(super) trait Input {
    /// The next row, if there is one.
    fn peek(&self) -> Option<Row>;
    /// The next row's request; called after `peek`.
    fn take(&mut self) -> WriteRequest<Row>;
    /// When the next row can be read.
    fn ready_at(&self) -> Duration {
        Duration::ZERO
    }
}

/// Rows of one size, each with a key of its own.
pub(super) struct Rows {
    left: usize,
    payload: ItemJson,
}

impl Rows {
    pub(super) fn new(rows: usize, item_size: usize) -> Self {
        let mut payload = ItemJson::new();
        payload.string("p", &[&"x".repeat(item_size - "p".len())]);
        Self { left: rows, payload }
    }
}

impl Input for Rows {
    fn peek(&self) -> Option<Row> {
        (self.left > 0).then_some(Row { number: self.left, key: self.left, bad: false })
    }

    fn take(&mut self) -> WriteRequest<Row> {
        let row = Row { number: self.left, key: self.left, bad: false };
        self.left -= 1;
        request(row, &self.payload)
    }
}

/// What is at the other end.
pub(super) trait Service {
    /// Responds to a batch that is sent at `now`; the response arrives at the returned time.
    fn send(&mut self, now: Duration, batch: &WriteBatch<Row>) -> (Duration, BatchResult);
}

/// How a load ended.
#[derive(Debug)]
pub(super) enum End {
    Done,
    Stopped(Stop),
    /// With batches in flight.
    Killed,
}

struct Arrival {
    at: Duration,
    worker: usize,
    sent: InFlight<Row>,
    answer: BatchResult,
}

struct Worker {
    dispatcher: Dispatcher<Row>,
    /// Asleep until then; `None`: until something comes.
    wakes_at: Option<Duration>,
}

pub(super) struct Workers {
    pub(super) now: Duration,
    pub(super) pacer: Pacer,
    pub(super) settled: Vec<Settled<Row>>,
    pub(super) requests: u64,
    /// Rows given to a worker.
    pub(super) pushed: usize,
    pub(super) most_in_hand: usize,
    /// For a failing seed: what happened.
    pub(super) trace: Option<Vec<String>>,
    workers: Vec<Worker>,
    closed: bool,
    largest_window: usize,
    arrivals: Vec<Arrival>,
    keys_in_flight: HashSet<usize>,
    random: fastrand::Rng,
}

impl Workers {
    pub(super) fn new(now: Duration, workers: usize, in_flight: usize, backoff: Backoff, seed: u64) -> Self {
        Self {
            now,
            pacer: Pacer::default(),
            settled: Vec::new(),
            requests: 0,
            pushed: 0,
            most_in_hand: 0,
            trace: None,
            workers: (0..workers)
                .map(|_| Worker { dispatcher: Dispatcher::new(in_flight, backoff), wakes_at: Some(now) })
                .collect(),
            closed: false,
            largest_window: in_flight,
            arrivals: Vec::new(),
            keys_in_flight: HashSet::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Rows accepted and not settled.
    pub(super) fn in_hand(&self) -> usize {
        self.workers.iter().map(|worker| worker.dispatcher.in_hand()).sum()
    }

    /// Batches in flight.
    pub(super) fn unanswered(&self) -> usize {
        self.arrivals.len()
    }

    /// Works until all rows are settled, or the writer stops, or so many requests have been sent. `interrupt_at` is the number of
    /// requests at which the caller stops it.
    pub(super) fn run(
        &mut self,
        input: &mut impl Input,
        service: &mut impl Service,
        kill_at: u64,
        interrupt_at: u64,
    ) -> Result<End, String> {
        loop {
            let mut stopping = self.workers.iter().any(|worker| worker.dispatcher.stopped().is_some());
            if !stopping && self.requests >= interrupt_at {
                self.workers.iter_mut().for_each(|worker| worker.dispatcher.stop(Stop::Asked));
                self.wake_all();
                stopping = true;
            }
            self.feed(input, stopping);
            self.most_in_hand = self.most_in_hand.max(self.in_hand());
            let (mut is_running, sent_before) = (false, self.requests);
            let workers = self.workers.len();
            let first = self.random.usize(..workers);
            for index in (0..workers).map(|turn| (first + turn) % workers) {
                let Worker { dispatcher, wakes_at } = &self.workers[index];
                if wakes_at.is_none_or(|at| at > self.now) {
                    is_running |= dispatcher.stopped().is_none() && (!self.closed || dispatcher.in_hand() > 0);
                    continue;
                }
                loop {
                    match self.workers[index].dispatcher.step(self.now, &mut self.pacer) {
                        Step::Send(sent) if self.requests >= kill_at => {
                            drop(sent);
                            return Ok(End::Killed);
                        }
                        Step::Send(sent) => self.send(index, sent, service)?,
                        Step::Wait(until) => {
                            is_running = true;
                            if until.is_some_and(|until| until <= self.now) {
                                return Err("a worker waits for a time that has passed".to_owned());
                            }
                            self.workers[index].wakes_at = until;
                            break;
                        }
                        Step::Done | Step::Stopped => {
                            self.workers[index].wakes_at = None;
                            break;
                        }
                    }
                }
            }
            if self.requests > sent_before {
                continue; // there is room for more
            }
            if !is_running && self.arrivals.is_empty() {
                let stopped = self.workers.iter().find_map(|worker| worker.dispatcher.stopped());
                return Ok(stopped.map_or(End::Done, |stop| End::Stopped(stop.clone())));
            }
            let input_at = input.peek().filter(|_| !stopping).map(|_| input.ready_at()).filter(|at| *at > self.now);
            self.advance(input_at)?;
        }
    }

    /// Gives each row to its key's worker, in order, as far as there is room.
    fn feed(&mut self, input: &mut impl Input, stopping: bool) {
        while let Some(row) = input.peek().filter(|_| !stopping) {
            let index = row.key % self.workers.len();
            let worker = &mut self.workers[index];
            if input.ready_at() > self.now || !worker.dispatcher.has_room() {
                return;
            }
            self.pushed += 1;
            worker.dispatcher.push(input.take(), self.now);
            worker.wakes_at = Some(self.now);
        }
        if !std::mem::replace(&mut self.closed, true) {
            self.workers.iter_mut().for_each(|worker| worker.dispatcher.close());
            self.wake_all();
        }
    }

    fn wake_all(&mut self) {
        self.workers.iter_mut().for_each(|worker| worker.wakes_at = Some(self.now));
    }

    fn send(&mut self, worker: usize, sent: InFlight<Row>, service: &mut impl Service) -> Result<(), String> {
        let requests = sent.batch.requests();
        let bytes = requests.iter().map(|request| request.json_len() + 1).sum::<usize>();
        if !(1..=MAX_BATCH_WRITE_REQUESTS).contains(&requests.len()) || bytes > MAX_BATCH_WRITE_SIZE {
            return Err(format!("a batch of {} requests and {bytes} bytes", requests.len()));
        }
        if self.workers[worker].dispatcher.in_flight() > self.largest_window {
            return Err("more batches in flight than the window has room for".to_owned());
        }
        for request in requests {
            if !self.keys_in_flight.insert(request.tag.key) {
                return Err(format!("key {} is in two batches at once", request.tag.key));
            }
        }
        self.requests += 1;
        let (at, answer) = service.send(self.now, &sent.batch);
        if let Some(trace) = &mut self.trace {
            let rows: Vec<_> = requests.iter().map(|request| (request.tag.number, request.tag.key)).collect();
            trace.push(format!("{:?} worker {worker} sends {rows:?}, answered at {at:?}: {answer:?}", self.now));
        }
        self.arrivals.push(Arrival { at, worker, sent, answer });
        Ok(())
    }

    /// To the next event, and past all responses that have arrived by then.
    fn advance(&mut self, input_at: Option<Duration>) -> Result<(), String> {
        let arrivals = self.arrivals.iter().map(|arrival| arrival.at);
        let timers = self.workers.iter().filter_map(|worker| worker.wakes_at);
        let next = arrivals.chain(timers).chain(input_at).min();
        self.now = self.now.max(next.ok_or("nothing will ever happen, and rows are left")?);
        while let Some(place) = (0..self.arrivals.len())
            .filter(|place| self.arrivals[*place].at <= self.now)
            .min_by_key(|place| self.arrivals[*place].at)
        {
            let Arrival { worker, sent, answer, .. } = self.arrivals.swap_remove(place);
            for request in sent.batch.requests() {
                self.keys_in_flight.remove(&request.tag.key);
            }
            let worker = &mut self.workers[worker];
            worker.dispatcher.responded(sent, answer, self.now, &mut self.pacer, self.random.f64());
            worker.wakes_at = Some(self.now);
            self.settled.append(&mut worker.dispatcher.take_settled());
        }
        if self.pacer.take_due_sooner() {
            self.wake_all();
        }
        Ok(())
    }
}

/// A request for a row, with this many bytes in addition to the key; `payload` is shared by all.
pub(super) fn request(row: Row, payload: &ItemJson) -> WriteRequest<Row> {
    let digits = (row.key as u64).to_le_bytes().map(|byte| (b'a' + byte % 16, b'a' + byte / 16));
    let bytes: Vec<u8> = digits.iter().take(3).flat_map(|(low, high)| [*low, *high]).collect();
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    WriteRequest::put(&[&keyed(text), payload], row).unwrap()
}
