//! Each source opened where the load begins or resumes.

use std::sync::Arc;

use super::job::Job;
use super::{LoadError, Reader};
use crate::input::{
    InputFormat, Position, RecordReader, ResumeError, Source, SourceError, SourceProgress, check_positions,
};
use crate::report::{RecordEnd, ResumePoint};

/// More files than this are not held open together: a process may have 1,024 files open by default.
const OPEN_TOGETHER: usize = 100;

/// A source, behind its settled prefix.
pub(super) enum OpenSource {
    Open(Box<Reader>),
    /// One of many files: it could be opened, and will be again when it is its turn.
    Checked(Checked),
}

pub(super) struct Checked {
    source: Source,
    format: InputFormat,
    position: Position,
    progress: Arc<SourceProgress>,
}

impl OpenSource {
    pub(super) fn reader(self) -> Result<Reader, LoadError> {
        match self {
            Self::Open(reader) => Ok(*reader),
            Self::Checked(Checked { source, format, position, progress }) => {
                resume(&source, &format, position, &progress)
            }
        }
    }
}

/// Opens each source, behind its settled prefix.
pub(super) fn open_sources(
    job: &Job,
    resume_points: &[ResumePoint<RecordEnd>],
    progress: &[Arc<SourceProgress>],
) -> Result<Vec<OpenSource>, LoadError> {
    let sources = job.sources.iter().zip(resume_points).zip(progress);
    sources.map(|((source, resume), progress)| open(job, source, resume, progress)).collect()
}

fn open(
    job: &Job,
    source: &Source,
    point: &ResumePoint<RecordEnd>,
    progress: &Arc<SourceProgress>,
) -> Result<OpenSource, LoadError> {
    // A range that is not there would be noticed only when the reader gets to it, after rows of another file were written.
    if !point.ranges.is_empty() && source.is_regular_file() {
        let positions = point.ranges.iter().map(|range| &range.position.position);
        check_positions(source.open()?, positions).map_err(|error| not_resumed(source, error))?;
    }
    let (format, position) = (job.mapping.input(), point.prefix.position.position);
    progress.set_settled(position.offset);
    if job.sources.len() > OPEN_TOGETHER && source.is_regular_file() {
        resume(source, format, position, &SourceProgress::default())?;
        let (source, format, progress) = (source.clone(), format.clone(), Arc::clone(progress));
        return Ok(OpenSource::Checked(Checked { source, format, position, progress }));
    }
    resume(source, format, position, progress).map(|reader| OpenSource::Open(Box::new(reader)))
}

fn resume(
    source: &Source,
    format: &InputFormat,
    position: Position,
    progress: &SourceProgress,
) -> Result<Reader, LoadError> {
    let input = source.open_watched(progress)?;
    RecordReader::resume(input, format, position).map_err(|error| not_resumed(source, error))
}

pub(super) fn not_resumed(source: &Source, error: ResumeError) -> LoadError {
    let source_name = source.name().to_owned();
    match error {
        ResumeError::Io(error) => SourceError::Io { name: source_name, source: error }.into(),
        ResumeError::Different(_) => LoadError::Changed { source_name, error },
    }
}
