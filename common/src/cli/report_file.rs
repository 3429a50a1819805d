//! The file for the report.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::ErrorWithAdvice;
use crate::report::replace_file;

/// A report that will be written. The file is complete or does not exist, and is never that of an earlier load.
pub(super) struct ReportFile {
    path: PathBuf,
    /// The open device or pipe, if it is not a regular file.
    device: Option<File>,
}

impl ReportFile {
    /// Checks that the report can be written, so that a long load does not end without one. Removes an earlier report.
    ///
    /// # Errors
    /// It cannot be written there.
    pub(super) fn create(path: &Path) -> Result<Self, ErrorWithAdvice> {
        Self::open(path).map_err(|error| cannot_write(path, &error))
    }

    fn open(path: &Path) -> io::Result<Self> {
        // Keeps a symbolic link.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            let device = Some(OpenOptions::new().write(true).open(&path)?);
            return Ok(Self { path, device });
        }
        replace_file(&path, b"")?;
        fs::remove_file(&path)?;
        Ok(Self { path, device: None })
    }

    /// # Errors
    /// It cannot be written.
    pub(super) fn write(mut self, report: &str) -> Result<(), ErrorWithAdvice> {
        let written = match &mut self.device {
            Some(device) => device.write_all(report.as_bytes()),
            None => replace_file(&self.path, report.as_bytes()),
        };
        written.map_err(|error| cannot_write(&self.path, &error))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> ErrorWithAdvice {
    ErrorWithAdvice::new(
        format!("cannot write the report {}: {error}", path.display()),
        "check the path, its permissions and the free disk space",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "an earlier one").unwrap();
        let file = ReportFile::create(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        file.write("{}\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        ReportFile::create(&link).unwrap().write("[]\n").unwrap();
        assert!(link.is_symlink() && fs::read_to_string(&path).unwrap() == "[]\n");
        ReportFile::create(Path::new("/dev/null")).unwrap().write("{}").unwrap();
        assert!(ReportFile::create(&folder.path().join("no/such/report.json")).is_err());
    }
}
