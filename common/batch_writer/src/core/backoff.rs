//! When to send again after a failure that may pass: a lost connection, a timeout, a 5xx.

use std::time::Duration;

/// Exponential backoff with full jitter: the n-th wait is anything up to base × 2ⁿ, at most the cap ("Exponential Backoff And
/// Jitter", AWS Architecture Blog, 2015: full jitter needs the fewest requests).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The most that the first wait can be.
    pub base: Duration,
    /// The most that any wait can be.
    pub cap: Duration,
    /// The maximum number of attempts for a request, including the first, if the failure is not throttling.
    pub attempts: u32,
}

impl Default for Backoff {
    /// Waits of 50 ms growing to 5 s; ten attempts, so some 8 s of trouble on average, 17 s at most, before it gives up.
    fn default() -> Self {
        Self { base: Duration::from_millis(50), cap: Duration::from_secs(5), attempts: 10 }
    }
}

impl Backoff {
    /// How long to wait after the `failures`-th failure in a row (from 1), or `None` when it is time to give up. `jitter` is a random
    /// number in 0..1.
    pub fn wait(&self, failures: u32, jitter: f64) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let doubled = self.base.saturating_mul(1 << failures.saturating_sub(1).min(20));
        Some(doubled.min(self.cap).mul_f64(jitter.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_end() {
        let backoff = Backoff::default();
        let millis: Vec<_> = (1..).map_while(|n| backoff.wait(n, 1.0)).map(|wait| wait.as_millis()).collect();
        assert_eq!(millis, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn jitter_is_full() {
        let backoff = Backoff { attempts: u32::MAX, ..Backoff::default() };
        assert_eq!(backoff.wait(3, 0.0), Some(Duration::ZERO));
        assert_eq!(backoff.wait(3, 0.5), Some(Duration::from_millis(100)));
        assert_eq!(backoff.wait(1_000_000, 1.0), Some(Duration::from_secs(5)));
    }
}
