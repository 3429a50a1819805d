//! Writes log files of any length in the lab's format, from a seed.

mod logfile;
mod site;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::logfile::Logfile;

/// Large enough that system calls do not dominate the time of writing a gigabyte.
const BUFFER: usize = 1 << 18;

const EXAMPLES: &str = "\
Examples:
  generate_logfile --rows 500 > small.csv
  generate_logfile --rows 2000 --first-id 2001 --seed 3 --output medium2.csv
  generate_logfile --rows 6000000 | load_logfile logfile -      about a gigabyte
";

/// Writes the log of an imaginary web server as CSV, without a header: requestid, host, date, hourofday, timezone, method, url, responsecode,
/// bytessent, useragent. The same arguments always give the same file.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, max_term_width = 120)]
struct Arguments {
    /// Number of rows
    #[arg(long)]
    rows: u64,
    /// The first row's requestid; it increases by 1 with each row
    #[arg(long, default_value_t = 1, value_name = "ID")]
    first_id: u64,
    /// Seed of the random numbers; another seed gives other rows
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
        // The reader (`| head`) wants no more.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // stderr may be closed, too.
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
