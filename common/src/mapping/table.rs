//! Whether a mapping makes items for a table: key names and types, of the table and its indexes.

use std::sync::Arc;

use super::Mapping;
use super::compiled::KeyType;
use crate::tables::{IndexDescription, KeyElement, TableDescription, key_text};

/// A key of a table that is not the items'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The table's own.
    Key {
        /// The table's.
        found: String,
        /// The items'.
        expected: String,
    },
    /// An index's.
    IndexKey {
        index: String,
        attribute: String,
        /// Its type in the index.
        found: String,
        /// Its type in the items.
        expected: String,
    },
}

impl Mapping {
    /// Compares the mapping with a table's description. What differs is an error of the table, not of each row.
    pub fn mismatch(&self, table: &TableDescription) -> Option<Mismatch> {
        let kind_of = |element: &KeyElement| element.attribute_type.as_ref().map(|kind| kind.as_str().to_owned());
        let is_same = |(element, own): (&KeyElement, &super::KeyAttribute)| {
            let kinds = kind_of(element).zip(own.kind.map(KeyType::name));
            element.attribute == own.name && kinds.is_none_or(|(found, own)| found == own)
        };
        let own = &self.0.key;
        // Not every endpoint describes it.
        let is_known = !table.key.is_empty();
        if is_known && (table.key.len() != own.len() || !table.key.iter().zip(own).all(is_same)) {
            return Some(Mismatch::Key { found: key_text(&table.key), expected: self.key_text() });
        }
        table.indexes.iter().find_map(|index: &IndexDescription| {
            index.key.iter().find_map(|element| {
                let (found, expected) = (kind_of(element)?, self.kind_of(&element.attribute)?);
                let (index, attribute) = (index.name.clone(), element.attribute.clone());
                (found != expected).then(|| Mismatch::IndexKey {
                    index,
                    attribute,
                    found,
                    expected: expected.to_owned(),
                })
            })
        })
    }

    /// With the types of the table's key where the mapping leaves them to each record. A record with a key of another type is then a bad
    /// row.
    pub fn with_key_types(&self, table: &TableDescription) -> Self {
        let mut compiled = (*self.0).clone();
        for (own, element) in self.0.key.iter().zip(&table.key) {
            let kind = element.attribute_type.as_ref().and_then(|kind| KeyType::from_name(kind.as_str()));
            let steps = compiled.own.iter_mut().filter(|step| *step.attribute == *own.name && own.kind.is_none());
            steps.filter_map(|step| step.role.as_mut()).for_each(|role| role.kind = kind);
        }
        Self(Arc::new(compiled))
    }

    fn key_text(&self) -> String {
        let text = |(index, key): (usize, &super::KeyAttribute)| {
            let range = if index > 0 { " range" } else { "" };
            format!("{} ({}){range}", key.name, key.kind.map_or("any type", KeyType::name))
        };
        self.0.key.iter().enumerate().map(text).collect::<Vec<_>>().join(", ")
    }

    /// Attributes that have the same type in every item, with the type as DynamoDB names it.
    pub fn fixed_types(&self) -> impl Iterator<Item = (String, &'static str)> {
        self.0.own.iter().chain(&self.0.shared).filter_map(|step| {
            let kind = self.0.kind_of(step).key_type().ok().flatten()?;
            Some((step.attribute.to_string(), kind.name()))
        })
    }

    /// The type of an attribute, as DynamoDB names it; `None` if the mapping makes none of this name, or its type is not known.
    fn kind_of(&self, attribute: &str) -> Option<&'static str> {
        let step = self.0.own.iter().chain(&self.0.shared).find(|step| *step.attribute == *attribute)?;
        let kind = self.0.kind_of(step);
        match kind.key_type() {
            Ok(kind) => kind.map(KeyType::name),
            Err(()) if kind.name() == "boolean" => Some("BOOL"),
            Err(()) => Some("M or L"),
        }
    }
}
