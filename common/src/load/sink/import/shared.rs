//! What the sinks of one import share.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::ImportError;
use super::figures::{Figures, Prices};
use super::target::{ImportTarget, WorkFolder};
use crate::batch_writer::KeySchema;
use crate::capacity::IndexDefinition;
use crate::load::LoadError;
use crate::mapping::Mapping;
use crate::tables::{TableDescription, TableName};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) work: WorkFolder,
    pub(super) target: ImportTarget,
    pub(super) table: TableName,
    pub(super) prices: Prices,
    pub(super) mapping: Mapping,
    pub(super) schema: KeySchema,
    pub(super) described: Option<TableDescription>,
    /// A note for the user about the description.
    pub(super) note: Option<String>,
    pub(super) indexes: Vec<IndexDefinition>,
    /// The number of the next object.
    pub(super) next: AtomicU32,
    pub(super) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) figures: Figures,
    /// One of the items.
    pub(super) item: Option<Box<[u8]>>,
    /// Keys of the objects that are in the bucket already.
    #[cfg(feature = "s3")]
    pub(super) uploaded: Vec<String>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn io_error(&self, error: io::Error) -> LoadError {
        ImportError::io(&self.work.path, error).into()
    }

    /// Moves a completed file into the bucket, if the target is one.
    #[cfg_attr(not(feature = "s3"), expect(unused_variables, reason = "there is no bucket"))]
    pub(super) fn deliver(&self, path: &Path) -> Result<(), ImportError> {
        match &self.target {
            ImportTarget::Folder(_) => Ok(()),
            #[cfg(feature = "s3")]
            ImportTarget::S3 { s3, prefix } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let url = prefix.with_key(format!("{}{name}", prefix.key));
                self.state().uploaded.push(url.key.clone());
                s3.put_file(&url, path)?;
                std::fs::remove_file(path).map_err(|error| ImportError::io(path, error))
            }
        }
    }
}
