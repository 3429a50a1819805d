//! Rejected rows: verbatim in one file, which can be fixed and loaded, and their lines and reasons in a second file
//! next to it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::input::RecordError;
use crate::report::SavedRejects;

/// A row that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    pub source: String,
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// The row as it is in the input.
    pub raw: Box<[u8]>,
    pub reason: RecordError,
}

/// Rejected rows cannot be collected.
#[derive(Debug, Error)]
pub enum RejectsError {
    /// The file is not empty; it may hold rows of an earlier load.
    #[error("{} already contains rows; load or move them first, or choose another file", .0.display())]
    NotEmpty(PathBuf),
    /// The file is shorter than the checkpoint says.
    #[error("{} has {found} bytes, but had {length} when the checkpoint was saved; rejected rows are missing", path.display())]
    Shorter {
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// Its length at the checkpoint.
        length: u64,
    },
    /// An error of the operating system.
    #[error("cannot write {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

#[derive(Debug)]
pub(super) struct Rejects {
    rows: Output,
    reasons: Output,
}

#[derive(Debug)]
struct Output {
    path: PathBuf,
    file: File,
    /// A device such as /dev/null has no length.
    is_regular: bool,
    /// Bytes of the complete rows in it; 0 for a device.
    length: u64,
}

impl Output {
    fn create(path: &Path) -> Result<Self, RejectsError> {
        let path = path.to_owned();
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        match opened.and_then(|file| Ok((file.metadata()?, file))) {
            Ok((metadata, _)) if metadata.is_file() && metadata.len() > 0 => Err(RejectsError::NotEmpty(path)),
            Ok((metadata, file)) => Ok(Self { path, file, is_regular: metadata.is_file(), length: 0 }),
            Err(source) => Err(RejectsError::Io { path, source }),
        }
    }

    /// Truncates the file to its length at the checkpoint: rows that were rejected later will be rejected again.
    fn resume(path: &Path, length: u64) -> Result<Self, RejectsError> {
        let path = path.to_owned();
        let opened = OpenOptions::new().create(true).append(true).open(&path).and_then(|file| {
            let metadata = file.metadata()?;
            let is_regular = metadata.is_file();
            let found = if is_regular { metadata.len() } else { length };
            if found > length {
                file.set_len(length)?;
            }
            Ok((found, is_regular, file))
        });
        match opened {
            Ok((found, ..)) if found < length => Err(RejectsError::Shorter { path, found, length }),
            Ok((_, is_regular, file)) => Ok(Self { path, file, is_regular, length }),
            Err(source) => Err(RejectsError::Io { path, source }),
        }
    }

    /// Its length, once everything in it is on the disk.
    fn synced_length(&self) -> Result<u64, RejectsError> {
        let synced = if self.is_regular { self.file.sync_data() } else { Ok(()) };
        synced.map(|()| self.length).map_err(|source| RejectsError::Io { path: self.path.clone(), source })
    }

    /// Appends all of `bytes`, or nothing.
    fn write(&mut self, bytes: &[u8]) -> Result<(), RejectsError> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                if self.is_regular {
                    self.length += bytes.len() as u64;
                }
                Ok(())
            }
            Err(source) => {
                self.truncate(self.length);
                Err(RejectsError::Io { path: self.path.clone(), source })
            }
        }
    }

    /// Truncates the file if possible: the system has just refused to write to it.
    fn truncate(&mut self, length: u64) {
        self.length = length;
        if self.is_regular {
            let _ = self.file.set_len(length);
        }
    }

    fn remove_if_empty(&self) {
        if fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Rejects {
    /// Creates `path` for the rows and `path.reasons` for their lines and reasons. Neither may contain anything.
    ///
    /// # Errors
    /// [`RejectsError`] with the file's name.
    pub(super) fn create(path: &Path) -> Result<Self, RejectsError> {
        let rows = Output::create(path)?;
        let reasons = Output::create(&reasons_path(path)).inspect_err(|_| rows.remove_if_empty())?;
        Ok(Self { rows, reasons })
    }

    /// Resumes the files of an earlier run of the same load, as they were when its checkpoint was saved.
    ///
    /// # Errors
    /// [`RejectsError`] with the file's name.
    pub(super) fn resume(path: &Path, saved: &SavedRejects) -> Result<Self, RejectsError> {
        let rows = Output::resume(path, saved.rows_length)?;
        let reasons = Output::resume(&reasons_path(path), saved.reasons_length)?;
        Ok(Self { rows, reasons })
    }

    /// The lengths of the files of rows and of reasons, once everything in them is on the disk.
    ///
    /// # Errors
    /// [`RejectsError`] with the file's name.
    pub(super) fn synced_lengths(&self) -> Result<(u64, u64), RejectsError> {
        Ok((self.rows.synced_length()?, self.reasons.synced_length()?))
    }

    /// Adds a row; it is in the file when this returns.
    ///
    /// # Errors
    /// [`RejectsError`] with the file's name. The row is then not in the file.
    pub(super) fn add(&mut self, row: &RejectedRow) -> Result<(), RejectsError> {
        let before = self.rows.length;
        self.rows.write(&[&row.raw[..], b"\n"].concat())?;
        let reason = format!("{}:{}: {}\n", row.source, row.line, row.reason);
        self.reasons.write(reason.as_bytes()).inspect_err(|_| self.rows.truncate(before))
    }

    /// Removes empty files.
    pub(super) fn finish(self) {
        self.rows.remove_if_empty();
        self.reasons.remove_if_empty();
    }
}

fn reasons_path(path: &Path) -> PathBuf {
    let mut reasons_path = path.as_os_str().to_owned();
    reasons_path.push(".reasons");
    reasons_path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, raw: &[u8]) -> RejectedRow {
        RejectedRow {
            source: "x.csv".into(),
            line,
            raw: raw.into(),
            reason: RecordError::TooFewColumns { found: 1, expected: 2, names: "a, b".into() },
        }
    }

    #[test]
    fn rows_are_verbatim_and_reasons_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.csv");
        let mut rejects = Rejects::create(&path).unwrap();
        rejects.add(&row(3, b"a,\"b\r\nc\"")).unwrap();
        rejects.add(&row(7, b"\xff")).unwrap();
        rejects.finish();
        assert_eq!(fs::read(&path).unwrap(), b"a,\"b\r\nc\"\n\xff\n");
        let reasons = fs::read_to_string(folder.path().join("bad.csv.reasons")).unwrap();
        let lines: Vec<_> = reasons.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("x.csv:3: has 1 column, and"), "{reasons}");
        assert!(lines[1].starts_with("x.csv:7: "), "{reasons}");
    }

    #[test]
    fn rows_of_an_earlier_load_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.csv");
        fs::write(&path, "precious\n").unwrap();
        assert!(matches!(Rejects::create(&path), Err(RejectsError::NotEmpty(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious\n");
    }

    #[test]
    fn without_a_rejected_row_no_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        Rejects::create(&folder.path().join("bad.csv")).unwrap().finish();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_resumed_load_keeps_what_its_checkpoint_knows_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.csv");
        let mut rejects = Rejects::create(&path).unwrap();
        rejects.add(&row(3, b"a")).unwrap();
        let (rows_length, reasons_length) = rejects.synced_lengths().unwrap();
        rejects.add(&row(4, b"b")).unwrap();
        let saved = SavedRejects { rows_length, reasons_length, records: vec![] };
        let mut rejects = Rejects::resume(&path, &saved).unwrap();
        rejects.add(&row(5, b"c")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a\nc\n");
        assert_eq!(fs::read_to_string(reasons_path(&path)).unwrap().lines().count(), 2);
        fs::write(&path, "").unwrap();
        assert!(matches!(Rejects::resume(&path, &saved), Err(RejectsError::Shorter { found: 0, .. })));
    }

    #[test]
    fn a_device_stays_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let mut rejects = Rejects::create(&path).unwrap();
        rejects.add(&row(1, b"x")).unwrap();
        let (rows_length, reasons_length) = rejects.synced_lengths().unwrap();
        assert_eq!(rows_length, 0);
        Rejects::resume(&path, &SavedRejects { rows_length, reasons_length, records: Vec::new() }).unwrap();
        assert!(path.is_symlink());
    }

    #[test]
    fn on_a_full_disk_a_row_is_in_both_files_or_in_none() {
        for name in ["bad.csv", "bad.csv.reasons"] {
            let folder = tempfile::tempdir().unwrap();
            let (path, full) = (folder.path().join("bad.csv"), folder.path().join(name));
            std::os::unix::fs::symlink("/dev/full", &full).unwrap();
            let mut rejects = Rejects::create(&path).unwrap();
            assert!(matches!(rejects.add(&row(1, b"x")), Err(RejectsError::Io { .. })));
            assert_eq!(rejects.synced_lengths().unwrap(), (0, 0));
            fs::remove_file(&full).unwrap();
            assert!(fs::read_dir(folder.path()).unwrap().all(|file| file.unwrap().metadata().unwrap().len() == 0));
        }
    }
}
