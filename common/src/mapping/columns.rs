//! The columns that a mapping may refer to, and the slot of each that it does refer to.

use crate::input::{Format, columns};

use super::compiled::{Column, ColumnType};
use super::template;

/// Names of columns, and the slots given to them.
pub(super) struct ColumnSet {
    /// The names that there are; `None` if each input names its own.
    known: Option<Vec<String>>,
    pub(super) columns: Vec<Column>,
    /// Of an undeclared column.
    default_kind: ColumnType,
}

impl ColumnSet {
    /// Of rows that are read with a list of columns: each has its slot.
    pub(super) fn listed(names: &[&str]) -> Self {
        let mut set = Self {
            known: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            columns: Vec::new(),
            default_kind: ColumnType::String,
        };
        names.iter().for_each(|name| set.add(name));
        set
    }

    /// Of a format with its own columns, or whose inputs name them.
    pub(super) fn of_format(format: Format) -> Self {
        let is_json = matches!(format, Format::Jsonl | Format::DynamodbJson);
        Self {
            known: columns(format).map(|names| names.into_iter().map(str::to_owned).collect()),
            columns: Vec::new(),
            default_kind: if is_json { ColumnType::Native } else { ColumnType::String },
        }
    }

    fn add(&mut self, name: &str) {
        let kind = self.default_kind.clone();
        self.columns.push(Column { name: name.into(), kind, absent: Vec::new(), default: None });
    }

    /// Adds a column that is made of others.
    pub(super) fn add_computed(&mut self, name: &str, kind: ColumnType) -> Result<usize, (String, String)> {
        let is_taken =
            self.known.as_ref().is_some_and(|known| known.iter().any(|each| each == name)) || self.find(name).is_some();
        if is_taken {
            let message = format!("there is a column {name:?} already");
            return Err((message, "choose another name, or make it an attribute under [item.attributes]".to_owned()));
        }
        if let Some(known) = &mut self.known {
            known.push(name.to_owned());
        }
        self.columns.push(Column { name: name.into(), kind, absent: Vec::new(), default: None });
        Ok(self.columns.len() - 1)
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| *column.name == *name)
    }

    pub(super) fn is_known_in_advance(&self) -> bool {
        self.known.is_some()
    }

    /// Gives each column that there is a slot.
    pub(super) fn add_all(&mut self) {
        for name in self.known.clone().unwrap_or_default() {
            if self.find(&name).is_none() {
                self.add(&name);
            }
        }
    }
}

impl template::Columns for ColumnSet {
    fn slot(&mut self, name: &str) -> Result<usize, (String, String)> {
        if let Some(slot) = self.find(name) {
            return Ok(slot);
        }
        if let Some(known) = self.known.as_ref().filter(|known| !known.iter().any(|each| each == name)) {
            let advice = match known.is_empty() {
                true => "the input has no columns".to_owned(),
                false => format!("the columns are {}", known.join(", ")),
            };
            return Err((format!("there is no column {name:?}"), advice));
        }
        self.add(name);
        Ok(self.columns.len() - 1)
    }

    fn is_column(&self, name: &str) -> bool {
        let is_plain = || {
            name.chars().all(|c| c.is_alphanumeric() || "_-.()".contains(c)) && name.starts_with(char::is_alphabetic)
        };
        match &self.known {
            Some(known) => known.iter().any(|each| each == name),
            None => self.find(name).is_some() || is_plain() && !["file", "record", "row_hash"].contains(&name),
        }
    }
}
