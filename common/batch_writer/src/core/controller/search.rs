//! One batch at a time: how much is accepted, or when anything is accepted again.

use std::time::Duration;

use super::constants::{
    FIRST_PAUSE, LARGE_ITEM, LARGE_ITEM_PAUSE_FRACTION, LONGEST_PAUSE, LOWEST_CAPACITY, OUTAGE, PAUSE_FRACTION,
    RECOVERED, SEARCH_BATCHES, SEARCH_TIME, SMALLEST_BATCH,
};
use super::measure::{Measure, seconds_since, time_for};
use crate::core::attempt::Attempt;

/// How a search ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// So many units per second are accepted.
    Rate(f64),
    /// Batches are accepted again as they were before, one at a time at this rate.
    Recovered { after_outage: bool, rate: f64 },
}

/// A search for the rate that is accepted, or for the end of an outage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    /// Since the bucket was empty, if it was.
    measure: Measure,
    from_empty: bool,
    /// What was accepted since the last throttled response, and the highest rate that follows from it.
    since_throttled: Measure,
    proven: f64,
    /// Batches refused completely in a row, and since when.
    refusals: u32,
    refused_since: Duration,
    /// How long the longest outage was.
    outage: Duration,
    /// Batches accepted in a row, and in all.
    recovered: u32,
    /// Units in them, and when the first one was sent.
    recovered_units: u64,
    recovered_since: Duration,
    accepted_at: Duration,
    accepted_batches: u32,
    /// Whether anything has been accepted before the search.
    pub(super) accepted_before: bool,
    /// So many batches in a row are refused whole by chance, where refusals do not depend on the rate.
    pub(super) by_chance: u32,
}

impl Search {
    /// The bucket was empty at `since`, unless it is not known to be empty, and `refusals` batches were refused whole since then.
    pub(super) fn new(since: Duration, now: Duration, from_empty: bool, refusals: u32) -> Self {
        Self {
            measure: Measure::new(since),
            from_empty,
            since_throttled: Measure::new(now),
            proven: 0.0,
            refusals,
            refused_since: since,
            outage: Duration::ZERO,
            recovered: 0,
            recovered_units: 0,
            recovered_since: now,
            accepted_at: since,
            accepted_batches: 0,
            accepted_before: false,
            by_chance: 0,
        }
    }

    /// Units per second that are accepted, as far as known.
    pub(super) fn rate(&self, now: Duration) -> f64 {
        self.measure.rate(now).max(self.proven)
    }

    /// A batch has its response.
    pub(super) fn responded(&mut self, attempt: Attempt, accepted: u64, now: Duration) -> Option<Found> {
        if attempt.sent_at < self.measure.since {
            return None;
        }
        if accepted > 0 && self.refusals > 0 {
            // No table has less than 1 WCU, so a longer time without anything accepted is not its rate.
            let longest = time_for(2.0 * attempt.first_units as f64, LOWEST_CAPACITY);
            let since = now.saturating_sub(longest).min(self.since_throttled.since);
            if since > self.measure.since {
                self.measure = Measure::new(since);
            }
        }
        self.measure.add(attempt.units, accepted);
        self.since_throttled.add(attempt.units, accepted);
        if accepted == 0 {
            if self.refusals == 0 {
                self.refused_since = now;
            }
            self.refusals += 1;
            self.outage = self.outage.max(now.saturating_sub(self.refused_since));
            self.recovered = 0;
        } else {
            self.refusals = 0;
            self.accepted_batches += 1;
            self.accepted_at = now;
            if self.recovered == 0 {
                (self.recovered_since, self.recovered_units) = (attempt.sent_at, 0);
            }
            self.recovered = if self.by_chance > 0 || accepted == attempt.units { self.recovered + 1 } else { 0 };
            self.recovered_units += accepted;
            if self.from_empty {
                // A part of an item's capacity may have been there before.
                let flowed_in = self.since_throttled.accepted.saturating_sub(attempt.first_units);
                self.proven = self.proven.max(flowed_in as f64 / self.since_throttled.seconds(now));
            }
        }
        if accepted < attempt.units {
            self.since_throttled = Measure::new(now);
            if !self.from_empty {
                (self.measure, self.from_empty) = (Measure::new(now), true);
            }
        }
        let after_outage = self.outage >= OUTAGE;
        let seconds = seconds_since(self.recovered_since, now);
        let is_proven = if after_outage {
            self.recovered > 0 && self.recovered_units >= u64::from(RECOVERED) * attempt.first_units
        } else {
            self.recovered >= RECOVERED && seconds >= SEARCH_TIME
        };
        if is_proven {
            return Some(Found::Recovered { after_outage, rate: self.recovered_units as f64 / seconds });
        }
        let measured = self.accepted_batches >= SEARCH_BATCHES && self.measure.seconds(now) >= SEARCH_TIME;
        (measured && accepted < attempt.units).then(|| Found::Rate(self.rate(now)))
    }

    /// How long to wait before the next batch.
    pub(super) fn pause(&self, attempt: Attempt, accepted: u64, now: Duration, jitter: f64) -> Duration {
        if accepted == attempt.units || (self.by_chance > 0 && self.refusals < self.by_chance) {
            return Duration::ZERO;
        }
        if self.refusals == 0 {
            // The next batch finds capacity for something.
            let rate = self.rate(now);
            let units = attempt.first_units.max(SMALLEST_BATCH) as f64;
            return if rate > 0.0 { time_for(units, rate) } else { Duration::ZERO };
        }
        let happens_by_chance = self.accepted_before || self.measure.accepted > 0;
        if self.refusals == 1 && happens_by_chance && attempt.first_units < LARGE_ITEM {
            return Duration::ZERO; // one more batch tells chance from an empty bucket
        }
        let (first, fraction) = match attempt.first_units {
            0..LARGE_ITEM => (FIRST_PAUSE, PAUSE_FRACTION),
            units => (FIRST_PAUSE * u32::try_from(units / LARGE_ITEM).unwrap_or(u32::MAX), LARGE_ITEM_PAUSE_FRACTION),
        };
        let pause = (now.saturating_sub(self.accepted_at) / fraction).max(first).mul_f64(1.0 + jitter / 8.0);
        pause.min(LONGEST_PAUSE.max(time_for(attempt.first_units as f64, LOWEST_CAPACITY)))
    }
}
