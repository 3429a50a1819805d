//! A lock, so that only one process uses a checkpoint.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::checkpoint::CheckpointError;

/// Held until it is dropped or the process ends, for whatever reason. Engines may run a task twice at the same time,
/// and a row that one of the two sends late could replace a newer one.
#[derive(Debug)]
pub struct CheckpointLock {
    path: PathBuf,
    _lock: Flock<File>,
}

impl CheckpointLock {
    /// Takes the lock file next to a checkpoint. `None` where locking is not possible, as on some network file systems.
    ///
    /// # Errors
    /// Another process holds it.
    pub fn take(checkpoint: &Path) -> Result<Option<Self>, CheckpointError> {
        let mut path = checkpoint.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        loop {
            // If the file cannot be created, nor can the checkpoint, which reports it.
            let Ok(file) = File::create(&path) else { return Ok(None) };
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) if is_still_there(&lock, &path).unwrap_or(false) => {
                    return Ok(Some(Self { path, _lock: lock }));
                }
                // The previous holder has just removed it.
                Ok(_) => {}
                Err((_, Errno::EWOULDBLOCK)) => return Err(CheckpointError::InUse { path: checkpoint.to_owned() }),
                Err((_, error)) => {
                    log::debug!("{}: no lock: {error}", path.display());
                    return Ok(None);
                }
            }
        }
    }
}

fn is_still_there(lock: &Flock<File>, path: &Path) -> io::Result<bool> {
    Ok(lock.metadata()?.ino() == fs::metadata(path)?.ino())
}

impl Drop for CheckpointLock {
    fn drop(&mut self) {
        // Removed before it is unlocked. The file of a killed process does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        fs::write(folder.path().join("checkpoint.lock"), "").unwrap(); // of a process that was killed
        let first = CheckpointLock::take(&path).unwrap();
        assert!(first.is_some());
        assert!(matches!(CheckpointLock::take(&path), Err(CheckpointError::InUse { .. })));
        drop(first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(CheckpointLock::take(&path).unwrap().is_some());
        assert!(CheckpointLock::take(Path::new("/no/such/folder/checkpoint")).unwrap().is_none());
    }
}
