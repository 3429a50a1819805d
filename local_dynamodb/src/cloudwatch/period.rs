//! Minutes into periods: the span of time that a request asks for, and the statistics that it wants of each part.

use super::error::Error;
use crate::metrics::{Datapoint, Statistic, Statistics};

const MINUTE: u64 = 60;

/// A span of time, cut into periods. They begin at the start of the span, rounded down to a minute: CloudWatch aligns
/// periods to the start that is asked for, not to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Periods {
    start: u64,
    end: u64,
    seconds: u64,
}

impl Periods {
    /// From `start` until before `end`, both in seconds since 1970, in periods of `seconds`.
    pub(super) fn new(start: u64, end: u64, seconds: i64) -> Result<Self, Error> {
        if start == end {
            return Err(Error::invalid("The parameter StartTime must not equal parameter EndTime."));
        }
        if start > end {
            return Err(Error::invalid("The parameter StartTime must be less than the parameter EndTime."));
        }
        match u64::try_from(seconds) {
            Ok(seconds) if seconds > 0 && seconds % MINUTE == 0 => {
                Ok(Self { start: start - start % MINUTE, end, seconds })
            }
            _ => Err(Error::invalid(format!(
                "The parameter Period must be a multiple of 60, and is {seconds}: these metrics have a value for each minute."
            ))),
        }
    }

    /// The maximum number of periods.
    pub(super) fn count(&self) -> u64 {
        (self.end - self.start) / self.seconds
    }

    /// The start of each period in which something was counted, and what it was, in the order of time.
    pub(super) fn merge(&self, minutes: &[Datapoint]) -> Vec<(u64, Statistics)> {
        let mut merged: Vec<(u64, Statistics)> = Vec::new();
        for (minute, statistics) in minutes {
            let time = minute * MINUTE;
            if !(self.start..self.end).contains(&time) {
                continue;
            }
            let start = time - (time - self.start) % self.seconds;
            match merged.last_mut() {
                Some((last, all)) if *last == start => all.merge(*statistics),
                _ => merged.push((start, *statistics)),
            }
        }
        merged
    }
}

/// The statistic that the parameter `parameter` names.
pub(super) fn parse_statistic(parameter: &str, name: &str) -> Result<Statistic, Error> {
    Statistic::ALL.into_iter().find(|each| each.name() == name).ok_or_else(|| {
        Error::invalid(format!(
            "The value {name} for parameter {parameter} is not supported by local_dynamodb: it keeps SampleCount, \
             Average, Sum, Minimum and Maximum of each minute."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(value: f64) -> Statistics {
        Statistics { sample_count: 2, sum: 3.0 * value, minimum: value, maximum: 2.0 * value }
    }

    #[test]
    fn periods_begin_with_the_minute_of_the_start() {
        let minutes: Vec<_> = (0..10).map(|n| (n, minute(n as f64))).collect();
        let merged = Periods::new(2 * 60 + 59, 7 * 60 + 1, 180).unwrap().merge(&minutes);
        let sums: Vec<_> = merged.iter().map(|(start, all)| (start / 60, all.sum)).collect();
        assert_eq!(sums, [(2, 3.0 * (2.0 + 3.0 + 4.0)), (5, 3.0 * (5.0 + 6.0 + 7.0))]);
        let first = Statistics { sample_count: 6, sum: 27.0, minimum: 2.0, maximum: 8.0 };
        assert_eq!(merged[0].1, first);
        let values = Statistic::ALL.map(|statistic| statistic.of(&first));
        assert_eq!(values, [6.0, 4.5, 27.0, 2.0, 8.0]);
    }

    #[test]
    fn the_end_is_not_part_of_it_and_gaps_stay() {
        let minutes = [(1, minute(1.0)), (5, minute(5.0)), (6, minute(6.0))];
        let merged = Periods::new(60, 360, 60).unwrap().merge(&minutes);
        assert_eq!(merged, [(60, minute(1.0)), (300, minute(5.0))]);
        assert_eq!(Periods::new(60, 360, 60).unwrap().count(), 5);
    }

    #[test]
    fn spans_and_periods_that_are_none_are_refused() {
        for (start, end, period) in [(60, 60, 60), (61, 60, 60), (0, 60, 0), (0, 60, -60), (0, 60, 30), (0, 60, 90)] {
            assert!(Periods::new(start, end, period).is_err(), "{start} {end} {period}");
        }
    }
}
