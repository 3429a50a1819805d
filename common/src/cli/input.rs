//! The input of the loaders, and how it becomes items.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{ErrorWithAdvice, Exit};
use crate::input::{Format, S3Settings, Source, SourceError};
use crate::mapping::{BuiltIn, Mapping, Overrides, suggest};

/// The input of the loaders, and how it becomes items.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputOptions {
    /// Create the items according to this mapping file [default: the workshop's items]
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Format of the input: csv, tsv, jsonl, dynamodb-json, access-log, w3c, alb or s3-access-log [default: the
    /// mapping's, else csv]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// The first row names the columns (csv, tsv)
    #[arg(long)]
    header: bool,
    /// Character between columns (csv)
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Rows to skip at the beginning of each file (csv, tsv)
    #[arg(long, value_name = "N")]
    skip_rows: Option<u64>,
    /// Text that means no value in any column, such as -; can be repeated
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    absent: Vec<String>,
    /// Add this to the number of each record, so that the first record of a log gets the id N + 1
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    first_id: u64,
    /// Reject rows that look wrong: more columns than the mapping, a line break in quotes, text after a closing quote
    #[arg(long)]
    strict: bool,
    /// Print the mapping that is used, and exit
    #[arg(long)]
    print_mapping: bool,
    /// Print a mapping to start from, suggested from this file, and exit
    #[arg(long, value_name = "FILE", conflicts_with = "print_mapping")]
    suggest_mapping: Option<String>,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" | b"tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err("expected one ASCII character, or tab".to_owned()),
    }
}

impl InputOptions {
    /// The mapping that the options name, or the built-in one.
    ///
    /// # Errors
    /// The mapping file cannot be used.
    pub(super) fn mapping(&self, built_in: BuiltIn) -> Result<Mapping, ErrorWithAdvice> {
        let overrides = Overrides {
            format: self.format,
            header: self.header,
            delimiter: self.delimiter,
            skip_rows: self.skip_rows,
            absent: self.absent.clone(),
            strict: self.strict,
            first_id: self.first_id.into(),
        };
        match &self.mapping {
            None => Ok(built_in.mapping(&overrides)),
            Some(path) => Mapping::open(path, &overrides).map_err(|error| {
                let place = error.place_text();
                ErrorWithAdvice::new(format!("{place}: {}", error.message), error.advice)
            }),
        }
    }

    /// Does what was requested instead of a load; `None` if a load was requested.
    ///
    /// # Errors
    /// The mapping file or the file to suggest from cannot be read.
    pub(super) fn run_instead(
        &self,
        built_in: BuiltIn,
        mut stdout: impl Write,
    ) -> Result<Option<Exit>, ErrorWithAdvice> {
        let text = if self.print_mapping {
            self.mapping(built_in)?.text().to_owned()
        } else if let Some(file) = &self.suggest_mapping {
            suggest(&Source::new(file), self.format)
                .map_err(|error| ErrorWithAdvice::new(error, "specify a log file"))?
        } else {
            return Ok(None);
        };
        // A reader that closes the pipe (`| head -1`) has seen enough.
        let _ = stdout.write_all(text.as_bytes());
        Ok(Some(Exit::Done))
    }

    /// The inputs, with folders replaced by their files and prefixes by their objects.
    ///
    /// # Errors
    /// A folder, a prefix or an object cannot be read.
    pub(super) fn sources(&self, files: &[String], s3: &S3Settings) -> Result<Vec<Source>, SourceError> {
        Source::expand(files, s3)
    }
}
