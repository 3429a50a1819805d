//! How many bad rows a load may have.

use std::fmt;
use std::str::FromStr;

use crate::report::Tally;

/// A percentage applies only once this many records have been read.
const MIN_SAMPLE: u64 = 1000;

/// The most bad rows that a load collects before it ends. The copies of a row are one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxErrors {
    /// A number of rows.
    Rows(u64),
    /// A percentage of the rows read.
    Percent(f64),
}

impl MaxErrors {
    /// The bad rows, if there are more than allowed. While rows are still being read, a percentage of few rows says little.
    pub(super) fn exceeded(self, tally: Tally, copies: u64, is_at_end: bool) -> Option<u64> {
        let (bad, read) = (tally.rejected.div_ceil(copies.max(1)), tally.read / copies.max(1));
        let exceeded = match self {
            Self::Rows(most) => bad > most,
            Self::Percent(percent) => (is_at_end || read >= MIN_SAMPLE) && bad as f64 * 100.0 > percent * read as f64,
        };
        exceeded.then_some(bad)
    }
}

impl FromStr for MaxErrors {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a whole number of rows, or a percentage such as 5% or 0.1%".to_owned();
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Rows).map_err(|_| wrong()),
            Some(percent) => {
                let percent: f64 = percent.parse().map_err(|_| wrong())?;
                if (0.0..=100.0).contains(&percent) { Ok(Self::Percent(percent)) } else { Err(wrong()) }
            }
        }
    }
}

impl fmt::Display for MaxErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => rows.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_a_percentage() {
        for text in ["0", "100", "5%", "0.1%", "100%"] {
            assert_eq!(text.parse::<MaxErrors>().unwrap().to_string(), text);
        }
        for wrong in ["", "-1", "1.5", "101%", "-1%", "%", "NaN%", "many", "5 %"] {
            assert!(wrong.parse::<MaxErrors>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_limit_may_be_reached_and_not_exceeded() {
        let tally = |read, rejected| Tally { read, written: 0, rejected };
        let exceeded =
            |limit: &str, tally, copies, end| limit.parse::<MaxErrors>().unwrap().exceeded(tally, copies, end);
        assert_eq!(exceeded("10", tally(20, 10), 1, false), None);
        assert_eq!(exceeded("10", tally(20, 11), 1, false), Some(11));
        assert_eq!(exceeded("0", tally(1, 1), 1, false), Some(1));
        // Ten bad rows of 250 copies, and the first copies of one more.
        assert_eq!(exceeded("10", tally(50_000, 2500), 250, false), None);
        assert_eq!(exceeded("10", tally(50_000, 2501), 250, false), Some(11));
        assert_eq!(exceeded("5%", tally(1000, 50), 1, false), None);
        assert_eq!(exceeded("5%", tally(1000, 51), 1, false), Some(51));
        // Of ten rows, one is 10 %, which counts only at the end.
        assert_eq!(exceeded("5%", tally(10, 1), 1, false), None);
        assert_eq!(exceeded("5%", tally(10, 1), 1, true), Some(1));
    }
}
