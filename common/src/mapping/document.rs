//! The tables of a mapping file, with the place of everything in them.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Document, MappingError};

/// A table of the file.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) document: Document<'a>,
    /// As the file names it.
    pub(super) name: &'a str,
    pub(super) table: &'a DeTable<'a>,
}

/// A value, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    document: Document<'a>,
    pub(super) key: &'a str,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Section<'a> {
    /// Rejects unknown keys.
    pub(super) fn allow(&self, keys: &[&str]) -> Result<(), MappingError> {
        for key in self.table.keys() {
            if !keys.contains(&key.get_ref().as_ref()) {
                let place = if self.name.is_empty() { "a mapping".to_owned() } else { self.name.to_owned() };
                let message = format!("the key {:?} is not known", key.get_ref());
                let advice = format!("{place} has {}", keys.join(", "));
                return Err(self.document.error(key.span(), message, advice));
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &'a str) -> Option<Entry<'a>> {
        self.table.get(key).map(|value| Entry { document: self.document, key, value })
    }

    pub(super) fn section(&self, key: &'a str, name: &'a str) -> Result<Option<Section<'a>>, MappingError> {
        self.get(key).map(|entry| entry.section(name)).transpose()
    }

    /// All keys with their values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Range<usize>, Entry<'a>)> {
        let document = self.document;
        self.table.iter().map(move |(key, value)| (key.span(), Entry { document, key: key.get_ref().as_ref(), value }))
    }
}

impl<'a> Entry<'a> {
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    pub(super) fn error(&self, message: impl Into<String>, advice: impl Into<String>) -> MappingError {
        self.document.error(self.span(), message, advice)
    }

    fn wrong_type(&self, expected: &str) -> MappingError {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error(format!("{} is {found}", self.key), format!("write {expected}"))
    }

    pub(super) fn text(&self) -> Result<&'a str, MappingError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong_type("a text in quotes")),
        }
    }

    /// A text, or a number as its text.
    pub(super) fn scalar(&self) -> Result<String, MappingError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.to_string()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            DeValue::Boolean(value) => Ok(value.to_string()),
            _ => Err(self.wrong_type("a text or a number")),
        }
    }

    /// Where the text begins, without quotes: positions in it are counted from here.
    pub(super) fn text_offset(&self) -> usize {
        let quotes = self.document.text.get(self.span()).map_or(1, |text| {
            let triple = text.starts_with("\"\"\"") || text.starts_with("'''");
            if triple { 3 } else { 1 }
        });
        self.span().start + quotes
    }

    pub(super) fn boolean(&self) -> Result<bool, MappingError> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    /// A whole number, zero or more.
    pub(super) fn natural(&self) -> Result<u64, MappingError> {
        match self.value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
                .map_err(|_| self.error(format!("{} is {number}", self.key), "write a whole number, zero or more")),
            _ => Err(self.wrong_type("a whole number")),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<Entry<'a>>, MappingError> {
        match self.value.get_ref() {
            DeValue::Array(values) => {
                Ok(values.iter().map(|value| Entry { document: self.document, key: self.key, value }).collect())
            }
            _ => Err(self.wrong_type("a list such as [\"a\", \"b\"]")),
        }
    }

    pub(super) fn texts(&self) -> Result<Vec<&'a str>, MappingError> {
        self.list()?.iter().map(Entry::text).collect()
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::String(_))
    }

    pub(super) fn section(&self, name: &'a str) -> Result<Section<'a>, MappingError> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok(Section { document: self.document, name, table }),
            _ => Err(self.wrong_type("a text in quotes, or a table in braces")),
        }
    }
}
