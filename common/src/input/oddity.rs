//! What is odd about records that can be loaded nevertheless.

use std::fmt;

use crate::human;

/// What makes a record suspicious, although Python and every other reader accept it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// There are columns after the last one, and they are not empty.
    ExtraColumns,
    /// A quoted field continues on the next line.
    LineBreakInQuotes,
    /// Text follows a closing quote.
    TextBehindQuote,
    /// It holds NUL characters: DynamoDB stores them, and few programs write them on purpose.
    NullCharacters,
}

impl Oddity {
    /// All kinds.
    pub const ALL: [Self; 4] =
        [Self::ExtraColumns, Self::LineBreakInQuotes, Self::TextBehindQuote, Self::NullCharacters];

    /// As the report names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExtraColumns => "extra_columns",
            Self::LineBreakInQuotes => "line_break_in_quotes",
            Self::TextBehindQuote => "text_behind_quote",
            Self::NullCharacters => "null_characters",
        }
    }

    /// What is odd about this many rows.
    pub fn describe(self, rows: u64) -> &'static str {
        match (self, rows) {
            (Self::ExtraColumns, 1) => "has more columns than the mapping, and what is in them is left out",
            (Self::ExtraColumns, _) => "have more columns than the mapping, and what is in them is left out",
            (Self::LineBreakInQuotes, 1) => "has a quoted field with a line break in it",
            (Self::LineBreakInQuotes, _) => "have a quoted field with a line break in it",
            (Self::TextBehindQuote, 1) => "has a quoted field with text after its closing quote",
            (Self::TextBehindQuote, _) => "have a quoted field with text after its closing quote",
            (Self::NullCharacters, 1) => "has NUL characters in it, as a file does after a crash or a full disk",
            (Self::NullCharacters, _) => "have NUL characters in them, as a file does after a crash or a full disk",
        }
    }
}

/// The oddities of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oddities(u8);

impl Oddities {
    /// Adds one.
    pub fn insert(&mut self, oddity: Oddity) {
        self.0 |= 1 << oddity as u8;
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Oddity> {
        Oddity::ALL.into_iter().filter(move |oddity| self.0 & (1 << *oddity as u8) != 0)
    }
}

/// A record's location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The input, as the user named it.
    pub source: String,
    /// The line on which the record begins, from 1.
    pub line: u64,
}

/// Odd records counted, each kind with its first location.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OddityCounts([Option<(u64, Location)>; Oddity::ALL.len()]);

impl OddityCounts {
    /// Counts the oddities of a record.
    pub fn add(&mut self, source: &str, line: u64, oddities: Oddities) {
        for oddity in oddities.iter() {
            let first = || (0, Location { source: source.to_owned(), line });
            self.0[oddity as usize].get_or_insert_with(first).0 += 1;
        }
    }

    /// Adds those of later records.
    pub fn merge(&mut self, other: Self) {
        for (all, more) in self.0.iter_mut().zip(other.0) {
            match (all, more) {
                (Some((count, _)), Some((more, _))) => *count += more,
                (all @ None, more) => *all = more,
                (Some(_), None) => {}
            }
        }
    }

    /// Whether nothing was odd.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// A line for each kind.
    pub fn lines(&self) -> Vec<String> {
        let line = |(oddity, count, location): (Oddity, u64, &Location)| {
            format!("{} {}, first {location}", human::counted(count, "row"), oddity.describe(count))
        };
        self.iter().map(line).collect()
    }

    /// Each kind that was seen: how many records, and the first.
    pub fn iter(&self) -> impl Iterator<Item = (Oddity, u64, &Location)> {
        Oddity::ALL.into_iter().zip(&self.0).filter_map(|(oddity, seen)| {
            let (count, location) = seen.as_ref()?;
            Some((oddity, *count, location))
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oddities_are_counted_with_their_first_location() {
        let mut both = Oddities::default();
        both.insert(Oddity::LineBreakInQuotes);
        both.insert(Oddity::TextBehindQuote);
        let mut counts = OddityCounts::default();
        counts.add("a.csv", 5, both);
        let mut more = OddityCounts::default();
        more.add("b.csv", 1, both);
        let mut extra = Oddities::default();
        extra.insert(Oddity::ExtraColumns);
        more.add("b.csv", 2, extra);
        counts.merge(more);
        let listed: Vec<_> =
            counts.iter().map(|(oddity, count, location)| (oddity, count, location.to_string())).collect();
        assert_eq!(
            listed,
            [
                (Oddity::ExtraColumns, 1, "b.csv:2".to_owned()),
                (Oddity::LineBreakInQuotes, 2, "a.csv:5".to_owned()),
                (Oddity::TextBehindQuote, 2, "a.csv:5".to_owned()),
            ]
        );
    }
}
