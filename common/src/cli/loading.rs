//! A load as the two loaders' command lines run it: with a summary and a report at its end.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Advised, Exit, folded, hint, print_failure, say};
use crate::batch_writer::client::{Connection, ConnectionError};
use crate::load::{DryRun, Job, LoadError, Loaded, Signal, load};
use crate::outcome::{Ending, Report, summary};

/// Options of what a load tells beside its lines on standard output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Say nothing on standard error but warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Read and check everything, write nothing, and say what the load costs and how long it takes
    #[arg(long, conflicts_with_all = ["report", "quiet", "rejects", "checkpoint"])]
    pub dry_run: bool,
    /// Write what the load came to into this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Says on standard output what a load would come to: exit code 3 if it has bad rows.
///
/// # Errors
/// An input cannot be read.
pub fn run_dry<W: Write>(
    dry_run: &DryRun<'_>,
    connection: Result<Connection, ConnectionError>,
    mut stdout: W,
) -> Result<Exit, LoadError> {
    let forecast = dry_run.run(connection)?;
    for line in &forecast.lines {
        // Whoever does not read on (`| head -1`) has seen enough.
        if writeln!(stdout, "{line}").is_err() {
            break;
        }
    }
    Ok(if forecast.bad > 0 { Exit::Rejected } else { Exit::Done })
}

/// Loads, and says on standard error how it ended: a summary, what went wrong, what to do about it. `stdout` gets Python's lines.
///
/// # Errors
/// The report's file cannot be written. If that is known before the load, nothing is loaded.
pub fn run_load<W: Write>(job: &Job, output: &OutputOptions, stdout: W) -> Result<Exit, Advised> {
    let program = job.script.program();
    let report = output.report.as_deref().map(ReportFile::create).transpose()?;
    let (mut loaded, error) = match load(job, stdout) {
        Ok(mut loaded) => {
            let error = loaded.error.take();
            (Some(loaded), error)
        }
        Err(error) => (None, Some(error)),
    };
    let work = loaded.as_ref().map(Loaded::work).unwrap_or_default();
    let exit = exit(error.as_ref(), work.tally.rejected > 0);
    if loaded.is_some() {
        if !output.quiet {
            summary(&job.table, &work).iter().for_each(|line| say(program, line));
        } else if exit != Exit::Done {
            say(program, &work.tally.to_string());
        }
    }
    // Where standard output and standard error go into one file, as under nohup, its last line is Python's.
    if let (Some(loaded), None) = (&mut loaded, &error) {
        loaded.print_last_line();
    }
    let mut ending = Ending { outcome: outcome(exit), exit_code: exit.code(), ..Ending::default() };
    if let Some(error) = &error {
        ending.error = Some(folded(error));
        ending.what_to_do = what_to_do(error, loaded.is_some_and(|loaded| loaded.can_resume), work.tally.written);
        print_failure(program, error, &ending.what_to_do);
    }
    if let Some(report) = report {
        report.write(&Report::new(job.subject(), ending, &work))?;
    }
    Ok(exit)
}

/// What to do about the error, and how the load can go on.
fn what_to_do(error: &LoadError, can_resume: bool, written: u64) -> Vec<String> {
    let was_stopped = matches!(error, LoadError::Signal { .. });
    let mut advice: Vec<String> =
        hint(error).filter(|_| !(was_stopped && can_resume)).map(str::to_owned).into_iter().collect();
    if can_resume {
        advice.push("run the same command again: it goes on from here".to_owned());
        if error.is_table_gone() && written > 0 {
            let gone =
                "what was written is gone with the table: remove the checkpoint before loading a new one of its name";
            advice.push(gone.to_owned());
        }
    }
    advice
}

fn exit(error: Option<&LoadError>, rejected: bool) -> Exit {
    match error {
        None if rejected => Exit::Rejected,
        None => Exit::Done,
        Some(LoadError::Signal { signal: Signal::Interrupt }) => Exit::Interrupted,
        Some(LoadError::Signal { signal: Signal::Terminate }) => Exit::Terminated,
        Some(_) => Exit::Failed,
    }
}

/// As it stands in the report.
fn outcome(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Rejected => "done_except_rejected",
        Exit::Interrupted => "interrupted",
        Exit::Terminated => "terminated",
        Exit::Failed | Exit::Usage => "failed",
    }
}

/// Opened before anything is loaded: a load of hours is not to end with the error that its report has no place. Empty until then, so that
/// the report of an earlier load is not taken for this one's.
struct ReportFile<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> ReportFile<'a> {
    fn create(path: &'a Path) -> Result<Self, Advised> {
        File::create(path).map(|file| Self { path, file }).map_err(|error| cannot_write(path, &error))
    }

    fn write(mut self, report: &Report) -> Result<(), Advised> {
        let written = report.to_json().map_err(Into::into).and_then(|json| self.file.write_all(&json));
        written.map_err(|error| cannot_write(self.path, &error))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Advised {
    Advised::new(
        format!("cannot write the report {}: {error}", path.display()),
        "check the path, its permissions and the space on the disk",
    )
}
