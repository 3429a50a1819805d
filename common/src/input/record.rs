//! One record of an input, and what can be wrong or odd with it.

use std::fmt;

use thiserror::Error;

use super::fields::Fields;
use super::oddity::{Oddities, Oddity};
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
        found: usize,
        /// Columns of the mapping.
        expected: usize,
        names: String,
    },
    /// A column does not hold what its type asks for.
    #[error("{column}: {value:?} {reason}")]
    BadValue {
        column: ColumnName,
        /// The text found there, shortened if long.
        value: String,
        reason: String,
    },
    /// A line that is not of the format.
    #[error("is not of the format {format}: {reason}")]
    Malformed {
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
        attribute: String,
        /// The column that is absent.
        column: String,
    },
    /// A key attribute that is empty.
    #[error("the key {attribute} is empty, and DynamoDB accepts no empty key")]
    KeyEmpty { attribute: String },
    /// A key attribute of another type than the table's.
    #[error("the key {attribute} is of type {found}, and the table's is of type {expected}")]
    KeyType {
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
        attribute: String,
        /// Its size in bytes.
        size: usize,
        /// DynamoDB's limit in bytes.
        limit: usize,
    },
    /// An empty text, where the mapping rejects it.
    #[error("the attribute {attribute} is empty (empty = \"reject\")")]
    Empty { attribute: String },
    /// A copy's id that has more than 38 digits.
    #[error("{column}: its copies' ids have more than {} digits, the most that DynamoDB keeps", MAX_NUMBER_DIGITS)]
    CopyIdTooLong {
        /// The column that is numbered.
        column: ColumnName,
    },
    /// An attribute's value that cannot be made of the columns.
    #[error("the attribute {attribute}: {reason}")]
    BadAttribute { attribute: String, reason: String },
    /// An item over DynamoDB's limit of 400 KB.
    #[error("makes an item of {size} bytes, and DynamoDB accepts at most {limit} (400 KB)")]
    ItemTooLarge {
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
        1 => " before the end of the file, and the line after it is part of the field".to_owned(),
        lines => {
            format!(" before the end of the file, and the {} lines after it are part of the field", human::count(lines))
        }
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
}
