//! What a format finds at a position of the input: a record, or lines without one.

use super::oddity::Oddities;
use super::record::RecordError;

/// What was found, and where.
pub(super) struct Found {
    /// Offsets behind the record's bytes, and behind its line's end.
    pub(super) end: u64,
    pub(super) next: u64,
    pub(super) content: Content,
    pub(super) oddities: Oddities,
}

pub(super) enum Content {
    Record(Result<(), RecordError>),
    /// A blank line, a comment, a header.
    Nothing,
    BadHeader(String),
}
