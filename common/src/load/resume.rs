//! Each source opened where the load begins or resumes.

use std::sync::Arc;

use super::job::Job;
use super::{LoadError, Reader};
use crate::input::{Position, RecordReader, ResumeError, Source, SourceError, SourceProgress, check_positions};
use crate::report::ResumePoint;

/// A reader for each source, behind its settled prefix.
pub(super) fn open_sources(
    job: &Job,
    resume_points: &[ResumePoint<Position>],
    progress: &[Arc<SourceProgress>],
) -> Result<Vec<Reader>, LoadError> {
    let sources = job.sources.iter().zip(resume_points).zip(progress);
    sources.map(|((source, resume), progress)| open(job, source, resume, progress)).collect()
}

fn open(
    job: &Job,
    source: &Source,
    resume: &ResumePoint<Position>,
    progress: &SourceProgress,
) -> Result<Reader, LoadError> {
    let not_resumed = |error| {
        let source_name = source.name().to_owned();
        match error {
            ResumeError::Io(error) => SourceError::Io { name: source_name, source: error }.into(),
            ResumeError::Different(_) => LoadError::Changed { source_name, error },
        }
    };
    // A range that is not there would be noticed only when the reader gets to it, after rows of another file were written.
    if !resume.ranges.is_empty() && source.is_regular_file() {
        let positions = resume.ranges.iter().map(|range| &range.position);
        check_positions(source.open()?, positions).map_err(not_resumed)?;
    }
    let input = source.open_watched(progress)?;
    progress.set_settled(resume.prefix.position.offset);
    RecordReader::resume(input, job.mapping.input(), resume.prefix.position).map_err(not_resumed)
}
