//! Loads log files into a DynamoDB table on several threads, each row many times: a drop-in replacement for the workshop's
//! `load_logfile_parallel.py`.

mod arguments;
mod files;

use std::process::ExitCode;

use common::cli::{self, LoadCommand, run_loader};
use common::load::Script;
use common::mapping::BuiltIn;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let Arguments { table, files, copies, threads, id_stride, options } = cli::parse();
    let built_in = BuiltIn::parallel(table.as_ref().map_or("", |table| table.short()));
    let command = LoadCommand { table, built_in, merge_reports: None, copies, id_stride, workers: threads.into() };
    let files = || if files.is_empty() { files::workshop_files() } else { Ok(files) };
    run_loader(Script::Parallel, options, command, files).into()
}
