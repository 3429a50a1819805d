//! Opens each source where the load begins or resumes.

use std::sync::Arc;

use super::job::Job;
use super::{LoadError, Reader};
use crate::input::{InputFormat, Position, RecordReader, ResumeError, Source, SourceProgress, check_positions};
use crate::report::{RecordEnd, ResumePoint};

/// At most this many files are kept open: by default, a process may have 1,024 open files.
const MAX_OPEN_FILES: usize = 100;

/// A source, positioned after its settled prefix.
pub(super) enum OpenSource {
    Open(Box<Reader>),
    /// One of several objects or many files: it is known to exist, and is opened when its turn comes.
    Checked(Box<Checked>),
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
            Self::Checked(checked) => {
                let Checked { source, format, position, progress } = *checked;
                resume(&source, &format, position, &progress)
            }
        }
    }
}

/// Opens each source after its settled prefix.
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
    // A settled range that is missing would be noticed only when the reader reaches it, after rows of another file were
    // written. An object is identified by its version.
    let is_object = source.is_object();
    if !point.ranges.is_empty() && source.is_repeatable() && !is_object {
        let positions = point.ranges.iter().map(|range| &range.position.position);
        check_positions(source.open()?, positions).map_err(|error| not_resumed(source, error))?;
    }
    let (format, position) = (job.mapping.input(), point.prefix.position.position);
    progress.set_settled(position.offset);
    let waits_closed = match is_object {
        // Each open object reads ahead.
        true => job.sources.len() > 1,
        false => job.sources.len() > MAX_OPEN_FILES && source.is_repeatable(),
    };
    if waits_closed {
        if !is_object {
            resume(source, format, position, &SourceProgress::default())?;
        }
        let (source, format, progress) = (source.clone(), format.clone(), Arc::clone(progress));
        return Ok(OpenSource::Checked(Box::new(Checked { source, format, position, progress })));
    }
    resume(source, format, position, progress).map(|reader| OpenSource::Open(Box::new(reader)))
}

fn resume(
    source: &Source,
    format: &InputFormat,
    position: Position,
    progress: &SourceProgress,
) -> Result<Reader, LoadError> {
    if let Some(input) = source.open_behind(position.offset, progress)?
        && let Some(reader) = RecordReader::resume_behind(input, format, position)
    {
        return Ok(reader);
    }
    let input = source.open_watched(progress)?;
    RecordReader::resume(input, format, position).map_err(|error| not_resumed(source, error))
}

pub(super) fn not_resumed(source: &Source, error: ResumeError) -> LoadError {
    let source_name = source.name().to_owned();
    match error {
        ResumeError::Io(error) => source.io_error(error).into(),
        ResumeError::Different(_) => LoadError::Changed { source_name, error },
    }
}
