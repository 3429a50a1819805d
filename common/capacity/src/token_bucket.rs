//! A token bucket: the capacity of one table, index or partition key, of which unused units are kept up to a ceiling.

use std::time::Duration;

use super::units::CapacityUnits;

/// Billionths of a unit. A rate of R units per second is exactly R of them per nanosecond, and half a unit is a whole
/// number of them. Refilling never rounds, so nothing depends on how often a bucket is evaluated.
type Nanounits = i128;

const NANOUNITS_PER_HALF: Nanounits = 500_000_000;

/// Capacity that accrues at a fixed rate up to a ceiling.
///
/// A request is admitted when the balance covers its cost. A cost above the ceiling could never be covered: it is
/// admitted when the bucket is full, and leaves a debt that is paid off before anything else is admitted (a 400 KB item
/// on a table of 1 WCU, whose ceiling is 300: the next such write waits 400 s). Assumed: nothing is published about
/// such writes.
///
/// Otherwise the balance becomes negative only through [`charge`](Self::charge), when the consumption exceeded the
/// request.
///
/// Times are since an epoch of the caller's choice, the same for all calls. A time before the latest one seen
/// counts as that one.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: u64,
    burst: Duration,
    balance: Nanounits,
    updated: Duration,
}

impl TokenBucket {
    /// A bucket that gains `rate` units per second, keeps at most those of `burst`, and starts with those of `start`.
    pub fn new(now: Duration, rate: u64, burst: Duration, start: Duration) -> Self {
        Self { rate, burst, balance: accrued(rate, start.min(burst)), updated: now }
    }

    /// Units a second.
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// The maximum balance in units, rounded down.
    pub fn ceiling(&self) -> u64 {
        u64::try_from(self.ceiling_nanounits() / (2 * NANOUNITS_PER_HALF)).unwrap_or(u64::MAX)
    }

    /// The balance at `now` in units, rounded down; a debt is negative.
    pub fn balance(&self, now: Duration) -> i64 {
        let units = self.balance_at(now).div_euclid(2 * NANOUNITS_PER_HALF);
        i64::try_from(units).unwrap_or(if units < 0 { i64::MIN } else { i64::MAX })
    }

    /// Whether the balance is at its ceiling.
    pub fn is_full(&self, now: Duration) -> bool {
        self.balance_at(now) >= self.ceiling_nanounits()
    }

    /// Whether `cost` is admitted at `now`.
    pub fn covers(&self, now: Duration, cost: CapacityUnits) -> bool {
        self.balance_at(now) >= self.needed(cost)
    }

    /// The first time from `now` on at which `cost` is admitted, if nothing else is charged until then. `None` if
    /// never: the rate is 0.
    pub fn available_at(&self, now: Duration, cost: CapacityUnits) -> Option<Duration> {
        self.available_after(now, CapacityUnits::ZERO, cost)
    }

    /// The first time from `now` on at which `cost` is admitted, if only `others` are charged before it, as early as
    /// possible. `None` if never.
    pub fn available_after(&self, now: Duration, others: CapacityUnits, cost: CapacityUnits) -> Option<Duration> {
        let now = now.max(self.updated);
        let missing = nanounits(others) + self.needed(cost) - self.balance_at(now);
        if missing <= 0 {
            return Some(now);
        }
        let wait = missing.unsigned_abs().div_ceil(u128::from(self.rate).max(1));
        (self.rate > 0).then(|| now.saturating_add(duration(wait)))
    }

    /// Charges `cost` if it is admitted; otherwise nothing changes.
    #[must_use]
    pub fn try_take(&mut self, now: Duration, cost: CapacityUnits) -> bool {
        let admitted = self.covers(now, cost);
        if admitted {
            self.charge(now, cost);
        }
        admitted
    }

    /// Charges `cost` whatever the balance.
    pub fn charge(&mut self, now: Duration, cost: CapacityUnits) {
        self.refill(now);
        self.balance = self.balance.saturating_sub(nanounits(cost));
    }

    /// Refunds what was charged and not consumed; anything above the ceiling is lost.
    pub fn refund(&mut self, now: Duration, cost: CapacityUnits) {
        self.refill(now);
        self.balance = self.balance.saturating_add(nanounits(cost)).min(self.ceiling_nanounits());
    }

    /// Changes the rate at `now`. The balance is kept, up to the new ceiling. Assumed.
    pub fn set_rate(&mut self, now: Duration, rate: u64) {
        self.refill(now);
        self.rate = rate;
        self.balance = self.balance.min(self.ceiling_nanounits());
    }

    fn refill(&mut self, now: Duration) {
        self.balance = self.balance_at(now);
        self.updated = self.updated.max(now);
    }

    fn balance_at(&self, now: Duration) -> Nanounits {
        let gain = accrued(self.rate, now.saturating_sub(self.updated));
        self.balance.saturating_add(gain).min(self.ceiling_nanounits())
    }

    fn needed(&self, cost: CapacityUnits) -> Nanounits {
        nanounits(cost).min(self.ceiling_nanounits())
    }

    fn ceiling_nanounits(&self) -> Nanounits {
        accrued(self.rate, self.burst)
    }
}

fn accrued(rate: u64, time: Duration) -> Nanounits {
    Nanounits::from(rate).saturating_mul(Nanounits::try_from(time.as_nanos()).unwrap_or(Nanounits::MAX))
}

fn nanounits(cost: CapacityUnits) -> Nanounits {
    Nanounits::from(cost.halves()) * NANOUNITS_PER_HALF
}

/// Saturates at the largest duration.
fn duration(nanoseconds: u128) -> Duration {
    const NANOSECONDS_PER_SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanoseconds / NANOSECONDS_PER_SECOND);
    seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, (nanoseconds % NANOSECONDS_PER_SECOND) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BURST: Duration = Duration::from_secs(300);
    const START: Duration = Duration::ZERO;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn units(units: u64) -> CapacityUnits {
        CapacityUnits::new(units)
    }

    fn full(rate: u64) -> TokenBucket {
        TokenBucket::new(START, rate, BURST, BURST)
    }

    /// Charges `cost` repeatedly, each time as soon as it is admitted, and returns when the last one was.
    fn drive(bucket: &mut TokenBucket, cost: CapacityUnits, times: u64) -> Duration {
        let mut now = START;
        for _ in 0..times {
            now = bucket.available_at(now, cost).expect("the rate is not 0");
            assert!(bucket.try_take(now, cost));
        }
        now
    }

    #[test]
    fn a_full_bucket_holds_300_seconds() {
        assert_eq!((full(5).balance(START), full(5).ceiling()), (1500, 1500));
        assert_eq!((full(100).balance(START), full(40_000).ceiling()), (30_000, 12_000_000));
        assert_eq!(full(5).balance(secs(1_000_000)), 1500);
    }

    #[test]
    fn rows_beyond_the_burst_wait_for_the_rate() {
        assert_eq!(drive(&mut full(5), units(1), 2500), secs(200));
        assert_eq!(drive(&mut full(5), units(1), 1500), secs(0));
        assert_eq!(drive(&mut full(100), units(1), 50_000), secs(200));
        assert_eq!(drive(&mut full(100), units(2), 25_000), secs(200));
        // 400 KB items: 100 of them are 40,000 WCU, of which 30,000 are there.
        assert_eq!(drive(&mut full(100), units(400), 100), secs(100));
    }

    #[test]
    fn what_is_above_the_ceiling_gets_in_when_full_and_leaves_a_debt() {
        let mut bucket = full(1);
        assert!(bucket.try_take(START, units(400)));
        assert_eq!(bucket.balance(START), -100);
        assert!(!bucket.covers(secs(399), units(400)));
        assert_eq!(bucket.available_at(secs(7), units(400)), Some(secs(400)));
        assert_eq!(bucket.available_at(secs(7), units(1)), Some(secs(101)));
        assert!(bucket.try_take(secs(400), units(400)));
    }

    #[test]
    fn a_refused_cost_changes_nothing() {
        let mut bucket = TokenBucket::new(START, 5, BURST, Duration::ZERO);
        assert!(!bucket.try_take(START, units(1)));
        assert_eq!(bucket.balance(START), 0);
        assert_eq!(bucket.available_at(START, units(1)), Some(Duration::from_millis(200)));
        assert!(!bucket.try_take(Duration::from_nanos(199_999_999), units(1)));
        assert!(bucket.try_take(Duration::from_millis(200), units(1)));
    }

    #[test]
    fn settling_can_leave_a_debt_and_a_refund_stops_at_the_ceiling() {
        let mut bucket = full(1);
        bucket.charge(START, units(310));
        assert_eq!(bucket.balance(secs(5)), -5);
        bucket.refund(secs(5), units(1_000));
        assert_eq!(bucket.balance(secs(5)), 300);
    }

    #[test]
    fn a_change_of_rate_keeps_the_balance_up_to_the_new_ceiling() {
        let mut bucket = TokenBucket::new(START, 5, BURST, secs(60));
        bucket.set_rate(START, 100);
        assert_eq!((bucket.balance(START), bucket.balance(secs(2)), bucket.ceiling()), (300, 500, 30_000));
        bucket.set_rate(secs(2), 1);
        assert_eq!(bucket.balance(secs(2)), 300);
    }

    #[test]
    fn time_that_goes_back_stands_still() {
        let mut bucket = TokenBucket::new(secs(10), 5, BURST, Duration::ZERO);
        bucket.charge(secs(20), units(50));
        assert_eq!(bucket.balance(secs(15)), 0);
        bucket.charge(secs(15), units(1));
        assert_eq!(bucket.balance(secs(20)), -1);
    }

    #[test]
    fn nothing_overflows() {
        let years = secs(100 * 366 * 24 * 3600);
        let mut bucket = full(40_000);
        bucket.charge(START, units(u64::MAX));
        assert!(bucket.balance(years) < 0);
        let mut extreme = TokenBucket::new(START, u64::MAX, Duration::MAX, Duration::MAX);
        extreme.charge(START, units(u64::MAX));
        extreme.refund(Duration::MAX, units(u64::MAX));
        assert!(extreme.covers(Duration::MAX, units(u64::MAX)));
        assert!(extreme.is_full(Duration::MAX));
        assert_eq!(TokenBucket::new(START, 0, BURST, BURST).available_at(START, units(1)), Some(START));
        let mut stopped = TokenBucket::new(START, 0, BURST, BURST);
        assert!(stopped.try_take(START, units(1)), "nothing is the most that it can hold");
        assert_eq!(stopped.available_at(START, units(1)), None);
    }

    fn requests() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0_u64..3_000_000_000, 0_u64..900), 1..60)
    }

    proptest! {
        #[test]
        fn over_any_interval_no_more_gets_in_than_the_rate_and_the_burst(
            rate in 1_u64..200,
            burst in 0_u64..20,
            requests in requests(),
        ) {
            let mut bucket = TokenBucket::new(START, rate, secs(burst), secs(burst));
            let mut now = 0;
            let mut admitted = Vec::new();
            for (wait, halves) in requests {
                now += wait;
                if bucket.try_take(Duration::from_nanos(now), CapacityUnits::from_halves(halves)) {
                    admitted.push((now, u128::from(halves)));
                }
            }
            for first in 0..admitted.len() {
                for last in first..admitted.len() {
                    let charged: u128 = admitted[first..=last].iter().map(|(_, halves)| halves).sum();
                    let largest = admitted[first..=last].iter().map(|(_, halves)| *halves).max().unwrap_or(0);
                    let interval = u128::from(admitted[last].0 - admitted[first].0);
                    // Only a single cost above the ceiling exceeds the burst.
                    let kept = u128::from(2 * rate * burst).max(largest) * 1_000_000_000;
                    prop_assert!(charged * 1_000_000_000 <= 2 * u128::from(rate) * interval + kept);
                }
            }
        }

        #[test]
        fn looking_more_often_changes_nothing(
            rate in 0_u64..50_000,
            requests in requests(),
            looks in 1_u64..20,
        ) {
            let mut seldom = TokenBucket::new(START, rate, BURST, secs(1));
            let mut often = seldom.clone();
            let mut now = 0;
            for (wait, halves) in requests {
                for look in 1..looks {
                    often.refill(Duration::from_nanos(now + wait * look / looks));
                }
                now += wait;
                let (at, cost) = (Duration::from_nanos(now), CapacityUnits::from_halves(halves));
                prop_assert_eq!(seldom.try_take(at, cost), often.try_take(at, cost));
                prop_assert_eq!(seldom.balance_at(at), often.balance_at(at));
            }
        }

        #[test]
        fn the_balance_stays_under_the_ceiling_and_above_the_debt(
            rate in 0_u64..50_000,
            steps in prop::collection::vec((0_u64..u64::MAX / 64, 0_u64..900, 0_u8..4), 1..60),
        ) {
            let mut bucket = full(rate);
            let mut now = START;
            let mut charged = 0;
            for (wait, halves, what) in steps {
                now += Duration::from_nanos(wait);
                let cost = CapacityUnits::from_halves(halves);
                match what {
                    0 => bucket.refund(now, cost),
                    1 => { bucket.charge(now, cost); charged += nanounits(cost); }
                    2 => bucket.set_rate(now, bucket.rate() / 2 + 1),
                    _ => { let _ = bucket.try_take(now, cost); }
                }
                prop_assert!(bucket.balance <= bucket.ceiling_nanounits());
                let largest_step = nanounits(CapacityUnits::from_halves(900));
                prop_assert!(bucket.balance >= -charged - largest_step);
            }
        }

        #[test]
        fn available_at_is_the_first_time_that_covers(
            rate in 1_u64..50_000,
            spent in 0_u64..100_000,
            halves in 1_u64..900,
        ) {
            let mut bucket = full(rate);
            bucket.charge(START, units(spent));
            let cost = CapacityUnits::from_halves(halves);
            let at = bucket.available_at(START, cost).expect("the rate is not 0");
            prop_assert!(bucket.covers(at, cost));
            prop_assert!(at == START || !bucket.covers(at - Duration::from_nanos(1), cost));
        }
    }
}
