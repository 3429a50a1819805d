//! One line of the log, typed.

use std::fmt;

use csv::StringRecord;
use thiserror::Error;

use super::integer::{self, IntegerError};

/// The columns of a log file, in their order. There is no header line; columns past the tenth are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Column {
    RequestId,
    Host,
    Date,
    HourOfDay,
    Timezone,
    Method,
    Url,
    ResponseCode,
    BytesSent,
    UserAgent,
}

impl Column {
    /// All ten, in the file's order.
    pub const ALL: [Column; 10] = [
        Column::RequestId,
        Column::Host,
        Column::Date,
        Column::HourOfDay,
        Column::Timezone,
        Column::Method,
        Column::Url,
        Column::ResponseCode,
        Column::BytesSent,
        Column::UserAgent,
    ];

    /// The name of the column, which is the name of its attribute in the item.
    pub const fn name(self) -> &'static str {
        match self {
            Column::RequestId => "requestid",
            Column::Host => "host",
            Column::Date => "date",
            Column::HourOfDay => "hourofday",
            Column::Timezone => "timezone",
            Column::Method => "method",
            Column::Url => "url",
            Column::ResponseCode => "responsecode",
            Column::BytesSent => "bytessent",
            Column::UserAgent => "useragent",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {} ({})", *self as usize + 1, self.name())
    }
}

/// One row of a log file. The texts are those of the file; integers are within DynamoDB's 38 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // named as the columns are
pub struct LogRecord<'r> {
    pub request_id: i128,
    pub host: &'r str,
    pub date: &'r str,
    pub hour_of_day: i128,
    /// As in the file: `01` keeps its zero in the index key of the parallel loader.
    pub hour_of_day_text: &'r str,
    pub timezone: &'r str,
    pub method: &'r str,
    pub url: &'r str,
    pub response_code: i128,
    pub bytes_sent: i128,
    pub user_agent: &'r str,
}

impl<'r> LogRecord<'r> {
    /// Types the fields of a CSV record.
    ///
    /// # Errors
    /// Fewer than ten columns, or a number that is not one or has more than 38 digits.
    pub fn parse(fields: &'r StringRecord) -> Result<Self, RecordError> {
        if fields.len() < Column::ALL.len() {
            return Err(RecordError::TooFewColumns { found: fields.len() });
        }
        let text = |column: Column| &fields[column as usize];
        let number = |column: Column| {
            integer::parse(text(column)).map_err(|reason| RecordError::BadInteger {
                column,
                value: shortened(text(column)),
                reason,
            })
        };
        Ok(Self {
            request_id: number(Column::RequestId)?,
            host: text(Column::Host),
            date: text(Column::Date),
            hour_of_day: number(Column::HourOfDay)?,
            hour_of_day_text: text(Column::HourOfDay),
            timezone: text(Column::Timezone),
            method: text(Column::Method),
            url: text(Column::Url),
            response_code: number(Column::ResponseCode)?,
            bytes_sent: number(Column::BytesSent)?,
            user_agent: text(Column::UserAgent),
        })
    }
}

/// What is wrong with one row. The message tells the column and the value; the place in the file is known to whoever read it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The row ends too early.
    #[error("has {found} column{}, and a log record has 10 (requestid, host, date, hourofday, timezone, method, url, responsecode, bytessent, useragent)", if *.found == 1 { "" } else { "s" })]
    TooFewColumns {
        /// Columns found.
        found: usize,
    },
    /// A column that holds a number does not.
    #[error("{column}: {value:?} {reason}")]
    BadInteger {
        /// Where.
        column: Column,
        /// The text found there, shortened if long.
        value: String,
        /// What is wrong with it.
        reason: IntegerError,
    },
    /// Bytes that are not UTF-8. The column counts from 1 and may be past the tenth.
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
    #[error("a quoted field opens in column {column} and is not closed before the end of the file; close it with \"")]
    UnclosedQuote {
        /// Number of the column, from 1.
        column: usize,
    },
    /// A key attribute that is longer than DynamoDB takes.
    #[error("{column}: the key {attribute} made from it has {size} bytes, and DynamoDB takes at most {limit}")]
    KeyTooLong {
        /// The column that makes it too long.
        column: Column,
        /// The key attribute.
        attribute: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The most DynamoDB takes, in bytes.
        limit: usize,
    },
    /// A copy's request id that has more than 38 digits.
    #[error(
        "{}: its copies' ids have more than {} digits, the most that DynamoDB keeps",
        Column::RequestId,
        integer::MAX_DIGITS
    )]
    CopyIdTooLong,
    /// An item over DynamoDB's limit of 400 KB.
    #[error("makes an item of {size} bytes, and DynamoDB takes at most {limit} (400 KB)")]
    ItemTooLarge {
        /// The item's size in bytes, by DynamoDB's rules.
        size: usize,
        /// The most DynamoDB takes, in bytes.
        limit: usize,
    },
    /// The service refused the item; the words are its own.
    #[error("DynamoDB refused it: {0}")]
    Refused(String),
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

    fn fields(line: &str) -> StringRecord {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
        reader.records().next().unwrap().unwrap()
    }

    #[test]
    fn a_line_becomes_a_record() {
        let fields = fields("007,10.0.0.1,2017-07-20,01,GMT-0700,GET,\"/a,\"\"b\"\"\",200,+5,Mozilla,ignored\n");
        let record = LogRecord::parse(&fields).unwrap();
        assert_eq!(record.request_id, 7);
        assert_eq!((record.hour_of_day, record.hour_of_day_text), (1, "01"));
        assert_eq!(record.url, "/a,\"b\"");
        assert_eq!((record.response_code, record.bytes_sent), (200, 5));
        assert_eq!(record.user_agent, "Mozilla");
    }

    #[test]
    fn what_is_wrong_is_said_with_column_and_value() {
        let message = |line: &str| LogRecord::parse(&fields(line)).unwrap_err().to_string();
        assert_eq!(message("1,h,d,20,z,G,/,abc,5,ua\n"), "column 8 (responsecode): \"abc\" is not an integer");
        assert_eq!(
            message(&format!("{},h,d,20,z,G,/,200,5,ua\n", "9".repeat(39))),
            format!("column 1 (requestid): \"{}\" has 39 digits, and DynamoDB keeps at most 38", "9".repeat(39))
        );
        assert!(message("1,h,d\n").starts_with("has 3 columns, and a log record has 10 (requestid, host,"));
        assert!(message("1\n").starts_with("has 1 column, and"));
    }

    #[test]
    fn long_values_are_shortened_between_characters() {
        assert_eq!(shortened("ä"), "ä");
        assert_eq!(shortened(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
    }
}
