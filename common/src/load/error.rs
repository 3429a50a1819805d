//! Why a load did not begin, or ended early.

use std::io;

use thiserror::Error;

use super::max_errors::MaxErrors;
use super::pace::ShareError;
use super::rejects::{RejectedRow, RejectsError};
use super::signal::Signal;
use super::sink::ImportError;
use crate::batch_writer::Stop;
use crate::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use crate::input::{ReadError, ResumeError, SourceError};
use crate::mapping::Collision;
use crate::report::CheckpointError;

/// Why a load did not begin, or ended early.
#[derive(Debug, Error)]
pub enum LoadError {
    /// An input cannot be opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An input cannot be read to its end.
    #[error("{source_name}: {error}")]
    Unreadable {
        source_name: String,
        /// Where, and what is wrong.
        error: ReadError,
    },
    /// Rows would overwrite each other.
    #[error(transparent)]
    Collision(#[from] Box<Collision>),
    /// The ids of all rows must be known beforehand, and the input can be read only once.
    #[error("{source_name}: its ids must be read before the first row is written, and it can be read only once")]
    NotRepeatable { source_name: String },
    /// A row that cannot be written, in a load without a file for rejected rows.
    #[error("{}:{}: {}", .0.source, .0.line, .0.reason)]
    BadRow(Box<RejectedRow>),
    /// More rows are rejected than the user allows.
    #[error("--max-errors {limit} is exceeded: {rows} rejected")]
    TooManyErrors {
        /// Rejected rows; the copies of a row are one.
        rows: u64,
        limit: MaxErrors,
    },
    /// The files for rejected rows cannot be used.
    #[error(transparent)]
    Rejects(#[from] RejectsError),
    /// A percentage of the table's capacity was requested but cannot be determined.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// The table's key differs from that of the items.
    #[error("the key of table {table} is {found}, but the key of the items is {expected}")]
    KeyMismatch { table: String, found: String, expected: String },
    /// A key of an index has a different type than the items' attribute of the same name.
    #[error(
        "the key {attribute} of index {index} of table {table} is {found}, but the items' {attribute} is {expected}"
    )]
    IndexKeyMismatch {
        table: String,
        index: String,
        attribute: String,
        /// Its type in the index.
        found: String,
        /// Its type in the items.
        expected: String,
    },
    /// Copies were requested, but the mapping does not number them.
    #[error(
        "--copies {0}: the mapping has no [copies] to number them by, so each copy would replace the one before it"
    )]
    CopiesNotNumbered(u32),
    /// The writer of a table has stopped.
    #[error("table {table}")]
    Table {
        table: String,
        #[source]
        stop: Stop,
    },
    /// Import files cannot be written.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// An input differs from the one that the checkpoint belongs to.
    #[error("{source_name}: {error}")]
    Changed { source_name: String, error: ResumeError },
    /// An input has grown since the load was completed.
    #[error("{source_name}: it has grown beyond the {loaded} bytes that were loaded")]
    Longer {
        source_name: String,
        /// Its uncompressed length when it was loaded.
        loaded: u64,
    },
    /// The input is smaller than expected.
    #[error("the input had {found} {what}, but at least {expected} were expected")]
    InputTooShort {
        /// `rows` or `bytes`.
        what: &'static str,
        /// The expected minimum.
        expected: u64,
        /// The actual number.
        found: u64,
    },
    /// A signal stopped the load.
    #[error("stopped by {}", .signal.name())]
    Signal { signal: Signal },
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A bug in this program, such as rows that are unaccounted for.
    #[error("an internal error: {0}; please report it")]
    Internal(String),
}

impl LoadError {
    /// Whether rows read so far are still written. Python, too, has written everything before a bad row.
    pub(super) fn lets_drain(&self) -> bool {
        matches!(
            self,
            Self::BadRow(_) | Self::TooManyErrors { .. } | Self::Unreadable { .. } | Self::Source(_) | Self::Rejects(_)
        )
    }

    /// Whether running the same command again cannot succeed: the command, permissions or files next to the load must
    /// change first. Bad rows, unreadable inputs and tables with a different key nevertheless exit with 1, as in Python
    /// and in earlier versions.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Collision(_) | Self::NotRepeatable { .. } | Self::CopiesNotNumbered(_) => true,
            Self::TooManyErrors { .. } => true,
            Self::Changed { .. } | Self::Longer { .. } => true,
            Self::Checkpoint(error) => !matches!(error, CheckpointError::Io { .. } | CheckpointError::InUse { .. }),
            Self::Rejects(error) => !matches!(error, RejectsError::Io { .. }),
            Self::Share(ShareError::OnDemand { .. } | ShareError::TooSmall { .. }) => true,
            Self::Share(ShareError::Describe { source, .. }) => is_permanent(source),
            Self::Table { stop: Stop::Service(error), .. } => is_permanent(error),
            Self::KeyMismatch { .. } | Self::IndexKeyMismatch { .. } => false,
            Self::Source(_) | Self::Unreadable { .. } | Self::BadRow(_) | Self::InputTooShort { .. } => false,
            Self::Import(ImportError::NotEmpty { .. }) => true,
            Self::Import(_) => false,
            Self::Table { .. } | Self::Signal { .. } | Self::Thread(_) | Self::Internal(_) => false,
        }
    }

    /// Whether other credentials would help.
    pub(crate) fn is_about_credentials(&self) -> bool {
        let Self::Table { stop, .. } = self else { return false };
        let (Stop::Service(error) | Stop::GaveUp { last: error, .. } | Stop::Stalled { last: error, .. }) = stop else {
            return false;
        };
        error.kind == ServiceErrorKind::Credentials
    }

    /// Whether the table does not exist or is being deleted.
    pub(crate) fn is_table_gone(&self) -> bool {
        let Self::Table { stop: Stop::Service(error), .. } = self else { return false };
        matches!(error.kind, ServiceErrorKind::NoSuchTable | ServiceErrorKind::TableNotReady)
    }
}

fn is_permanent(error: &ServiceError) -> bool {
    match error.kind {
        ServiceErrorKind::NoSuchTable | ServiceErrorKind::AccessDenied | ServiceErrorKind::Invalid => true,
        // Another task may get newer ones from the same sources.
        ServiceErrorKind::Credentials => !error.is_expired_token(),
        _ => false,
    }
}
