//! A mapping as it runs: steps on fixed slots.

use crate::input::InputFormat;

use super::condition::Condition;
use super::template::Piece;
use super::timestamp::TimeFormat;
use super::{Copies, KeyAttribute};

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// What the format says: text in text formats, JSON's own types in JSON.
    Native,
    String,
    Integer,
    Number,
    Boolean,
    Timestamp(TimeFormat),
    Json,
    Binary,
}

impl ColumnType {
    pub(super) const NAMES: [&str; 7] = ["string", "integer", "number", "boolean", "timestamp", "json", "binary"];

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Native => "any",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Timestamp(_) => "timestamp",
            Self::Json => "json",
            Self::Binary => "binary",
        }
    }

    /// The type of a key attribute of such a value; `None` if it is not known before the load, the error if it cannot be one.
    pub(super) fn key_type(&self) -> Result<Option<KeyType>, ()> {
        match self {
            Self::Native => Ok(None),
            Self::String | Self::Timestamp(_) => Ok(Some(KeyType::String)),
            Self::Integer | Self::Number => Ok(Some(KeyType::Number)),
            Self::Binary => Ok(Some(KeyType::Binary)),
            Self::Boolean | Self::Json => Err(()),
        }
    }
}

/// The types that a key attribute can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// S
    String,
    /// N
    Number,
    /// B
    Binary,
}

impl KeyType {
    /// As DynamoDB names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "S",
            Self::Number => "N",
            Self::Binary => "B",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::String, Self::Number, Self::Binary].into_iter().find(|kind| kind.name() == name)
    }
}

/// How an empty string is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    Keep,
    Omit,
    Null,
    Reject,
}

/// How the text of a slot becomes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: Box<str>,
    pub(super) kind: ColumnType,
    /// Texts that mean: no value.
    pub(super) absent: Vec<Box<str>>,
    /// Taken where there is no value.
    pub(super) default: Option<Box<str>>,
}

/// A value made of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) pieces: Vec<Piece>,
    /// What the value is.
    pub(super) kind: ColumnType,
    pub(super) when: Option<Condition>,
}

/// An attribute's role as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Role {
    /// Whether it belongs to the table's key; else it belongs to an index's.
    pub(super) is_table_key: bool,
    /// The most bytes that DynamoDB takes.
    pub(super) limit: usize,
    /// Its type in the table, if that is known and each record could have another one.
    pub(super) kind: Option<KeyType>,
}

/// Makes one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) attribute: Box<str>,
    pub(super) role: Option<Role>,
    pub(super) source: StepSource,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StepSource {
    Column(usize),
    Rule(Rule),
}

impl Step {
    /// The columns that it needs.
    pub(super) fn slots(&self) -> Vec<usize> {
        let mut found = Vec::new();
        match &self.source {
            StepSource::Column(slot) => found.push(*slot),
            StepSource::Rule(rule) => rule.slots(&mut found),
        }
        found
    }
}

impl Rule {
    pub(super) fn slots(&self, found: &mut Vec<usize>) {
        for piece in &self.pieces {
            if let Piece::Reference(expression) = piece {
                expression.slots(found);
            }
        }
        if let Some(when) = &self.when {
            when.slots(found);
        }
    }
}

impl Compiled {
    /// The type of the values that a step makes.
    pub(super) fn kind_of<'s>(&'s self, step: &'s Step) -> &'s ColumnType {
        match &step.source {
            StepSource::Column(slot) => &self.columns[*slot].kind,
            StepSource::Rule(rule) => &rule.kind,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) text: String,
    /// Of the text and of what the command line says.
    pub(super) fingerprint: u32,
    pub(super) input: InputFormat,
    /// By slot: those of the input, and behind them the computed ones.
    pub(super) columns: Vec<Column>,
    /// The slots that are parsed for each record; the others are text as it stands.
    pub(super) typed: Vec<usize>,
    /// Columns made of others, in their order.
    pub(super) computed: Vec<(usize, Rule)>,
    /// The table's key, and the attributes that differ between the copies of a record.
    pub(super) own: Vec<Step>,
    /// Attributes that they have in common; behind `extras_at` of them come the columns without a slot.
    pub(super) shared: Vec<Step>,
    pub(super) extras_at: Option<usize>,
    pub(super) key: Vec<KeyAttribute>,
    pub(super) empty: Empty,
    /// The column that the copies are numbered by.
    pub(super) numbered: Option<usize>,
    pub(super) copies: Copies,
    pub(super) first_id: i128,
    pub(super) needs_row_hash: bool,
}
