//! How fast a table that throttles takes writes, and so how fast to send.
//!
//! Capacity that is not used at once is not lost: DynamoDB keeps 300 seconds of it. So a writer need not hammer at an empty bucket;
//! it is as fast if it comes back when there is enough for a whole batch. What it must know is the rate at which the bucket fills,
//! and that it can measure: the bucket was empty at one throttled answer and is empty again at a later one, so what was taken in between
//! is what flowed in. Sent at a hundredth more than that, batches use up a small cushion, then one of them is throttled, usually in
//! part, which measures the rate again and makes a new cushion.

use std::time::Duration;

/// The longest that a batch of several requests should have to wait for its capacity. What the bucket holds when a load ends is what the
/// load was slower than it could have been, and that is up to one and a half batches.
const LONGEST_BATCH: Duration = Duration::from_millis(500);

/// The least that a batch may have, in units: two small items, so that one of them may come back alone.
const SMALLEST_BATCH: u64 = 2;

/// The pause after the first throttled answer, doubled while nothing at all is taken. DynamoDB's smallest capacity is 1 WCU, so a
/// second brings something for small items; what comes meanwhile is not lost.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause, however long everything is refused, but for a batch that needs longer at 1 WCU. A table that was throttled by others
/// is noticed to be free within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// While the rate is not known, how many times faster than has been taken since the first throttled answer batches are sent. What
/// has been taken then grows with the fourth power of time, and reaches any rate within seconds, yet it overshoots by little.
const SEARCH: u64 = 4;

/// A measurement counts for good when so many batches' worth has been taken, and after so long: what the bucket held at its beginning
/// and at its end may differ by one item, and answers may be late by a round trip.
const MEASURED_BATCHES: u64 = 20;
const MEASURED_TIME: Duration = Duration::from_secs(1);

/// How much faster batches are sent than the table was seen to take, in hundredths.
const HASTE: u64 = 1;

/// How often a higher pace is tried while nothing is throttled, at the soonest, and by how many hundredths: first a tenth, then in
/// doubling steps, because then the capacity must have been raised.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const FIRST_PROBE: u64 = 10;
const LARGEST_PROBE: u64 = 100;

/// After how many batches a higher pace is tried. Too fast a pace brings a few unprocessed items where batches have many, but whole
/// refusals where a batch is one large item; these are to stay well under one in twenty.
const PROBE_BATCHES: u32 = 4;
const CAREFUL_PROBE_BATCHES: u32 = 40;

/// 1 WCU, in thousandths of a unit per second.
const ONE_UNIT: u64 = 1000;

/// The lowest rate, in thousandths of a unit per second. DynamoDB's lowest is 1 WCU, and this load may not be the only one.
const LOWEST_RATE: u64 = 500;

/// How late a batch may be sent without making the next one later, too: timers come late by a millisecond or more, and a table of
/// 5,000 WCU wants a batch every five.
const SLACK: Duration = Duration::from_millis(50);

/// How long the very first batch travels alone, unless it is answered sooner. If the table is empty, or there is none, one batch finds
/// out as well as one of each worker.
const ALONE: Duration = Duration::from_millis(30);

/// How soon it is asked again whether the first batch has been answered: by another worker, which does not call.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A batch that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// When.
    pub(crate) sent_at: Duration,
    /// What it should cost, in write units, by the sizes of its items.
    pub(crate) units: u64,
    /// What it counts as under a limit that the user sets.
    pub(super) counted: u64,
}

/// What was taken since a moment when the bucket was empty.
#[derive(Debug, Clone, Copy)]
struct Measurement {
    since: Duration,
    taken: u64,
}

/// Holds batches back as the table's capacity asks. While nothing has been throttled it holds nothing back.
#[derive(Debug, Clone, Default)]
pub(super) struct TableRate {
    /// Whether anything was sent.
    started: bool,
    /// Whether the first batch is awaited.
    first_travels: bool,
    /// Since when the bucket has been empty, if anything was throttled, and what was taken since.
    measurement: Option<Measurement>,
    /// Thousandths of a write unit per second, once it was measured.
    rate: Option<u64>,
    /// Whether the rate comes from a long measurement.
    reliable: bool,
    /// The rate at which batches are sent: the measured one, hastened.
    pace: u64,
    /// No batch is sent before this.
    not_before: Duration,
    first_throttled_at: Duration,
    throttled_at: Duration,
    /// Units taken since the last throttled answer.
    taken: u64,
    /// Throttled answers in a row between which nothing was taken.
    refusals: u32,
    /// Whether the last throttled batch was refused whole.
    refused_whole: bool,
    /// Batches taken whole since the pace was last changed, and when that was.
    batches: u32,
    changed_at: Duration,
    /// The last step by which the pace was raised since something was throttled, in hundredths.
    probe: u64,
}

impl TableRate {
    /// When the next batch may be sent; then it is time to ask again.
    pub(super) fn ready_at(&self, now: Duration) -> Duration {
        if self.first_travels { self.not_before.min(now + LOOK_AGAIN) } else { self.not_before }
    }

    /// The most units a batch should have, so that it need not wait longer for them; `None`: no limit. A single
    /// request may have more.
    pub(super) fn batch_limit(&self) -> Option<u64> {
        let longest = LONGEST_BATCH.as_millis() as u64;
        self.rate.map(|_| (self.pace.saturating_mul(longest) / 1_000_000).max(SMALLEST_BATCH))
    }

    /// Write units per second that the table was seen to take, if it has throttled.
    pub(super) fn units_per_second(&self) -> Option<f64> {
        self.rate.map(|rate| rate as f64 / 1000.0)
    }

    /// A batch of so many units is sent.
    pub(super) fn sent(&mut self, now: Duration, units: u64) {
        if !self.started {
            (self.started, self.first_travels) = (true, true);
            self.not_before = now + ALONE;
        }
        let Some(measurement) = self.measurement else { return };
        if now.saturating_sub(self.not_before) > SLACK {
            self.batches = 0; // there was nothing to send: that nothing was throttled tells nothing about the pace
        }
        self.not_before = match self.rate {
            Some(_) => self.not_before.max(now.saturating_sub(SLACK)) + time_for(units, self.pace),
            None => now + search_pace(measurement, now).map_or(FIRST_PAUSE, |pace| time_for(units, pace)),
        };
    }

    /// A batch was answered: so many of its units were taken. `jitter` is a random number in 0..1, so that writers who do not know of
    /// each other do not come back together.
    pub(super) fn answered(&mut self, attempt: Attempt, taken: u64, now: Duration, jitter: f64) {
        self.first_travels = false;
        if self.measurement.is_none() {
            self.not_before = Duration::ZERO;
        }
        self.taken(attempt, taken, now);
        if taken < attempt.units {
            self.throttled(attempt, taken, now, jitter);
        } else {
            self.try_faster(now);
        }
    }

    fn taken(&mut self, attempt: Attempt, taken: u64, now: Duration) {
        // What was sent before anything was throttled came from the burst.
        let Some(measurement) = self.measurement.as_mut().filter(|_| attempt.sent_at >= self.first_throttled_at) else {
            return;
        };
        if taken == 0 {
            return;
        }
        measurement.taken += taken;
        self.taken += taken;
        self.refusals = 0;
        if self.rate.is_none()
            && let Some(pace) = search_pace(*measurement, now)
        {
            self.not_before = self.not_before.min(now.max(attempt.sent_at + time_for(attempt.units, pace)));
        }
    }

    fn try_faster(&mut self, now: Duration) {
        self.batches += 1;
        let careful = self.refused_whole && self.reliable;
        let batches = if careful { CAREFUL_PROBE_BATCHES } else { PROBE_BATCHES };
        if self.rate.is_some() && self.batches >= batches && now.saturating_sub(self.changed_at) >= PROBE_INTERVAL {
            self.probe = (self.probe * 2).clamp(FIRST_PROBE, LARGEST_PROBE);
            self.set_pace(hundredths(self.pace, 100 + self.probe), now);
        }
    }

    fn throttled(&mut self, attempt: Attempt, taken: u64, now: Duration, jitter: f64) {
        if self.measurement.is_none() {
            self.measurement = Some(Measurement { since: now, taken: 0 });
            (self.first_throttled_at, self.throttled_at) = (now, now);
            self.not_before = now + FIRST_PAUSE.mul_f64(1.0 + jitter / 4.0);
            return;
        }
        if attempt.sent_at < self.throttled_at {
            return; // sent before the last throttled answer: the same event
        }
        // A batch of a large item that is refused after others were taken came only a little too early.
        let cushion = if self.taken > 0 && self.reliable && taken == 0 { 0.5 } else { 1.5 };
        if self.taken > 0 {
            self.measure(attempt.units, now);
        } else {
            self.slow_down();
        }
        (self.throttled_at, self.taken, self.refused_whole, self.probe) = (now, 0, taken == 0, 0);
        let pause = match self.rate {
            Some(rate) => {
                self.set_pace(hundredths(rate, 100 + HASTE), now);
                // A batch may have been larger while there was no rate, but what came back from it goes in smaller ones.
                let limit = if taken == 0 { None } else { self.batch_limit() };
                time_for(limit.map_or(attempt.units, |limit| limit.min(attempt.units)), rate).mul_f64(cushion)
            }
            None => FIRST_PAUSE.saturating_mul(1 << self.refusals.min(10)).mul_f64(1.0 + jitter / 4.0),
        };
        self.not_before = self.not_before.max(now + pause.min(LONGEST_PAUSE.max(time_for(attempt.units, ONE_UNIT))));
    }

    /// The bucket is empty again, after something was taken.
    fn measure(&mut self, units: u64, now: Duration) {
        let Some(Measurement { since, taken }) = self.measurement else { return };
        let elapsed = now.saturating_sub(since);
        let long = taken >= MEASURED_BATCHES * units && elapsed >= MEASURED_TIME;
        if long || !self.reliable {
            let rate = u128::from(taken) * 1_000_000 / elapsed.as_millis().max(1);
            self.rate = Some(u64::try_from(rate).unwrap_or(u64::MAX).max(LOWEST_RATE));
        }
        if long {
            self.reliable = true;
            self.measurement = Some(Measurement { since: now, taken: 0 });
        }
    }

    /// Nothing at all got in since the last throttled answer. Once may be for a rate that was measured a little too high; twice is for a
    /// capacity that was lowered.
    fn slow_down(&mut self) {
        self.refusals += 1;
        if self.refusals > 1 {
            self.rate = self.rate.map(|rate| (rate / 2).max(LOWEST_RATE));
            self.reliable = false;
            // The bucket was empty then, too. A table that was throttled for hours is not judged by them.
            self.measurement = Some(Measurement { since: self.throttled_at, taken: 0 });
        }
    }

    fn set_pace(&mut self, pace: u64, now: Duration) {
        (self.pace, self.batches, self.changed_at) = (pace, 0, now);
    }
}

/// `None` as long as nothing was taken.
fn search_pace(Measurement { since, taken }: Measurement, now: Duration) -> Option<u64> {
    let pace = u128::from(SEARCH * taken) * 1_000_000 / now.saturating_sub(since).as_millis().max(1);
    // Answers may tell nothing of the capacity for long, as when rows are bad: it is not less for that.
    (taken > 0).then(|| u64::try_from(pace).unwrap_or(u64::MAX).max(ONE_UNIT))
}

fn hundredths(rate: u64, hundredths: u64) -> u64 {
    u64::try_from(u128::from(rate) * u128::from(hundredths) / 100).unwrap_or(u64::MAX)
}

/// How long so many units take at a rate in thousandths per second.
fn time_for(units: u64, rate: u64) -> Duration {
    let nanos = u128::from(units) * 1_000_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(Duration::from_secs(3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn attempt(sent_at: Duration, units: u64) -> Attempt {
        Attempt { sent_at, units, counted: 0 }
    }

    #[test]
    fn nothing_is_held_back_until_something_is_throttled() {
        let mut rate = TableRate::default();
        for second in 0..100 {
            let now = SECOND * second;
            assert!(rate.ready_at(now) <= now);
            rate.sent(now, 1_000_000);
            rate.answered(attempt(now, 1_000_000), 1_000_000, now, 0.0);
        }
        assert_eq!(rate.batch_limit(), None);
    }

    #[test]
    fn the_first_batch_travels_alone_until_it_is_answered_or_takes_long() {
        let mut rate = TableRate::default();
        rate.sent(SECOND, 25);
        for waited in [Duration::ZERO, ALONE / 2] {
            let now = SECOND + waited;
            assert_eq!(rate.ready_at(now), now + LOOK_AGAIN, "for the answer may come to another worker");
        }
        assert_eq!(rate.ready_at(SECOND + ALONE), SECOND + ALONE);
        rate.answered(attempt(SECOND, 25), 25, SECOND + ALONE / 2, 0.0);
        assert!(rate.ready_at(SECOND + ALONE / 2) < SECOND);
    }

    #[test]
    fn what_is_taken_between_two_throttled_answers_is_the_rate() {
        let mut rate = TableRate::default();
        rate.answered(attempt(Duration::ZERO, 25), 0, SECOND, 0.0);
        assert_eq!((rate.ready_at(SECOND), rate.units_per_second()), (SECOND * 2, None));
        rate.answered(attempt(SECOND * 2, 25), 5, SECOND * 2, 0.0);
        assert_eq!(rate.units_per_second(), Some(5.0));
        assert_eq!(rate.batch_limit(), Some(2), "half a second's worth");
    }

    #[test]
    fn what_was_in_flight_when_the_burst_ended_counts_neither_as_taken_nor_as_throttled_again() {
        let mut rate = TableRate::default();
        rate.answered(attempt(Duration::ZERO, 25), 0, SECOND, 0.0);
        let before = rate.ready_at(SECOND);
        rate.answered(attempt(SECOND / 2, 25), 25, SECOND, 0.0);
        rate.answered(attempt(SECOND / 2, 25), 0, SECOND, 0.0);
        assert_eq!((rate.ready_at(SECOND), rate.units_per_second()), (before, None));
        rate.answered(attempt(SECOND * 2, 25), 5, SECOND * 2, 0.0);
        assert_eq!(rate.units_per_second(), Some(5.0));
    }

    #[test]
    fn pauses_double_while_nothing_at_all_is_taken() {
        let mut rate = TableRate::default();
        let pauses = std::iter::repeat_with(|| {
            let now = rate.ready_at(SECOND);
            rate.sent(now, 1);
            rate.answered(attempt(now, 1), 0, now, 0.0);
            (rate.ready_at(SECOND) - now).as_secs()
        });
        let pauses: Vec<_> = pauses.take(12).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 20, 20, 20, 20, 20, 20, 20]);
    }
}
