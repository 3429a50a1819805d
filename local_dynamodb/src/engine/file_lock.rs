//! A database file is open in only one server at a time: two servers would each have the full capacity of the tables.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The lock on a database file: a file next to it, locked until the server ends. What a killed server leaves of it is
/// not locked any more.
#[derive(Debug)]
pub(super) struct FileLock {
    path: PathBuf,
    /// Locked as long as it is open.
    _file: File,
}

impl FileLock {
    /// Locks the database file `path`.
    ///
    /// # Errors
    /// Another server has it open, or no file can be created next to it.
    pub(super) fn new(path: &Path) -> Result<Self, String> {
        let path = lock_path(path);
        // A server that has just ended deletes the file. The lock is then on a file that no other server would find.
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|error| format!("the file {} beside it cannot be written: {error}", path.display()))?;
            match file.try_lock() {
                Ok(()) if path.exists() => return Ok(Self { path, _file: file }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err("another local_dynamodb has it open".into()),
                Err(TryLockError::Error(error)) => {
                    return Err(format!("the file {} beside it cannot be locked: {error}", path.display()));
                }
            }
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // If it remains, it does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The same for all names of the file.
fn lock_path(path: &Path) -> PathBuf {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = OsString::from(whole);
    name.push(".lock");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_by_any_name_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.db");
        std::fs::write(&path, "").unwrap();
        let lock = FileLock::new(&path).unwrap();
        let other_name = folder.path().join(".").join("lab.db");
        assert_eq!(FileLock::new(&other_name).unwrap_err(), "another local_dynamodb has it open");
        drop(lock);
        drop(FileLock::new(&path).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
