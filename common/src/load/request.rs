//! A row on its way to a sink.

use std::sync::Arc;

use crate::batch_writer::WriteRequest;
use crate::input::Position;

/// The row that a request comes from. Its copies share it.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Index of the source.
    pub(super) source: u32,
    /// Number of the record in the source, from 0.
    pub(super) record: u64,
    /// The end of the record in the source.
    pub(super) end: Position,
    /// The line on which the row begins.
    pub(super) line: u64,
    /// The row itself, kept only where rejected rows are collected.
    pub(super) raw: Option<Arc<[u8]>>,
}

/// One copy of a row.
pub(super) type Request = WriteRequest<Arc<Origin>>;
