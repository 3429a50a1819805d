//! Loads log files into a DynamoDB table on several threads, each row many times: a drop-in replacement for the workshop's
//! `load_logfile_parallel.py`.

mod arguments;
mod files;
mod numbering;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use common::batch_writer::Options;
use common::command_line::{Exit, init_logging, print_error, run_load};
use common::load::{Job, Script, Source};
use common::logfile::ItemLayout;

use crate::arguments::{Arguments, PROGRAM};

fn main() -> ExitCode {
    init_logging(PROGRAM);
    let exit = run(Arguments::parse()).unwrap_or_else(|error| {
        print_error(PROGRAM, error.as_ref());
        Exit::Failed
    });
    exit.into()
}

fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let files = if arguments.files.is_empty() { files::workshop_files()? } else { arguments.files.clone() };
    let sources: Vec<Source> = files.iter().map(|file| Source::new(file)).collect();
    let numbering = numbering::choose(&arguments, &sources)?;
    let job = Job {
        connection: arguments.connection.connect_blocking()?,
        layout: ItemLayout::parallel(&arguments.table),
        table: arguments.table,
        sources,
        numbering,
        workers: arguments.threads.into(),
        options: Options::default(),
        pace: arguments.pace.pace(),
        checkpoint: arguments.checkpoint,
        rejects: arguments.rejects,
        script: Script::Parallel,
    };
    Ok(run_load(PROGRAM, &job, &arguments.output, io::stdout())?)
}
