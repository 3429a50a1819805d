//! How a load ended.

use std::io::Write;

use super::LoadError;
use crate::report::{Checkpoint, Finished, LoadFigures, PythonLines, RecordEnd};

/// How a load ended.
#[derive(Debug)]
pub struct Loaded<W> {
    /// For the summary and the report.
    pub figures: LoadFigures,
    /// What ended it early.
    pub errors: Vec<LoadError>,
    /// Lines for the user about what was written.
    pub notes: Vec<String>,
    pub(super) lines: PythonLines<W>,
    pub(super) checkpoint: Option<Checkpoint>,
    /// The end of each source, if all were read to their ends.
    pub(super) ends: Option<Vec<RecordEnd>>,
    pub(super) stored_bytes: u64,
}

impl<W: Write> Loaded<W> {
    /// Whether the same command resumes from here.
    pub fn can_resume(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Marks the load as done in its checkpoint, if it has one. The same command then ends in the same way and sends nothing.
    ///
    /// # Errors
    /// The checkpoint cannot be written. The same command then resumes after the last row.
    pub fn mark_finished(&mut self, report: String) -> Result<(), LoadError> {
        let (Some(checkpoint), Some(ends)) = (&mut self.checkpoint, self.ends.clone()) else { return Ok(()) };
        let LoadFigures { tally, elapsed, .. } = self.figures;
        let (stored_bytes, seconds) = (self.stored_bytes, elapsed.as_secs_f64());
        Ok(checkpoint.finish(Finished { tally, ends, stored_bytes, seconds, report })?)
    }

    /// Prints the last of Python's lines, which says that everything is written. The caller decides when, because it may have other
    /// things to print.
    pub fn print_last_line(&mut self) {
        self.lines.finish(self.figures.tally.written, self.figures.elapsed);
    }
}
