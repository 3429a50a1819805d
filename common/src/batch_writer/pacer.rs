//! How fast to send to a table that throttles.
//!
//! Capacity that is not used at once is not lost: DynamoDB keeps 300 seconds of it. So a writer need not hammer at an empty bucket;
//! it is as fast if it comes back when there is enough for a whole batch. What it must know is the rate at which the bucket fills,
//! and that it can measure: the bucket was empty at one throttled answer and is empty again at the next, so what was taken in between
//! is what flowed in.

use std::time::Duration;

/// The longest pause between two batches: a capacity that was raised meanwhile is noticed within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pause after the first throttled answer, when the rate is not known yet; doubled while nothing at all is taken.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How often a higher rate is tried while nothing is throttled, and by how many hundredths: first a tenth, which costs a few
/// unprocessed items if there is no more to be had, then in doubling steps, because then the capacity must have been raised.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const FIRST_PROBE: u64 = 10;
const LARGEST_PROBE: u64 = 100;

/// The lowest rate, in thousandths of a unit per second. DynamoDB's lowest is 1 WCU, shared by the table's whole load.
const LOWEST_RATE: u64 = 100;

/// Paces batches by write units. While nothing has been throttled it holds nothing back.
///
/// Pure: `now` is a time since any fixed moment, the same for all calls. One pacer serves all the workers of a load, because they share
/// the table's capacity.
#[derive(Debug, Clone, Default)]
pub struct Pacer {
    /// Thousandths of a write unit per second, once it is known.
    rate: Option<u64>,
    /// No batch is sent before this.
    not_before: Duration,
    /// Since when, and how many units have been taken since: from one throttled answer to the next.
    measured_from: Option<(Duration, u64)>,
    /// When the rate was last changed.
    rate_set_at: Duration,
    /// The last step by which it was raised since it was measured, in hundredths.
    probe: u64,
    /// Throttled answers in a row between which nothing was taken.
    refusals: u32,
}

impl Pacer {
    /// When the next batch may be sent.
    pub fn ready_at(&self) -> Duration {
        self.not_before
    }

    /// The most units a batch should have, so that no pause needs to be longer than the longest; `None`: no limit. A single request
    /// may have more.
    pub fn batch_limit(&self) -> Option<u64> {
        self.rate.map(|rate| (rate.saturating_mul(LONGEST_PAUSE.as_secs()) / 1000).max(1))
    }

    /// Write units per second that the table was seen to take, if it has throttled.
    pub fn units_per_second(&self) -> Option<f64> {
        self.rate.map(|rate| rate as f64 / 1000.0)
    }

    /// A batch of so many units is sent.
    pub fn sent(&mut self, now: Duration, units: u64) {
        if self.rate.is_some() {
            self.not_before = now.max(self.not_before) + self.time_for(units);
        }
    }

    /// So many units of a batch sent at `sent_at` were taken.
    pub fn acknowledged(&mut self, sent_at: Duration, now: Duration, units: u64) {
        // What was sent before the last throttled answer was decided on before it, and would count too much.
        match &mut self.measured_from {
            Some((since, taken)) if sent_at >= *since && units > 0 => *taken += units,
            _ => return,
        }
        self.refusals = 0;
        let since_change = now.saturating_sub(self.rate_set_at);
        if let Some(rate) = &mut self.rate
            && since_change >= PROBE_INTERVAL
        {
            self.probe = (self.probe * 2).clamp(FIRST_PROBE, LARGEST_PROBE);
            *rate = rate.saturating_add((*rate).saturating_mul(self.probe) / 100);
            self.rate_set_at = now;
        }
    }

    /// A batch of `units`, sent at `sent_at`, was throttled wholly or in part. `jitter` is a random number in 0..1, so that writers
    /// who do not know of each other do not come back together.
    pub fn throttled(&mut self, sent_at: Duration, now: Duration, units: u64, jitter: f64) {
        let Some((since, taken)) = self.measured_from else {
            self.measured_from = Some((now, 0));
            self.pause(now, FIRST_PAUSE.mul_f64(0.5 + jitter / 2.0));
            return;
        };
        if sent_at < since {
            return; // sent before the last throttled answer: the same event
        }
        if taken > 0 {
            let elapsed = (now - since).as_millis().max(1);
            let rate = u128::from(taken) * 1_000_000 / elapsed;
            self.rate = Some(u64::try_from(rate).unwrap_or(u64::MAX).max(LOWEST_RATE));
            self.measured_from = Some((now, 0));
            self.refusals = 0;
        } else {
            // Nothing at all got in: the measurement goes on, and the next attempt is later.
            self.rate = self.rate.map(|rate| (rate / 2).max(LOWEST_RATE));
            self.refusals += 1;
        }
        self.rate_set_at = now;
        self.probe = 0;
        let pause = match self.rate {
            Some(_) => self.time_for(units.min(self.batch_limit().unwrap_or(units))),
            None => FIRST_PAUSE.saturating_mul(1 << self.refusals.min(10)).mul_f64(0.5 + jitter / 2.0),
        };
        self.pause(now, pause);
    }

    fn pause(&mut self, now: Duration, pause: Duration) {
        self.not_before = self.not_before.max(now + pause.min(LONGEST_PAUSE));
    }

    fn time_for(&self, units: u64) -> Duration {
        let rate = self.rate.unwrap_or(u64::MAX).max(1);
        let nanos = u128::from(units) * 1_000_000_000_000 / u128::from(rate);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(Duration::from_secs(3600))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table's bucket in thousandths of a unit.
    struct Bucket {
        rate: u64,
        balance: u64,
        ceiling: u64,
        at: Duration,
    }

    impl Bucket {
        fn take(&mut self, now: Duration, wanted: u64) -> u64 {
            let flowed = (now - self.at).as_micros() as u64 * self.rate / 1000;
            self.balance = (self.balance + flowed).min(self.ceiling);
            self.at = now;
            let taken = wanted.min(self.balance / 1000);
            self.balance -= taken * 1000;
            taken
        }
    }

    struct Outcome {
        seconds: f64,
        requests: u32,
        refused: u32,
    }

    /// Loads `rows` of one unit in batches of at most 25, one at a time, with a round trip of 5 ms.
    fn load(rate: u64, burst: u64, rows: u64) -> Outcome {
        let mut table = Bucket { rate, balance: burst * 1000, ceiling: rate * 300_000, at: Duration::ZERO };
        let mut pacer = Pacer::default();
        let (mut now, mut left) = (Duration::ZERO, rows);
        let mut outcome = Outcome { seconds: 0.0, requests: 0, refused: 0 };
        while left > 0 {
            now = now.max(pacer.ready_at());
            let units = left.min(25).min(pacer.batch_limit().unwrap_or(25));
            pacer.sent(now, units);
            let sent_at = now;
            let taken = table.take(now, units);
            now += Duration::from_millis(5);
            outcome.requests += 1;
            outcome.refused += u32::from(taken == 0);
            left -= taken;
            pacer.acknowledged(sent_at, now, taken);
            if taken < units {
                pacer.throttled(sent_at, now, units, 0.5);
            }
        }
        outcome.seconds = now.as_secs_f64();
        outcome
    }

    #[test]
    fn a_throttled_table_is_loaded_in_the_time_its_capacity_takes_with_few_refusals() {
        for (rate, burst, rows) in
            [(5, 1500, 2500), (5, 0, 2500), (1, 0, 600), (100, 0, 20_000), (1000, 30_000, 90_000)]
        {
            let least = (rows - burst) as f64 / rate as f64;
            let outcome = load(rate, burst, rows);
            assert!(outcome.seconds <= least * 1.02 + 0.5, "{rate} WCU: {} s, least {least} s", outcome.seconds);
            let share = f64::from(outcome.refused) / f64::from(outcome.requests);
            assert!(share <= 0.05, "{rate} WCU: {} of {} refused", outcome.refused, outcome.requests);
        }
    }

    #[test]
    fn nothing_is_held_back_until_something_is_throttled() {
        let mut pacer = Pacer::default();
        for second in 0..100 {
            let now = Duration::from_secs(second);
            assert!(pacer.ready_at() <= now);
            pacer.sent(now, 1_000_000);
            pacer.acknowledged(now, now, 1_000_000);
        }
        assert_eq!(pacer.batch_limit(), None);
    }

    #[test]
    fn a_raised_capacity_is_noticed() {
        let mut pacer = Pacer::default();
        let second = Duration::from_secs(1);
        pacer.throttled(Duration::ZERO, Duration::ZERO, 25, 0.0);
        pacer.acknowledged(second, second, 5);
        pacer.throttled(second, second, 25, 0.0);
        assert_eq!(pacer.units_per_second(), Some(5.0));
        let (mut now, mut taken) = (second, 0);
        while now < Duration::from_secs(60) {
            now = now.max(pacer.ready_at()) + Duration::from_millis(5);
            let units = 25.min(pacer.batch_limit().unwrap());
            pacer.sent(now, units);
            pacer.acknowledged(now, now, units);
            taken += units;
        }
        assert!(taken > 60 * 50, "{taken}");
    }
}
