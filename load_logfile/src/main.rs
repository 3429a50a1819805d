//! Loads a log file into a DynamoDB table: a drop-in replacement for the workshop's `load_logfile.py`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;
use common::cli::{self, LOAD_EXIT_CODES_HELP, LoadCommand, LoadOptions, run_loader};
use common::load::Script;
use common::mapping::BuiltIn;
use common::tables::TableName;

const EXAMPLES: &str = "\
Examples:
  load_logfile logfile ./data/logfile_small1.csv
  zcat access.csv.gz | load_logfile logfile -
  load_logfile logfile /var/log/nginx/access.log --format access-log
  load_logfile sales orders.csv --mapping orders.toml
  load_logfile logfile s3://my-logs/2026/11/
  load_logfile logfile access.csv --rejects bad.csv
  load_logfile logfile access.csv --checkpoint access.checkpoint --max-wcu 80%
  load_logfile logfile access.csv --part 3/8 --report reports/{part}.json
  load_logfile --merge-reports reports
  load_logfile logfile access.csv --endpoint-url http://127.0.0.1:8000
";

/// Load a log file into a DynamoDB table, one item for each row.
///
/// By default, rows have these columns, without a header: requestid, host, date, hourofday, timezone, method, url,
/// responsecode, bytessent, useragent. Use --format for other formats and --mapping for other columns or items
/// (docs/mapping.md). Standard output has the lines of the workshop's load_logfile.py; everything else goes to standard
/// error.
#[derive(Debug, Parser)]
#[command(name = "load_logfile", version, after_help = format!("{EXAMPLES}\n{LOAD_EXIT_CODES_HELP}"))]
struct Arguments {
    /// Name of the table, or its ARN
    #[arg(required_unless_present_any = ["print_mapping", "suggest_mapping", "merge_reports"])]
    table: Option<TableName>,
    /// Files, folders, Amazon S3 objects (s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ for all objects below it), or - for
    /// standard input; plain or compressed with gzip, zstd, bzip2 or xz
    #[arg(value_name = "FILE", value_parser = NonEmptyStringValueParser::new(), required_unless_present_any = ["print_mapping", "suggest_mapping", "merge_reports"])]
    files: Vec<String>,
    /// Merge the reports of all parts of a load in this folder (*.json) into one, on standard output or in the file of
    /// --report; exit with 0 only if all parts are present and done, and have read the same input
    #[arg(long, value_name = "DIR", conflicts_with_all = ["table", "files"])]
    merge_reports: Option<PathBuf>,
    #[command(flatten)]
    options: LoadOptions,
}

fn main() -> ExitCode {
    let Arguments { table, files, merge_reports, options } = cli::parse();
    let built_in = BuiltIn::Sequential;
    let command = LoadCommand { table, built_in, merge_reports, copies: None, id_stride: None, workers: 1 };
    run_loader(Script::Sequential, options, command, || Ok(files)).into()
}
