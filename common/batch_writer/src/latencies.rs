//! How long requests took, in buckets of known error.

use std::time::Duration;

/// Up to this many microseconds each has a bucket of its own; above, every doubling is split into half as many.
const EXACT: u64 = 64;
const SPLIT: u64 = EXACT / 2;
const DOUBLINGS: u32 = 26;
const BUCKETS: usize = EXACT as usize + (DOUBLINGS * SPLIT as u32) as usize;

/// Counts of latencies. A percentile is off by at most 1.6 % (a bucket is a 32nd of its doubling, and its middle is told), or half a
/// microsecond; what took longer than 71 minutes counts as 71 minutes. 7 KB, however many are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latencies {
    counts: Box<[u64]>,
    total: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into(), total: 0 }
    }
}

impl Latencies {
    /// Counts one.
    pub fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)] += 1;
        self.total += 1;
    }

    /// The latency that so many hundredths of the requests did not exceed; `None` without any request.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut counted = 0;
        let found = self.counts.iter().position(|count| {
            counted += count;
            counted >= rank
        });
        found.map(|bucket| Duration::from_micros(middle(bucket as u64)))
    }
}

fn bucket(micros: u64) -> usize {
    let bucket = match micros {
        0..EXACT => micros,
        _ => {
            let shift = micros.ilog2() - SPLIT.ilog2();
            u64::from(shift) * SPLIT + (micros >> shift)
        }
    };
    (bucket as usize).min(BUCKETS - 1)
}

fn middle(bucket: u64) -> u64 {
    match bucket {
        0..EXACT => bucket,
        _ => {
            let shift = bucket / SPLIT - 1;
            ((bucket % SPLIT + SPLIT) << shift) + (1 << shift) / 2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_of_few() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        latencies.add(Duration::from_micros(7));
        assert_eq!([0, 50, 99, 100].map(|p| latencies.percentile(p).unwrap().as_micros()), [7; 4]);
        (0..98).for_each(|_| latencies.add(Duration::from_micros(50)));
        latencies.add(Duration::from_secs(86_400));
        assert_eq!([1, 2, 99].map(|p| latencies.percentile(p).unwrap().as_micros()), [7, 50, 50]);
        assert!((4200..4400).contains(&latencies.percentile(100).unwrap().as_secs()));
    }

    proptest! {
        #[test]
        fn a_bucket_s_middle_is_close_to_what_is_in_it(micros in 0..1_u64 << 32) {
            let told = middle(bucket(micros) as u64);
            prop_assert!(told.abs_diff(micros) * 62 <= micros.max(1), "{micros}: {told}");
            prop_assert!(bucket(micros) <= bucket(micros + 1));
        }
    }
}
