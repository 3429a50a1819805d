//! When to send and how much at once: what a table takes, what the user allows, and when to give up.

use std::time::Duration;

use super::batch_response::{Consumed, Stop};
use super::limit::{Limit, WriteLimit};
use super::stall_timer::StallTimer;
use super::table_rate::{Attempt, TableRate};
use crate::service_error::ServiceError;
use capacity::limits::MAX_BATCH_WRITE_REQUESTS;

/// Paces batches by write units. While nothing has been throttled and no limit is set it holds nothing back.
///
/// Pure: `now` is a time since any fixed moment, the same for all calls. One pacer serves all the workers of a load, because they share
/// the table's capacity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pacer {
    table: TableRate,
    limit: Option<Limit>,
    stall_timer: StallTimer,
}

impl Pacer {
    /// Allows so many write units a second: over any ten seconds not more than ten times as many are consumed by the table, nor by any
    /// of its indexes. May be changed at any time; what was consumed under the limit before still counts.
    pub(crate) fn set_limit(&mut self, now: Duration, allowed: Option<WriteLimit>) {
        match (&mut self.limit, allowed) {
            (Some(limit), Some(allowed)) => limit.set(now, allowed),
            (_, allowed) => self.limit = allowed.map(Limit::new),
        }
    }

    /// Gives up when nothing at all has been taken for so long, whatever the reason. Without it, throttling is waited for without end.
    pub(crate) fn set_give_up_after(&mut self, time: Option<Duration>) {
        self.stall_timer.give_up_after = time;
    }

    /// Whether the units consumed are limited, so that answers should tell them.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// When a batch may be sent whose first request has so many units; then it is time to ask again.
    pub(crate) fn ready_at(&mut self, now: Duration, first_units: u64) -> Duration {
        let units = self.batch_limit(first_units).unwrap_or(first_units);
        let limited = self.limit.as_mut().map_or(Duration::ZERO, |limit| limit.ready_at(now, units));
        self.table.ready_at(now).max(limited)
    }

    /// The most units that a batch should have whose first request has so many, so that it need not wait for long; `None`: no limit.
    pub(crate) fn batch_limit(&self, first_units: u64) -> Option<u64> {
        // What is allowed is reserved for the whole of a batch: not for more than it may become.
        let full = first_units.saturating_mul(MAX_BATCH_WRITE_REQUESTS as u64);
        let limits = [self.table.batch_limit(), self.limit.as_ref().map(|limit| limit.batch_limit().min(full))];
        limits.into_iter().flatten().min().map(|limit| limit.max(first_units))
    }

    /// Write units per second that the table was seen to take, if it has throttled.
    pub(crate) fn units_per_second(&self) -> Option<f64> {
        self.table.units_per_second()
    }

    /// A batch of so many units is sent. One of the next three is called when it is answered.
    pub(crate) fn sent(&mut self, now: Duration, units: u64) -> Attempt {
        self.table.sent(now, units);
        let counted = self.limit.as_mut().map_or(0, |limit| limit.sent(now, units));
        Attempt { sent_at: now, units, counted }
    }

    /// Of a batch so many units were taken, by the sizes of their items, and the others throttled. `told` is what was consumed, if
    /// the answer tells it. `jitter` is a random number in 0..1, so that
    /// writers who do not know of each other do not come back together.
    pub(crate) fn answered(
        &mut self,
        attempt: Attempt,
        taken: u64,
        told: Option<&Consumed>,
        now: Duration,
        jitter: f64,
    ) {
        self.table.answered(attempt, taken, now, jitter);
        self.count(attempt, taken, told, now);
    }

    /// A batch was refused for a reason of its own: nothing is known of the capacity.
    pub(crate) fn refused(&mut self, attempt: Attempt, now: Duration) {
        self.count(attempt, 0, None, now);
    }

    /// A batch was not answered: it may have been taken.
    pub(crate) fn lost(&mut self, attempt: Attempt, now: Duration) {
        self.count(attempt, attempt.units, None, now);
    }

    /// Something was taken, or nothing for this reason.
    pub(crate) fn progress(&mut self, attempt: Attempt, refusal: Option<&ServiceError>) {
        match refusal {
            Some(error) => self.stall_timer.refused(attempt.sent_at, error),
            None => self.stall_timer.taken(),
        }
    }

    /// When it is time to give up, unless something is taken before.
    pub(crate) fn gives_up_at(&self) -> Option<Duration> {
        self.stall_timer.ends_at()
    }

    /// Why to give up now, if it is time.
    pub(crate) fn gives_up(&self, now: Duration) -> Option<Stop> {
        self.stall_timer.stop(now)
    }

    fn count(&mut self, attempt: Attempt, taken: u64, told: Option<&Consumed>, now: Duration) {
        if let Some(limit) = &mut self.limit {
            limit.answered(now, attempt.counted, taken, told);
        }
    }
}
