//! What to load, and how.

use std::path::PathBuf;

use super::expected::ExpectedInput;
use super::max_errors::MaxErrors;
use super::part::Part;
use super::sink::Destination;
use crate::input::{Source, SourceStamp};
use crate::mapping::{Mapping, Numbering};
use crate::report::{Identity, InputIdentity, LoadInfo, PartInfo, Script};
use crate::screen::Screen;

/// What to load, and how.
#[derive(Debug)]
pub struct Job {
    pub destination: Destination,
    /// Worker threads, at least one.
    pub workers: usize,
    /// The inputs; their indexes are Python's thread ids.
    pub sources: Vec<Source>,
    /// How a record becomes an item.
    pub mapping: Mapping,
    /// How many copies of each item, and with which ids.
    pub numbering: Numbering,
    /// Which part of the load this is, if it has parts.
    pub part: Option<Part>,
    /// The file that records the load's progress, from which it resumes after any stop.
    pub checkpoint: Option<PathBuf>,
    /// Whether to start over and ignore the checkpoint.
    pub fresh: bool,
    /// The file for rejected rows; without it the first one ends the load.
    pub rejects: Option<PathBuf>,
    /// The minimum size of the input.
    pub expected: ExpectedInput,
    /// How many rows may be rejected before the load ends; without it any number.
    pub max_errors: Option<MaxErrors>,
    /// Whose lines are printed on standard output.
    pub script: Script,
    /// Standard error, with bars on a terminal.
    pub screen: Screen,
    /// Whether to show no progress and no explanations.
    pub quiet: bool,
}

impl Job {
    /// The load's parameters, as in the report.
    pub fn info(&self) -> LoadInfo {
        LoadInfo {
            program: self.script.program().into(),
            version: env!("CARGO_PKG_VERSION").into(),
            destination: self.destination.to_string(),
            table: self.destination.table_name().to_owned(),
            inputs: self.source_names(),
            part: self.part.map(|part| PartInfo { index: part.index(), count: part.count().get() }),
            mapping: format!("{}, ids {}", self.mapping.fingerprint(), self.numbering),
        }
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            program: self.script.program().to_owned(),
            destination: self.destination.to_string(),
            table: self.destination.table_name().to_owned(),
            inputs: self.sources.iter().map(input_identity).collect(),
            part: self.part.map(|part| part.to_string()),
            numbering: self.numbering.to_string(),
            mapping: self.mapping.fingerprint(),
            rejects: self.rejects.clone(),
        }
    }

    fn source_names(&self) -> Vec<String> {
        self.sources.iter().map(|source| source.name().to_owned()).collect()
    }
}

fn input_identity(source: &Source) -> InputIdentity {
    let SourceStamp { size, version } = source.stamp();
    InputIdentity { name: source.name().to_owned(), size, version }
}
