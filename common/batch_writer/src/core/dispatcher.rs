//! What to send next, and what each response means: the batch writer's core, without clock, network or randomness of its own.
//!
//! Ordering: a key is in at most one batch at a time. A request for a key that is in hand (queued, in flight, or waiting to be sent
//! again) waits until the earlier one is settled, so the last request for a key wins, as it does when they are sent one after another.
//! Requests for different keys are not ordered.
//!
//! Requests that come back again and again while others of their batches are accepted are about a hot key, or a hot partition of the
//! table or an index. They are kept aside, in a queue with a pace of its own, so that the others pass at full speed.
//!
//! What no writer can promise: an attempt without a response may take effect at any time. While its request is the last one sent for its
//! key, this changes nothing. After a later request for the same key has been written, it would bring the older row back, and no client
//! can prevent that: a BatchWriteItem has no conditions and cannot be cancelled. So it is assumed that DynamoDB carries out a request
//! that it has received before a later one for the same key, when the first was sent again successfully in between. Waiting would make
//! the assumption safer and never superfluous, as there is no time after which DynamoDB promises to have dropped a request. The same
//! holds between a program that was killed and the one that resumes its work.

mod keys_in_hand;
mod queue;
mod responses;

use std::collections::VecDeque;
use std::time::Duration;

use self::keys_in_hand::KeysInHand;
use self::queue::{Filled, Pending, fill, front_units, request_units, units};
use super::attempt::{Attempt, Lane};
use super::backoff::Backoff;
use super::batch_response::{Settled, Stop};
use super::key::Key;
use super::pacer::Pacer;
use super::window::Window;
use super::write_batch::{Full, WriteBatch};
use super::write_request::WriteRequest;
use capacity::limits::{MAX_BATCH_WRITE_REQUESTS, MAX_BATCH_WRITE_SIZE};

/// How long a request waits for others to fill its batch: short for a user who watches a pipe, long for a loader that
/// reads a file.
const LINGER: Duration = Duration::from_millis(10);

/// So many bytes of JSON may be in flight: a batch of the largest items, or a thousand batches of small ones. Without this limit,
/// hundreds of batches of large items would take gigabytes.
const IN_FLIGHT_BYTES: usize = MAX_BATCH_WRITE_SIZE;

/// A batch in flight.
#[derive(Debug)]
pub(crate) struct InFlight<T> {
    /// What is sent.
    pub(crate) batch: WriteBatch<T>,
    attempt: Attempt,
    /// How often requests in it have failed before.
    failures: u32,
    /// How unlikely it is that each request came back by chance; empty if none has come back.
    returns: Vec<f32>,
}

impl<T> InFlight<T> {
    /// When it was sent.
    pub(crate) fn sent_at(&self) -> Duration {
        self.attempt.sent_at
    }
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step<T> {
    /// Send this batch and hand it back with its response.
    Send(InFlight<T>),
    /// Nothing until a response or a request comes, or until this time.
    Wait(Option<Duration>),
    /// All requests are settled and no more will come.
    Done,
    /// No more batches are sent. Those in flight may still get their responses.
    Stopped,
}

/// The state of one writer. `now` is a time since any fixed moment, the same as the pacer's.
pub(crate) struct Dispatcher<T> {
    backoff: Backoff,
    window: Window,
    capacity: usize,
    /// To be sent, in order. Requests that came back are in front.
    queue: VecDeque<Pending<T>>,
    /// Requests that came back again and again.
    aside: VecDeque<Pending<T>>,
    /// Halves of a batch that DynamoDB found invalid, sent apart to find the request it is about.
    suspects: VecDeque<Vec<Pending<T>>>,
    keys: KeysInHand<T>,
    in_flight: usize,
    in_flight_requests: usize,
    in_flight_bytes: usize,
    oldest_queued_at: Option<Duration>,
    oldest_aside_at: Option<Duration>,
    /// After a failure nothing is sent before this, and failures of what was sent before it do not count again.
    resume_at: Duration,
    failed_at: Option<Duration>,
    closed: bool,
    stop: Option<Stop>,
    settled: Vec<Settled<T>>,
}

impl<T> Dispatcher<T> {
    /// With at most `in_flight` batches in flight at once.
    pub(crate) fn new(in_flight: usize, backoff: Backoff) -> Self {
        let window = Window::new(in_flight);
        Self {
            backoff,
            window,
            capacity: (in_flight.max(1) + 1) * MAX_BATCH_WRITE_REQUESTS,
            queue: VecDeque::new(),
            aside: VecDeque::new(),
            suspects: VecDeque::new(),
            keys: KeysInHand::new(),
            in_flight: 0,
            in_flight_requests: 0,
            in_flight_bytes: 0,
            oldest_queued_at: None,
            oldest_aside_at: None,
            resume_at: Duration::ZERO,
            failed_at: None,
            closed: false,
            stop: None,
            settled: Vec::new(),
        }
    }

    /// Whether it accepts more requests now. Memory is bounded because callers ask.
    pub(crate) fn has_room(&self) -> bool {
        let takes_more = self.stop.is_none() && !self.closed;
        takes_more && self.in_hand() < self.capacity && self.queue.len() < 2 * MAX_BATCH_WRITE_REQUESTS
    }

    /// Requests accepted and not settled.
    pub(crate) fn in_hand(&self) -> usize {
        let suspects: usize = self.suspects.iter().map(Vec::len).sum();
        self.queue.len() + self.aside.len() + suspects + self.keys.held_back() + self.in_flight_requests
    }

    /// Batches in flight.
    #[cfg(test)]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Accepts a request.
    pub(crate) fn push(&mut self, request: WriteRequest<T>, now: Duration) {
        if let Some(request) = self.keys.take(request) {
            self.enqueue(request, now);
        }
    }

    /// No more requests will come: what is left is sent without waiting for full batches.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Sends nothing more.
    pub(crate) fn stop(&mut self, why: Stop) {
        self.stop.get_or_insert(why);
    }

    /// Why it stopped.
    pub(crate) fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// The requests settled since the last call.
    pub(crate) fn take_settled(&mut self) -> Vec<Settled<T>> {
        std::mem::take(&mut self.settled)
    }

    /// What to do next.
    pub(crate) fn step(&mut self, now: Duration, pacer: &mut Pacer) -> Step<T> {
        if self.stop.is_some() {
            return Step::Stopped;
        }
        let in_main = !self.queue.is_empty() || !self.suspects.is_empty();
        if !in_main && self.aside.is_empty() {
            return if self.closed && self.in_flight == 0 { Step::Done } else { Step::Wait(None) };
        }
        if let Some(stop) = pacer.gives_up(now) {
            self.stop(stop);
            return Step::Stopped;
        }
        self.window.in_use(self.in_flight, true);
        if self.window.holds_back() || self.in_flight_bytes >= IN_FLIGHT_BYTES {
            return Step::Wait(None);
        }
        let main = in_main.then(|| self.main_ready_at(now, pacer));
        let aside = (!self.aside.is_empty()).then(|| self.aside_ready_at(now, pacer));
        let (lane, ready_at) = match (main, aside) {
            // What waits longer goes first, so neither starves.
            (Some(main), Some(aside)) if aside <= main => (Lane::Aside, aside),
            (None, Some(aside)) => (Lane::Aside, aside),
            (Some(main), _) => (Lane::Main, main),
            (None, None) => return Step::Wait(None),
        };
        if now < ready_at {
            return Step::Wait(Some(pacer.gives_up_at().map_or(ready_at, |at| ready_at.min(at))));
        }
        let batch = match lane {
            Lane::Main => self.next_batch(pacer.batch_limit(lane, self.next_units())),
            Lane::Aside => {
                let limit = pacer.batch_limit(lane, front_units(&self.aside));
                fill(&mut self.aside, limit)
            }
        };
        let Some(Filled { batch, failures, returns }) = batch else { return Step::Wait(None) };
        let first_units = batch.requests().first().map_or(0, request_units);
        let attempt = pacer.sent(lane, now, first_units, units(batch.requests()));
        self.in_flight += 1;
        self.in_flight_requests += batch.len();
        self.in_flight_bytes += batch.json_len();
        self.window.in_use(self.in_flight, !self.queue.is_empty() || !self.aside.is_empty());
        if self.queue.is_empty() {
            self.oldest_queued_at = None;
        }
        if self.aside.is_empty() {
            self.oldest_aside_at = None;
        }
        Step::Send(InFlight { batch, attempt, failures, returns })
    }

    fn main_ready_at(&self, now: Duration, pacer: &mut Pacer) -> Duration {
        let paced = pacer.ready_at(Lane::Main, now, self.next_units());
        self.resume_at.max(paced).max(self.filled_at())
    }

    fn aside_ready_at(&self, now: Duration, pacer: &mut Pacer) -> Duration {
        let paced = pacer.ready_at(Lane::Aside, now, front_units(&self.aside));
        let is_full = self.aside.len() >= MAX_BATCH_WRITE_REQUESTS;
        let filled_at = self.oldest_aside_at.filter(|_| !is_full).map_or(Duration::ZERO, |oldest| oldest + LINGER);
        self.resume_at.max(paced).max(filled_at)
    }

    fn enqueue(&mut self, request: WriteRequest<T>, now: Duration) {
        self.oldest_queued_at.get_or_insert(now);
        self.queue.push_back(Pending::new(request));
    }

    /// A key is free again: the next request for it, if any, is due.
    fn release(&mut self, key: Key, now: Duration) {
        if let Some(next) = self.keys.release(key) {
            self.enqueue(next, now);
        }
    }

    /// Units of the next batch, at least.
    fn next_units(&self) -> u64 {
        match self.suspects.front() {
            Some(suspects) => suspects.iter().map(|pending| request_units(&pending.request)).sum(),
            None => front_units(&self.queue),
        }
    }

    /// When a batch may be sent although it is not full.
    fn filled_at(&self) -> Duration {
        let full = self.queue.len() >= MAX_BATCH_WRITE_REQUESTS || self.closed || !self.suspects.is_empty();
        match self.oldest_queued_at {
            Some(oldest) if !full && self.queue.front().is_some_and(|first| first.failures == 0) => oldest + LINGER,
            _ => Duration::ZERO,
        }
    }

    /// The next batch. `limit` is in write units; one request always goes.
    fn next_batch(&mut self, limit: Option<u64>) -> Option<Filled<T>> {
        let Some(suspects) = self.suspects.pop_front() else { return fill(&mut self.queue, limit) };
        let mut requests = suspects.into_iter();
        let mut batch = WriteBatch::new(requests.next()?.request);
        for pending in requests {
            // A half of a batch fits. Otherwise, the request would only go with the others.
            if let Err(Full::NoRoom(request) | Full::SameKey(request)) = batch.push(pending.request) {
                self.queue.push_front(Pending { request, ..pending });
            }
        }
        Some(Filled { batch, failures: 0, returns: Vec::new() })
    }
}

#[cfg(test)]
mod tests;
