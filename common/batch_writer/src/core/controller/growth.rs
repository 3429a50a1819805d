//! Higher rates, tried while batches are accepted as expected.

use std::time::Duration;

use capacity::limits::MAX_BATCH_WRITE_REQUESTS;

use super::constants::{
    CAREFUL_GROWTH_BATCHES, FIRST_GROWTH, GROWTH_BATCHES, GROWTH_INTERVAL, LARGE_BATCH_AFTER, LARGE_BATCH_PROOF,
    LARGE_ITEM, LARGEST_GROWTH,
};
use super::measure::seconds_since;
use super::{Attempt, Controller};

impl Controller {
    pub(super) fn as_expected(&mut self, attempt: Attempt, accepted: u64, now: Duration) {
        let Some(pace) = self.pace else { return };
        self.batches += 1;
        if self.batches >= GROWTH_BATCHES {
            self.throttled = 0;
        }
        if attempt.large {
            let usual = self.usual_limit().unwrap_or_default().max(attempt.first_units);
            let seconds = seconds_since(self.throttled_at, now);
            let cushion = (self.rate.unwrap_or_default() * seconds - (self.accepted - accepted) as f64).max(0.0);
            let is_proof = accepted as f64 > 1.2 * cushion + (2 * usual) as f64;
            if is_proof && self.is_exact {
                // The capacity must have been raised.
                (self.pace, self.rate) = (None, None);
                self.search(now, false, 0, now);
                self.not_before = now;
            } else {
                if is_proof {
                    // The rate may have been measured too low. If it is even higher than this, the next large batch shows it.
                    let rate = self.accepted as f64 / seconds;
                    (self.rate, self.is_exact) = (Some(rate), true);
                    self.set_pace(rate, now);
                }
                self.large_batch_due = true;
            }
            return;
        }
        self.large_batches = self.tries_large_batches(attempt.first_units);
        if self.large_batches {
            self.large_batch_due |= self.batches >= LARGE_BATCH_AFTER;
            return;
        }
        let careful = self.refused_whole && attempt.units < 2 * attempt.first_units;
        let batches = if careful { CAREFUL_GROWTH_BATCHES } else { GROWTH_BATCHES };
        if self.batches >= batches && now.saturating_sub(self.changed_at) >= GROWTH_INTERVAL {
            self.growth = (self.growth * 2.0).clamp(FIRST_GROWTH, LARGEST_GROWTH);
            self.set_pace(pace * (1.0 + self.growth), now);
        }
    }

    /// Whether batches are kept so small that several would fit into one, for the rate and not for one large item.
    pub(super) fn tries_large_batches(&self, first_units: u64) -> bool {
        let requests = self.usual_limit().unwrap_or(u64::MAX) / first_units.max(1);
        first_units < LARGE_ITEM && (1..=MAX_BATCH_WRITE_REQUESTS as u64 / LARGE_BATCH_PROOF).contains(&requests)
    }
}
