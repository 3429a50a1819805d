//! Why import files cannot be written.

use std::io;
use std::path::Path;

use thiserror::Error;

use crate::s3::S3Error;

/// Why import files cannot be written.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The operating system refuses.
    #[error("cannot write the import files: {name}: {source}")]
    Io {
        /// The file or folder.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// There is something in the folder or below the prefix, which an import would read, too.
    #[error("{name} is not empty")]
    NotEmpty {
        /// The folder or prefix.
        name: String,
    },
    /// Another program is writing there.
    #[error("another load is writing to {name}")]
    InUse {
        /// The folder.
        name: String,
    },
    /// S3 refuses.
    #[error(transparent)]
    S3(#[from] S3Error),
    /// The type of a key attribute is known from no mapping and no item.
    #[error("the type of the key attribute {attribute} is not known: there is no item")]
    NoItem {
        /// The attribute.
        attribute: String,
    },
}

impl ImportError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { name: path.display().to_string(), source }
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Io { .. } => {
                "check the path, its permissions and the space on the disk: about three times that of the items in DynamoDB JSON"
            }
            Self::NotEmpty { .. } => "name a new folder or prefix",
            Self::InUse { .. } => "wait until that load has ended, or name another folder",
            Self::S3(error) => error.advice(),
            Self::NoItem { .. } => "check the input",
        }
    }
}
