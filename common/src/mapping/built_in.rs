//! The mappings that are compiled into the programs: the workshop's item, made of any of the formats that have its columns.

use super::{Mapping, Overrides};
use crate::input::Format;

/// A layout of the workshop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltIn {
    /// Of `load_logfile.py`.
    Sequential,
    /// Of `load_logfile_parallel.py`.
    Parallel,
    /// Of the same for the table `logfile_gsi_low`.
    ParallelHost,
}

impl BuiltIn {
    /// What the workshop's parallel loader does: hosts for `logfile_gsi_low`, shards for every other table.
    pub fn parallel(table: &str) -> Self {
        // An ARN ends with the table's name.
        match table.rsplit('/').next() {
            Some("logfile_gsi_low") => Self::ParallelHost,
            _ => Self::Parallel,
        }
    }

    fn item(self) -> &'static str {
        match self {
            Self::Sequential => include_str!("built_in/load_logfile.toml"),
            Self::Parallel => include_str!("built_in/load_logfile_parallel.toml"),
            Self::ParallelHost => include_str!("built_in/logfile_gsi_low.toml"),
        }
    }

    /// Numbers for the copies: the workshop's for its files, as many as there are records for logs.
    fn copies(self, format: Format) -> &'static str {
        match (self, input(format).is_some()) {
            (Self::Sequential, false) => "",
            (_, true) => include_str!("built_in/copies_of_logs.toml"),
            (_, false) => include_str!("built_in/copies.toml"),
        }
    }

    /// The text of the mapping of a format.
    pub fn text(self, format: Format) -> String {
        let input = input(format).unwrap_or(include_str!("built_in/csv.toml"));
        [input, self.item(), self.copies(format)]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The mapping.
    ///
    /// # Panics
    /// Never: all of them are compiled in a test.
    pub fn mapping(self, overrides: &Overrides) -> Mapping {
        let text = self.text(overrides.format.unwrap_or(Format::Csv));
        match Mapping::parse("the built-in mapping", &text, overrides) {
            Ok(mapping) => mapping,
            Err(error) => panic!("{error}"),
        }
    }
}

/// How a format's columns become those of the workshop; `None` if they have its names.
fn input(format: Format) -> Option<&'static str> {
    match format {
        Format::AccessLog => Some(include_str!("built_in/access_log.toml")),
        Format::W3c => Some(include_str!("built_in/w3c.toml")),
        Format::Alb => Some(include_str!("built_in/alb.toml")),
        Format::S3AccessLog => Some(include_str!("built_in/s3_access_log.toml")),
        Format::Csv | Format::Tsv | Format::Jsonl | Format::DynamodbJson => None,
    }
}
