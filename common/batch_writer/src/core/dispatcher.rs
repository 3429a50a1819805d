//! What to send next, and what to make of each answer: the batch writer's core, without clock, network or randomness of its own.
//!
//! Ordering: a key is in at most one batch at a time. A request for a key that is in hand (queued, in flight, or waiting to be sent
//! again) waits until the earlier one has been acknowledged or refused, so the last request for a key wins, as it does when they are
//! sent one after another. Requests for different keys are not ordered.
//!
//! What the writer cannot promise: an attempt that got no answer may take effect in the table at any time. While its request is still the
//! last one sent for its key, this changes nothing. After a later request for the same key has been written, it would bring the older row
//! back, and no client can keep it from that: a BatchWriteItem has no conditions, and cannot be called off. So it is assumed that DynamoDB
//! carries out a request that it has received before it carries out another one for the same key that was sent after the first was given
//! up and sent again successfully. Waiting longer before the later request would make the assumption safer and never superfluous, as
//! there is no time after which DynamoDB promises to have dropped a request. The same holds between a program that was killed and the
//! one that goes on from where it was.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use super::backoff::Backoff;
use super::batch_response::{BatchResponse, BatchResult, Settled, Stop};
use super::key::Key;
use super::pacer::Pacer;
use super::table_rate::Attempt;
use super::window::Window;
use super::write_batch::{Full, WriteBatch};
use super::write_request::WriteRequest;
use crate::service_error::{ServiceError, ServiceErrorKind};
use capacity::limits::{MAX_BATCH_WRITE_REQUESTS, MAX_BATCH_WRITE_SIZE};
use capacity::write_units;

/// How long a request waits for others to fill its batch. Short for somebody who watches a pipe, long for a loader that reads a file.
const LINGER: Duration = Duration::from_millis(10);

/// How soon to look again at a pacer that asks for stall_timer: answers to other workers may have changed it, and so may its user.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// So many bytes of JSON may be in flight: a batch of the largest items, or a thousand of small ones. Without it, hundreds of batches
/// of large items would take gigabytes.
const IN_FLIGHT_BYTES: usize = MAX_BATCH_WRITE_SIZE;

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct InFlight<T> {
    /// What is sent.
    pub(crate) batch: WriteBatch<T>,
    attempt: Attempt,
    /// How often requests in it have failed before.
    failures: u32,
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
    /// Send this batch and hand it back with its answer.
    Send(InFlight<T>),
    /// Nothing until an answer or a request comes, or until this time.
    Wait(Option<Duration>),
    /// All requests are settled and no more will come.
    Done,
    /// No more batch is sent; batches in flight may still be answered.
    Stopped,
}

struct Pending<T> {
    request: WriteRequest<T>,
    failures: u32,
}

/// Spreads what is half a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u32(&mut self, hash: u32) {
        self.0 = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The state of one writer. `now` is a time since any fixed moment, the same as the pacer's.
pub(crate) struct Dispatcher<T> {
    backoff: Backoff,
    window: Window,
    capacity: usize,
    /// To be sent, in order. Requests that came back stand in front.
    queue: VecDeque<Pending<T>>,
    /// Halves of a batch that DynamoDB found invalid, sent apart to find the request it is about.
    suspects: VecDeque<Vec<Pending<T>>>,
    /// The keys in hand, by half of their hash. Two keys that have it in common only wait for each other. Apart from the next, which are
    /// few: so it stays small enough for the processor's cache with tens of thousands of requests in flight.
    keys: HashSet<u32, BuildHasherDefault<Hashed>>,
    /// Later requests for keys in hand.
    later: HashMap<u32, VecDeque<WriteRequest<T>>, BuildHasherDefault<Hashed>>,
    held_back: usize,
    in_flight: usize,
    in_flight_requests: usize,
    in_flight_bytes: usize,
    oldest_queued_at: Option<Duration>,
    /// After a failure nothing is sent before this; failures of what was sent before it count no more.
    resume_at: Duration,
    failed_at: Option<Duration>,
    closed: bool,
    stop: Option<Stop>,
    settled: Vec<Settled<T>>,
}

impl<T> Dispatcher<T> {
    /// With at most `in_flight` batches on their way at once.
    pub(crate) fn new(in_flight: usize, backoff: Backoff) -> Self {
        let window = Window::new(in_flight);
        Self {
            backoff,
            window,
            capacity: (in_flight.max(1) + 1) * MAX_BATCH_WRITE_REQUESTS,
            queue: VecDeque::new(),
            suspects: VecDeque::new(),
            keys: HashSet::default(),
            later: HashMap::default(),
            held_back: 0,
            in_flight: 0,
            in_flight_requests: 0,
            in_flight_bytes: 0,
            oldest_queued_at: None,
            resume_at: Duration::ZERO,
            failed_at: None,
            closed: false,
            stop: None,
            settled: Vec::new(),
        }
    }

    /// Whether it takes more requests now. Memory is bounded because callers ask.
    pub(crate) fn has_room(&self) -> bool {
        // Two batches wait, no more: what waits long has left the processor's cache when it is sent.
        let takes_more = self.stop.is_none() && !self.closed;
        takes_more && self.in_hand() < self.capacity && self.queue.len() < 2 * MAX_BATCH_WRITE_REQUESTS
    }

    /// Requests taken and not settled.
    pub(crate) fn in_hand(&self) -> usize {
        let suspects: usize = self.suspects.iter().map(Vec::len).sum();
        self.queue.len() + suspects + self.held_back + self.in_flight_requests
    }

    /// Batches in flight.
    #[cfg(test)]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Takes a request.
    pub(crate) fn push(&mut self, request: WriteRequest<T>, now: Duration) {
        let hash = short(request.key());
        if self.keys.insert(hash) {
            self.enqueue(request, now);
        } else {
            self.later.entry(hash).or_default().push_back(request);
            self.held_back += 1;
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

    /// What was settled since this was last asked.
    pub(crate) fn take_settled(&mut self) -> Vec<Settled<T>> {
        std::mem::take(&mut self.settled)
    }

    /// What to do next.
    pub(crate) fn step(&mut self, now: Duration, pacer: &mut Pacer) -> Step<T> {
        if self.stop.is_some() {
            return Step::Stopped;
        }
        let waiting = !self.queue.is_empty() || !self.suspects.is_empty();
        if !waiting {
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
        let ready_at = self.resume_at.max(pacer.ready_at(now, self.next_units())).max(self.filled_at());
        if now < ready_at {
            let look_again = pacer.gives_up_at().unwrap_or(Duration::MAX).min(now + LOOK_AGAIN);
            return Step::Wait(Some(ready_at.min(look_again)));
        }
        match self.next_batch(pacer.batch_limit(self.next_units())) {
            Some((batch, failures)) => {
                let attempt = pacer.sent(now, units(batch.requests()));
                self.in_flight += 1;
                self.in_flight_requests += batch.len();
                self.in_flight_bytes += batch.json_len();
                self.window.in_use(self.in_flight, !self.queue.is_empty());
                if self.queue.is_empty() {
                    self.oldest_queued_at = None;
                }
                Step::Send(InFlight { batch, attempt, failures })
            }
            None => Step::Wait(None),
        }
    }

    /// Takes note of the answer to a batch. `jitter` is a random number in 0..1.
    pub(crate) fn answered(
        &mut self,
        sent: InFlight<T>,
        answer: BatchResult,
        now: Duration,
        pacer: &mut Pacer,
        jitter: f64,
    ) {
        let InFlight { batch, attempt, failures } = sent;
        self.in_flight -= 1;
        self.in_flight_requests -= batch.len();
        self.in_flight_bytes -= batch.json_len();
        let requests = batch.into_requests();
        match answer {
            Ok(taken) => {
                self.failed_at = None;
                self.taken(requests, &taken, attempt, now, pacer, jitter);
            }
            Err(error) => match error.kind {
                ServiceErrorKind::Throttled => {
                    self.failed_at = None;
                    pacer.answered(attempt, 0, None, now, jitter);
                    pacer.progress(attempt, Some(&error));
                    self.requeue(requests, failures);
                }
                ServiceErrorKind::Unavailable => {
                    pacer.lost(attempt, now);
                    pacer.progress(attempt, Some(&error));
                    self.failed(requests, failures + 1, attempt.sent_at, error, now, jitter);
                }
                ServiceErrorKind::Invalid => {
                    pacer.refused(attempt, now);
                    self.invalid(requests, error, now);
                }
                _ => {
                    pacer.refused(attempt, now);
                    self.stop(Stop::Service(error));
                    self.requeue(requests, failures);
                }
            },
        }
    }

    fn taken(
        &mut self,
        mut requests: Vec<WriteRequest<T>>,
        taken: &BatchResponse,
        attempt: Attempt,
        now: Duration,
        pacer: &mut Pacer,
        jitter: f64,
    ) {
        let requests_sent = requests.len();
        let mut back = Vec::new();
        // All keys before the first is looked for: what was sent long ago comes back to the processor's cache at once, not piece by piece.
        let keys: Vec<Key> = requests.iter().map(WriteRequest::key).collect();
        for ((place, request), key) in requests.drain(..).enumerate().zip(keys) {
            if taken.unprocessed.contains(&place) {
                back.push(request);
            } else {
                self.release(key, now);
                self.settled.push(Settled::Written(request.tag));
            }
        }
        let told = taken.consumed.as_ref();
        pacer.answered(attempt, attempt.units - units(&back), told, now, jitter);
        pacer.progress(attempt, (back.len() == requests_sent).then(all_unprocessed).as_ref());
        if back.is_empty() {
            self.window.answered(now.saturating_sub(attempt.sent_at));
        } else {
            self.requeue(back, 0);
        }
    }

    fn failed(
        &mut self,
        requests: Vec<WriteRequest<T>>,
        failures: u32,
        sent_at: Duration,
        error: ServiceError,
        now: Duration,
        jitter: f64,
    ) {
        match self.backoff.wait(failures, jitter) {
            None => self.stop(Stop::GaveUp { attempts: failures, last: error }),
            // Several batches in flight fail together: that is one failure, and one wait.
            Some(_) if self.failed_at.is_some_and(|failed_at| sent_at < failed_at) => {}
            Some(wait) => {
                self.window.shrink();
                self.failed_at = Some(now);
                self.resume_at = self.resume_at.max(now + wait);
            }
        }
        self.requeue(requests, failures);
    }

    /// DynamoDB refuses a batch whole for one bad request in it, and does not say which: halve it until the request stands alone.
    fn invalid(&mut self, mut requests: Vec<WriteRequest<T>>, error: ServiceError, now: Duration) {
        if requests.len() > 1 {
            let second = requests.split_off(requests.len() / 2);
            for half in [requests, second] {
                self.suspects.push_back(half.into_iter().map(|request| Pending { request, failures: 0 }).collect());
            }
        } else if let Some(request) = requests.pop() {
            self.release(request.key(), now);
            self.settled.push(Settled::Rejected(request.tag, Box::new(error)));
        }
    }

    fn enqueue(&mut self, request: WriteRequest<T>, now: Duration) {
        self.oldest_queued_at.get_or_insert(now);
        self.queue.push_back(Pending { request, failures: 0 });
    }

    fn requeue(&mut self, requests: Vec<WriteRequest<T>>, failures: u32) {
        for request in requests.into_iter().rev() {
            self.queue.push_front(Pending { request, failures });
        }
    }

    /// A key is free again: the next request for it, if any, is due.
    fn release(&mut self, key: Key, now: Duration) {
        let hash = short(key);
        match self.later.entry(hash) {
            Entry::Occupied(mut later) => {
                let next = later.get_mut().pop_front();
                if later.get().is_empty() {
                    later.remove();
                }
                if let Some(next) = next {
                    self.held_back -= 1;
                    self.enqueue(next, now);
                }
            }
            Entry::Vacant(_) => {
                self.keys.remove(&hash);
            }
        }
    }

    /// Units of the next batch, at least.
    fn next_units(&self) -> u64 {
        match self.suspects.front() {
            Some(suspects) => suspects.iter().map(|pending| request_units(&pending.request)).sum(),
            None => self.queue.front().map_or(0, |pending| request_units(&pending.request)),
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

    /// The next batch, and the most failures that a request in it has seen. `limit` is in write units; one request always goes.
    fn next_batch(&mut self, limit: Option<u64>) -> Option<(WriteBatch<T>, u32)> {
        if let Some(suspects) = self.suspects.pop_front() {
            let mut requests = suspects.into_iter();
            let mut batch = WriteBatch::new(requests.next()?.request);
            for Pending { request, failures } in requests {
                // A half of a batch fits; were it otherwise, the request would only go with the others.
                if let Err(Full::NoRoom(request) | Full::SameKey(request)) = batch.push(request) {
                    self.queue.push_front(Pending { request, failures });
                }
            }
            return Some((batch, 0));
        }
        let first = self.queue.pop_front()?;
        let mut failures = first.failures;
        let mut units = request_units(&first.request);
        let mut batch = WriteBatch::new(first.request);
        while let Some(next) = self.queue.pop_front() {
            units += request_units(&next.request);
            if limit.is_some_and(|limit| units > limit) {
                self.queue.push_front(next);
                break;
            }
            match batch.push(next.request) {
                Ok(()) => failures = failures.max(next.failures),
                Err(Full::NoRoom(request) | Full::SameKey(request)) => {
                    self.queue.push_front(Pending { request, failures: next.failures });
                    break;
                }
            }
        }
        Some((batch, failures))
    }
}

/// By what the dispatcher tells keys apart.
fn short(key: Key) -> u32 {
    key.hash() as u32
}

fn all_unprocessed() -> ServiceError {
    let code = "ProvisionedThroughputExceededException";
    ServiceError::from_response(400, Some(code), Some("all requests of a batch came back unprocessed"))
}

fn request_units<T>(request: &WriteRequest<T>) -> u64 {
    write_units(request.item_size()).rounded_up()
}

fn units<T>(requests: &[WriteRequest<T>]) -> u64 {
    requests.iter().map(request_units).sum()
}

#[cfg(test)]
mod tests;
