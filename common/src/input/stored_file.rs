//! A file that is read while others may write it.

use std::fs::{File, Metadata};
use std::io::{self, Read};

/// Reads a regular file to its end, which must not lie before the one that it had when it was opened: a file that is truncated
/// meanwhile, as `copytruncate` of logrotate does, would else seem to end there, perhaps within a row.
///
/// A file that grows is read to its new end. One that is replaced under its name, as logrotate does by default, is read as it was.
pub(super) struct StoredFile {
    file: File,
    /// As it was opened.
    opened: Metadata,
    read: u64,
}

impl StoredFile {
    pub(super) fn new(file: File, opened: Metadata) -> Self {
        Self { file, opened, read: 0 }
    }

    /// Whether it is now what it was, or has grown.
    fn check(&self) -> io::Result<()> {
        let length = self.opened.len();
        let now = self.file.metadata()?;
        if now.len() < length || self.read < length {
            let shortest = now.len().min(self.read);
            return Err(io::Error::other(format!(
                "it was truncated while it was read, from {length} bytes to {shortest}"
            )));
        }
        if now.len() == length && now.modified()? != self.opened.modified()? {
            return Err(io::Error::other("it was overwritten while it was read"));
        }
        Ok(())
    }
}

impl Read for StoredFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += read as u64;
        if read == 0 && !buffer.is_empty() {
            self.check()?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, FileTimes, OpenOptions};
    use std::io::Write as _;
    use std::time::Duration;

    const LENGTH: usize = 10_000;

    /// What reading gives if the file is changed after its first bytes are read.
    fn changed(change: impl FnOnce(&std::path::Path)) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, vec![b'a'; LENGTH]).unwrap();
        let file = File::open(&path).unwrap();
        let metadata = file.metadata().unwrap();
        let mut input = StoredFile::new(file, metadata);
        input.read_exact(&mut [0; 100]).unwrap();
        change(&path);
        let read = io::copy(&mut input, &mut io::sink()).map_err(|error| error.to_string())?;
        Ok(read as usize + 100)
    }

    #[test]
    fn a_file_that_changes_while_it_is_read() {
        assert_eq!(changed(|_| {}), Ok(LENGTH));
        let append = |path: &std::path::Path| {
            OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
        };
        assert_eq!(changed(append), Ok(LENGTH + 4));
        // As logrotate does: the old file keeps its bytes, under another name or none.
        assert_eq!(changed(|path| fs::rename(path, path.with_extension("1")).unwrap()), Ok(LENGTH));
        assert_eq!(changed(|path| fs::remove_file(path).unwrap()), Ok(LENGTH));
        let truncated = |length| format!("it was truncated while it was read, from 10000 bytes to {length}");
        for length in [0, 50, 5000] {
            let truncate =
                |path: &std::path::Path| OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
            assert_eq!(changed(truncate), Err(truncated(length)));
        }
        let overwrite = |path: &std::path::Path| {
            fs::write(path, vec![b'b'; LENGTH]).unwrap();
            let file = OpenOptions::new().write(true).open(path).unwrap();
            let later = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(1);
            file.set_times(FileTimes::new().set_modified(later)).unwrap();
        };
        assert_eq!(changed(overwrite), Err("it was overwritten while it was read".to_owned()));
    }
}
