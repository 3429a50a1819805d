//! One record of an input, and what can be wrong or odd with it.

use std::fmt;

use thiserror::Error;

use super::fields::Fields;
use super::position::Position;
use crate::capacity::limits::MAX_NUMBER_DIGITS;
use crate::human;

/// One record: where it is, how it reads in the input, and its fields.
#[derive(Debug)]
pub struct Record<'a> {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its bytes in the input, without the line's end.
    pub raw: &'a [u8],
    /// The position behind it.
    pub end: Position,
    /// Its fields, or why it has none.
    pub fields: Result<&'a Fields, RecordError>,
    /// What is odd about it, although it can be loaded.
    pub oddities: Oddities,
}

/// What makes a record suspicious, although Python and every other reader accept it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// There are columns behind the last one, and something is in them.
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

    /// What is odd about so many rows.
    pub fn describe(self, rows: u64) -> &'static str {
        match (self, rows) {
            (Self::ExtraColumns, 1) => "has more columns than the mapping, and what is in them is left out",
            (Self::ExtraColumns, _) => "have more columns than the mapping, and what is in them is left out",
            (Self::LineBreakInQuotes, 1) => "has a quoted field with a line break in it",
            (Self::LineBreakInQuotes, _) => "have a quoted field with a line break in it",
            (Self::TextBehindQuote, 1) => "has a quoted field with text behind its closing quote",
            (Self::TextBehindQuote, _) => "have a quoted field with text behind its closing quote",
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

/// A column as a message names it: with its number where columns have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnName {
    /// From 1.
    pub number: Option<usize>,
    /// As the mapping names it.
    pub name: Box<str>,
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "column {number} ({})", self.name),
            None => write!(f, "column {}", self.name),
        }
    }
}

/// What is wrong with one row. The message names the column and the value; the reader knows the position in the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The row ends too early.
    #[error("has {found} column{}, and the mapping has {expected} ({names})", if *.found == 1 { "" } else { "s" })]
    TooFewColumns {
        /// Columns found.
        found: usize,
        /// Columns of the mapping.
        expected: usize,
        /// Their names.
        names: String,
    },
    /// A column does not hold what its type asks for.
    #[error("{column}: {value:?} {reason}")]
    BadValue {
        /// Where.
        column: ColumnName,
        /// The text found there, shortened if long.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A line that is not of the format.
    #[error("is not of the format {format}: {reason}")]
    Malformed {
        /// The format's name.
        format: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// Bytes that are not UTF-8.
    #[error("column {column}: {value:?} is not valid UTF-8 (at byte {byte} of the column); convert the file to UTF-8")]
    InvalidUtf8 {
        /// Number of the column, from 1.
        column: usize,
        /// Offset of the first bad byte in the column, from 1.
        byte: usize,
        /// The text, the bad bytes replaced, shortened if long.
        value: String,
    },
    /// The file ends inside a quoted field.
    #[error("the quote {position} (column {column}) is not closed{}; close it, or remove it", rest_of_file(*.lines))]
    UnclosedQuote {
        /// Number of the column, from 1.
        column: usize,
        /// Where the quote is.
        position: QuotePosition,
        /// Lines behind that of the quote, all of them part of the field.
        lines: u64,
    },
    /// An oddity, where none is accepted.
    #[error("{} (--strict)", .0.describe(1))]
    Odd(Oddity),
    /// A key attribute without a value.
    #[error("has no {column}, of which the key {attribute} is made")]
    KeyAbsent {
        /// The key attribute.
        attribute: String,
        /// The column that is absent.
        column: String,
    },
    /// A key attribute that is empty.
    #[error("the key {attribute} is empty, and DynamoDB accepts no empty key")]
    KeyEmpty {
        /// The key attribute.
        attribute: String,
    },
    /// A key attribute of another type than the table's.
    #[error("the key {attribute} is of type {found}, and the table's is of type {expected}")]
    KeyType {
        /// The key attribute.
        attribute: String,
        /// Its type in the record, as DynamoDB names it.
        found: &'static str,
        /// Its type in the table.
        expected: &'static str,
    },
    /// A key attribute that is longer than DynamoDB accepts.
    #[error("{column}: the key {attribute} made from it has {size} bytes, and DynamoDB accepts at most {limit}")]
    KeyTooLong {
        /// The column that makes it too long.
        column: ColumnName,
        /// The key attribute.
        attribute: String,
        /// Its size in bytes.
        size: usize,
        /// DynamoDB's limit in bytes.
        limit: usize,
    },
    /// An empty text, where the mapping rejects it.
    #[error("the attribute {attribute} is empty (empty = \"reject\")")]
    Empty {
        /// The attribute.
        attribute: String,
    },
    /// A copy's id that has more than 38 digits.
    #[error("{column}: its copies' ids have more than {} digits, the most that DynamoDB keeps", MAX_NUMBER_DIGITS)]
    CopyIdTooLong {
        /// The column that is numbered.
        column: ColumnName,
    },
    /// An attribute's value that cannot be made of the columns.
    #[error("the attribute {attribute}: {reason}")]
    BadAttribute {
        /// The attribute.
        attribute: String,
        /// What is wrong.
        reason: String,
    },
    /// An item over DynamoDB's limit of 400 KB.
    #[error("makes an item of {size} bytes, and DynamoDB accepts at most {limit} (400 KB)")]
    ItemTooLarge {
        /// The item's size in bytes, by DynamoDB's rules.
        size: usize,
        /// DynamoDB's limit in bytes.
        limit: usize,
    },
    /// The service rejected the item; the message is the service's.
    #[error("DynamoDB rejects it: {0}")]
    Refused(String),
}

/// Where a quote is that is never closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotePosition {
    /// Its line, from 1.
    pub line: u64,
    /// The character's number in the line, from 1.
    pub character: usize,
}

impl fmt::Display for QuotePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in line {}, character {}", self.line, self.character)
    }
}

fn rest_of_file(lines: u64) -> String {
    match lines {
        0 => " before the end of the file".to_owned(),
        1 => " before the end of the file, and the line behind it is part of the field".to_owned(),
        lines => format!(
            " before the end of the file, and the {} lines behind it are part of the field",
            human::count(lines)
        ),
    }
}

/// A value as an error message shows it: whole if short, else its beginning.
pub(crate) fn shortened(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shortened_between_characters() {
        assert_eq!(shortened("ä"), "ä");
        assert_eq!(shortened(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
    }

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
