//! A row on its way to a sink.

use std::sync::Arc;

use crate::batch_writer::WriteRequest;
use crate::report::{RecordEnd, RecordRows};

/// The row that a request comes from. Its copies share it.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Index of the source.
    pub(super) source: u32,
    /// The record in the source.
    pub(super) record: RecordRows<RecordEnd>,
    /// The line on which the row begins.
    pub(super) line: u64,
    /// The row itself, kept only where rejected rows are collected.
    pub(super) raw: Option<Arc<[u8]>>,
}

/// One copy of a row.
pub(super) type Request = WriteRequest<Arc<Origin>>;
