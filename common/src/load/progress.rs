//! The progress of a load, as its bars show it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::human;

/// Rates are averages over this period.
const WINDOW: Duration = Duration::from_secs(10);

/// The share of the input that must be settled before the time left is estimated. Before that, rows written ahead of
/// their turn, such as the first copies of a row, would distort the estimate.
const MIN_SHARE: f64 = 0.01;

/// The state of the load at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    pub(super) at: Duration,
    /// Rows written, those of earlier runs included.
    pub(super) written: u64,
    pub(super) throttled: u64,
    /// Write units of the table.
    pub(super) consumed: u64,
    pub(super) in_flight: u64,
    pub(super) share: Option<f64>,
}

/// The last few seconds of a load.
#[derive(Debug, Default)]
pub(super) struct Progress {
    samples: VecDeque<Sample>,
}

impl Progress {
    pub(super) fn add(&mut self, sample: Sample) {
        while self.samples.len() > 1 && self.samples[1].at + WINDOW <= sample.at {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    fn of_window(&self, count: impl Fn(&Sample) -> u64) -> (u64, Duration) {
        match (self.samples.front(), self.samples.back()) {
            (Some(first), Some(last)) => (count(last).saturating_sub(count(first)), last.at.saturating_sub(first.at)),
            _ => (0, Duration::ZERO),
        }
    }

    /// Rows still to be written, if the input's length is known and enough of it is written for an estimate.
    pub(super) fn rows_left(&self) -> Option<u64> {
        let last = self.samples.back()?;
        let share = last.share.filter(|share| *share >= MIN_SHARE)?;
        Some((last.written as f64 * (1.0 - share) / share) as u64)
    }

    fn time_left(&self) -> Option<Duration> {
        let (rows, time) = self.of_window(|sample| sample.written);
        let left = self.rows_left()?;
        (rows > 0).then(|| Duration::from_secs_f64((left as f64 * time.as_secs_f64() / rows as f64).min(1e9)))
    }

    /// `63 %  630,000 rows  16,700 rows/s  16,700 WCU/s  64 in flight  0 throttled  22 s left`
    pub(super) fn text(&self) -> String {
        let Some(last) = self.samples.back() else { return String::new() };
        let (rows, time) = self.of_window(|sample| sample.written);
        let (units, _) = self.of_window(|sample| sample.consumed);
        let mut parts = Vec::new();
        if let Some(share) = last.share {
            parts.push(format!("{:.0} %", share * 100.0));
        }
        parts.push(human::counted(last.written, "row"));
        if time >= Duration::from_millis(500) {
            parts.push(format!("{} rows/s", human::rate(rows, time)));
            parts.push(format!("{} WCU/s", human::rate(units, time)));
        }
        if let Some(left) = self.time_left().filter(|_| time >= Duration::from_secs(1)) {
            parts.push(format!("{} left", human::time(Duration::from_secs(left.as_secs() + 1))));
        }
        parts.push(format!("{} throttled", human::count(last.throttled)));
        parts.push(format!("{} in flight", last.in_flight));
        parts.join("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seconds: u64, written: u64, share: Option<f64>) -> Sample {
        Sample { at: Duration::from_secs(seconds), written, consumed: 2 * written, throttled: 3, in_flight: 4, share }
    }

    #[test]
    fn rates_are_of_the_last_seconds() {
        let mut progress = Progress::default();
        (0..=100).for_each(|second| progress.add(sample(second, second * second * 10, Some(second as f64 / 200.0))));
        assert_eq!(
            progress.text(),
            "50 %  100,000 rows  1,900 rows/s  3,800 WCU/s  53.0 s left  3 throttled  4 in flight"
        );
        assert_eq!(progress.rows_left(), Some(100_000));
    }

    #[test]
    fn without_a_known_end_no_share_is_shown() {
        let mut progress = Progress::default();
        progress.add(sample(0, 0, None));
        assert_eq!(progress.text(), "0 rows  3 throttled  4 in flight");
        progress.add(sample(2, 1, None));
        assert_eq!(progress.text(), "1 row  0.5 rows/s  1.0 WCU/s  3 throttled  4 in flight");
        assert_eq!(progress.rows_left(), None);
    }

    #[test]
    fn the_first_rows_alone_give_no_estimate() {
        let mut progress = Progress::default();
        progress.add(sample(1, 500, Some(0.0005)));
        assert_eq!(progress.rows_left(), None);
        progress.add(sample(2, 10_000, Some(0.01)));
        assert_eq!(progress.rows_left(), Some(990_000));
    }
}
