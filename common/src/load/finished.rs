//! A load that is already complete: the same command ends as before and sends nothing.

use super::LoadError;
use super::job::Job;
use super::resume::not_resumed;
use crate::input::{RecordReader, Source};
use crate::report::{Checkpoint, CheckpointLock, Finished, RecordEnd};

/// Locks the load's checkpoint, if it has one, against other processes.
///
/// # Errors
/// Another process holds the lock.
pub fn lock(job: &Job) -> Result<Option<CheckpointLock>, LoadError> {
    Ok(job.checkpoint.as_deref().map(CheckpointLock::take).transpose()?.flatten())
}

/// How the load ended, if its checkpoint says that it is done and its inputs are still the same.
///
/// # Errors
/// The checkpoint cannot be used, or an input has changed, cannot be read, or is shorter than expected.
pub fn finished_before(job: &Job) -> Result<Option<Finished>, LoadError> {
    let Some(path) = job.checkpoint.as_deref().filter(|_| !job.fresh) else { return Ok(None) };
    let Some(finished) = Checkpoint::open(path, job.identity())?.finished().cloned() else { return Ok(None) };
    for (source, end) in job.sources.iter().zip(&finished.ends) {
        // An input with a version is unchanged; otherwise the checkpoint would belong to a different load.
        if source.stamp().version.is_none() {
            check(job, source, end)?;
        }
    }
    job.expected.check(finished.ends.iter().map(|end| end.records).sum(), finished.stored_bytes)?;
    Ok(Some(finished))
}

/// Reads an input to its end. Skipping data that has not been loaded would lose it silently.
fn check(job: &Job, source: &Source, end: &RecordEnd) -> Result<(), LoadError> {
    let resumed = RecordReader::resume(source.open()?, job.mapping.input(), end.position);
    let mut reader = resumed.map_err(|error| not_resumed(source, error))?;
    match reader.next_record() {
        None => Ok(()),
        Some(Ok(_)) => Err(LoadError::Longer { source_name: source.name().to_owned(), loaded: end.position.offset }),
        Some(Err(error)) => Err(LoadError::Unreadable { source_name: source.name().to_owned(), error }),
    }
}
