//! What the response to a batch means while batches are paced.

use std::time::Duration;

use super::constants::{
    CLEAR_BATCHES, CLEAR_ERROR, CLEAR_ITEMS, CUSHION, EXACT_BATCHES, EXACT_TIME, FAR_BELOW, FEWEST_BATCHES, HEADROOM,
    LARGE_ITEM, LARGE_ITEM_CUSHION, LONGEST_PAUSE, LOWEST_CAPACITY, LOWEST_RATE, ROUGH, THROTTLED_BATCHES,
    TRIAL_BATCHES, TRIAL_TIME,
};
use super::measure::{Measure, refusals_by_chance, time_for};
use super::{Attempt, Controller, State};

impl Controller {
    pub(super) fn paced(&mut self, attempt: Attempt, accepted: u64, now: Duration, jitter: f64) {
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
            if self.refusals == 0 {
                (self.refused_since, self.before_refusals) = (now, (self.pace, self.rate));
            }
            self.refusals += 1;
        }
        if self.refusals >= self.refusals_of_an_outage() {
            // What is measured when an outage begins is no rate.
            (self.pace, self.rate) = match self.state {
                State::Trial { rate, .. } => (Some(rate * HEADROOM), Some(rate.max(LOWEST_RATE))),
                _ => self.before_refusals,
            };
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
}
