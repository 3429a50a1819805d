//! The rate controller: how fast a resource accepts writes, whatever limits it, and so how fast to send.
//!
//! It seeks goodput: accepted units over time. What is refused matters only as far as offering less would get as much accepted.
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

mod growth;
mod measure;
mod search;
mod trial;

use std::time::Duration;

use self::measure::Measure;
use self::search::{Found, Search};
use super::attempt::{Attempt, Lane};

/// The longest that a batch of several requests should wait for its capacity. What the bucket holds when a load ends is what the load
/// was slower than it could have been, and that is up to one and a half batches.
const LONGEST_BATCH: f64 = 0.5;

/// The least that a batch may have, in units: two small items, so that one of them may come back alone.
const SMALLEST_BATCH: u64 = 2;

/// The least write capacity that a table can have, in units per second.
const LOWEST_CAPACITY: f64 = 1.0;

/// The lowest rate. This load may not be the only one.
const LOWEST_RATE: f64 = LOWEST_CAPACITY / 2.0;

/// How much faster batches are sent than the resource accepts them.
const HEADROOM: f64 = 1.01;

/// The pause between probes at the beginning of an outage. Four of them bring a unit at DynamoDB's smallest capacity, 1 WCU, so a slow
/// table sees few requests refused whole.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// During an outage the pause is this fraction of its length so far: the end is noticed within an eighth of it, and the earlier rate
/// resumed within a quarter.
const PAUSE_FRACTION: u32 = 8;

/// Items of so many units need longer to be accepted, and probes with them cost more: the pauses are longer.
const LARGE_ITEM: u64 = 12;
const LARGE_ITEM_PAUSE_FRACTION: u32 = 2;

/// The longest pause, unless a batch needs longer at 1 WCU. A table that was throttled by others is noticed to be free within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// So many batches in a row that are accepted, or items after an outage, are not throttled at this rate. Fewer, and then nothing, are a
/// trickle.
const RECOVERED: u32 = 3;

/// An outage of so long is one. After a shorter one, batches are accepted for a while from what flowed in during the pause.
const OUTAGE: Duration = Duration::from_secs(1);

/// A search measures so many accepted batches, at least so long: shorter than the pauses that a slow table needs anyway.
const SEARCH_BATCHES: u32 = 4;
const SEARCH_TIME: f64 = 0.1;

/// A measurement between two empty buckets is exact after so many batches and seconds: what the bucket held at its beginning and at its
/// end may differ by one item, and responses may be late by a round trip.
const EXACT_BATCHES: u32 = 20;
const EXACT_TIME: f64 = 1.0;

/// With fewer batches it is adopted where it differs by more than one item, and that is at most this share of it.
const FEWEST_BATCHES: u32 = 4;
const ROUGH: f64 = 1.0 / 3.0;

/// What a trial, or the measurement before it, needs: a changed capacity is followed within a second or two, and a share of a third is told
/// from chance.
const TRIAL_BATCHES: u32 = 10;
const TRIAL_TIME: f64 = 0.25;

/// So many batches are enough where so many items are accepted, and about the same share of each batch, so that its standard error is small.
const CLEAR_BATCHES: u32 = 5;
const CLEAR_ITEMS: u64 = 10;
const CLEAR_ERROR: f64 = 0.05;

/// What a trial offers of what is accepted: so much less that no inexact measurement makes it more than flows in.
const TRIAL_RATE: f64 = 0.75;

/// The rate is suspected to be far too high when the measurements have lowered it so much, or when so many batches in a row are
/// throttled.
const FAR_BELOW: f64 = 0.8;
const THROTTLED_BATCHES: u32 = 3;

/// Where a share is refused by chance, fewer than this share of what is expected.
const FAR_BELOW_CHANCE: f64 = 0.7;

/// Where a share is refused by chance, a higher rate is tried while at least this share of what is expected is accepted: requests of a hot
/// key that are not yet aside would fill all batches.
const GROWS_ABOVE: f64 = 0.9;

/// An outage is so many batches in a row refused whole that this is chance once in a hundred times.
const FEWEST_REFUSALS: u32 = 3;
const MOST_REFUSALS: u32 = 10;
const IS_CHANCE: f64 = 0.01;

/// How soon it is tried again whether refusals end at a lower rate. The trial costs a few batches, so each time that it changes nothing it
/// is made half as often.
const FIRST_DOUBT: Duration = Duration::from_secs(2);
const LONGEST_DOUBT: Duration = Duration::from_secs(80);

/// The soonest that a higher rate is tried after the last change, and the steps: first a tenth, then doubling steps, because then the
/// capacity must have been raised.
const GROWTH_INTERVAL: Duration = Duration::from_millis(250);
const FIRST_GROWTH: f64 = 0.1;
const LARGEST_GROWTH: f64 = 1.0;

/// After how many batches a higher rate is tried. Too high a rate brings a few unprocessed items where batches have many, but whole
/// refusals where a batch is one large item; these are to stay well under one in twenty.
const GROWTH_BATCHES: u32 = 4;
const CAREFUL_GROWTH_BATCHES: u32 = 40;

/// After how many small batches a larger one is tried, and how much larger it is. A cushion is one and a half batches, so more than that
/// and two batches accepted at once prove a higher rate. What is offered stays well under one and a half times what is accepted.
const LARGE_BATCH_AFTER: u32 = 8;
const LARGE_BATCH: u64 = 5;
const LARGE_BATCH_PROOF: u64 = 4;

/// After a throttled response the bucket is given the time for so many batches; for half a one where batches are single large items, of
/// which one was only a little too early.
const CUSHION: f64 = 1.5;
const LARGE_ITEM_CUSHION: f64 = 0.5;

/// How late a batch may be sent without making the next one later, too: timers are late by a millisecond or more, and a table of
/// 5,000 WCU wants a batch every five.
const SLACK: Duration = Duration::from_millis(50);

/// How long the first batch of a load and the batches of a search travel alone, unless their response is sooner. If the table is empty, or
/// there is none, one batch finds out as well as many.
const ALONE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
enum State {
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
#[derive(Debug, Clone)]
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
    doubt: Duration,
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
    /// Whole refusals in a row, and since when.
    refusals: u32,
    refused_since: Duration,
    refused_whole: bool,
    /// The next batch follows a whole refusal at once: where it is accepted, the bucket was not empty.
    retries: bool,
    /// Batches accepted as expected since the pace was changed, and when that was.
    batches: u32,
    changed_at: Duration,
    growth: f64,
    large_batch_due: bool,
    /// Whether a higher rate is looked for with large batches.
    large_batches: bool,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            state: State::Open,
            started: false,
            accepted_before: false,
            not_before: Duration::ZERO,
            pace: None,
            rate: None,
            judged: 0.0,
            by_chance: None,
            doubt: FIRST_DOUBT,
            doubted_at: Duration::ZERO,
            epoch: Measure::new(Duration::ZERO),
            measure: None,
            is_exact: false,
            throttled_at: Duration::ZERO,
            accepted: 0,
            throttled: 0,
            refusals: 0,
            refused_since: Duration::ZERO,
            refused_whole: false,
            retries: false,
            batches: 0,
            changed_at: Duration::ZERO,
            growth: 0.0,
            large_batch_due: false,
            large_batches: false,
        }
    }
}

impl Controller {
    /// When the next batch may be sent; then it is time to ask again.
    pub(super) fn ready_at(&self) -> Duration {
        self.not_before
    }

    /// The most units that a batch should have whose first request has so many; `None`: no limit.
    pub(super) fn batch_limit(&self, first_units: u64) -> Option<u64> {
        let limit = self.usual_limit()?.max(first_units);
        Some(if self.large_batch_due { limit.saturating_mul(LARGE_BATCH) } else { limit })
    }

    /// Units per second that are accepted, if anything was throttled.
    pub(super) fn units_per_second(&self) -> Option<f64> {
        self.rate
    }

    fn is_paced(&self) -> bool {
        !matches!(self.state, State::Open | State::Search(_))
    }

    fn usual_limit(&self) -> Option<u64> {
        self.pace.filter(|_| self.is_paced()).map(|pace| ((pace * LONGEST_BATCH) as u64).max(SMALLEST_BATCH))
    }

    /// A batch of so many units is sent. Returns whether it is a large one.
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

    /// A batch of so many units is sent.
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

    /// A batch has its response: so many of its units were accepted, and the others throttled. `jitter` is a random number in 0..1, so
    /// that writers who do not know of each other do not come back together.
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

    /// Searches for the rate. So many batches in a row were refused whole.
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

    fn paced(&mut self, attempt: Attempt, accepted: u64, now: Duration, jitter: f64) {
        // A large batch shows what the bucket holds, not what the pace gets.
        let offered = if attempt.large { accepted } else { attempt.units };
        if attempt.sent_at >= self.epoch.since {
            self.epoch.add(offered, accepted);
        }
        if let Some(measure) = &mut self.measure {
            measure.add(offered, accepted);
        }
        self.accepted += accepted;
        if accepted > 0 {
            self.refusals = 0;
        } else {
            self.refused_since = if self.refusals == 0 { now } else { self.refused_since };
            self.refusals += 1;
        }
        if self.refusals >= self.refusals_of_an_outage() {
            if matches!(self.state, State::Steady) && self.by_chance.is_none() {
                // Over short times the measured rate is inexact; what has been accepted in fact is resumed at least.
                let accepted = self.epoch.rate(self.refused_since);
                self.pace = self.pace.map(|pace| pace.max(accepted));
            }
            self.search(self.refused_since, true, self.refusals, now);
            if let State::Search(search) = self.state {
                self.not_before = now + search.pause(attempt, accepted, now, jitter);
            }
            return;
        }
        if std::mem::take(&mut self.retries) && self.has_proof(attempt, accepted, now) {
            return;
        }
        let is_clear = self.epoch.error() <= CLEAR_ERROR && self.epoch.accepted >= CLEAR_ITEMS * attempt.first_units;
        let batches = if is_clear { CLEAR_BATCHES } else { TRIAL_BATCHES };
        let is_enough = self.epoch.has(batches, TRIAL_TIME, now);
        match self.state {
            State::Trial { pace, share, rate } if is_enough => self.judge(pace, share, rate, now),
            State::Suspect if is_enough => self.begin_trial(now),
            State::Steady if self.by_chance.is_some() && is_enough => self.expect_refusals(now),
            State::Steady if self.by_chance.is_some() => {}
            State::Steady if accepted == attempt.units => self.as_expected(attempt, accepted, now),
            State::Steady => self.throttled(attempt, accepted, now),
            _ => {}
        }
        if accepted == 0 && self.by_chance.is_none() && !self.retries {
            self.wait(attempt, now);
        }
    }

    fn refusals_of_an_outage(&self) -> u32 {
        match self.state {
            State::Suspect | State::Trial { .. } if self.by_chance.is_none() && self.epoch.accepted > 0 => {
                refusals_by_chance(self.epoch.share())
            }
            _ => refusals_by_chance(self.by_chance.unwrap_or(1.0)),
        }
    }

    /// The bucket is empty.
    fn throttled(&mut self, attempt: Attempt, accepted: u64, now: Duration) {
        self.throttled += u32::from(!attempt.large);
        let (Some(pace), mut measured) = (self.pace, 0.0) else { return };
        if let Some(measure) = self.measure {
            let rate = measure.rate(now);
            let one_item = attempt.first_units as f64 / measure.accepted.max(1) as f64;
            let before = self.rate.unwrap_or(rate);
            let is_exact = measure.has(EXACT_BATCHES, EXACT_TIME, now);
            if measure.batches >= FEWEST_BATCHES && one_item <= ROUGH {
                measured = one_item;
                if is_exact || !self.is_exact || (rate / before - 1.0).abs() > 2.0 * one_item {
                    self.rate = Some(rate.max(LOWEST_RATE));
                }
            }
            self.is_exact |= is_exact;
            if is_exact {
                self.measure = Some(Measure::new(now));
            }
        } else {
            self.measure = Some(Measure::new(now));
        }
        // Large batches find what is left over at a low rate, so no headroom is needed.
        let headroom = if self.large_batches { 1.0 } else { HEADROOM };
        let mut target = self.rate.map_or(pace, |rate| rate * headroom);
        if self.growth > 0.0 && attempt.first_units >= LARGE_ITEM {
            // A bucket that cannot hold two items loses what flows in meanwhile, so the measured rate is too low.
            target = target.max(pace / (1.0 + self.growth));
        }
        let is_far_below = measured > 0.0 && target < FAR_BELOW * self.judged;
        if is_far_below || self.throttled >= THROTTLED_BATCHES {
            self.begin(State::Suspect, now);
            return;
        }
        (self.throttled_at, self.accepted, self.refused_whole) = (now, 0, accepted == 0);
        self.growth = 0.0;
        self.set_pace(target, now);
        self.retries = accepted == 0 && self.refusals == 1 && attempt.units > attempt.first_units && !attempt.large;
        if self.retries {
            self.not_before = now;
        } else {
            self.wait(attempt, now);
        }
    }

    /// Gives the bucket time for the next batches.
    fn wait(&mut self, attempt: Attempt, now: Duration) {
        let Some(pace) = self.pace else { return };
        // The batch may have been larger, but what came back from it goes in smaller ones.
        let limit = self.usual_limit().unwrap_or_default().max(attempt.first_units).min(attempt.units);
        let cushion = if self.is_exact && self.refused_whole { LARGE_ITEM_CUSHION } else { CUSHION };
        let longest = LONGEST_PAUSE.max(time_for(attempt.first_units as f64, LOWEST_CAPACITY));
        let pause = time_for(limit as f64, pace / HEADROOM).mul_f64(cushion).min(longest);
        self.not_before = if attempt.large { now + pause } else { self.not_before.max(now + pause) };
    }

    fn set_pace(&mut self, pace: f64, now: Duration) {
        (self.pace, self.batches, self.changed_at) = (Some(pace.max(LOWEST_RATE)), 0, now);
        self.large_batch_due = false;
    }
}

/// How many batches in a row can be refused whole by chance, where this share is accepted.
fn refusals_by_chance(share: f64) -> u32 {
    let refusals = IS_CHANCE.ln() / (1.0 - share).clamp(1e-9, 0.999).ln();
    (refusals.ceil() as u32).clamp(FEWEST_REFUSALS, MOST_REFUSALS)
}

/// How long so many units take at a rate.
fn time_for(units: f64, rate: f64) -> Duration {
    Duration::from_secs_f64((units / rate.max(1e-9)).min(3600.0))
}
