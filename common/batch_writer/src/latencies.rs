//! The distribution of request latencies.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies are kept to two significant digits, so a percentile is accurate to 1%.
const SIGNIFICANT_DIGITS: u8 = 2;

/// The longest latency that is recorded exactly, in microseconds: an hour. Attempts time out earlier.
const LONGEST: u64 = 3_600_000_000;

/// Counts of latencies, in a fixed amount of memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_max(LONGEST, SIGNIFICANT_DIGITS).expect("valid bounds"))
    }
}

impl Latencies {
    /// Counts a latency.
    pub fn add(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// The latency that this percentage of the requests did not exceed; `None` without any request.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let middle = |percent| self.0.median_equivalent(self.0.value_at_percentile(percent));
        (!self.0.is_empty()).then(|| Duration::from_micros(middle(percent as f64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_one_percent() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        (1..=1000).for_each(|millis| latencies.add(Duration::from_millis(millis)));
        for (percent, millis) in [(50, 500.0), (99, 990.0), (100, 1000.0)] {
            let found = latencies.percentile(percent).unwrap().as_secs_f64() * 1000.0;
            assert!((found / millis - 1.0).abs() <= 0.01, "{percent} %: {found} ms");
        }
        latencies.add(Duration::from_secs(86_400));
        let longest = latencies.percentile(100).unwrap().as_secs_f64();
        assert!((longest / 3600.0 - 1.0).abs() <= 0.01, "{longest} s");
    }
}
