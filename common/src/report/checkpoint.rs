//! The progress of a load, in a file from which the same load resumes.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::input_totals::RecordEnd;
use super::tally::Tally;
use super::watermark::ResumePoint;

/// Incremented when the format of the file changes.
const FORMAT_VERSION: u32 = 5;

/// What identifies a load: a checkpoint is for one load only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `load_logfile` or `load_logfile_parallel`.
    pub program: String,
    /// Endpoint or region of the table.
    pub destination: String,
    pub table: String,
    /// The inputs, in their order.
    pub inputs: Vec<InputIdentity>,
    /// The part of the load: `0/8`.
    pub part: Option<String>,
    /// How the copies of rows are numbered.
    pub numbering: String,
    /// How rows become items: a fingerprint of the mapping.
    pub mapping: String,
    /// The file for rejected rows.
    pub rejects: Option<PathBuf>,
}

/// What identifies an input before it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputIdentity {
    /// As the user named it.
    pub name: String,
    /// Its stored length in bytes, if known.
    pub size: Option<u64>,
    /// Changes with the contents, where the source has a version: the ETag of an object in Amazon S3.
    pub version: Option<String>,
}

/// The progress of a load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedProgress {
    /// Each source, in the order of [`Identity::inputs`].
    pub sources: Vec<ResumePoint<RecordEnd>>,
    pub rejects: SavedRejects,
}

/// The rejects files when the checkpoint was saved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRejects {
    /// Bytes of the file of rows.
    pub rows_length: u64,
    /// Bytes of the file of reasons.
    pub reasons_length: u64,
    /// Rejected records after the settled prefix, which will be read again, as (source, record).
    pub records: Vec<(u32, u64)>,
}

/// The end of a completed load, so that the same command ends in the same way without loading anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Its rows.
    pub tally: Tally,
    /// The end of each source, in the order of [`Identity::inputs`].
    pub ends: Vec<RecordEnd>,
    /// Stored bytes of all inputs.
    pub stored_bytes: u64,
    /// Seconds that the last run took.
    pub seconds: f64,
    /// The report as it was written.
    pub report: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    version: u32,
    load: Identity,
    progress: SavedProgress,
    finished: Option<Finished>,
}

/// A checkpoint that cannot be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// An operating system error.
    #[error("checkpoint {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// It is not a checkpoint, or it is one of another version of this program.
    #[error("{} is not a checkpoint of this program ({reason})", path.display())]
    NotACheckpoint { path: PathBuf, reason: String },
    /// Another process is running the same load.
    #[error("checkpoint {} is in use: another process is running this load", path.display())]
    InUse { path: PathBuf },
    /// It belongs to a different load.
    #[error("checkpoint {} belongs to a different load: {difference}", path.display())]
    AnotherLoad { path: PathBuf, difference: String },
}

/// The checkpoint file. Whatever happens, including a power loss, it holds a complete checkpoint or does not exist.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    identity: Identity,
    saved: Option<SavedProgress>,
    finished: Option<Finished>,
}

impl Checkpoint {
    /// Opens the checkpoint of a load, with what an earlier run has saved.
    ///
    /// # Errors
    /// The file cannot be read or written, is no checkpoint, or belongs to a different load. It is left as it is.
    pub fn open(path: &Path, identity: Identity) -> Result<Self, CheckpointError> {
        let mut checkpoint = Self { path: path.to_owned(), identity, saved: None, finished: None };
        let Some(Contents { load, progress, finished, .. }) = checkpoint.read()? else { return Ok(checkpoint) };
        // An input may have grown, or have been fixed after the rows that are loaded. For the parts of a load it must
        // be the same.
        let sizes_count = finished.is_some() || checkpoint.identity.part.is_some();
        if let Some(difference) = difference(&load, &checkpoint.identity, sizes_count) {
            return Err(CheckpointError::AnotherLoad { path: path.to_owned(), difference });
        }
        (checkpoint.saved, checkpoint.finished) = (Some(progress), finished);
        Ok(checkpoint)
    }

    /// The checkpoint of a load that starts over, whichever load it belonged to. Returns whether it was this load's;
    /// the contents of its rejects files are then obsolete.
    ///
    /// # Errors
    /// Like [`open`](Self::open), except that the checkpoint of a different load is replaced.
    pub fn start_over(path: &Path, identity: Identity) -> Result<(Self, bool), CheckpointError> {
        let checkpoint = Self { path: path.to_owned(), identity, saved: None, finished: None };
        let before = checkpoint.read()?;
        let had_rejects = before.is_some_and(|Contents { load, .. }| load.rejects == checkpoint.identity.rejects);
        Ok((checkpoint, had_rejects))
    }

    /// How the load ended, if it is done.
    pub fn finished(&self) -> Option<&Finished> {
        self.finished.as_ref()
    }

    /// What this run or an earlier one saved last.
    pub fn saved(&self) -> Option<&SavedProgress> {
        self.saved.as_ref()
    }

    /// Replaces the saved progress, if it has changed.
    ///
    /// # Errors
    /// An operating system error; what was saved before is still there.
    pub fn save(&mut self, progress: SavedProgress) -> Result<(), CheckpointError> {
        if self.saved.as_ref() == Some(&progress) {
            return Ok(());
        }
        self.write(progress, None)
    }

    /// Marks the load as done. What was saved before stays.
    ///
    /// # Errors
    /// An operating system error; the load is then not marked as done.
    pub fn finish(&mut self, finished: Finished) -> Result<(), CheckpointError> {
        let progress = self.saved.clone().unwrap_or_default();
        self.write(progress, Some(finished))
    }

    fn write(&mut self, progress: SavedProgress, finished: Option<Finished>) -> Result<(), CheckpointError> {
        let contents = Contents { version: FORMAT_VERSION, load: self.identity.clone(), progress, finished };
        let text = serde_json::to_vec(&contents).map_err(|error| self.io_error(error.into()))?;
        replace_file(&self.path, &text).map_err(|source| self.io_error(source))?;
        (self.saved, self.finished) = (Some(contents.progress), contents.finished);
        Ok(())
    }

    /// Removes the file: the load has done nothing.
    ///
    /// # Errors
    /// An operating system error.
    pub fn remove(self) -> Result<(), CheckpointError> {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(self.io_error(source)),
            _ => Ok(()),
        }
    }

    /// The contents of the file; `None` if it does not exist.
    fn read(&self) -> Result<Option<Contents>, CheckpointError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io_error(source)),
        };
        let not_a_checkpoint = |reason: String| CheckpointError::NotACheckpoint { path: self.path.clone(), reason };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } =
            serde_json::from_slice(&bytes).map_err(|error| not_a_checkpoint(error.to_string()))?;
        if version != FORMAT_VERSION {
            return Err(not_a_checkpoint("it has a different version".to_owned()));
        }
        let contents: Contents = serde_json::from_slice(&bytes).map_err(|error| not_a_checkpoint(error.to_string()))?;
        if contents.progress.sources.len() != contents.load.inputs.len() {
            return Err(not_a_checkpoint("its inputs do not match".to_owned()));
        }
        Ok(Some(contents))
    }

    fn io_error(&self, source: io::Error) -> CheckpointError {
        CheckpointError::Io { path: self.path.clone(), source }
    }
}

/// Replaces a file atomically: writes and syncs a new file next to it, renames it, and syncs the folder.
///
/// # Errors
/// An operating system error; the old file is still there.
pub fn replace_file(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut temporary = path.to_owned().into_os_string();
    temporary.push(".new");
    let mut file = File::create(&temporary)?;
    file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temporary, path)).inspect_err(
        |_| {
            // The disk may be full: an incomplete file must not occupy it.
            let _ = fs::remove_file(&temporary);
        },
    )?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn difference(saved: &Identity, asked: &Identity, sizes_count: bool) -> Option<String> {
    let names =
        |identity: &Identity| identity.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>().join(" ");
    let part = |identity: &Identity| identity.part.clone().unwrap_or_else(|| "all of it".to_owned());
    let rejects = |identity: &Identity| match &identity.rejects {
        Some(path) => path.display().to_string(),
        None => "none".to_owned(),
    };
    let pairs = [
        ("program", saved.program.clone(), asked.program.clone()),
        ("table", saved.table.clone(), asked.table.clone()),
        ("destination", saved.destination.clone(), asked.destination.clone()),
        ("input", names(saved), names(asked)),
        ("part", part(saved), part(asked)),
        ("numbering", saved.numbering.clone(), asked.numbering.clone()),
        ("mapping", saved.mapping.clone(), asked.mapping.clone()),
        ("rejects", rejects(saved), rejects(asked)),
    ];
    if let Some((what, saved, asked)) = pairs.into_iter().find(|(_, saved, asked)| saved != asked) {
        return Some(format!("its {what} is {saved}, but this load's is {asked}"));
    }
    let differs = |(saved, asked): &(&InputIdentity, &InputIdentity)| {
        saved.version != asked.version || sizes_count && saved.size != asked.size
    };
    let (saved, asked) = saved.inputs.iter().zip(&asked.inputs).find(differs)?;
    Some(match (saved.size, asked.size) {
        (Some(before), Some(now)) if before != now => format!("{} had {before} bytes, and has {now}", saved.name),
        _ => format!("{} has a different version", saved.name),
    })
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
            inputs: vec![InputIdentity { name: "a.csv".into(), size: Some(100), version: None }],
            part: None,
            numbering: "as in the file".into(),
            mapping: "0".into(),
            rejects: None,
        }
    }

    fn progress(records: u64) -> SavedProgress {
        let prefix =
            SettledRange { first: 0, end: records, position: RecordEnd::default(), written: records, rejected: 0 };
        SavedProgress { sources: vec![ResumePoint { prefix, ranges: Vec::new() }], rejects: SavedRejects::default() }
    }

    #[test]
    fn what_is_saved_is_read_again_until_it_is_removed() {
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
    fn the_checkpoint_of_a_different_load_is_refused_and_left_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        Checkpoint::open(&path, identity()).unwrap().save(progress(10)).unwrap();
        let before = fs::read(&path).unwrap();
        let input = |size, version| vec![InputIdentity { name: "a.csv".into(), size: Some(size), version }];
        for (other, difference) in [
            (
                Identity { table: "logfile_scan".into(), ..identity() },
                "its table is logfile, but this load's is logfile_scan",
            ),
            (Identity { part: Some("0/8".into()), ..identity() }, "its part is all of it, but this load's is 0/8"),
            (Identity { inputs: input(100, Some("e".into())), ..identity() }, "a.csv has a different version"),
        ] {
            let error = Checkpoint::open(&path, other).unwrap_err().to_string();
            assert!(error.ends_with(&format!("belongs to a different load: {difference}")), "{error}");
            assert_eq!(fs::read(&path).unwrap(), before);
        }
    }

    #[test]
    fn an_input_may_grow_unless_it_has_parts() {
        let folder = tempfile::tempdir().unwrap();
        for (part, may_grow) in [(None, true), (Some("0/8".to_owned()), false)] {
            let path = folder.path().join("checkpoint");
            let before = Identity { part, ..identity() };
            Checkpoint::start_over(&path, before.clone()).unwrap().0.save(progress(10)).unwrap();
            let inputs = vec![InputIdentity { name: "a.csv".into(), size: Some(101), version: None }];
            assert_eq!(Checkpoint::open(&path, Identity { inputs, ..before }).is_ok(), may_grow);
        }
    }

    #[test]
    fn a_finished_load_stays_finished_until_it_starts_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let finished = Finished {
            tally: Tally { read: 10, written: 9, rejected: 1 },
            ends: vec![RecordEnd::default()],
            stored_bytes: 100,
            seconds: 1.5,
            report: "{}\n".into(),
        };
        let mut first = Checkpoint::open(&path, identity()).unwrap();
        first.save(progress(10)).unwrap();
        first.finish(finished.clone()).unwrap();
        let second = Checkpoint::open(&path, identity()).unwrap();
        assert_eq!((second.finished(), second.saved()), (Some(&finished), Some(&progress(10))));
        let inputs = vec![InputIdentity { name: "a.csv".into(), size: Some(101), version: None }];
        let error = Checkpoint::open(&path, Identity { inputs, ..identity() }).unwrap_err().to_string();
        assert!(error.ends_with("belongs to a different load: a.csv had 100 bytes, and has 101"), "{error}");
        let (afresh, had_rejects) = Checkpoint::start_over(&path, identity()).unwrap();
        assert_eq!((afresh.finished(), afresh.saved(), had_rejects), (None, None, true));
        assert!(Checkpoint::open(&path, identity()).unwrap().finished().is_some(), "until something is saved");
        let other = Identity { rejects: Some("bad.csv".into()), ..identity() };
        assert!(!Checkpoint::start_over(&path, other).unwrap().1);
        fs::write(&path, "my thesis").unwrap();
        assert!(matches!(Checkpoint::start_over(&path, identity()), Err(CheckpointError::NotACheckpoint { .. })));
    }

    #[test]
    fn a_file_that_is_not_a_checkpoint_is_refused_and_left_unchanged() {
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
