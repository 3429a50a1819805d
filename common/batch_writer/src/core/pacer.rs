//! When to send and how much at once: what the resource accepts, what the user allows, and when to give up.

use std::time::Duration;

use super::attempt::{Attempt, Lane};
use super::batch_response::{Consumed, Stop};
use super::controller::Controller;
use super::limit::{Limit, WriteLimit};
use super::stall_timer::StallTimer;
use crate::service_error::ServiceError;
use capacity::limits::MAX_BATCH_WRITE_REQUESTS;

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Outcome<'a> {
    /// So many of its units were accepted, by the sizes of the items, and the others throttled.
    Accepted { units: u64, consumed: Option<&'a Consumed> },
    /// It was throttled completely.
    Throttled(&'a ServiceError),
    /// There was no response, or a server error: it may have been accepted.
    Failed(&'a ServiceError),
    /// It was rejected for a reason that has nothing to do with capacity.
    Rejected,
}

/// Paces batches by write units. While nothing has been throttled and no limit is set, it holds nothing back.
///
/// Pure: `now` is a time since any fixed moment, the same for all calls. One pacer serves all the workers of a load, because they share
/// the table's capacity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pacer {
    main: Controller,
    aside: Controller,
    limit: Option<Limit>,
    stall_timer: StallTimer,
    /// Whether something is due sooner than workers expect.
    is_due_sooner: bool,
}

impl Pacer {
    /// See [`SharedPacer::set_limit`](crate::SharedPacer::set_limit).
    pub(crate) fn set_limit(&mut self, now: Duration, allowed: Option<WriteLimit>) {
        match (&mut self.limit, allowed) {
            (Some(limit), Some(allowed)) => limit.set(now, allowed),
            (_, allowed) => self.limit = allowed.map(Limit::new),
        }
        self.is_due_sooner = true;
    }

    /// See [`SharedPacer::set_give_up_after`](crate::SharedPacer::set_give_up_after).
    pub(crate) fn set_give_up_after(&mut self, time: Option<Duration>) {
        self.stall_timer.give_up_after = time;
        self.is_due_sooner = true;
    }

    /// Whether workers that wait should ask again, because something is due sooner than they expect. Responses to one
    /// worker change what the others wait for.
    pub(crate) fn take_due_sooner(&mut self) -> bool {
        std::mem::take(&mut self.is_due_sooner)
    }

    /// What workers wait for.
    fn due(&self) -> [Duration; 3] {
        [self.main.ready_at(), self.aside.ready_at(), self.gives_up_at().unwrap_or(Duration::MAX)]
    }

    /// Whether the user limits the consumed capacity.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    fn controller(&self, lane: Lane) -> &Controller {
        match lane {
            Lane::Main => &self.main,
            Lane::Aside => &self.aside,
        }
    }

    fn controller_mut(&mut self, lane: Lane) -> &mut Controller {
        match lane {
            Lane::Main => &mut self.main,
            Lane::Aside => &mut self.aside,
        }
    }

    /// When a batch may be sent whose first request has so many units; then it is time to ask again.
    pub(crate) fn ready_at(&mut self, lane: Lane, now: Duration, first_units: u64) -> Duration {
        let units = self.batch_limit(lane, first_units).unwrap_or(first_units);
        let limited = self.limit.as_mut().map_or(Duration::ZERO, |limit| limit.ready_at(now, units));
        self.controller(lane).ready_at().max(limited)
    }

    /// The most units that a batch should have whose first request has so many, so that it need not wait for long; `None`: no limit.
    pub(crate) fn batch_limit(&self, lane: Lane, first_units: u64) -> Option<u64> {
        // Capacity is reserved for the whole batch, and not for more than it can become.
        let full = first_units.saturating_mul(MAX_BATCH_WRITE_REQUESTS as u64);
        let by_user = self.limit.as_ref().map(|limit| limit.batch_limit().min(full));
        let limits = [self.controller(lane).batch_limit(first_units), by_user];
        limits.into_iter().flatten().min().map(|limit| limit.max(first_units))
    }

    /// Write units per second that the table accepts, if it has throttled.
    pub(crate) fn units_per_second(&self) -> Option<f64> {
        self.main.units_per_second()
    }

    /// See [`SharedPacer::throttles_some_again`](crate::SharedPacer::throttles_some_again).
    pub(crate) fn throttles_some_again(&self) -> bool {
        self.aside.units_per_second().is_some()
    }

    /// See [`SharedPacer::throttles_at_any_rate`](crate::SharedPacer::throttles_at_any_rate).
    pub(crate) fn throttles_at_any_rate(&self) -> bool {
        self.main.throttles_at_any_rate()
    }

    /// A batch of so many units, of which its first request has so many, is sent. [`responded`](Self::responded) is called when its outcome is known.
    pub(crate) fn sent(&mut self, lane: Lane, now: Duration, first_units: u64, units: u64) -> Attempt {
        let counted = self.limit.as_mut().map_or(0, |limit| limit.sent(now, units));
        self.controller_mut(lane).sent(now, (first_units, units), counted, lane)
    }

    /// The outcome of a batch. `jitter` is a random number in 0..1, so that writers who do not know of each other do not come back
    /// together.
    pub(crate) fn responded(&mut self, attempt: Attempt, outcome: &Outcome<'_>, now: Duration, jitter: f64) {
        let due = self.due();
        let (accepted, consumed) = match outcome {
            Outcome::Accepted { units, consumed } => (*units, *consumed),
            Outcome::Failed(_) => (attempt.units, None),
            Outcome::Throttled(_) | Outcome::Rejected => (0, None),
        };
        if let Some(limit) = &mut self.limit {
            limit.responded(now, attempt.counted, accepted, consumed);
        }
        match outcome {
            Outcome::Accepted { units: 0, .. } => {
                self.stall_timer.nothing_accepted(attempt.sent_at, &all_unprocessed());
            }
            Outcome::Accepted { .. } => self.stall_timer.accepted(),
            Outcome::Throttled(error) | Outcome::Failed(error) => {
                self.stall_timer.nothing_accepted(attempt.sent_at, error);
            }
            Outcome::Rejected => {}
        }
        let controller = self.controller_mut(attempt.lane);
        match outcome {
            Outcome::Accepted { .. } | Outcome::Throttled(_) => controller.responded(attempt, accepted, now, jitter),
            Outcome::Failed(_) | Outcome::Rejected => controller.unanswered(now),
        }
        // Under a limit, each response makes room.
        self.is_due_sooner |= self.limit.is_some() || self.due().iter().zip(due).any(|(after, before)| *after < before);
    }

    /// When it is time to give up, unless something is accepted before.
    pub(crate) fn gives_up_at(&self) -> Option<Duration> {
        self.stall_timer.ends_at()
    }

    /// Why to give up now, if it is time.
    pub(crate) fn gives_up(&self, now: Duration) -> Option<Stop> {
        self.stall_timer.stop(now)
    }
}

fn all_unprocessed() -> ServiceError {
    let code = "ProvisionedThroughputExceededException";
    ServiceError::from_response(400, Some(code), Some("all requests of a batch came back unprocessed"))
}
