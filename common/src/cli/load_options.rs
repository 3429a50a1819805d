//! Options that both loaders have.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::ConnectionOptions;
use super::import::ImportOptions;
use super::input::InputOptions;
use super::parts::PartOptions;
use crate::load::{MaxErrors, MaxWcu};

/// Options that both loaders have.
#[derive(Debug, Clone, Default, Args)]
pub struct LoadOptions {
    /// Collect bad rows in this file, verbatim, with their lines and reasons in FILE.reasons, and load the others
    /// [default: stop at the first bad row]
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// End the load when more rows than this are rejected: a number, or a percentage of the rows read [default: no limit]
    #[arg(long, value_name = "N|P%", requires = "rejects")]
    pub max_errors: Option<MaxErrors>,
    /// Exit with 0 even if rows were rejected
    #[arg(long)]
    pub(super) rejects_ok: bool,
    /// Record the progress of the load in this file, and resume from there when the same command is run again; once the
    /// load is done, the same command sends nothing and ends as before
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Start over and ignore the checkpoint
    #[arg(long, requires = "checkpoint")]
    pub(super) fresh: bool,
    /// Exit with 1 when the input has fewer rows than this: a broken pipe looks like a complete one
    #[arg(long, value_name = "N")]
    pub(super) expect_rows: Option<u64>,
    /// Exit with 1 when the input has fewer bytes than this, counted as read from the file or the pipe, before
    /// decompression
    #[arg(long, value_name = "N")]
    pub(super) expect_bytes: Option<u64>,
    #[command(flatten)]
    pub(super) parts: PartOptions,
    #[command(flatten)]
    pub(super) input: InputOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
    #[command(flatten)]
    pub(super) import: ImportOptions,
    #[command(flatten)]
    pub(super) pace: PaceOptions,
    #[command(flatten)]
    pub(super) connection: ConnectionOptions,
}

/// What a load writes in addition to its lines on standard output.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputOptions {
    /// Print only warnings and errors on standard error
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Read and check everything without writing, and print the cost and the duration of the load
    #[arg(long, conflicts_with_all = ["report", "quiet", "rejects", "checkpoint", "part", "expect_rows", "expect_bytes"])]
    pub(super) dry_run: bool,
    /// Write a report of the load to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

/// How fast a load may be.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub(super) struct PaceOptions {
    /// Consume at most this many write units per second, of the table and of each index: a number, or a percentage of
    /// the provisioned capacity; for all parts of a load together [default: no limit]
    #[arg(long, value_name = "N|P%")]
    pub(super) max_wcu: Option<MaxWcu>,
    /// End the load when the table has accepted nothing for this long, for example 10m [default: wait indefinitely]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) give_up_after: Option<Duration>,
    /// Keep at most this many batches of 25 rows in flight, over all threads [default: 128]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) in_flight: Option<u16>,
}

/// `90s`, `10m`, `1h 30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    let positive = duration.filter(|duration| !duration.is_zero());
    positive.ok_or_else(|| "expected a time with its unit, for example 90s, 10m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h 30m", 5400), ("2 hours", 7200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["90", "0s", "-1m", "10 minutes ago", "", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
