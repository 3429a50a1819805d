//! The rate controller: how fast a resource accepts writes, whatever limits it, and so how fast to send.
//!
//! It seeks goodput: accepted units over time. Refusals matter only if offering less would get as much accepted.
//!
//! | state | sends | ends when |
//! | --- | --- | --- |
//! | open | without limit; nothing has been throttled yet | something is throttled |
//! | search | one batch at a time | a rate is measured, or batches are accepted whole again |
//! | paced: steady | a little faster than the resource accepts | far less is accepted than expected, or nothing |
//! | paced: suspect | as before, until what is accepted is measured | enough batches have their responses |
//! | paced: trial | clearly less than is accepted | it is known whether refusals are fewer then |
//!
//! - **One bucket.** DynamoDB keeps capacity that is not used at once. The bucket is empty at one throttled response and empty again at
//!   a later one, so what was accepted in between is what flowed in. That measures the rate exactly. At one hundredth more, batches use
//!   up a small cushion, then one of them is throttled, usually in part.
//! - **Refusals by chance** (random partial batches, a partition or key of its own) look like a lower rate at first. The trial tells: a
//!   bucket accepts everything when less is offered than flows in, and what it accepts less it keeps for later, so the trial costs
//!   nothing. Where the same share is refused, the rate was not the cause: the earlier rate is restored, and that share is expected.
//! - **Outages.** While nothing at all is accepted, nothing is measured. The pause between probes is a fraction of the outage so far, and
//!   the earlier rate is resumed after it. Only a trickle, a few units and then nothing again, is a rate.
//! - **Growth.** While batches are accepted as expected, higher rates are tried in doubling steps. Where batches are kept small for a low
//!   rate, a larger batch is tried instead: it empties the bucket, which costs no request, and shows a raised capacity at once.
//!
//! Sources: the trial is the experiment of PCC (Dong et al., NSDI 2015); the measured delivery rate and probing around it are BBR's
//! (Cardwell et al., ACM Queue 2016); capacity, bursts and partitions are as in "Amazon DynamoDB" (ATC 2022).

mod constants;
mod growth;
mod measure;
mod paced;
mod search;
mod trial;

use std::time::Duration;

use self::constants::{
    ALONE, HEADROOM, LARGE_BATCH, LARGE_BATCH_PROOF, LONGEST_BATCH, LONGEST_TRIAL_BATCH, LOWEST_RATE, SLACK,
    SMALLEST_BATCH,
};
use self::measure::{Measure, refusals_by_chance, time_for};
use self::search::{Found, Search};
use super::attempt::{Attempt, Lane};

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    Open,
    Search(Search),
    Steady,
    Suspect,
    /// With the pace and the share accepted before it.
    Trial {
        pace: f64,
        share: f64,
        rate: f64,
    },
}

/// Paces batches so that as much as possible is accepted. Pure: time and randomness are arguments.
#[derive(Debug, Clone, Default)]
pub(super) struct Controller {
    state: State,
    started: bool,
    /// Whether anything was accepted while it was open.
    accepted_before: bool,
    /// No batch is sent before this.
    not_before: Duration,
    /// The offered rate in units per second, if it is paced.
    pace: Option<f64>,
    /// The accepted rate, once it was measured.
    rate: Option<f64>,
    /// The pace at the last judgement.
    judged: f64,
    /// The share that is accepted at any rate, if refusals do not depend on it.
    by_chance: Option<f64>,
    /// Trials in a row that have confirmed it.
    doubts: u32,
    doubted_at: Duration,
    /// Batches sent since the pace or the state was changed.
    epoch: Measure,
    /// Since the bucket was empty.
    measure: Option<Measure>,
    is_exact: bool,
    /// The last throttled response, units accepted since then, and throttled batches in a row.
    throttled_at: Duration,
    accepted: u64,
    throttled: u32,
    /// Whole refusals in a row, since when, and the pace and the rate before them.
    refusals: u32,
    refused_since: Duration,
    before_refusals: (Option<f64>, Option<f64>),
    refused_whole: bool,
    /// The next batch follows a complete refusal at once: if it is accepted, the bucket was not empty.
    retries: bool,
    /// Batches accepted as expected since the pace was changed, and when that was.
    batches: u32,
    changed_at: Duration,
    growth: f64,
    large_batch_due: bool,
    /// Whether a higher rate is looked for with large batches.
    large_batches: bool,
}

impl Controller {
    /// When the next batch may be sent; then it is time to ask again.
    pub(super) fn ready_at(&self) -> Duration {
        self.not_before
    }

    /// The maximum units of a batch whose first request has `first_units`; `None`: no limit.
    pub(super) fn batch_limit(&self, first_units: u64) -> Option<u64> {
        let limit = self.usual_limit()?.max(first_units);
        Some(if self.large_batch_due { limit.saturating_mul(LARGE_BATCH) } else { limit })
    }

    /// Units per second that are accepted, if anything was throttled.
    pub(super) fn units_per_second(&self) -> Option<f64> {
        self.rate
    }

    /// Whether batches are throttled, as far as known, at any rate.
    pub(super) fn throttles_at_any_rate(&self) -> bool {
        self.by_chance.is_some()
    }

    fn is_paced(&self) -> bool {
        !matches!(self.state, State::Open | State::Search(_))
    }

    fn usual_limit(&self) -> Option<u64> {
        let longest = if matches!(self.state, State::Trial { .. }) { LONGEST_TRIAL_BATCH } else { LONGEST_BATCH };
        self.pace.filter(|_| self.is_paced()).map(|pace| ((pace * longest) as u64).max(SMALLEST_BATCH))
    }

    /// A batch of `units` is sent. Returns whether it is a large one.
    fn note_sent(&mut self, now: Duration, units: u64, first_units: u64) -> bool {
        if !self.started {
            self.started = true;
            self.not_before = now + ALONE;
        }
        if now.saturating_sub(self.not_before) > SLACK {
            self.batches = 0; // there was nothing to send, which says nothing about the pace
        }
        match self.state {
            State::Open => false,
            State::Search(_) => {
                self.not_before = now + ALONE;
                false
            }
            State::Steady | State::Suspect | State::Trial { .. } => {
                let large = std::mem::take(&mut self.large_batch_due)
                    && self.usual_limit().is_some_and(|limit| units >= limit.max(first_units) * LARGE_BATCH_PROOF);
                let pace = self.pace.unwrap_or(LOWEST_RATE);
                // What a large batch gets beyond the usual was left over.
                let paid = if large { self.usual_limit().unwrap_or(units).max(first_units) } else { units };
                self.not_before = self.not_before.max(now.saturating_sub(SLACK)) + time_for(paid as f64, pace);
                large
            }
        }
    }

    /// A batch of `units` is sent.
    pub(super) fn sent(
        &mut self,
        now: Duration,
        (first_units, units): (u64, u64),
        counted: u64,
        lane: Lane,
    ) -> Attempt {
        let large = self.note_sent(now, units, first_units);
        Attempt { sent_at: now, units, first_units, counted, lane, large }
    }

    /// A batch has its response: `accepted` of its units were accepted, and the others throttled. `jitter` is a random
    /// number in 0..1, so that writers who do not know of each other do not come back together.
    pub(super) fn responded(&mut self, attempt: Attempt, accepted: u64, now: Duration, jitter: f64) {
        match self.state {
            State::Open if accepted == attempt.units => {
                self.accepted_before = true;
                self.not_before = Duration::ZERO;
            }
            State::Open => {
                self.search(now, true, u32::from(accepted == 0), now);
                let State::Search(search) = self.state else { return };
                let pause = if self.accepted_before || accepted > 0 {
                    Duration::ZERO // one more batch tells a single refusal from the end of a burst
                } else {
                    search.pause(attempt, accepted, now, jitter)
                };
                self.not_before = now + pause;
            }
            State::Search(mut search) => {
                let found = search.responded(attempt, accepted, now);
                self.state = State::Search(search);
                if attempt.sent_at < self.throttled_at {
                    return; // from before the search
                }
                match found {
                    Some(found) => self.found(found, attempt, now),
                    None => self.not_before = now + search.pause(attempt, accepted, now, jitter),
                }
            }
            State::Steady | State::Suspect | State::Trial { .. } if attempt.sent_at < self.throttled_at => {
                // The same event. What was accepted flowed in.
                self.accepted += accepted;
                if let Some(measure) = &mut self.measure {
                    measure.add(attempt.units, accepted);
                }
            }
            State::Steady | State::Suspect | State::Trial { .. } => self.paced(attempt, accepted, now, jitter),
        }
    }

    /// A batch has ended without a response, or was rejected, which says nothing about the rate. What waits for its response may be sent.
    pub(super) fn unanswered(&mut self, now: Duration) {
        if !self.is_paced() {
            self.not_before = self.not_before.min(now);
        }
    }

    /// Searches for the rate, after this many batches in a row were refused completely.
    fn search(&mut self, since: Duration, from_empty: bool, refusals: u32, now: Duration) {
        let mut search = Search::new(since, now, from_empty, refusals);
        search.accepted_before = self.accepted_before;
        search.by_chance = self.by_chance.map_or(0, refusals_by_chance);
        self.state = State::Search(search);
        (self.throttled_at, self.refusals, self.large_batch_due) = (now, 0, false);
    }

    /// A search has ended.
    fn found(&mut self, found: Found, attempt: Attempt, now: Duration) {
        let pace = match (found, self.pace) {
            (Found::Rate(rate), _) => {
                self.rate = Some(rate.max(LOWEST_RATE));
                rate * HEADROOM / self.by_chance.unwrap_or(1.0)
            }
            (Found::Recovered { after_outage: true, .. }, Some(pace)) => pace,
            (Found::Recovered { after_outage: true, .. }, None) => {
                *self = Self { started: true, accepted_before: true, ..Self::default() };
                return;
            }
            // One batch at a time is slower than what is accepted.
            (Found::Recovered { rate, .. }, pace) => pace.unwrap_or(2.0 * rate).max(rate),
        };
        let is_empty = matches!(found, Found::Rate(_));
        let units = attempt.first_units.max(SMALLEST_BATCH) as f64;
        self.not_before = now + if is_empty { time_for(units, pace) } else { Duration::ZERO };
        self.measure = is_empty.then(|| Measure::new(now));
        self.throttled_at = now;
        self.is_exact = false;
        self.growth = 0.0;
        self.steady(pace, now);
    }

    /// From here on, this is the pace at which what is accepted is expected.
    fn steady(&mut self, pace: f64, now: Duration) {
        self.set_pace(pace, now);
        self.judged = pace;
        self.begin(State::Steady, now);
    }

    fn begin(&mut self, state: State, now: Duration) {
        (self.state, self.epoch, self.throttled) = (state, Measure::new(now), 0);
    }

    fn set_pace(&mut self, pace: f64, now: Duration) {
        (self.pace, self.batches, self.changed_at) = (Some(pace.max(LOWEST_RATE)), 0, now);
        self.large_batch_due = false;
    }
}
