//! Mappings: how a record becomes an item. A mapping file is checked as a whole before the first row is read, and compiled to steps
//! on fixed slots. The workshop's layouts are such files, compiled into the programs.

mod built_in;
mod columns;
mod compile;
mod compiled;
mod condition;
mod document;
mod error;
mod integer;
mod lexer;
mod mapper;
mod number;
mod numbering;
mod suggest;
mod table;
mod template;
mod timestamp;
mod values;

use std::fs;
use std::path::Path;
use std::sync::Arc;

pub use self::built_in::BuiltIn;
use self::compiled::Compiled;
pub use self::compiled::KeyType;
pub use self::error::MappingError;
pub use self::integer::{IntegerError, MAX_DIGITS};
pub use self::mapper::{AttributeSink, Mapper};
pub use self::number::NumberError;
pub use self::numbering::{Collision, Copies, Ids, Numbering, Stride};
pub use self::suggest::suggest;
pub use self::table::Mismatch;
use crate::batch_writer::KeySchema;
use crate::input::{Format, InputFormat};

/// A checked mapping, ready to run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mapping(Arc<Compiled>);

/// An attribute of a table's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAttribute {
    pub name: String,
    /// Its type; `None` if that is known only from each record.
    pub kind: Option<KeyType>,
}

/// What the command line says that a mapping file would otherwise say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--format`
    pub format: Option<Format>,
    /// `--header`
    pub header: bool,
    /// `--delimiter`
    pub delimiter: Option<u8>,
    /// `--skip-rows`
    pub skip_rows: Option<u64>,
    /// `--absent`: texts that mean, in any column, that there is no value.
    pub absent: Vec<String>,
    /// `--strict`
    pub strict: bool,
    /// `--first-id`: added to the number of each record.
    pub first_id: i128,
}

impl Mapping {
    /// Reads and checks a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] with the place of what is wrong.
    pub fn open(path: &Path, overrides: &Overrides) -> Result<Self, MappingError> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| MappingError {
            file: file.clone(),
            place: None,
            message: format!("it cannot be read: {error}"),
            advice: "check the path; --print-mapping prints a mapping to start from".to_owned(),
        })?;
        Self::parse(&file, &text, overrides)
    }

    /// Checks the text of a mapping file.
    ///
    /// # Errors
    /// [`MappingError`] with the place of what is wrong.
    pub fn parse(file: &str, text: &str, overrides: &Overrides) -> Result<Self, MappingError> {
        compile::compile(file, text, overrides).map(|compiled| Self(Arc::new(compiled)))
    }

    /// Its text, as a file.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// How inputs are read for it.
    pub fn input(&self) -> &InputFormat {
        &self.0.input
    }

    /// The attributes of the table's key, one or two.
    pub fn key(&self) -> &[KeyAttribute] {
        &self.0.key
    }

    /// The table's key, for the batch writer.
    pub fn key_schema(&self) -> KeySchema {
        let mut names = self.0.key.iter().map(|key| key.name.clone());
        KeySchema { partition: names.next().unwrap_or_default(), sort: names.next() }
    }

    /// How the copies of a record are numbered.
    pub fn copies(&self) -> Copies {
        self.0.copies
    }

    /// Whether records have an id that copies are numbered by.
    pub fn is_numbered(&self) -> bool {
        self.0.numbered.is_some()
    }

    /// Distinguishes mappings: a checkpoint is about one of them.
    pub fn fingerprint(&self) -> String {
        format!("{:08x}", self.0.fingerprint)
    }
}

#[cfg(test)]
mod tests;
