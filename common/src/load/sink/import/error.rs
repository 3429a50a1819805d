//! Why import files cannot be written.

use std::io;
use std::path::Path;

use thiserror::Error;

use crate::s3::S3Error;

/// Why import files cannot be written.
#[derive(Debug, Error)]
pub enum ImportError {
    /// An operating system error.
    #[error("cannot write the import files: {name}: {source}")]
    Io { name: String, source: io::Error },
    /// The folder or prefix is not empty. An import would also read what is there.
    #[error("{name} is not empty")]
    NotEmpty { name: String },
    /// Another program is writing there.
    #[error("another load is writing to {name}")]
    InUse { name: String },
    /// An error of S3.
    #[error(transparent)]
    S3(#[from] S3Error),
    /// The type of a key attribute is known from no mapping and no item.
    #[error("the type of the key attribute {attribute} is not known: there is no item")]
    NoItem { attribute: String },
}

impl ImportError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { name: path.display().to_string(), source }
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "check the path, its permissions and the free disk space: about three times the size of the items in DynamoDB JSON"
            }
            Self::NotEmpty { .. } => "choose a new folder or prefix",
            Self::InUse { .. } => "wait until that load has ended, or choose another folder",
            Self::S3(error) => error.advice(),
            Self::NoItem { .. } => "check the input",
        }
    }
}
