//! Records become items: the steps of a mapping, run.

mod conditions;
mod evaluate;
mod read;
mod write;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest as _, Sha256};

use super::compiled::Compiled;
use super::values::Value;
use super::{MAX_DIGITS, Mapping, Numbering};
use crate::batch_writer::ItemJson;
use crate::input::{ColumnName, Fields, RecordError};

/// Takes the attributes of an item, one after another.
pub trait AttributeSink {
    /// A string attribute, whose value is the parts put together.
    fn string(&mut self, name: &str, parts: &[&str]);
    /// A number attribute, given as decimal text.
    fn number(&mut self, name: &str, text: &str);
    /// An attribute of any type.
    fn value(&mut self, name: &str, value: &AttributeValue);
}

impl AttributeSink for ItemJson {
    fn string(&mut self, name: &str, parts: &[&str]) {
        ItemJson::string(self, name, parts);
    }

    fn number(&mut self, name: &str, text: &str) {
        ItemJson::number(self, name, text);
    }

    fn value(&mut self, name: &str, value: &AttributeValue) {
        self.attribute(name, value);
    }
}

/// Turns the records of one source into items. Memory for a record is used again for the next; nothing is allocated for a field.
///
/// For each record: [`begin`](Self::begin), then [`write_shared`](Self::write_shared), then [`write_own`](Self::write_own) for each copy.
#[derive(Debug)]
pub struct Mapper {
    compiled: Arc<Compiled>,
    numbering: Numbering,
    source: usize,
    state: State,
}

/// What is known about the current record.
#[derive(Debug)]
struct State {
    file: Box<str>,
    /// Its number, from 1, and what is added to it.
    record: i128,
    row_hash: String,
    values: Vec<Value>,
    /// The value of the numbered column, as it stands in the record.
    id: Option<i128>,
    /// Digits of numbers.
    numbers: String,
    /// Texts that do not stand in the record, and which slots have one.
    texts: String,
    own_texts: Vec<Option<(usize, usize)>>,
    scratch: String,
}

impl Mapper {
    /// For the source with this index and name.
    pub fn new(mapping: &Mapping, numbering: Numbering, source: usize, source_name: &str) -> Self {
        let compiled = Arc::clone(&mapping.0);
        let file = Path::new(source_name).file_name().and_then(|name| name.to_str()).unwrap_or(source_name);
        let slots = compiled.columns.len();
        let state = State {
            file: file.into(),
            record: 0,
            row_hash: String::new(),
            values: vec![Value::Text; slots],
            id: None,
            numbers: String::new(),
            texts: String::new(),
            own_texts: vec![None; slots],
            scratch: String::new(),
        };
        Self { compiled, numbering, source, state }
    }

    /// How many items a record becomes.
    pub fn copies(&self) -> u32 {
        self.numbering.copies()
    }

    /// Begins a record: its number in the source, from 0, and its bytes.
    ///
    /// # Errors
    /// A column does not hold what its type asks for.
    pub fn begin(&mut self, record: u64, raw: &[u8], fields: &Fields) -> Result<(), RecordError> {
        let Self { compiled, state, .. } = self;
        state.record = i128::from(record) + 1 + compiled.first_id;
        state.numbers.clear();
        state.texts.clear();
        if compiled.needs_row_hash {
            state.row_hash.clear();
            // 128 bits distinguish any number of rows.
            for byte in &Sha256::digest(raw)[..16] {
                let _ = write!(state.row_hash, "{byte:02x}");
            }
        }
        for &slot in &compiled.typed {
            state.read(compiled, slot, fields)?;
        }
        for (slot, rule) in &compiled.computed {
            state.compute(compiled, *slot, rule, fields)?;
        }
        state.id = match compiled.numbered.map(|slot| state.values[slot]) {
            Some(Value::Integer(id)) => Some(id),
            _ => None,
        };
        Ok(())
    }

    /// The id that the record's copies are numbered from; `None` if the mapping has no such column, or the record no value in it.
    pub fn id(&self) -> Option<i128> {
        self.state.id
    }

    /// Writes the attributes that all copies of the record have in common.
    ///
    /// # Errors
    /// One of them cannot be made.
    pub fn write_shared(&mut self, fields: &Fields, sink: &mut impl AttributeSink) -> Result<(), RecordError> {
        let Self { compiled, state, .. } = self;
        for (index, step) in compiled.shared.iter().enumerate() {
            if compiled.extras_at == Some(index) {
                state.write_extras(compiled, fields, sink)?;
            }
            state.write(compiled, step, fields, sink)?;
        }
        if compiled.extras_at == Some(compiled.shared.len()) {
            state.write_extras(compiled, fields, sink)?;
        }
        Ok(())
    }

    /// Writes the attributes that differ between the copies, beginning with the table's key.
    ///
    /// # Errors
    /// One of them cannot be made.
    pub fn write_own(&mut self, fields: &Fields, copy: u32, sink: &mut impl AttributeSink) -> Result<(), RecordError> {
        let Self { compiled, numbering, source, state } = self;
        if let (Some(slot), Some(id)) = (compiled.numbered, state.id) {
            let id = numbering.id(*source, copy, id);
            if id.unsigned_abs() >= 10_u128.pow(MAX_DIGITS as u32) {
                return Err(RecordError::CopyIdTooLong { column: column_name(compiled, slot, fields) });
            }
            state.values[slot] = Value::Integer(id);
        }
        for step in &compiled.own {
            state.write(compiled, step, fields, sink)?;
        }
        Ok(())
    }
}

fn column_name(compiled: &Compiled, slot: usize, fields: &Fields) -> ColumnName {
    let number = if compiled.input.format.is_delimited() { fields.column_number(slot) } else { None };
    ColumnName { number, name: compiled.columns[slot].name.clone() }
}
