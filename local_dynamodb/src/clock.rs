//! The server's clock: buckets, backlogs, status changes and metrics follow it, and it can run faster than real time.

use std::num::NonZeroU32;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// A clock that starts at the real time and then counts `speed` seconds in each second.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    started: Instant,
    epoch: Duration,
    speed: NonZeroU32,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the server's clock; everything else gets its time from here"
    )]
    pub(crate) fn start(speed: NonZeroU32) -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), epoch, speed }
    }

    /// The time since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> Duration {
        self.epoch.saturating_add(self.started.elapsed().saturating_mul(self.speed.get()))
    }

    /// How many of its seconds pass in a second.
    pub(crate) fn speed(&self) -> NonZeroU32 {
        self.speed
    }

    /// How much real time has passed since `earlier`, a time of this clock.
    pub(crate) fn real_time_since(&self, earlier: Duration) -> Duration {
        self.now().saturating_sub(earlier) / self.speed.get()
    }
}

/// A time since 1970-01-01T00:00:00Z as a timestamp of whole seconds, displayed as `2026-01-31T23:59:00Z`.
pub(crate) fn timestamp(time: Duration) -> Timestamp {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX)
}

/// A time as DynamoDB writes it in messages: `Monday, November 23, 2026 at 9:05:00 AM Coordinated Universal Time`.
pub(crate) fn long_form(time: Duration) -> String {
    timestamp(time).strftime("%A, %B %-d, %Y at %-I:%M:%S %p Coordinated Universal Time").to_string()
}

/// A time as the label of a stream: `2026-01-31T23:59:00.123`.
pub(crate) fn stream_label(time: Duration) -> String {
    format!("{}.{:03}", timestamp(time).strftime("%Y-%m-%dT%H:%M:%S"), time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_timestamps_and_in_the_long_form() {
        let seconds = Duration::from_secs;
        assert_eq!(timestamp(seconds(0)).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(Duration::from_millis(1_798_761_599_999)).to_string(), "2026-12-31T23:59:59Z");
        assert_eq!(timestamp(Duration::MAX), Timestamp::MAX);
        assert_eq!(long_form(seconds(0)), "Thursday, January 1, 1970 at 12:00:00 AM Coordinated Universal Time");
        assert_eq!(
            long_form(seconds(1_532_556_475)),
            "Wednesday, July 25, 2018 at 10:07:55 PM Coordinated Universal Time"
        );
    }

    #[test]
    fn a_fast_clock_counts_more_seconds() {
        let clock = Clock::start(NonZeroU32::new(1_000_000).unwrap());
        let start = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.now() - start >= Duration::from_secs(2_000));
        assert!(clock.real_time_since(start) >= Duration::from_millis(2));
    }
}
