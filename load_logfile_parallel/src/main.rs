//! Loads log files into a DynamoDB table on several threads, each row many times: a drop-in replacement for the workshop's
//! `load_logfile_parallel.py`.

mod arguments;
mod files;
mod numbering;

use std::process::ExitCode;

use common::batch_writer::Options;
use common::cli::{self, Exit, init_logging_on, print_error, run_dry, run_load};
use common::load::{Destination, DryRun, Job, Script, Source, TableDestination};
use common::logfile::ItemLayout;
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
    let files = if arguments.files.is_empty() { files::workshop_files()? } else { arguments.files.clone() };
    let sources: Vec<Source> = files.iter().map(|file| Source::new(file)).collect();
    let numbering = numbering::choose(&arguments, &sources)?;
    let connection = arguments.connection.connect_blocking();
    let layout = ItemLayout::parallel(&arguments.table);
    let stdout = screen.stdout();
    if arguments.output.dry_run {
        let dry_run = DryRun { table: &arguments.table, sources: &sources, layout, numbering };
        return Ok(run_dry(&dry_run, connection, stdout)?);
    }
    let table = TableDestination {
        connection: connection?,
        name: arguments.table,
        options: Options::default(),
        pace: arguments.pace.pace(),
    };
    let job = Job {
        destination: Destination::Table(table),
        screen,
        quiet: arguments.output.quiet,
        layout,
        sources,
        numbering,
        workers: arguments.threads.into(),
        checkpoint: arguments.checkpoint,
        rejects: arguments.rejects,
        script: Script::Parallel,
    };
    Ok(run_load(&job, &arguments.output, stdout)?)
}
