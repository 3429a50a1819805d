//! Formats in which a line is a record. Each is a file in here: it says which columns a line has, and takes a line apart.

mod access_log;
mod alb;
mod dynamodb_json;
mod jsonl;
mod s3_access_log;
mod tokens;
mod w3c;

use super::fields::Fields;
use super::format::{Format, InputFormat};
use super::oddity::Oddities;
use super::record::RecordError;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// A record, whose fields have been set, and what is odd about it.
    Record(Oddities),
    /// A directive or a comment.
    Nothing,
}

/// A format in which a line is a record.
pub(super) trait LineFormat: Send {
    /// Takes a line apart into its fields.
    ///
    /// # Errors
    /// It is no line of this format.
    fn parse(&mut self, line: &str, fields: &mut Fields) -> Result<Line, RecordError>;
}

/// The reader of a format's lines, and fields as it sets them; `None` if lines are not its records.
pub(super) fn line_format(format: &InputFormat, fields: &mut Fields) -> Option<Box<dyn LineFormat>> {
    *fields = Fields::by_name(format.slots.len());
    Some(match format.format {
        Format::Csv | Format::Tsv => return None,
        Format::Jsonl => Box::new(jsonl::Jsonl::new(format)),
        Format::DynamodbJson => Box::new(dynamodb_json::DynamodbJson::new(format)),
        Format::AccessLog => Box::new(access_log::AccessLog::new(format, fields)),
        Format::W3c => Box::new(w3c::W3c::new(format)),
        Format::Alb => Box::new(alb::Alb::new(format, fields)),
        Format::S3AccessLog => Box::new(s3_access_log::S3AccessLog::new(format, fields)),
    })
}

/// The columns that a format has by itself; `None` if each input names its own.
pub(crate) fn columns(format: Format) -> Option<Vec<&'static str>> {
    match format {
        Format::AccessLog => Some(access_log::columns().collect()),
        Format::Alb => Some(alb::columns().collect()),
        Format::S3AccessLog => Some(s3_access_log::columns().collect()),
        Format::Csv | Format::Tsv | Format::Jsonl | Format::DynamodbJson | Format::W3c => None,
    }
}

#[cfg(test)]
mod conformance;
