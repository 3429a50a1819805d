//! The rows of the log.

use std::fmt::Write as _;

use fastrand::Rng;

use crate::site::{self, Host, Kind};

/// The log covers 24 hours, from 20:00 on the first of these days.
const DATES: [&str; 2] = ["2026-03-14", "2026-03-15"];
const FIRST_HOUR: u64 = 20;
const HOURS: u64 = 24;
const TIMEZONE: &str = "GMT+0100";

/// A log of a known number of rows.
#[derive(Debug)]
pub(crate) struct Logfile {
    rng: Rng,
    hosts: Vec<Host>,
    first_id: u64,
    rows: u64,
    written: u64,
    url: String,
    row: String,
}

impl Logfile {
    pub(crate) fn new(seed: u64, first_id: u64, rows: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let hosts = site::hosts(&mut rng);
        Self { rng, hosts, first_id, rows, written: 0, url: String::new(), row: String::new() }
    }

    /// The next row with its line feed, valid until the next call.
    pub(crate) fn next_row(&mut self) -> Option<&str> {
        if self.written == self.rows {
            return None;
        }
        let one_time_visitor;
        let host = match site::next_host(&mut self.rng, &self.hosts) {
            Some(index) => &self.hosts[index],
            None => {
                one_time_visitor = site::one_time_visitor(&mut self.rng);
                &one_time_visitor
            }
        };
        self.url.clear();
        let kind = site::write_url(&mut self.rng, host.is_crawler, &mut self.url);
        let code = response_code(&mut self.rng, kind);
        let bytes = bytes_sent(&mut self.rng, kind, code);
        let id = u128::from(self.first_id) + u128::from(self.written);
        let (date, hour) = hour_of_row(self.written, self.rows);
        self.row.clear();
        // Writing into a string does not fail.
        let _ = write!(self.row, "{id},{},{date},{hour:02},{TIMEZONE},GET,", host.address);
        push_quoted(&mut self.row, &self.url);
        let _ = write!(self.row, ",{code},{bytes},");
        push_quoted(&mut self.row, host.agent);
        self.row.push('\n');
        self.written += 1;
        Some(&self.row)
    }
}

/// Rows are spread evenly over the 24 hours.
fn hour_of_row(row: u64, rows: u64) -> (&'static str, u64) {
    let passed = u128::from(row) * u128::from(HOURS) / u128::from(rows);
    // Less than `HOURS`, because `row` is less than `rows`.
    let hour = FIRST_HOUR + u64::try_from(passed).unwrap_or_default();
    match hour {
        ..24 => (DATES[0], hour),
        _ => (DATES[1], hour - 24),
    }
}

fn response_code(rng: &mut Rng, kind: Kind) -> u16 {
    // In thousandths. Server errors are rare and can happen to any request.
    match (rng.u32(..1000), kind) {
        (..6, _) => 500,
        (_, Kind::Missing) => 404,
        (6..16, _) => 301,
        (16..40, Kind::Asset | Kind::Image) => 304,
        (40..80, Kind::Asset) => 304,
        (80..120, Kind::Image) => 206,
        (16..150, Kind::Page) => 302,
        _ => 200,
    }
}

fn bytes_sent(rng: &mut Rng, kind: Kind, code: u16) -> u32 {
    match (code, kind) {
        (304, _) => 0,
        (301 | 302, _) => rng.u32(5..320),
        (404, _) => rng.u32(146..400),
        (500, _) => rng.u32(530..700),
        (206, _) => 65_536,
        (_, Kind::Image) => rng.u32(9_000..650_000),
        (_, Kind::Asset) => rng.u32(300..16_000),
        _ => rng.u32(1_500..22_000),
    }
}

/// These columns are always quoted in the lab's files.
fn push_quoted(row: &mut String, text: &str) {
    row.push('"');
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            row.push_str("\"\"");
        }
        row.push_str(part);
    }
    row.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_covers_two_days() {
        assert_eq!(hour_of_row(0, 500), ("2026-03-14", 20));
        assert_eq!(hour_of_row(499, 500), ("2026-03-15", 19));
        assert_eq!(hour_of_row(0, 1), ("2026-03-14", 20));
        assert_eq!(hour_of_row(u64::MAX - 1, u64::MAX), ("2026-03-15", 19));
    }

    #[test]
    fn quotes_are_doubled() {
        let mut row = String::new();
        push_quoted(&mut row, r#"a "b" c""#);
        assert_eq!(row, r#""a ""b"" c""""#);
    }

    #[test]
    fn the_largest_ids_do_not_overflow() {
        let mut log = Logfile::new(1, u64::MAX, 2);
        assert!(log.next_row().is_some_and(|row| row.starts_with("18446744073709551615,")));
        assert!(log.next_row().is_some_and(|row| row.starts_with("18446744073709551616,")));
        assert_eq!(log.next_row(), None);
    }
}
