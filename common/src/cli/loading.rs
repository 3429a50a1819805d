//! A load as the two loaders' command lines run it: with a summary and a report at its end.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::input::InputOptions;
use super::{
    ConnectionOptions, ErrorWithAdvice, Exit, folded, hint, init_logging_on, print_error, print_failures, say,
};
use crate::batch_writer::Options;
use crate::batch_writer::client::{Connection, ConnectionError};
use crate::load::{
    Destination, DryRun, IdStride, Job, LoadError, Loaded, MaxErrors, MaxWcu, Pace, Signal, TableDestination,
    choose_numbering, load,
};
use crate::mapping::BuiltIn;
use crate::report::{Outcome, Report, Script, summary};
use crate::screen::Screen;
use crate::tables::TableName;

/// Options that both loaders have.
#[derive(Debug, Clone, Default, Args)]
pub struct LoadOptions {
    /// Collect bad rows in this file, verbatim, with their lines and reasons in FILE.reasons, and load the others [default: stop at the
    /// first]
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// End the load when more rows than this are rejected: a number, or a percentage of the rows read [default: no limit]
    #[arg(long, value_name = "N|P%", requires = "rejects")]
    pub max_errors: Option<MaxErrors>,
    /// Record in this file how far the load is, and resume from there when the same command is run again
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    #[command(flatten)]
    input: InputOptions,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    pace: PaceOptions,
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// What a load writes beside its lines on standard output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
struct OutputOptions {
    /// Print nothing on standard error but warnings and errors
    #[arg(short, long)]
    quiet: bool,
    /// Read and check everything, write nothing, and print what the load costs and how long it takes
    #[arg(long, conflicts_with_all = ["report", "quiet", "rejects", "checkpoint"])]
    dry_run: bool,
    /// Write a report of the load into this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// How fast a load may be.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
struct PaceOptions {
    /// Consume at most so many write units a second, of the table and of each index: a number, or a share of what is provisioned now
    /// [default: no limit]
    #[arg(long, value_name = "N|P%")]
    max_wcu: Option<MaxWcu>,
    /// End the load when the table has accepted nothing for so long, for example 10m [default: wait for throttling without end]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    give_up_after: Option<Duration>,
    /// Have at most so many batches of 25 rows in flight, all threads together [default: 128]
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
    /// The table to load into; without it, something else is asked for that needs none.
    pub table: Option<TableName>,
    /// The mapping, where no other is named.
    pub built_in: BuiltIn,
    /// How many copies of each item, if not as many as the mapping says.
    pub copies: Option<NonZeroU32>,
    /// How far apart the ids of the copies are.
    pub id_stride: Option<IdStride>,
    /// Worker threads.
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
        Exit::Failed
    })
}

fn run(
    script: Script,
    options: LoadOptions,
    command: LoadCommand,
    files: impl FnOnce() -> Result<Vec<String>, ErrorWithAdvice>,
    screen: Screen,
) -> Result<Exit, Box<dyn Error>> {
    let LoadOptions { rejects, max_errors, checkpoint, input, output, pace, connection } = options;
    let stdout = screen.stdout();
    if let Some(exit) = input.run_instead(command.built_in, screen.stdout())? {
        return Ok(exit);
    }
    let table = command.table.ok_or("no table is named")?;
    let mapping = input.mapping(command.built_in)?;
    let sources = input.sources(&files()?)?;
    let numbering = choose_numbering(&mapping, &sources, command.copies, command.id_stride)?;
    let connection = connection.connect_blocking();
    if output.dry_run {
        let dry_run = DryRun { table: table.as_str(), sources: &sources, mapping: &mapping, numbering };
        return Ok(run_dry(&dry_run, connection, stdout)?);
    }
    let defaults = Options::default();
    let destination = Destination::Table(TableDestination {
        connection: connection?,
        name: table,
        options: Options { in_flight: pace.in_flight.map_or(defaults.in_flight, usize::from), ..defaults },
        pace: Pace { max_wcu: pace.max_wcu, give_up_after: pace.give_up_after },
    });
    let (workers, quiet) = (command.workers, output.quiet);
    let job = Job {
        destination,
        workers,
        sources,
        mapping,
        numbering,
        checkpoint,
        rejects,
        max_errors,
        script,
        screen,
        quiet,
    };
    Ok(run_load(&job, &output, stdout)?)
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
fn run_load<W: Write>(job: &Job, output: &OutputOptions, stdout: W) -> Result<Exit, ErrorWithAdvice> {
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
    if !can_resume && written > 0 && errors.iter().any(LoadError::is_about_credentials) {
        let next_time =
            "run the same command again; with --checkpoint FILE, it would resume where the credentials expired";
        advice.push(next_time.to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_writer::Stop;
    use crate::batch_writer::service_error::ServiceError;

    #[test]
    fn a_long_load_is_told_of_checkpoints_when_its_credentials_expire() {
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
