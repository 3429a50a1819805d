//! What the response to a batch means for its requests.

use std::time::Duration;

use super::queue::{Pending, request_units};
use super::{Dispatcher, InFlight};
use crate::core::attempt::Lane;
use crate::core::batch_response::{BatchResponse, BatchResult, Settled, Stop};
use crate::core::key::Key;
use crate::core::pacer::{Outcome, Pacer};
use crate::core::write_request::WriteRequest;
use crate::service_error::{ServiceError, ServiceErrorKind};

/// A request that came back so often that this is chance less than once in a thousand times (e⁻⁷), given what was accepted of its batches, has
/// a reason of its own.
const NOT_BY_CHANCE: f32 = 7.0;

impl<T> Dispatcher<T> {
    /// Handles the response to a batch. `jitter` is a random number in 0..1.
    pub(crate) fn responded(
        &mut self,
        sent: InFlight<T>,
        result: BatchResult,
        now: Duration,
        pacer: &mut Pacer,
        jitter: f64,
    ) {
        self.in_flight -= 1;
        self.in_flight_requests -= sent.batch.len();
        self.in_flight_bytes -= sent.batch.json_len();
        let attempt = sent.attempt;
        let error = match result {
            Ok(response) => {
                self.failed_at = None;
                return self.accepted(sent, &response, now, pacer, jitter);
            }
            Err(error) => error,
        };
        let outcome = match error.kind {
            ServiceErrorKind::Throttled => Outcome::Throttled(&error),
            ServiceErrorKind::Unavailable => Outcome::Failed(&error),
            _ => Outcome::Rejected,
        };
        pacer.responded(attempt, &outcome, now, jitter);
        match error.kind {
            ServiceErrorKind::Throttled => {
                self.failed_at = None;
                self.requeue_batch(sent);
            }
            ServiceErrorKind::Unavailable => self.failed(sent, error, now, jitter),
            ServiceErrorKind::Invalid => self.invalid(sent.batch.into_requests(), error, now),
            _ => {
                self.stop(Stop::Service(error));
                self.requeue_batch(sent);
            }
        }
    }

    fn accepted(&mut self, sent: InFlight<T>, response: &BatchResponse, now: Duration, pacer: &mut Pacer, jitter: f64) {
        let InFlight { batch, attempt, returns, .. } = sent;
        let mut back = Vec::new();
        let requests = batch.into_requests();
        // Looking up all keys at once is faster than one by one: what was sent long ago has left the processor's cache.
        let keys: Vec<Key> = requests.iter().map(WriteRequest::key).collect();
        for ((index, request), key) in requests.into_iter().enumerate().zip(keys) {
            if response.unprocessed.contains(&index) {
                let returns = returns.get(index).copied().unwrap_or_default();
                back.push(Pending { request, failures: 0, returns });
            } else {
                self.release(key, now);
                self.settled.push(Settled::Written(request.tag));
            }
        }
        let refused: u64 = back.iter().map(|pending| request_units(&pending.request)).sum();
        let units = attempt.units.saturating_sub(refused);
        let outcome = Outcome::Accepted { units, consumed: response.consumed.as_ref() };
        pacer.responded(attempt, &outcome, now, jitter);
        if units > 0 {
            self.window.responded(now.saturating_sub(attempt.sent_at));
        }
        if !back.is_empty() {
            let share = units as f32 / attempt.units.max(1) as f32;
            self.come_back(back, attempt.lane, share, now);
        }
    }

    /// Some requests of a batch are unprocessed, of which this share was accepted.
    fn come_back(&mut self, mut back: Vec<Pending<T>>, lane: Lane, share: f32, now: Duration) {
        if lane == Lane::Main {
            let room = (self.capacity * 3 / 4).saturating_sub(self.aside.len());
            let mut aside = Vec::new();
            back.iter_mut().for_each(|pending| pending.returns -= (1.0 - share).max(f32::EPSILON).ln());
            for pending in back.into_iter().rev() {
                if pending.returns >= NOT_BY_CHANCE && aside.len() < room {
                    aside.push(pending);
                } else {
                    self.queue.push_front(pending);
                }
            }
            back = aside;
            back.reverse();
        }
        if !back.is_empty() {
            self.oldest_aside_at.get_or_insert(now);
            self.aside.extend(back);
        }
    }

    fn failed(&mut self, mut sent: InFlight<T>, error: ServiceError, now: Duration, jitter: f64) {
        sent.failures += 1;
        match self.backoff.wait(sent.failures, jitter) {
            None => self.stop(Stop::GaveUp { attempts: sent.failures, last: error }),
            // Several batches in flight fail together: that is one failure, and one wait.
            Some(_) if self.failed_at.is_some_and(|failed_at| sent.sent_at() < failed_at) => {}
            Some(wait) => {
                self.window.shrink();
                self.failed_at = Some(now);
                self.resume_at = self.resume_at.max(now + wait);
            }
        }
        self.requeue_batch(sent);
    }

    /// DynamoDB rejects a whole batch for one invalid request in it, without saying which: halve it until the request
    /// is alone.
    fn invalid(&mut self, mut requests: Vec<WriteRequest<T>>, error: ServiceError, now: Duration) {
        if requests.len() > 1 {
            let second = requests.split_off(requests.len() / 2);
            for half in [requests, second] {
                self.suspects.push_back(half.into_iter().map(Pending::new).collect());
            }
        } else if let Some(request) = requests.pop() {
            self.release(request.key(), now);
            self.settled.push(Settled::Rejected(request.tag, Box::new(error)));
        }
    }

    /// A whole batch is to be sent again.
    fn requeue_batch(&mut self, sent: InFlight<T>) {
        let InFlight { batch, attempt, failures, returns } = sent;
        let returns = returns.into_iter().chain(std::iter::repeat(0.0));
        let pending = batch.into_requests().into_iter().zip(returns);
        let pending = pending.map(|(request, returns)| Pending { request, failures, returns });
        let queue = if attempt.lane == Lane::Main { &mut self.queue } else { &mut self.aside };
        for pending in pending.collect::<Vec<_>>().into_iter().rev() {
            queue.push_front(pending);
        }
    }
}
