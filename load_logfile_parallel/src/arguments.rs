//! The command line.

use std::num::NonZeroU32;
use std::thread;

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;
use common::cli::{LOAD_EXIT_CODES_HELP, LoadOptions};
use common::load::IdStride;
use common::tables::TableName;

const EXAMPLES: &str = "\
Examples:
  nohup load_logfile_parallel logfile_scan &
  load_logfile_parallel logfile_scan monday.csv tuesday.csv.gz --copies 1
  load_logfile_parallel logfile_scan long.csv --id-stride auto --threads 4
  load_logfile_parallel logfile_scan --max-wcu 500 --give-up-after 10m
  load_logfile_parallel logfile_gsi_low --endpoint-url http://127.0.0.1:8000
";

/// Load log files into a DynamoDB table with several threads, writing each row many times.
///
/// Copy i of a row of file number f gets the request id f × 500,000 + i × 2,000 + its own, as in the workshop's
/// load_logfile_parallel.py. Standard output has that script's lines; everything else goes to standard error.
#[derive(Debug, Parser)]
#[command(name = "load_logfile_parallel", version, after_help = format!("{EXAMPLES}\n{LOAD_EXIT_CODES_HELP}"))]
pub(crate) struct Arguments {
    /// Name of the table, or its ARN
    #[arg(required_unless_present_any = ["print_mapping", "suggest_mapping"])]
    pub(crate) table: Option<TableName>,
    /// Files, folders and Amazon S3 objects (s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ for all objects below it), plain
    /// or compressed with gzip, zstd, bzip2 or xz [default: ./data/logfile_medium*.csv, sorted]
    #[arg(value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) files: Vec<String>,
    /// Number of times that each row is written [default: the mapping's; 250 for the workshop's rows, 1 for logs]
    #[arg(long, value_name = "N")]
    pub(crate) copies: Option<NonZeroU32>,
    /// Worker threads, each with its own runtime and connections
    #[arg(long, value_name = "N", default_value_t = default_threads(), value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: u16,
    /// Distance between the ids of a row's copies; auto: as large as these files need [default: 2000, as in the
    /// workshop]
    #[arg(long, value_name = "N|auto")]
    pub(crate) id_stride: Option<IdStride>,
    #[command(flatten)]
    pub(crate) options: LoadOptions,
}

/// One more than the number of cores, so that none is idle while a worker waits for rows. More than eight bring
/// nothing.
fn default_threads() -> u16 {
    let cores = thread::available_parallelism().map_or(2, usize::from);
    (cores + 1).clamp(2, 8) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_options_it_does_what_the_script_does() {
        let arguments = Arguments::parse_from(["load_logfile_parallel", "logfile_scan"]);
        assert!(arguments.copies.is_none() && arguments.files.is_empty() && arguments.id_stride.is_none());
        assert!((2..=8).contains(&arguments.threads));
    }
}
