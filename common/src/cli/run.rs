//! A load with its summary, its errors and its report.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::report_file::ReportFile;
use super::{ErrorWithAdvice, Exit, folded, hint, print_error, print_failures, say};
use crate::input::Source;
use crate::load::{Job, LoadError, Loaded, Signal, finished_before, load, lock};
use crate::report::{Finished, LoadFigures, Outcome, PythonLines, Report, Tally, summary};

/// A load and what is printed and written about it.
pub(super) struct Run<'a> {
    pub(super) job: &'a Job,
    pub(super) report: Option<PathBuf>,
    pub(super) rejects_ok: bool,
    pub(super) quiet: bool,
}

impl Run<'_> {
    /// Loads, and prints on standard error how it ended: a summary, what went wrong, what to do about it. `stdout` gets
    /// Python's lines. A load that is already done ends as before.
    ///
    /// # Errors
    /// The report cannot be written. If that is known before the load, nothing is loaded.
    pub(super) fn run<W: Write>(&self, stdout: W) -> Result<Exit, ErrorWithAdvice> {
        let _lock = match lock(self.job) {
            Ok(lock) => lock,
            Err(error) => {
                // The report belongs to the other process.
                print_error(self.job.script.program(), &error);
                return Ok(exit(&[error]));
            }
        };
        let finished = finished_before(self.job);
        let report = self.report.as_deref().map(ReportFile::create).transpose()?;
        let loaded = match finished {
            Ok(Some(finished)) => return self.end_again(&finished, report, stdout),
            Ok(None) => load(self.job, stdout),
            Err(error) => Err(error),
        };
        let (mut loaded, mut errors) = match loaded {
            Ok(mut loaded) => {
                let errors = std::mem::take(&mut loaded.errors);
                (Some(loaded), errors)
            }
            Err(error) => (None, vec![error]),
        };
        let figures = loaded.as_ref().map(|loaded| loaded.figures.clone()).unwrap_or_default();
        let can_resume = loaded.as_ref().is_some_and(Loaded::can_resume);
        let mut outcome = self.outcome(&errors, figures.tally, can_resume);
        let mut text = self.report_text(&outcome, &figures)?;
        if let Some(loaded) = loaded.as_mut().filter(|_| errors.is_empty())
            && let Err(error) = loaded.mark_finished(text.clone())
        {
            errors.push(error);
            outcome = self.outcome(&errors, figures.tally, can_resume);
            text = self.report_text(&outcome, &figures)?;
        }
        let exit = self.exit(&errors, figures.tally);
        if loaded.is_some() {
            self.print_summary(exit, &figures);
        }
        if !self.quiet {
            let notes = loaded.iter().flat_map(|loaded| &loaded.notes);
            notes.for_each(|line| say(self.job.script.program(), line));
        }
        // Where standard output and standard error go into one file, as under nohup, its last line is Python's.
        if let Some(loaded) = loaded.as_mut().filter(|_| errors.is_empty()) {
            loaded.print_last_line();
        }
        let causes: Vec<&(dyn Error + 'static)> = errors.iter().map(|error| error as _).collect();
        if !causes.is_empty() {
            print_failures(self.job.script.program(), &causes, &outcome.what_to_do);
        }
        report.map_or(Ok(()), |report| report.write(&text))?;
        Ok(exit)
    }

    /// The load is already done: says so, and ends as it did.
    fn end_again<W: Write>(
        &self,
        finished: &Finished,
        report: Option<ReportFile>,
        stdout: W,
    ) -> Result<Exit, ErrorWithAdvice> {
        let Job { script, sources, checkpoint, .. } = self.job;
        let exit = self.exit(&[], finished.tally);
        if !self.quiet {
            let checkpoint = checkpoint.as_deref().unwrap_or(Path::new("")).display();
            let done = format!("{checkpoint} says that this load is done, so nothing is sent; --fresh starts over");
            say(script.program(), &done);
        }
        if !self.quiet || exit != Exit::Done {
            say(script.program(), &finished.tally.to_string());
        }
        let mut lines = PythonLines::new(*script, stdout, sources.iter().map(Source::name));
        lines.finish(finished.tally.written, Duration::from_secs_f64(finished.seconds));
        report.map_or(Ok(()), |report| report.write(&finished.report))?;
        Ok(exit)
    }

    fn print_summary(&self, exit: Exit, figures: &LoadFigures) {
        let program = self.job.script.program();
        if !self.quiet {
            summary(self.job.destination.table_name(), figures).iter().for_each(|line| say(program, line));
        } else if exit != Exit::Done {
            say(program, &figures.tally.to_string());
        }
    }

    fn exit(&self, errors: &[LoadError], tally: Tally) -> Exit {
        match exit(errors) {
            Exit::Done if tally.rejected > 0 && !self.rejects_ok => Exit::Rejected,
            exit => exit,
        }
    }

    fn outcome(&self, errors: &[LoadError], tally: Tally, can_resume: bool) -> Outcome {
        let exit = self.exit(errors, tally);
        Outcome {
            outcome: match exit {
                Exit::Done | Exit::Rejected if tally.rejected > 0 => "done_except_rejected",
                Exit::Done | Exit::Rejected => "done",
                Exit::Interrupted => "interrupted",
                Exit::Terminated => "terminated",
                Exit::Failed | Exit::NotRetryable | Exit::Usage => "failed",
            }
            .into(),
            exit_code: exit.code(),
            error: errors.first().map(|error| folded(error)),
            errors: errors.iter().map(|error| folded(error)).collect(),
            what_to_do: advice(errors, can_resume, tally.written),
        }
    }

    fn report_text(&self, outcome: &Outcome, figures: &LoadFigures) -> Result<String, ErrorWithAdvice> {
        let report = Report::new(self.job.info(), outcome.clone(), figures).to_json();
        report.map_err(|error| {
            ErrorWithAdvice::new(format!("the report cannot be written as JSON: {error}"), "please report it")
        })
    }
}

/// What to do about the errors, and how the load can resume.
fn advice(errors: &[LoadError], can_resume: bool, written: u64) -> Vec<String> {
    let is_signal = |error: &LoadError| matches!(error, LoadError::Signal { .. });
    let with_advice = errors.iter().filter(|error| !(is_signal(error) && can_resume));
    let mut advice: Vec<String> = with_advice.filter_map(|error| hint(error)).map(str::to_owned).collect();
    if can_resume {
        advice.push("run the same command again: it resumes from here".to_owned());
        if errors.iter().any(LoadError::is_table_gone) && written > 0 {
            let gone = "the rows written are gone with the table: when a new table of its name exists, start over with --fresh";
            advice.push(gone.to_owned());
        }
    }
    if !can_resume && written > 0 && errors.iter().any(LoadError::is_about_credentials) {
        let next_time =
            "run the same command again; with --checkpoint FILE, it would resume where the credentials expired";
        advice.push(next_time.to_owned());
    }
    advice
}

/// The exit code, not counting rejected rows.
pub(super) fn exit(errors: &[LoadError]) -> Exit {
    match errors {
        [] => Exit::Done,
        [LoadError::Signal { signal: Signal::Interrupt }, ..] => Exit::Interrupted,
        [LoadError::Signal { signal: Signal::Terminate }, ..] => Exit::Terminated,
        errors if errors.iter().any(LoadError::is_permanent) => Exit::NotRetryable,
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_writer::Stop;
    use crate::batch_writer::service_error::ServiceError;

    #[test]
    fn a_long_load_is_pointed_to_checkpoints_when_its_credentials_expire() {
        let error = |code| {
            let stop = Stop::Service(ServiceError::from_response(400, Some(code), None));
            [LoadError::Table { table: "logs".to_owned(), stop }]
        };
        let names_it = |code, can_resume, written| {
            advice(&error(code), can_resume, written).iter().any(|line| line.contains("--checkpoint"))
        };
        assert!(names_it("ExpiredTokenException", false, 1000));
        assert!(!names_it("ExpiredTokenException", true, 1000), "it has one");
        assert!(!names_it("ExpiredTokenException", false, 0), "nothing is lost");
        assert!(!names_it("AccessDeniedException", false, 1000));
    }
}
