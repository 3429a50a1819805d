//! Timestamps: read in the format of a column, written as text, as epoch seconds, or in any other format.

use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How a column writes a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// `2026-05-05T09:12:33.5+02:00`
    Rfc3339,
    /// Seconds since 1970, with a fraction or without.
    Epoch,
    /// Milliseconds since 1970.
    EpochMillis,
    /// `strftime`'s directives. Without an offset in it, it is UTC.
    Strftime(Box<str>),
}

/// A moment, and the offset from UTC with which it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) timestamp: Timestamp,
    pub(crate) offset: Offset,
}

impl TimeFormat {
    /// By its text in a mapping file.
    ///
    /// # Errors
    /// Why it is no format, or none from which a time can be read.
    pub(crate) fn new(format: &str) -> Result<Self, String> {
        match format {
            "rfc3339" => return Ok(Self::Rfc3339),
            "epoch" => return Ok(Self::Epoch),
            "epoch_ms" => return Ok(Self::EpochMillis),
            _ if !format.contains('%') => {
                return Err("it is neither rfc3339, epoch nor epoch_ms, and has no directive such as %Y".to_owned());
            }
            _ => {}
        }
        let sample = Time { timestamp: Timestamp::from_second(1_777_972_353).unwrap_or_default(), offset: Offset::UTC };
        let mut text = String::new();
        sample.write_as(format, &mut text)?;
        let new = Self::Strftime(format.into());
        match new.parse(&text) {
            Ok(_) => Ok(new),
            Err(reason) => Err(format!("a date and a time cannot be read with it: {reason}")),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Epoch => "epoch",
            Self::EpochMillis => "epoch_ms",
            Self::Strftime(format) => format,
        }
    }

    /// Reads a time.
    ///
    /// # Errors
    /// Why the text is none.
    pub(crate) fn parse(&self, text: &str) -> Result<Time, String> {
        let text = text.trim();
        let utc = |timestamp| Time { timestamp, offset: Offset::UTC };
        match self {
            Self::Rfc3339 => {
                let pieces = jiff::fmt::temporal::Pieces::parse(text).map_err(|error| error.to_string())?;
                let time = pieces.time().ok_or("it has no time of day")?;
                let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
                at(pieces.date().to_datetime(time), offset)
            }
            Self::Epoch => {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
                let seconds: i64 = whole.parse().map_err(|_| "it is no number of seconds".to_owned())?;
                let is_fraction = fraction.len() <= 9 && fraction.bytes().all(|byte| byte.is_ascii_digit());
                if !is_fraction {
                    return Err("it is no number of seconds with up to nine decimals".to_owned());
                }
                let nanoseconds = format!("{fraction:0<9}").parse::<i32>().unwrap_or_default();
                let nanoseconds = if whole.starts_with('-') { -nanoseconds } else { nanoseconds };
                Timestamp::new(seconds, nanoseconds).map(utc).map_err(|error| error.to_string())
            }
            Self::EpochMillis => {
                let milliseconds: i64 = text.parse().map_err(|_| "it is no number of milliseconds".to_owned())?;
                Timestamp::from_millisecond(milliseconds).map(utc).map_err(|error| error.to_string())
            }
            Self::Strftime(format) => {
                let broken = strtime::parse(&**format, text).map_err(|error| error.to_string())?;
                let date = broken.to_date().map_err(|error| error.to_string())?;
                let time = broken.to_time().unwrap_or_default();
                at(date.to_datetime(time), broken.offset().unwrap_or(Offset::UTC))
            }
        }
    }
}

fn at(time: DateTime, offset: Offset) -> Result<Time, String> {
    let timestamp = offset.to_timestamp(time).map_err(|error| error.to_string())?;
    Ok(Time { timestamp, offset })
}

impl Time {
    /// So much later.
    pub(crate) fn shifted(self, seconds: i64) -> Result<Self, String> {
        let timestamp = self.timestamp.checked_add(SignedDuration::from_secs(seconds));
        timestamp.map(|timestamp| Self { timestamp, ..self }).map_err(|error| error.to_string())
    }

    /// Appends it in UTC, so that texts sort as times do.
    pub(crate) fn write_text(self, out: &mut String) {
        let _ = write!(out, "{}", self.timestamp);
    }

    /// Appends the seconds since 1970, with what there is of decimals: DynamoDB's TTL.
    pub(crate) fn write_epoch(self, out: &mut String) {
        let nanoseconds = self.timestamp.as_nanosecond();
        let (whole, fraction) =
            (nanoseconds.unsigned_abs() / 1_000_000_000, nanoseconds.unsigned_abs() % 1_000_000_000);
        if nanoseconds < 0 {
            out.push('-');
        }
        out.push_str(itoa::Buffer::new().format(whole));
        if fraction > 0 {
            let decimals = format!("{fraction:09}");
            out.push('.');
            out.push_str(decimals.trim_end_matches('0'));
        }
    }

    /// The seconds since 1970, rounded down.
    pub(crate) fn epoch_seconds(self) -> i128 {
        self.timestamp.as_nanosecond().div_euclid(1_000_000_000)
    }

    /// Appends it in a format of `strftime`'s directives, with the offset with which it was written.
    ///
    /// # Errors
    /// A directive that is not known.
    pub(crate) fn write_as(self, format: &str, out: &mut String) -> Result<(), String> {
        let zoned = self.timestamp.to_zoned(TimeZone::fixed(self.offset));
        let text = strtime::format(format, &zoned).map_err(|error| error.to_string())?;
        out.push_str(&text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Result<String, String> {
        let time = TimeFormat::new(format)?.parse(text)?;
        let mut out = String::new();
        time.write_text(&mut out);
        out.push(' ');
        time.write_epoch(&mut out);
        Ok(out)
    }

    #[test]
    fn times_are_read_in_their_format() {
        let log = "%d/%b/%Y:%H:%M:%S %z";
        assert_eq!(read(log, "05/May/2026:09:12:33 -0700").unwrap(), "2026-05-05T16:12:33Z 1777997553");
        assert_eq!(read("%Y-%m-%d", "2026-05-05").unwrap(), "2026-05-05T00:00:00Z 1777939200");
        assert_eq!(read("rfc3339", "2026-05-05T09:12:33.25+02:00").unwrap(), "2026-05-05T07:12:33.25Z 1777965153.25");
        assert_eq!(read("rfc3339", "2026-05-05 09:12:33Z").unwrap(), "2026-05-05T09:12:33Z 1777972353");
        assert_eq!(read("epoch", "1777972353.5").unwrap(), "2026-05-05T09:12:33.5Z 1777972353.5");
        assert_eq!(read("epoch_ms", "1777972353123").unwrap(), "2026-05-05T09:12:33.123Z 1777972353.123");
        for (format, text) in [(log, "05/Foo/2026:09:12:33 -0700"), ("epoch", "1.2.3"), ("rfc3339", "2026-05-05")] {
            assert!(read(format, text).is_err(), "{format} {text}");
        }
        for format in ["%Q", "yesterday", "%H:%M"] {
            assert!(TimeFormat::new(format).is_err(), "{format}");
        }
    }

    #[test]
    fn times_are_written_with_their_own_offset() {
        let time = TimeFormat::new("%d/%b/%Y:%H:%M:%S %z").unwrap().parse("05/May/2026:09:12:33 -0700").unwrap();
        let mut out = String::new();
        time.write_as("%Y-%m-%d %H GMT%z", &mut out).unwrap();
        assert_eq!(out, "2026-05-05 09 GMT-0700");
        assert_eq!(time.shifted(86_400).unwrap().epoch_seconds(), 1_778_083_953);
    }
}
