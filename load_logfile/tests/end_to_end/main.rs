//! `load_logfile` as a shell script uses it: the real binary, real HTTP, the real engine.

mod bad_rows;
mod capacity;
mod contents;
mod credentials;
mod dry_run;
mod faults;
mod import;
mod input;
mod mapping;
mod not_a_log;
mod parts;
mod report;
mod resume;
mod s3;
mod service;
mod shell;
mod stdout;
mod table_schema;
mod terminal;

use test_support::lab::Lab;

const LOADER: &str = env!("CARGO_BIN_EXE_load_logfile");

/// The table `logfile`, empty.
fn lab() -> Lab {
    Lab::new("logfile", LOADER)
}
