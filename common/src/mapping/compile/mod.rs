//! A mapping file, read and checked: everything that can be known before the first row is.

mod copies;
mod input;
mod item;
mod rules;
mod steps;

use std::ops::Range;

use toml::de::DeTable;

use super::Overrides;
use super::columns::ColumnSet;
use super::compiled::{Compiled, Empty, Rule, Step};
use super::document::Section;
use super::error::{Document, MappingError};
use super::lexer::SyntaxError;
use super::template::Columns as _;
use crate::input::{Dialect, Format};

/// Reads a mapping file.
///
/// # Errors
/// The first thing that is wrong in it, with its place.
pub(super) fn compile(file: &str, text: &str, overrides: &Overrides) -> Result<Compiled, MappingError> {
    let document = Document { file, text };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        let message = error.message().trim().replace('\n', ", ");
        match text.get(at.clone()).filter(|_| message == "duplicate key") {
            Some(key) => document.error(at, format!("{key} is there twice"), "remove one of the two"),
            None => document.error(at, message, "mapping files are TOML (toml.io)"),
        }
    })?;
    let root = Section { document, name: "", table: table.get_ref() };
    root.allow(&["version", "input", "columns", "computed", "item", "copies"])?;
    match root.get("version") {
        Some(version) if version.natural()? != 1 => {
            return Err(version.error("this version of mapping files is not known", "write version = 1"));
        }
        Some(_) => {}
        None => return Err(document.error(0..0, "the file has no version", "begin it with: version = 1")),
    }
    let Some(item) = root.section("item", "[item]")? else {
        return Err(document.error(0..0, "there is no [item]", "write [item] with the table's key: key = [\"PK\"]"));
    };
    let mut compiler = Compiler::begin(&root, overrides)?;
    compiler.read_columns(&root)?;
    compiler.read_computed(&root)?;
    let copies = compiler.read_copies(&root)?;
    compiler.read_item(item)?;
    compiler.finish(text, copies, overrides)
}

/// What has been read so far.
struct Compiler<'a> {
    document: Document<'a>,
    format: Format,
    dialect: Dialect,
    /// How many columns a row has, where there is a list of them.
    listed: usize,
    set: ColumnSet,
    computed: Vec<(usize, Rule)>,
    numbered: Option<(usize, Range<usize>)>,
    key: Vec<(String, Range<usize>)>,
    index_keys: Vec<(String, usize)>,
    empty: Empty,
    /// Rules in the file's order, and the columns that become attributes.
    rules: Vec<Step>,
    column_steps: Vec<Step>,
    takes_others: bool,
}

impl<'a> Compiler<'a> {
    fn syntax<T>(&self, result: Result<T, SyntaxError>) -> Result<T, MappingError> {
        result.map_err(|SyntaxError { at, message, advice }| self.document.error(at, message, advice))
    }

    fn slot(&mut self, name: &str, at: Range<usize>) -> Result<usize, MappingError> {
        self.set.slot(name).map_err(|(message, advice)| self.document.error(at, message, advice))
    }
}
