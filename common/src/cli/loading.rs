//! A load as the two loaders' command lines run it: with a summary and a report at its end.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{ErrorWithAdvice, Exit, folded, hint, print_failures, say};
use crate::batch_writer::client::{Connection, ConnectionError};
use crate::load::{DryRun, Job, LoadError, Loaded, Signal, load};
use crate::report::{Outcome, Report, summary};

/// What a load writes beside its lines on standard output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Print nothing on standard error but warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Read and check everything, write nothing, and print what the load costs and how long it takes
    #[arg(long, conflicts_with_all = ["report", "quiet", "rejects", "checkpoint"])]
    pub dry_run: bool,
    /// Write a report of the load into this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Prints on standard output what a load would do and cost: exit code 3 if it has bad rows.
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
        // A reader that leaves (`| head -1`) has seen enough.
        if writeln!(stdout, "{line}").is_err() {
            break;
        }
    }
    Ok(if forecast.bad > 0 { Exit::Rejected } else { Exit::Done })
}

/// Loads, and prints on standard error how it ended: a summary, what went wrong, what to do about it. `stdout` gets Python's lines.
///
/// # Errors
/// The report's file cannot be written. If that is known before the load, nothing is loaded.
pub fn run_load<W: Write>(job: &Job, output: &OutputOptions, stdout: W) -> Result<Exit, ErrorWithAdvice> {
    let program = job.script.program();
    let report = output.report.as_deref().map(ReportFile::create).transpose()?;
    let (mut loaded, errors) = match load(job, stdout) {
        Ok(mut loaded) => {
            let errors = std::mem::take(&mut loaded.errors);
            (Some(loaded), errors)
        }
        Err(error) => (None, vec![error]),
    };
    let figures = loaded.as_ref().map(Loaded::figures).unwrap_or_default();
    let exit = exit(errors.first(), figures.tally.rejected > 0);
    if loaded.is_some() {
        if !output.quiet {
            summary(job.destination.table_name(), &figures).iter().for_each(|line| say(program, line));
        } else if exit != Exit::Done {
            say(program, &figures.tally.to_string());
        }
    }
    // Where standard output and standard error go into one file, as under nohup, its last line is Python's.
    if let Some(loaded) = &mut loaded
        && errors.is_empty()
    {
        loaded.print_last_line();
    }
    let can_resume = loaded.is_some_and(|loaded| loaded.can_resume);
    let what_to_do = advice(&errors, can_resume, figures.tally.written);
    let causes: Vec<&(dyn Error + 'static)> = errors.iter().map(|error| error as _).collect();
    if !causes.is_empty() {
        print_failures(program, &causes, &what_to_do);
    }
    if let Some(report) = report {
        let outcome = Outcome {
            outcome: outcome(exit),
            exit_code: exit.code(),
            error: errors.first().map(|error| folded(error)),
            errors: errors.iter().map(|error| folded(error)).collect(),
            what_to_do,
        };
        report.write(&Report::new(job.info(), outcome, &figures))?;
    }
    Ok(exit)
}

/// What to do about the errors, and how the load can resume.
fn advice(errors: &[LoadError], can_resume: bool, written: u64) -> Vec<String> {
    let is_signal = |error: &LoadError| matches!(error, LoadError::Signal { .. });
    let told = errors.iter().filter(|error| !(is_signal(error) && can_resume));
    let mut advice: Vec<String> = told.filter_map(|error| hint(error)).map(str::to_owned).collect();
    if can_resume {
        advice.push("run the same command again: it resumes from here".to_owned());
        if errors.iter().any(LoadError::is_table_gone) && written > 0 {
            let gone =
                "the rows written are gone with the table: remove the checkpoint before loading a new one of its name";
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

/// The report's name for it.
fn outcome(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Rejected => "done_except_rejected",
        Exit::Interrupted => "interrupted",
        Exit::Terminated => "terminated",
        Exit::Failed | Exit::Usage => "failed",
    }
}

/// Opened before anything is loaded, so that a load of hours does not end with a report that cannot be written. Empty until then, so
/// that the report of an earlier load is not taken for this one's.
struct ReportFile<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> ReportFile<'a> {
    fn create(path: &'a Path) -> Result<Self, ErrorWithAdvice> {
        File::create(path).map(|file| Self { path, file }).map_err(|error| cannot_write(path, &error))
    }

    fn write(mut self, report: &Report) -> Result<(), ErrorWithAdvice> {
        let written = report.to_json().map_err(Into::into).and_then(|json| self.file.write_all(&json));
        written.map_err(|error| cannot_write(self.path, &error))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> ErrorWithAdvice {
    ErrorWithAdvice::new(
        format!("cannot write the report {}: {error}", path.display()),
        "check the path, its permissions and the space on the disk",
    )
}
