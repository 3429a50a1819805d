//! A loader, from its arguments to its end.

use std::error::Error;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::load_options::LoadOptions;
use super::merge::merge_reports;
use super::run::{Run, exit};
use super::{ErrorWithAdvice, Exit, init_logging_on, print_error};
use crate::batch_writer::Options;
use crate::batch_writer::client::{Connection, ConnectionError};
use crate::load::{
    Destination, DryRun, ExpectedInput, IdStride, ImportDestination, Job, LoadError, Pace, TableDestination,
    choose_numbering,
};
use crate::mapping::BuiltIn;
use crate::report::Script;
use crate::screen::Screen;
use crate::tables::TableName;

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
