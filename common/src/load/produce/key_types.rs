//! Records whose keys are of another type than the table's: each is a bad row if other records have the table's type; if none has, that is
//! one error of the table.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::capacity::limits::MAX_BATCH_WRITE_REQUESTS;
use crate::input::RecordError;
use crate::load::LoadError;
use crate::load::event::Event;

/// After so many records, none of which has a key of the table's type, the table is assumed to have other keys.
const MAX_HELD: usize = MAX_BATCH_WRITE_REQUESTS;

/// Rejections of one source that wait until it is known whose error they are.
pub(super) struct KeyTypes {
    table: Arc<str>,
    /// Whether a record of the load has a key of the table's type.
    is_table_right: Arc<AtomicBool>,
    held: Vec<Event>,
}

impl KeyTypes {
    pub(super) fn new(table: Arc<str>, is_table_right: Arc<AtomicBool>) -> Self {
        Self { table, is_table_right, held: Vec::new() }
    }

    /// A record has keys that the table can have. Returns the rejections that were held.
    pub(super) fn accepted(&mut self) -> Vec<Event> {
        if !self.is_table_right.load(Ordering::Relaxed) {
            self.is_table_right.store(true, Ordering::Relaxed);
        }
        std::mem::take(&mut self.held)
    }

    /// Returns a rejection, unless it is to be held.
    ///
    /// # Errors
    /// The table has other keys.
    pub(super) fn rejected(&mut self, event: Event) -> Result<Option<Event>, LoadError> {
        if self.is_table_right.load(Ordering::Relaxed) || self.mismatch(&event).is_none() {
            return Ok(Some(event));
        }
        self.held.push(event);
        if self.held.len() < MAX_HELD { Ok(None) } else { self.finish().map(|_| None) }
    }

    /// The source has ended. Returns the rejections that were held.
    ///
    /// # Errors
    /// The table has other keys.
    pub(super) fn finish(&mut self) -> Result<Vec<Event>, LoadError> {
        match self.held.first().and_then(|event| self.mismatch(event)) {
            Some(error) if !self.is_table_right.load(Ordering::Relaxed) => Err(error),
            _ => Ok(std::mem::take(&mut self.held)),
        }
    }

    fn mismatch(&self, event: &Event) -> Option<LoadError> {
        let Event::Rejected { row, .. } = event else { return None };
        key_mismatch(&self.table, &row.reason)
    }
}

/// What is wrong with the table, if this is wrong with all records.
pub(in crate::load) fn key_mismatch(table: &str, error: &RecordError) -> Option<LoadError> {
    let RecordError::KeyType { attribute, found, expected } = error else { return None };
    let key = |kind: &str| format!("{attribute} ({kind})");
    Some(LoadError::KeyMismatch { table: table.to_owned(), found: key(expected), expected: key(found) })
}
