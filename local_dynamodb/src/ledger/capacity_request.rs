//! What a request asks of the capacity of which tables.

use std::sync::Arc;

use capacity::{Read, Write};

use super::table_definition::TableDefinition;

/// An item write or a read, with its cost as far as known before the engine runs.
#[derive(Debug)]
pub(crate) struct CapacityRequest {
    pub(crate) table: Arc<TableDefinition>,
    pub(crate) access: RequestedAccess,
}

#[derive(Debug)]
pub(crate) enum RequestedAccess {
    Write(Write),
    Read(Read),
}

impl CapacityRequest {
    /// The global index that it reads.
    pub(crate) fn read_index(&self) -> Option<&str> {
        match &self.access {
            RequestedAccess::Read(read) => read.index.as_deref(),
            RequestedAccess::Write(_) => None,
        }
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self.access, RequestedAccess::Write(_))
    }
}

/// How the parts of a request are admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// Each separately: the rest of a batch is left unprocessed.
    Each,
    /// All or none.
    Together,
}

/// All that a request asks for, in the order of its parts.
#[derive(Debug)]
pub(crate) struct RequestCost {
    pub(crate) parts: Vec<CapacityRequest>,
    pub(crate) grouping: Grouping,
}
