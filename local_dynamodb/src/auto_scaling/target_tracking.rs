//! Target tracking for DynamoDB: when capacity is changed, and to what.
//!
//! Source: DynamoDB Developer Guide, "Managing throughput capacity automatically with DynamoDB auto scaling": consumption
//! above the target in two consecutive minutes raises capacity, consumption below the target minus 20 percentage points in
//! 15 consecutive minutes lowers it, each to where the target is met and not exceeded. Which of the minutes counts is not
//! documented: here it is the one that consumed most, so that availability comes before cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Minutes above the target, and minutes below it.
pub(super) const HIGH_MINUTES: usize = 2;
pub(super) const LOW_MINUTES: usize = 15;
/// How far below the target the lower alarm is, in percentage points.
const LOW_DISTANCE: f64 = 20.0;
const SECONDS: f64 = 60.0;

/// What a policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetTracking {
    /// Per cent of the provisioned capacity.
    pub(crate) target_value: f64,
    pub(crate) scale_out_cooldown: Option<u32>,
    pub(crate) scale_in_cooldown: Option<u32>,
    pub(crate) disable_scale_in: Option<bool>,
}

/// How a table or index stands at the end of a minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Observation<'a> {
    pub(super) capacity: u64,
    pub(super) min: u64,
    pub(super) max: u64,
    /// Whether the alarms are in the state ALARM.
    pub(super) high: bool,
    pub(super) low: bool,
    /// Units consumed in each of the last [`LOW_MINUTES`] in which anything was, oldest first; `None` otherwise.
    pub(super) consumed: &'a [Option<f64>],
    pub(super) last_scale_out: Option<Duration>,
    pub(super) last_scale_in: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    ScaleOut(u64),
    ScaleIn(u64),
}

impl TargetTracking {
    /// Units in a minute above which the upper alarm counts a minute.
    pub(super) fn high_threshold(&self, capacity: u64) -> f64 {
        threshold(capacity, self.target_value)
    }

    /// Units in a minute below which the lower alarm counts a minute.
    pub(super) fn low_threshold(&self, capacity: u64) -> f64 {
        threshold(capacity, (self.target_value - LOW_DISTANCE).max(0.0))
    }

    /// The least capacity of which these units in a minute do not exceed the target.
    fn desired(&self, units: f64) -> u64 {
        // Less than a thousandth of a unit is rounding.
        ((units / SECONDS * 100.0 / self.target_value - 0.001).ceil() as u64).max(1)
    }

    /// What to do at `now`, if anything.
    pub(super) fn decide(&self, now: Duration, seen: &Observation<'_>) -> Option<Decision> {
        let most = |minutes: usize| {
            let first = seen.consumed.len().saturating_sub(minutes);
            seen.consumed[first..].iter().flatten().copied().reduce(f64::max)
        };
        let is_over = |last: Option<Duration>, cooldown: Option<u32>| {
            // The default is 0 for DynamoDB.
            let cooldown = Duration::from_secs(cooldown.unwrap_or(0).into());
            last.is_none_or(|last| now >= last + cooldown)
        };
        if seen.high && is_over(seen.last_scale_out, self.scale_out_cooldown) {
            let to = self.desired(most(HIGH_MINUTES)?).min(seen.max);
            return (to > seen.capacity).then_some(Decision::ScaleOut(to));
        }
        let may_scale_in = seen.low && !self.disable_scale_in.unwrap_or(false);
        if may_scale_in && is_over(seen.last_scale_in, self.scale_in_cooldown) {
            let to = self.desired(most(LOW_MINUTES)?).max(seen.min);
            return (to < seen.capacity).then_some(Decision::ScaleIn(to));
        }
        None
    }
}

fn threshold(capacity: u64, percent: f64) -> f64 {
    // Rounded so that 70 % of 1 RCU are 42 units a minute, not 41.99999999999999.
    (capacity as f64 * SECONDS * percent * 10.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn policy(target_value: f64) -> TargetTracking {
        TargetTracking { target_value, scale_out_cooldown: None, scale_in_cooldown: None, disable_scale_in: None }
    }

    fn seen(capacity: u64, consumed: &[Option<f64>]) -> Observation<'_> {
        Observation { capacity, min: 5, max: 1_000, consumed, ..Observation::default() }
    }

    /// 70 % of 200 WCU, and 150 WCU a second: the example of the Developer Guide.
    #[test]
    fn the_example_of_the_developer_guide() {
        let consumed = [Some(9_000.0), Some(9_000.0)];
        let seen = Observation { high: true, ..seen(200, &consumed) };
        assert_eq!(policy(70.0).decide(NOW, &seen), Some(Decision::ScaleOut(215)));
    }

    /// Thresholds as found in accounts: 42 and 30 for 1 RCU at 70 %, 18 below 50 %.
    #[test]
    fn thresholds_are_those_of_aws() {
        assert_eq!((policy(70.0).high_threshold(1), policy(70.0).low_threshold(1)), (42.0, 30.0));
        assert_eq!((policy(50.0).high_threshold(5), policy(50.0).low_threshold(1)), (150.0, 18.0));
        assert_eq!(policy(20.0).low_threshold(100), 0.0);
    }

    #[test]
    fn the_busiest_minute_counts_and_the_limits_hold() {
        let consumed = [Some(600.0), None, Some(60.0), Some(120.0)];
        let low = Observation { low: true, ..seen(100, &consumed) };
        assert_eq!(policy(50.0).decide(NOW, &low), Some(Decision::ScaleIn(20)));
        assert_eq!(policy(50.0).decide(NOW, &Observation { min: 30, ..low }), Some(Decision::ScaleIn(30)));
        assert_eq!(policy(50.0).decide(NOW, &Observation { capacity: 20, ..low }), None);
        let high = Observation { high: true, capacity: 1, ..seen(1, &consumed) };
        assert_eq!(policy(50.0).decide(NOW, &high), Some(Decision::ScaleOut(4)));
        assert_eq!(policy(50.0).decide(NOW, &Observation { max: 3, ..high }), Some(Decision::ScaleOut(3)));
        assert_eq!(policy(50.0).decide(NOW, &Observation { max: 1, ..high }), None);
    }

    /// DynamoDB auto scaling does not scale in when consumption becomes zero: no data point, no decision.
    #[test]
    fn nothing_consumed_changes_nothing() {
        let consumed = [None; LOW_MINUTES];
        let seen = Observation { low: true, high: true, ..seen(100, &consumed) };
        assert_eq!(policy(50.0).decide(NOW, &seen), None);
    }

    #[test]
    fn cooldowns_hold_back_their_own_direction() {
        let policy = TargetTracking { scale_out_cooldown: Some(60), scale_in_cooldown: Some(300), ..policy(50.0) };
        let consumed = [Some(60_000.0), Some(60_000.0)];
        let ago = |seconds| Some(NOW - Duration::from_secs(seconds));
        let high = Observation { high: true, ..seen(100, &consumed) };
        assert_eq!(policy.decide(NOW, &Observation { last_scale_out: ago(59), ..high }), None);
        let scale_out = Some(Decision::ScaleOut(1_000));
        assert_eq!(policy.decide(NOW, &Observation { last_scale_out: ago(60), ..high }), scale_out);
        assert_eq!(policy.decide(NOW, &Observation { last_scale_in: ago(1), ..high }), scale_out);
        let idle = [Some(60.0)];
        let low = Observation { low: true, ..seen(100, &idle) };
        assert_eq!(policy.decide(NOW, &Observation { last_scale_in: ago(299), ..low }), None);
        assert_eq!(policy.decide(NOW, &Observation { last_scale_out: ago(1), ..low }), Some(Decision::ScaleIn(5)));
        let disabled = TargetTracking { disable_scale_in: Some(true), ..policy };
        assert_eq!(disabled.decide(NOW, &low), None);
    }

    /// Any policy, load and capacity: what is decided lies within the limits, moves in its own direction, and meets the
    /// target if the limits let it.
    #[test]
    fn decisions_hold_their_promises() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let policy = policy(f64::from(random.u32(20..=90)));
            let consumed: Vec<_> =
                (0..LOW_MINUTES).map(|_| random.bool().then(|| f64::from(random.u32(1..200_000)) / 2.0)).collect();
            let min = random.u64(1..100);
            let seen = Observation {
                capacity: random.u64(1..2_000),
                min,
                max: min + random.u64(0..1_000),
                high: random.bool(),
                low: random.bool(),
                ..seen(1, &consumed)
            };
            let utilization = |minutes: usize, capacity: u64| {
                let most = consumed[LOW_MINUTES - minutes..].iter().flatten().copied().fold(0.0, f64::max);
                most / SECONDS / capacity as f64 * 100.0
            };
            match policy.decide(NOW, &seen) {
                Some(Decision::ScaleOut(to)) => {
                    assert!(seen.high && to > seen.capacity && to <= seen.max, "{seen:?} {to}");
                    assert!(
                        to == seen.max || utilization(HIGH_MINUTES, to) <= policy.target_value + 0.2,
                        "{seen:?} {to}"
                    );
                }
                Some(Decision::ScaleIn(to)) => {
                    assert!(seen.low && to < seen.capacity && to >= seen.min, "{seen:?} {to}");
                    assert!(utilization(LOW_MINUTES, to) <= policy.target_value + 0.2, "{seen:?} {to}");
                }
                None => {}
            }
        }
    }
}
