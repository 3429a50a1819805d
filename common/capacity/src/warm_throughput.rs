//! The warm throughput of a table or index, and its growth.

use std::time::Duration;

use super::settings::Settings;
use super::throttle::Access;
use super::units::CapacityUnits;

const MINUTE: Duration = Duration::from_secs(60);

/// The warm throughput of reads or writes: units per second that are served at once on demand. It never decreases.
///
/// It starts at the value of every on-demand table, follows the highest throughput ever provisioned, and on demand
/// grows to twice the peak, up to the quota of a table. Documented: Developer Guide, "DynamoDB on-demand capacity mode"
/// and "Understanding DynamoDB warm throughput". The peak is the highest average of a minute, and it counts from the
/// end of the 30 minutes in which it was reached: assumed, after "you may experience throttling if you exceed double
/// your previous peak within 30 minutes".
#[derive(Clone, Debug)]
pub(super) struct WarmThroughput {
    units: u64,
    /// The value of a new on-demand table.
    initial: u64,
    quota: u64,
    started: Duration,
    growth_time: Duration,
    /// The current growth period, counted from the start.
    period: u64,
    peak: u64,
    /// The current minute, counted from the start, and what was consumed in it.
    minute: u64,
    consumed: CapacityUnits,
}

impl WarmThroughput {
    pub(super) fn new(now: Duration, access: Access, settings: &Settings) -> Self {
        let initial = match access {
            Access::Read => settings.on_demand_read_units,
            Access::Write => settings.on_demand_write_units,
        };
        Self {
            units: 0,
            initial,
            quota: settings.table_quota,
            started: now,
            growth_time: settings.on_demand_growth_time.max(MINUTE),
            period: 0,
            peak: 0,
            minute: 0,
            consumed: CapacityUnits::ZERO,
        }
    }

    /// Units per second.
    pub(super) fn units(&self) -> u64 {
        self.units
    }

    /// Whether it has reached the quota of a table.
    pub(super) fn is_at_quota(&self) -> bool {
        self.units >= self.quota
    }

    pub(super) fn quota(&self) -> u64 {
        self.quota
    }

    /// Raises it to `units`, if it is lower.
    pub(super) fn raise(&mut self, units: u64) {
        self.units = self.units.max(units);
    }

    /// Raises it to the value of a new on-demand table.
    pub(super) fn raise_to_initial(&mut self) {
        self.raise(self.initial);
    }

    /// When the current period of growth ends, if that is not after `now`.
    pub(super) fn due(&self, now: Duration) -> Option<Duration> {
        let elapsed = now.saturating_sub(self.started).as_nanos();
        let period = elapsed / self.growth_time.as_nanos();
        if period <= u128::from(self.period) {
            return None;
        }
        let periods = u32::try_from(self.period + 1).unwrap_or(u32::MAX);
        Some(self.started.saturating_add(self.growth_time.saturating_mul(periods)))
    }

    /// Ends the periods before the one of `now`. Only the first of them had consumption.
    pub(super) fn grow(&mut self, now: Duration) {
        self.end_minute();
        self.raise(self.peak.saturating_mul(2).min(self.quota));
        self.peak = 0;
        let elapsed = now.saturating_sub(self.started).as_nanos();
        self.period = u64::try_from(elapsed / self.growth_time.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Counts units that are consumed at `now`.
    pub(super) fn count(&mut self, now: Duration, units: CapacityUnits) {
        let minute = now.saturating_sub(self.started).as_secs() / MINUTE.as_secs();
        if minute > self.minute {
            self.end_minute();
            self.minute = minute;
        }
        self.consumed += units;
    }

    /// Subtracts units that were counted.
    pub(super) fn discount(&mut self, units: CapacityUnits) {
        self.consumed = self.consumed.saturating_sub(units);
    }

    fn end_minute(&mut self) {
        self.peak = self.peak.max(self.consumed.rounded_up() / MINUTE.as_secs());
        self.consumed = CapacityUnits::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Advances to `now` and consumes there.
    fn consume(warm: &mut WarmThroughput, now: Duration, units: u64) {
        while warm.due(now).is_some() {
            warm.grow(now);
        }
        warm.count(now, CapacityUnits::new(units));
    }

    #[test]
    fn it_doubles_the_peak_of_a_minute_after_half_an_hour_up_to_the_quota() {
        let start = secs(1_000_000);
        let mut warm = WarmThroughput::new(start, Access::Write, &Settings::default());
        warm.raise_to_initial();
        assert_eq!(warm.units(), 4_000);
        for minute in 0..60 {
            let expected = if minute < 30 { 4_000 } else { 6_000 };
            consume(&mut warm, start + secs(60 * minute), 60 * 3_000);
            assert_eq!(warm.units(), expected, "{minute}");
        }
        for minute in 60..90 {
            consume(&mut warm, start + secs(60 * minute), 60 * 50_000);
        }
        assert!(!warm.is_at_quota());
        consume(&mut warm, start + secs(60 * 90), 0);
        assert_eq!((warm.units(), warm.is_at_quota()), (40_000, true));
        consume(&mut warm, start + secs(3600 * 1_000), 0);
        assert_eq!(warm.units(), 40_000, "it never decreases");
    }

    #[test]
    fn a_peak_shorter_than_a_minute_counts_by_its_average() {
        let mut warm = WarmThroughput::new(Duration::ZERO, Access::Read, &Settings::default());
        warm.raise_to_initial();
        consume(&mut warm, secs(10), 12_000);
        warm.discount(CapacityUnits::new(6_000));
        consume(&mut warm, secs(1_800), 0);
        assert_eq!(warm.units(), 12_000);
    }
}
