//! Whether refusals depend on the rate: the experiment, and what follows from it.

use std::time::Duration;

use super::constants::{
    FAR_BELOW_CHANCE, FIRST_DOUBT, GROWS_ABOVE, HEADROOM, LARGEST_GROWTH, LONGEST_DOUBT, LOWEST_RATE, TRIAL_RATE,
};
use super::measure::seconds_since;
use super::{Attempt, Controller, State};

impl Controller {
    /// Offers clearly less than the rate that is accepted.
    pub(super) fn begin_trial(&mut self, now: Duration) {
        let Some(pace) = self.pace else { return };
        let (share, rate) = (self.epoch.share(), self.epoch.rate(now));
        (self.throttled_at, self.accepted) = (now, 0);
        self.set_pace(rate * TRIAL_RATE, now);
        self.begin(State::Trial { pace, share, rate }, now);
    }

    /// Whether refusals are fewer at a lower rate.
    pub(super) fn judge(&mut self, pace: f64, share: f64, rate: f64, now: Duration) {
        let this = self.epoch.share();
        let expected = self.by_chance.filter(|by_chance| share < FAR_BELOW_CHANCE * by_chance).unwrap_or(1.0);
        (self.measure, self.is_exact, self.doubted_at) = (None, false, now);
        if this > f64::midpoint(share, expected) {
            if this >= 1.0 {
                (self.by_chance, self.doubts) = (None, 0);
            }
            self.rate = Some(rate.max(LOWEST_RATE));
            self.steady(rate * HEADROOM / self.by_chance.unwrap_or(1.0), now);
        } else {
            self.doubts = if self.by_chance.is_some() { self.doubts + 1 } else { 0 };
            self.by_chance = Some(this);
            self.steady(pace, now);
            self.not_before = now;
        }
    }

    /// Refusals do not depend on the rate, as far as known.
    pub(super) fn expect_refusals(&mut self, now: Duration) {
        let (Some(by_chance), Some(pace)) = (self.by_chance, self.pace) else { return };
        let share = self.epoch.share();
        let doubt = FIRST_DOUBT.saturating_mul(1 << self.doubts.min(31)).min(LONGEST_DOUBT);
        self.rate = Some(self.epoch.rate(now).max(LOWEST_RATE));
        if share < FAR_BELOW_CHANCE * by_chance {
            self.begin(State::Suspect, now);
        } else if share < 1.0 && now.saturating_sub(self.doubted_at) >= doubt {
            self.begin_trial(now);
        } else {
            let grows = share >= GROWS_ABOVE * by_chance;
            if grows {
                self.by_chance = (share < 1.0).then(|| f64::midpoint(by_chance, share));
            }
            self.steady(if grows { pace * (1.0 + LARGEST_GROWTH) } else { pace }, now);
        }
    }

    /// Whether much more is accepted at once, after a whole refusal, than can have flowed in.
    pub(super) fn has_proof(&mut self, attempt: Attempt, accepted: u64, now: Duration) -> bool {
        let seconds = seconds_since(self.throttled_at, now);
        let rate = accepted.saturating_sub(attempt.first_units) as f64 / seconds;
        let is_proof = self.pace.is_some_and(|pace| rate > 2.0 * pace);
        if is_proof {
            self.by_chance = Some(self.epoch.share().max(0.5));
            (self.rate, self.measure, self.doubted_at) = (Some(rate), None, now);
            self.steady(rate, now);
            self.not_before = now;
        }
        is_proof
    }
}
