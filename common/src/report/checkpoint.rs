//! How far a load has come, in a file from which the same load resumes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::watermark::ResumePoint;
use crate::input::Position;

/// Raised when the format of the file changes.
const FORMAT_VERSION: u32 = 4;

/// What identifies a load: a checkpoint is for one load only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `load_logfile` or `load_logfile_parallel`.
    pub program: String,
    /// Endpoint or region of the table.
    pub destination: String,
    /// The table's name.
    pub table: String,
    /// The inputs, as the user named them, in their order.
    pub sources: Vec<String>,
    /// How the copies of rows are numbered.
    pub numbering: String,
    /// How rows become items: a fingerprint of the mapping.
    pub mapping: String,
    /// The file for rejected rows.
    pub rejects: Option<PathBuf>,
}

/// How far a load has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedProgress {
    /// Each source, in the order of [`Identity::sources`].
    pub sources: Vec<ResumePoint<Position>>,
    /// The rejects files.
    pub rejects: SavedRejects,
}

/// The rejects files when the checkpoint was saved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRejects {
    /// Bytes of the file of rows.
    pub rows_length: u64,
    /// Bytes of the file of reasons.
    pub reasons_length: u64,
    /// Rejected records behind the settled prefix, which will be read again, as (source, record).
    pub records: Vec<(u32, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    version: u32,
    load: Identity,
    progress: SavedProgress,
}

/// A checkpoint that cannot be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The operating system refuses.
    #[error("checkpoint {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a checkpoint, or one of another version of this program.
    #[error("{} is not a checkpoint of this program ({reason})", path.display())]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It is of another load.
    #[error("checkpoint {} is of another load: {difference}", path.display())]
    AnotherLoad {
        /// The file.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
}

/// The file. Whatever happens, power loss included, it holds one whole checkpoint or does not exist.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    identity: Identity,
    saved: Option<SavedProgress>,
}

impl Checkpoint {
    /// The checkpoint of a load, with what an earlier run of it has saved.
    ///
    /// # Errors
    /// The file cannot be read or written, is no checkpoint, or is of another load. It is left as it is.
    pub fn open(path: &Path, identity: Identity) -> Result<Self, CheckpointError> {
        let mut checkpoint = Self { path: path.to_owned(), identity, saved: None };
        match fs::read(path) {
            Ok(bytes) => checkpoint.saved = Some(checkpoint.read(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(checkpoint.io_error(source)),
        }
        Ok(checkpoint)
    }

    /// What was saved last, by this run or an earlier one.
    pub fn saved(&self) -> Option<&SavedProgress> {
        self.saved.as_ref()
    }

    /// Replaces what was saved, if it has changed.
    ///
    /// # Errors
    /// The operating system refuses; what was saved before is still there.
    pub fn save(&mut self, progress: SavedProgress) -> Result<(), CheckpointError> {
        if self.saved.as_ref() == Some(&progress) {
            return Ok(());
        }
        let contents = Contents { version: FORMAT_VERSION, load: self.identity.clone(), progress };
        let text = serde_json::to_vec(&contents).map_err(|error| self.io_error(error.into()))?;
        self.replace(&text).map_err(|source| self.io_error(source))?;
        self.saved = Some(contents.progress);
        Ok(())
    }

    /// Removes the file: the load is done.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn remove(self) -> Result<(), CheckpointError> {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(self.io_error(source)),
            _ => Ok(()),
        }
    }

    fn read(&self, bytes: &[u8]) -> Result<SavedProgress, CheckpointError> {
        let not_a_checkpoint = |reason: String| CheckpointError::NotACheckpoint { path: self.path.clone(), reason };
        let contents: Contents = serde_json::from_slice(bytes).map_err(|error| not_a_checkpoint(error.to_string()))?;
        if contents.version != FORMAT_VERSION || contents.progress.sources.len() != contents.load.sources.len() {
            return Err(not_a_checkpoint("it is of another version".to_owned()));
        }
        match difference(&contents.load, &self.identity) {
            None => Ok(contents.progress),
            Some(difference) => Err(CheckpointError::AnotherLoad { path: self.path.clone(), difference }),
        }
    }

    /// A new file beside the old one, on the disk before it takes its name (rename(2) is atomic), and the name on the disk, too.
    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let mut file = File::create(&beside)?;
        file.write_all(text)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&beside, &self.path))
            .inspect_err(|_| {
                // Perhaps the disk is full: what is of no use must not fill it.
                let _ = fs::remove_file(&beside);
            })?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    fn io_error(&self, source: io::Error) -> CheckpointError {
        CheckpointError::Io { path: self.path.clone(), source }
    }
}

fn difference(saved: &Identity, asked: &Identity) -> Option<String> {
    let rejects = |identity: &Identity| match &identity.rejects {
        Some(path) => path.display().to_string(),
        None => "none".to_owned(),
    };
    let pairs = [
        ("program", saved.program.clone(), asked.program.clone()),
        ("table", saved.table.clone(), asked.table.clone()),
        ("destination", saved.destination.clone(), asked.destination.clone()),
        ("input", saved.sources.join(" "), asked.sources.join(" ")),
        ("numbering", saved.numbering.clone(), asked.numbering.clone()),
        ("mapping", saved.mapping.clone(), asked.mapping.clone()),
        ("rejects", rejects(saved), rejects(asked)),
    ];
    let (what, saved, asked) = pairs.into_iter().find(|(_, saved, asked)| saved != asked)?;
    Some(format!("its {what} is {saved}, and this load's is {asked}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SettledRange;

    fn identity() -> Identity {
        Identity {
            program: "load_logfile".into(),
            destination: "us-east-1".into(),
            table: "logfile".into(),
            sources: vec!["a.csv".into()],
            numbering: "as in the file".into(),
            mapping: "0".into(),
            rejects: None,
        }
    }

    fn progress(records: u64) -> SavedProgress {
        let prefix =
            SettledRange { first: 0, end: records, position: Position::default(), written: records, rejected: 0 };
        SavedProgress { sources: vec![ResumePoint { prefix, ranges: Vec::new() }], rejects: SavedRejects::default() }
    }

    #[test]
    fn what_is_saved_is_found_again_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let mut first = Checkpoint::open(&path, identity()).unwrap();
        assert_eq!(first.saved(), None);
        first.save(progress(10)).unwrap();
        first.save(progress(20)).unwrap();
        let second = Checkpoint::open(&path, identity()).unwrap();
        assert_eq!(second.saved(), Some(&progress(20)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
        second.remove().unwrap();
        assert_eq!(Checkpoint::open(&path, identity()).unwrap().saved(), None);
    }

    #[test]
    fn another_loads_checkpoint_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        Checkpoint::open(&path, identity()).unwrap().save(progress(10)).unwrap();
        let before = fs::read(&path).unwrap();
        let other = Identity { table: "logfile_scan".into(), ..identity() };
        let error = Checkpoint::open(&path, other).unwrap_err().to_string();
        assert!(
            error.ends_with("is of another load: its table is logfile, and this load's is logfile_scan"),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_is_no_checkpoint_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thesis.txt");
        for text in ["my thesis", "", "{}", "{\"version\": 99}"] {
            fs::write(&path, text).unwrap();
            let error = Checkpoint::open(&path, identity()).unwrap_err();
            assert!(matches!(error, CheckpointError::NotACheckpoint { .. }), "{text:?}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(matches!(Checkpoint::open(folder.path(), identity()), Err(CheckpointError::Io { .. })));
    }

    #[test]
    fn a_checkpoint_that_cannot_be_written_is_an_error_and_the_old_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let mut checkpoint = Checkpoint::open(&path, identity()).unwrap();
        checkpoint.save(progress(10)).unwrap();
        fs::create_dir(folder.path().join("checkpoint.new")).unwrap();
        assert!(matches!(checkpoint.save(progress(20)), Err(CheckpointError::Io { .. })));
        assert_eq!(Checkpoint::open(&path, identity()).unwrap().saved(), Some(&progress(10)));
    }
}
