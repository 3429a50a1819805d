//! Loads log files into a DynamoDB table on several threads, each row many times: a drop-in replacement for the workshop's
//! `load_logfile_parallel.py`.

mod arguments;
mod files;

use std::process::ExitCode;

use common::batch_writer::Options;
use common::cli::{self, Exit, init_logging_on, print_error, run_dry, run_load};
use common::load::{Destination, DryRun, Job, Script, TableDestination, choose_numbering};
use common::mapping::BuiltIn;
use common::screen::Screen;

use crate::arguments::{Arguments, PROGRAM};

fn main() -> ExitCode {
    let arguments = cli::parse::<Arguments>();
    let screen = if arguments.output.quiet { Screen::PLAIN } else { Screen::new() };
    init_logging_on(PROGRAM, &screen);
    let exit = run(arguments, screen).unwrap_or_else(|error| {
        print_error(PROGRAM, error.as_ref());
        Exit::Failed
    });
    exit.into()
}

fn run(arguments: Arguments, screen: Screen) -> anyhow::Result<Exit> {
    let stdout = screen.stdout();
    let table = arguments.table.unwrap_or_default();
    let built_in = BuiltIn::parallel(&table);
    if let Some(exit) = arguments.input.run_instead(built_in, screen.stdout())? {
        return Ok(exit);
    }
    let mapping = arguments.input.mapping(built_in)?;
    let files = if arguments.files.is_empty() { files::workshop_files()? } else { arguments.files };
    let sources = arguments.input.sources(&files)?;
    let numbering = choose_numbering(&mapping, &sources, arguments.copies, arguments.id_stride)?;
    let connection = arguments.connection.connect_blocking();
    if arguments.output.dry_run {
        let dry_run = DryRun { table: &table, sources: &sources, mapping: &mapping, numbering };
        return Ok(run_dry(&dry_run, connection, stdout)?);
    }
    let table = TableDestination {
        connection: connection?,
        name: table,
        options: Options::default(),
        pace: arguments.pace.pace(),
    };
    let job = Job {
        destination: Destination::Table(table),
        screen,
        quiet: arguments.output.quiet,
        mapping,
        sources,
        numbering,
        workers: arguments.threads.into(),
        checkpoint: arguments.checkpoint,
        rejects: arguments.rejects,
        script: Script::Parallel,
    };
    Ok(run_load(&job, &arguments.output, stdout)?)
}
