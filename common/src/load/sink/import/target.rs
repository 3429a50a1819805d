//! Where import files go: a folder, or a prefix of Amazon S3. Neither looks complete before it is.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::ImportError;
use super::part_file::PREFIX;
use crate::s3::S3Url;
#[cfg(feature = "s3")]
use crate::s3::{S3, S3ErrorKind};

const LOCK: &str = "lock";
pub(super) const SPILL: &str = "spill";

/// What `--write-import` names.
#[derive(Debug, Clone)]
pub enum ImportTarget {
    /// A folder that does not exist yet, or is empty.
    Folder(PathBuf),
    /// A prefix below which there is nothing yet.
    #[cfg(feature = "s3")]
    S3 { s3: S3, prefix: S3Url },
}

impl ImportTarget {
    /// The name that the user gave.
    pub(in crate::load::sink) fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            #[cfg(feature = "s3")]
            Self::S3 { prefix, .. } => prefix.to_string(),
        }
    }

    pub(super) fn prefix(&self) -> Option<&S3Url> {
        match self {
            Self::Folder(_) => None,
            #[cfg(feature = "s3")]
            Self::S3 { prefix, .. } => Some(prefix),
        }
    }
}

/// The folder in which everything is written first: `DIR.incomplete`, or one for temporary files on the way to S3.
#[derive(Debug)]
pub(super) struct WorkFolder {
    pub(super) path: PathBuf,
    target: ImportTarget,
    /// Held while the program runs. It distinguishes what a killed program has left from what another program is
    /// writing.
    _lock: File,
}

impl WorkFolder {
    /// Creates it, or takes over one that a killed program has left.
    pub(super) fn open(target: &ImportTarget) -> Result<Self, ImportError> {
        let path = match target {
            ImportTarget::Folder(folder) => {
                check_empty(folder)?;
                let mut path = folder.components().as_path().as_os_str().to_owned();
                path.push(".incomplete");
                PathBuf::from(path)
            }
            #[cfg(feature = "s3")]
            ImportTarget::S3 { s3, prefix } => {
                match s3.objects(prefix) {
                    Err(error) if error.kind == S3ErrorKind::EmptyPrefix => {}
                    Err(error) => return Err(error.into()),
                    Ok(_) => return Err(ImportError::NotEmpty { name: prefix.to_string() }),
                }
                std::env::temp_dir().join(format!("import.{}.incomplete", std::process::id()))
            }
        };
        let io_error = |error| ImportError::io(&path, error);
        fs::create_dir_all(&path).map_err(io_error)?;
        let lock = File::create(path.join(LOCK)).map_err(io_error)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ImportError::InUse { name: path.display().to_string() }),
            Err(TryLockError::Error(error)) => return Err(io_error(error)),
        }
        let folder = Self { path: path.clone(), target: target.clone(), _lock: lock };
        folder.remove_files().map_err(io_error)?;
        // Anything but the lock belongs to someone else.
        match fs::read_dir(&path).map_err(io_error)?.count() {
            0 | 1 => Ok(folder),
            _ => Err(ImportError::NotEmpty { name: path.display().to_string() }),
        }
    }

    /// Gives the completed folder its final name. Everything in it is on the disk.
    pub(super) fn complete(&self) -> Result<(), ImportError> {
        let io_error = |error| ImportError::io(&self.path, error);
        fs::remove_file(self.path.join(LOCK)).map_err(io_error)?;
        match &self.target {
            ImportTarget::Folder(folder) => {
                File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(io_error)?;
                // An empty folder is replaced.
                fs::rename(&self.path, folder).map_err(|error| ImportError::io(folder, error))?;
                let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
                let parent = parent.unwrap_or(Path::new("."));
                File::open(parent).and_then(|folder| folder.sync_all()).map_err(|error| ImportError::io(parent, error))
            }
            #[cfg(feature = "s3")]
            ImportTarget::S3 { .. } => fs::remove_dir_all(&self.path).map_err(io_error),
        }
    }

    /// Removes incomplete files. If that fails, the next load to the same target removes them.
    pub(super) fn abandon(&self) {
        let removed = self.remove_files().and_then(|()| fs::remove_file(self.path.join(LOCK)));
        if let Err(error) = removed.and_then(|()| fs::remove_dir(&self.path)) {
            log::warn!("{}: {error}; remove it, or load again", self.path.display());
        }
    }

    /// Only files that this program writes.
    fn remove_files(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(PREFIX) || name.starts_with(SPILL) || name.ends_with(".json") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn check_empty(folder: &Path) -> Result<(), ImportError> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(ImportError::io(folder, error)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(ImportError::NotEmpty { name: folder.display().to_string() }),
        },
    }
}
