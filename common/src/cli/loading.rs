//! A load with its summary and report, as the command lines of both loaders run it.

use std::error::Error;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::import::ImportOptions;
use super::input::InputOptions;
use super::merge::merge_reports;
use super::parts::PartOptions;
use super::report_file::ReportFile;
use super::{
    ConnectionOptions, ErrorWithAdvice, Exit, folded, hint, init_logging_on, print_error, print_failures, say,
};
use crate::batch_writer::Options;
use crate::batch_writer::client::{Connection, ConnectionError};
use crate::input::Source;
use crate::load::{
    Destination, DryRun, ExpectedInput, IdStride, ImportDestination, Job, LoadError, Loaded, MaxErrors, MaxWcu, Pace,
    Signal, TableDestination, choose_numbering, finished_before, load, lock,
};
use crate::mapping::BuiltIn;
use crate::report::{Finished, LoadFigures, Outcome, PythonLines, Report, Script, Tally, summary};
use crate::screen::Screen;
use crate::tables::TableName;

/// Options that both loaders have.
#[derive(Debug, Clone, Default, Args)]
pub struct LoadOptions {
    /// Collect bad rows in this file, verbatim, with their lines and reasons in FILE.reasons, and load the others
    /// [default: stop at the first bad row]
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// End the load when more rows than this are rejected: a number, or a percentage of the rows read [default: no limit]
    #[arg(long, value_name = "N|P%", requires = "rejects")]
    pub max_errors: Option<MaxErrors>,
    /// Exit with 0 even if rows were rejected
    #[arg(long)]
    rejects_ok: bool,
    /// Record the progress of the load in this file, and resume from there when the same command is run again; once the
    /// load is done, the same command sends nothing and ends as before
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Start over and ignore the checkpoint
    #[arg(long, requires = "checkpoint")]
    fresh: bool,
    /// Exit with 1 when the input has fewer rows than this: a broken pipe looks like a complete one
    #[arg(long, value_name = "N")]
    expect_rows: Option<u64>,
    /// Exit with 1 when the input has fewer bytes than this, counted as read from the file or the pipe, before
    /// decompression
    #[arg(long, value_name = "N")]
    expect_bytes: Option<u64>,
    #[command(flatten)]
    parts: PartOptions,
    #[command(flatten)]
    input: InputOptions,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    import: ImportOptions,
    #[command(flatten)]
    pace: PaceOptions,
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// What a load writes in addition to its lines on standard output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
struct OutputOptions {
    /// Print only warnings and errors on standard error
    #[arg(short, long)]
    quiet: bool,
    /// Read and check everything without writing, and print the cost and the duration of the load
    #[arg(long, conflicts_with_all = ["report", "quiet", "rejects", "checkpoint", "part", "expect_rows", "expect_bytes"])]
    dry_run: bool,
    /// Write a report of the load to this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// How fast a load may be.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
struct PaceOptions {
    /// Consume at most this many write units per second, of the table and of each index: a number, or a percentage of
    /// the provisioned capacity; for all parts of a load together [default: no limit]
    #[arg(long, value_name = "N|P%")]
    max_wcu: Option<MaxWcu>,
    /// End the load when the table has accepted nothing for this long, for example 10m [default: wait indefinitely]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    give_up_after: Option<Duration>,
    /// Keep at most this many batches of 25 rows in flight, over all threads [default: 128]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    in_flight: Option<u16>,
}

/// `90s`, `10m`, `1h 30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    let positive = duration.filter(|duration| !duration.is_zero());
    positive.ok_or_else(|| "expected a time with its unit, for example 90s, 10m or 1h30m".to_owned())
}

/// A loader's own arguments.
#[derive(Debug)]
pub struct LoadCommand {
    /// The table to load into; `None` for actions that need no table.
    pub table: Option<TableName>,
    /// The mapping that is used unless another is specified.
    pub built_in: BuiltIn,
    /// A folder with the reports of a load's parts, which are merged instead of a load.
    pub merge_reports: Option<PathBuf>,
    /// The number of copies of each item, if different from the mapping's.
    pub copies: Option<NonZeroU32>,
    /// How far apart the ids of the copies are.
    pub id_stride: Option<IdStride>,
    pub workers: usize,
}

/// Runs a loader to its end. `files` are the inputs as the user named them.
pub fn run_loader(
    script: Script,
    options: LoadOptions,
    command: LoadCommand,
    files: impl FnOnce() -> Result<Vec<String>, ErrorWithAdvice>,
) -> Exit {
    let screen = if options.output.quiet { Screen::PLAIN } else { Screen::new() };
    init_logging_on(script.program(), &screen);
    run(script, options, command, files, screen).unwrap_or_else(|error| {
        print_error(script.program(), error.as_ref());
        exit_of(error.as_ref())
    })
}

fn run(
    script: Script,
    options: LoadOptions,
    command: LoadCommand,
    files: impl FnOnce() -> Result<Vec<String>, ErrorWithAdvice>,
    screen: Screen,
) -> Result<Exit, Box<dyn Error>> {
    let LoadOptions { rejects, max_errors, checkpoint, fresh, parts, input, output, import, pace, connection, .. } =
        options;
    let expected = ExpectedInput { rows: options.expect_rows, bytes: options.expect_bytes };
    let [rejects, checkpoint, report] = [rejects, checkpoint, output.report.clone()].map(|path| parts.file(path));
    let (rejects, checkpoint, report) = (rejects?, checkpoint?, report?);
    let max_wcu = parts.share_of(pace.max_wcu)?;
    let stdout = screen.stdout();
    if let Some(folder) = &command.merge_reports {
        let program = script.program();
        return Ok(merge_reports(program, folder, report.as_deref(), options.rejects_ok, stdout)?);
    }
    if let Some(exit) = input.run_instead(command.built_in, screen.stdout())? {
        return Ok(exit);
    }
    let table = command.table.ok_or("no table is specified")?;
    let mapping = input.mapping(command.built_in)?;
    let s3_settings = connection.s3_settings();
    let sources = input.sources(&files()?, &s3_settings)?;
    let numbering = choose_numbering(&mapping, &sources, command.copies, command.id_stride)?;
    let connection = connection.connect_blocking();
    if output.dry_run {
        let dry_run = DryRun { table: table.as_str(), sources: &sources, mapping: &mapping, numbering };
        return Ok(run_dry(&dry_run, connection, stdout)?);
    }
    let defaults = Options::default();
    let destination = match import.target(&parts, &s3_settings)? {
        Some(target) => {
            Destination::Import(Box::new(ImportDestination { target, table, connection, prices: import.prices() }))
        }
        None => Destination::Table(Box::new(TableDestination {
            connection: connection?,
            name: table,
            options: Options { in_flight: pace.in_flight.map_or(defaults.in_flight, usize::from), ..defaults },
            pace: Pace { max_wcu, give_up_after: pace.give_up_after },
        })),
    };
    let (workers, quiet) = (command.workers, output.quiet);
    let job = Job {
        destination,
        workers,
        sources,
        mapping,
        numbering,
        part: parts.part,
        checkpoint,
        fresh,
        rejects,
        expected,
        max_errors,
        script,
        screen,
        quiet,
    };
    let run = Run { job: &job, report, rejects_ok: options.rejects_ok, quiet: output.quiet };
    Ok(run.run(stdout)?)
}

/// The exit code for an error before the load.
fn exit_of(error: &(dyn Error + 'static)) -> Exit {
    if let Some(error) = error.downcast_ref::<ErrorWithAdvice>() {
        return error.exit();
    }
    error.downcast_ref().map_or(Exit::Failed, |error: &LoadError| exit(std::slice::from_ref(error)))
}

/// Prints on standard output what a load would do and cost: exit code 3 if it has bad rows.
///
/// # Errors
/// An input cannot be read.
fn run_dry<W: Write>(
    dry_run: &DryRun<'_>,
    connection: Result<Connection, ConnectionError>,
    mut stdout: W,
) -> Result<Exit, LoadError> {
    let forecast = dry_run.run(connection)?;
    for line in &forecast.lines {
        // A reader that closes the pipe (`| head -1`) has seen enough.
        if writeln!(stdout, "{line}").is_err() {
            break;
        }
    }
    Ok(if forecast.bad > 0 { Exit::Rejected } else { Exit::Done })
}

/// A load and what is printed and written about it.
struct Run<'a> {
    job: &'a Job,
    report: Option<PathBuf>,
    rejects_ok: bool,
    quiet: bool,
}

impl Run<'_> {
    /// Loads, and prints on standard error how it ended: a summary, what went wrong, what to do about it. `stdout` gets
    /// Python's lines. A load that is already done ends as before.
    ///
    /// # Errors
    /// The report cannot be written. If that is known before the load, nothing is loaded.
    fn run<W: Write>(&self, stdout: W) -> Result<Exit, ErrorWithAdvice> {
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
        let figures = loaded.as_ref().map(Loaded::figures).unwrap_or_default();
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
fn exit(errors: &[LoadError]) -> Exit {
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

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h 30m", 5400), ("2 hours", 7200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["90", "0s", "-1m", "10 minutes ago", "", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
