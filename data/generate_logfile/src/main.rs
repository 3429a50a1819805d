//! Writes log files in the format of the lab, of any length, from a seed.

mod logfile;
mod site;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::logfile::Logfile;

/// Large enough that writing a gigabyte is not a matter of system calls.
const BUFFER: usize = 1 << 18;

const EXAMPLES: &str = "\
Examples:
  generate_logfile --rows 500 > small.csv
  generate_logfile --rows 2000 --first-id 2001 --seed 3 --output medium2.csv
  generate_logfile --rows 6000000 | load_logfile logfile -      about a gigabyte
";

/// Writes the log of a made-up web server as CSV, without a header: requestid, host, date, hourofday, timezone, method, url, responsecode,
/// bytessent, useragent. The same arguments always give the same file.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 120)]
struct Arguments {
    /// Number of rows
    #[arg(long)]
    rows: u64,
    /// The first row's requestid; the others count on
    #[arg(long, default_value_t = 1, value_name = "ID")]
    first_id: u64,
    /// Another seed gives other rows
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = cli::parse::<Arguments>();
    let target =
        arguments.output.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader (`| head`) has all it wanted.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // stderr may be closed; then there is nobody to tell.
            let _ = writeln!(io::stderr(), "generate_logfile: error: cannot write to {target}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let log = Logfile::new(arguments.seed, arguments.first_id, arguments.rows);
    match &arguments.output {
        Some(path) => write(log, File::create(path)?),
        None => write(log, io::stdout().lock()),
    }
}

fn write(mut log: Logfile, output: impl Write) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(BUFFER, output);
    while let Some(row) = log.next_row() {
        output.write_all(row.as_bytes())?;
    }
    output.flush()
}
