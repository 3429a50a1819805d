//! The one clock of a server: buckets, backlogs, status changes and metrics go by it, and it can run faster than the wall's.

use std::fmt;
use std::num::NonZeroU32;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

/// A clock that shows the wall's time when it is started, and from then on counts `speed` seconds in each second.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    started: Instant,
    epoch: Duration,
    speed: NonZeroU32,
}

impl Clock {
    /// Starts a clock.
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

const SECONDS_PER_DAY: u64 = 86_400;

/// A time as a date of the UTC calendar. Displayed as `2026-01-31T23:59:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Utc(Duration);

impl Utc {
    /// Of a time since 1970-01-01T00:00:00Z.
    pub(crate) fn of(time: Duration) -> Self {
        Self(time)
    }

    /// Days since 1970-01-01.
    pub(crate) fn day(self) -> u64 {
        self.0.as_secs() / SECONDS_PER_DAY
    }

    /// Year, month and day of the month. After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years
    /// begin in March there, so that the leap day is the last one.
    fn date(self) -> (u64, u64, u64) {
        let day = self.day() + 719_468; // since 0000-03-01
        let (era, day) = (day / 146_097, day % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day_of_month = day - (153 * month + 2) / 5 + 1;
        let (month, carried) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        (era * 400 + year + carried, month, day_of_month)
    }

    fn time_of_day(self) -> (u64, u64, u64) {
        let second = self.0.as_secs() % SECONDS_PER_DAY;
        (second / 3_600, second / 60 % 60, second % 60)
    }

    /// As DynamoDB writes times in its messages: `Monday, November 23, 2026 at 9:05:00 AM Coordinated Universal Time`.
    pub(crate) fn in_words(self) -> String {
        const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let ((year, month, day), (hour, minute, second)) = (self.date(), self.time_of_day());
        let (weekday, month) = (WEEKDAYS[self.day() as usize % 7], MONTHS[month as usize - 1]);
        let (half, hour) = (if hour < 12 { "AM" } else { "PM" }, (hour + 11) % 12 + 1);
        format!("{weekday}, {month} {day}, {year} at {hour}:{minute:02}:{second:02} {half} Coordinated Universal Time")
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((year, month, day), (hour, minute, second)) = (self.date(), self.time_of_day());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for Utc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (68_169_599, "1972-02-28T23:59:59Z"),
            (68_169_600, "1972-02-29T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc::of(Duration::from_secs(seconds)).to_string(), text);
        }
        let words = |seconds| Utc::of(Duration::from_secs(seconds)).in_words();
        assert_eq!(words(0), "Thursday, January 1, 1970 at 12:00:00 AM Coordinated Universal Time");
        assert_eq!(words(1_532_556_475), "Wednesday, July 25, 2018 at 10:07:55 PM Coordinated Universal Time");
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
