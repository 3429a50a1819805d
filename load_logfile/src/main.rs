//! Loads a log file into a DynamoDB table: a drop-in replacement for the workshop's `load_logfile.py`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;
use common::batch_writer::Options;
use common::cli::{
    self, ConnectionOptions, EXIT_CODES_HELP, Exit, InputOptions, OutputOptions, PaceOptions, init_logging_on,
    print_error, run_dry, run_load,
};
use common::load::{Destination, DryRun, Job, Script, TableDestination, choose_numbering};
use common::mapping::BuiltIn;
use common::screen::Screen;

const PROGRAM: &str = "load_logfile";

const EXAMPLES: &str = "\
Examples:
  load_logfile logfile ./data/logfile_small1.csv
  zcat access.csv.gz | load_logfile logfile -
  load_logfile logfile /var/log/nginx/access.log --format access-log
  load_logfile sales orders.csv --mapping orders.toml
  load_logfile logfile access.csv --rejects bad.csv
  load_logfile logfile access.csv --checkpoint access.checkpoint --max-wcu 80%
  load_logfile logfile access.csv --endpoint-url http://127.0.0.1:8000
";

/// Load a log file into a DynamoDB table, one item for each row.
///
/// Rows are columns without a header: requestid, host, date, hourofday, timezone, method, url, responsecode, bytessent, useragent.
/// Other formats are read with --format, and other columns become other items with --mapping (docs/mapping.md).
/// Standard output gets the lines of the workshop's load_logfile.py, everything else goes to standard error.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_help = format!("{EXAMPLES}\n{EXIT_CODES_HELP}"))]
struct Arguments {
    /// Name of the table
    #[arg(value_parser = NonEmptyStringValueParser::new(), required_unless_present_any = ["print_mapping", "suggest_mapping"])]
    table: Option<String>,
    /// Files, folders, or - for standard input; plain or compressed with gzip, zstd, bzip2 or xz
    #[arg(value_name = "FILE", value_parser = NonEmptyStringValueParser::new(), required_unless_present_any = ["print_mapping", "suggest_mapping"])]
    files: Vec<String>,
    /// Collect bad rows in this file, verbatim, with their lines and reasons in FILE.reasons, and load the others [default: stop at the first]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Record in this file how far the load is, and resume from there when the same command is run again
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    input: InputOptions,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    pace: PaceOptions,
    #[command(flatten)]
    connection: ConnectionOptions,
}

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
    if let Some(exit) = arguments.input.run_instead(BuiltIn::Sequential, screen.stdout())? {
        return Ok(exit);
    }
    let mapping = arguments.input.mapping(BuiltIn::Sequential)?;
    let table = arguments.table.unwrap_or_default();
    let sources = arguments.input.sources(&arguments.files)?;
    let numbering = choose_numbering(&mapping, &sources, None, None)?;
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
        sources,
        mapping,
        numbering,
        workers: 1,
        checkpoint: arguments.checkpoint,
        rejects: arguments.rejects,
        script: Script::Sequential,
    };
    Ok(run_load(&job, &arguments.output, stdout)?)
}
