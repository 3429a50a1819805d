//! Records become items: the steps of a mapping, run.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest as _, Sha256};

use super::compiled::{Column, ColumnType, Compiled, Empty, Role, Rule, Step, StepSource};
use super::condition::{Condition, Operand};
use super::integer::format_integer;
use super::template::{Expression, Piece};
use super::timestamp::TimeFormat;
use super::values::{self, Value};
use super::{MAX_DIGITS, Mapping, Numbering, number};
use crate::batch_writer::ItemJson;
use crate::input::{ColumnName, Field, Fields, RecordError, shortened};

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

/// What is known of the record in hand.
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

    /// Takes a record in hand: its number in the source, from 0, and its bytes.
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
            // 128 bits tell any number of rows apart.
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

impl State {
    /// Types a column.
    fn read(&mut self, compiled: &Compiled, slot: usize, fields: &Fields) -> Result<(), RecordError> {
        let column = &compiled.columns[slot];
        self.own_texts[slot] = None;
        let bad = |value: &str, reason: String| {
            Err(RecordError::BadValue { column: column_name(compiled, slot, fields), value: shortened(value), reason })
        };
        let parsed = match fields.get(slot) {
            Field::Absent => Ok(Value::Absent),
            Field::Null => Ok(Value::Null),
            Field::Text(text) if column.absent.iter().any(|absent| **absent == *text) => Ok(Value::Absent),
            Field::Text("") if !is_text(&column.kind) && matches!(compiled.empty, Empty::Omit | Empty::Null) => {
                Ok(if compiled.empty == Empty::Omit { Value::Absent } else { Value::Null })
            }
            Field::Text(text) => {
                values::parse(&column.kind, text, &mut self.numbers).or_else(|reason| bad(text, reason))
            }
            Field::Number(text) => match &column.kind {
                ColumnType::Native => values::parse(&ColumnType::Number, text, &mut self.numbers),
                ColumnType::Boolean | ColumnType::Json | ColumnType::Binary => Err(other_type("a number", column)),
                kind => values::parse(kind, text, &mut self.numbers),
            }
            .or_else(|reason| bad(text, reason)),
            Field::Bool(value) => match &column.kind {
                ColumnType::Native | ColumnType::Boolean => Ok(Value::Boolean(value)),
                ColumnType::String => Ok(Value::Text),
                _ => bad(fields.text(slot), other_type("a boolean", column)),
            },
            Field::Json(text) => match &column.kind {
                ColumnType::Native | ColumnType::Json => Ok(Value::Json),
                ColumnType::String => Ok(Value::Text),
                _ => bad(text, other_type("an array or object", column)),
            },
            Field::Attribute(text) => match &column.kind {
                ColumnType::Native => Ok(Value::Attribute),
                _ => bad(text, other_type("a map, list, set or binary value", column)),
            },
        };
        let value = parsed?;
        self.values[slot] = match (value, &column.default) {
            (Value::Absent, Some(default)) => {
                self.keep_text(slot, |text| text.push_str(default));
                let parsed = values::parse(&column.kind, default, &mut self.numbers);
                parsed.or_else(|reason| bad(default, reason))?
            }
            (value, _) => value,
        };
        Ok(())
    }

    /// The text of a slot that is not the record's.
    fn keep_text(&mut self, slot: usize, write: impl FnOnce(&mut String)) {
        let begin = self.texts.len();
        write(&mut self.texts);
        self.own_texts[slot] = Some((begin, self.texts.len()));
    }

    /// The value of a column that is made of others.
    fn compute(&mut self, compiled: &Compiled, slot: usize, rule: &Rule, fields: &Fields) -> Result<(), RecordError> {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        let value = self.evaluate(compiled, &compiled.columns[slot].name, rule, fields, &mut text);
        if let (Ok(Value::Integer(value)), true) = (&value, text.is_empty()) {
            text.push_str(format_integer(&mut itoa::Buffer::new(), *value));
        }
        self.keep_text(slot, |own| own.push_str(&text));
        self.scratch = text;
        self.values[slot] = value?;
        Ok(())
    }

    fn text<'t>(&'t self, slot: usize, fields: &'t Fields) -> &'t str {
        match self.own_texts[slot] {
            Some((begin, end)) => &self.texts[begin..end],
            None => fields.text(slot),
        }
    }

    /// The value of a rule, whose text is appended to `out`; absent if it does not apply.
    fn evaluate(
        &mut self,
        compiled: &Compiled,
        attribute: &str,
        rule: &Rule,
        fields: &Fields,
        out: &mut String,
    ) -> Result<Value, RecordError> {
        if let Some(when) = &rule.when
            && !self.holds(when, fields)
        {
            return Ok(Value::Absent);
        }
        if let [Piece::Reference(expression)] = &rule.pieces[..] {
            let value = self.value(attribute, expression, fields, out)?;
            return self.convert(compiled, attribute, value, &rule.kind, out);
        }
        for piece in &rule.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Reference(expression) => {
                    if !self.append(attribute, expression, fields, out)? {
                        return Ok(Value::Absent);
                    }
                }
            }
        }
        self.convert(compiled, attribute, Value::Text, &rule.kind, out)
    }

    /// Appends a value as text; false if there is none.
    fn append(
        &self,
        attribute: &str,
        expression: &Expression,
        fields: &Fields,
        out: &mut String,
    ) -> Result<bool, RecordError> {
        match self.value(attribute, expression, fields, out)? {
            Value::Absent | Value::Null => return Ok(false),
            Value::Integer(value) => out.push_str(format_integer(&mut itoa::Buffer::new(), value)),
            Value::Number(begin, end) => out.push_str(&self.numbers[begin..end]),
            Value::Time(time) => time.write_text(out),
            Value::Boolean(_) | Value::Text | Value::Json | Value::Attribute | Value::Binary => {}
        }
        Ok(true)
    }

    /// The value of an expression. What is text, or stays as it stands, is appended to `out`.
    fn value(
        &self,
        attribute: &str,
        expression: &Expression,
        fields: &Fields,
        out: &mut String,
    ) -> Result<Value, RecordError> {
        let bad = |reason: String| RecordError::BadAttribute { attribute: attribute.to_owned(), reason };
        Ok(match expression {
            Expression::Column(slot) => {
                let value = self.values[*slot];
                if matches!(value, Value::Text | Value::Json | Value::Attribute | Value::Binary | Value::Boolean(_)) {
                    out.push_str(self.text(*slot, fields));
                }
                value
            }
            Expression::Text(slot) => match self.values[*slot] {
                Value::Absent | Value::Null => Value::Absent,
                _ => {
                    out.push_str(self.text(*slot, fields));
                    Value::Text
                }
            },
            Expression::Format(slot, format) => match self.values[*slot] {
                Value::Time(time) => {
                    time.write_as(format, out).map_err(bad)?;
                    Value::Text
                }
                _ => Value::Absent,
            },
            Expression::Shifted(slot, seconds) => match self.values[*slot] {
                Value::Time(time) => Value::Time(time.shifted(*seconds).map_err(bad)?),
                _ => Value::Absent,
            },
            Expression::Integer(_) | Expression::Record | Expression::Arithmetic(..) => {
                match self.integer(expression).map_err(bad)? {
                    Some(value) => Value::Integer(value),
                    None => Value::Absent,
                }
            }
            Expression::File => {
                out.push_str(&self.file);
                Value::Text
            }
            Expression::RowHash => {
                out.push_str(&self.row_hash);
                Value::Text
            }
        })
    }

    /// A whole number; `None` if a column in it is absent.
    fn integer(&self, expression: &Expression) -> Result<Option<i128>, String> {
        Ok(match expression {
            Expression::Integer(value) => Some(*value),
            Expression::Record => Some(self.record),
            Expression::Column(slot) => match self.values[*slot] {
                Value::Integer(value) => Some(value),
                _ => None,
            },
            Expression::Arithmetic(one, operator, other) => match (self.integer(one)?, self.integer(other)?) {
                (Some(one), Some(other)) => {
                    let result = operator.apply(one, other);
                    let fits = result.filter(|value| value.unsigned_abs() < 10_u128.pow(MAX_DIGITS as u32));
                    Some(fits.ok_or_else(|| {
                        format!("the result has more than {MAX_DIGITS} digits, or is of a division by zero")
                    })?)
                }
                _ => None,
            },
            _ => None,
        })
    }

    /// A value as a rule's type wants it; its text, if it is one, is in `out`.
    fn convert(
        &mut self,
        compiled: &Compiled,
        attribute: &str,
        value: Value,
        kind: &ColumnType,
        out: &mut String,
    ) -> Result<Value, RecordError> {
        Ok(match (value, kind) {
            (Value::Absent | Value::Null, _) | (_, ColumnType::Native) => value,
            (Value::Text, ColumnType::String) => value,
            (Value::Text, _) if out.is_empty() && matches!(compiled.empty, Empty::Omit | Empty::Null) => Value::Absent,
            (Value::Text, kind) => values::parse(kind, out, &mut self.numbers).map_err(|reason| {
                let reason = format!("{:?} {reason}", shortened(out));
                RecordError::BadAttribute { attribute: attribute.to_owned(), reason }
            })?,
            (Value::Time(time), ColumnType::Number) => {
                let begin = self.numbers.len();
                time.write_epoch(&mut self.numbers);
                Value::Number(begin, self.numbers.len())
            }
            (Value::Time(time), ColumnType::Integer) => Value::Integer(time.epoch_seconds()),
            (value, ColumnType::String) => {
                match value {
                    Value::Integer(value) => out.push_str(format_integer(&mut itoa::Buffer::new(), value)),
                    Value::Number(begin, end) => out.push_str(&self.numbers[begin..end]),
                    Value::Time(time) => time.write_text(out),
                    _ => {}
                }
                Value::Text
            }
            (value, _) => value,
        })
    }

    /// Makes one attribute, if there is a value for it.
    #[inline]
    fn write(
        &mut self,
        compiled: &Compiled,
        step: &Step,
        fields: &Fields,
        sink: &mut impl AttributeSink,
    ) -> Result<(), RecordError> {
        match &step.source {
            StepSource::Column(slot) => {
                let value = self.values[*slot];
                let text = match self.own_texts[*slot] {
                    Some((begin, end)) => &self.texts[begin..end],
                    None => fields.text(*slot),
                };
                let written = write_value(compiled, step, value, text, &self.numbers, sink);
                written.map_err(|error| named(error, compiled, step, fields))
            }
            StepSource::Rule(rule) => {
                let mut text = std::mem::take(&mut self.scratch);
                text.clear();
                let evaluated = self.evaluate(compiled, &step.attribute, rule, fields, &mut text);
                let written = evaluated.and_then(|value| {
                    let written = write_value(compiled, step, value, &text, &self.numbers, sink);
                    written.map_err(|error| named(error, compiled, step, fields))
                });
                self.scratch = text;
                written
            }
        }
    }

    /// The columns without a slot.
    fn write_extras(
        &mut self,
        compiled: &Compiled,
        fields: &Fields,
        sink: &mut impl AttributeSink,
    ) -> Result<(), RecordError> {
        for (name, field) in fields.extras() {
            let is_made = compiled.own.iter().chain(&compiled.shared).any(|step| *step.attribute == *name);
            if is_made {
                continue;
            }
            let bad = |reason: String| RecordError::BadAttribute { attribute: name.to_owned(), reason };
            match field {
                Field::Absent => {}
                Field::Text("") if compiled.empty == Empty::Omit => {}
                Field::Text("") if compiled.empty == Empty::Null => sink.value(name, &AttributeValue::Null(true)),
                Field::Text("") if compiled.empty == Empty::Reject => {
                    return Err(RecordError::Empty { attribute: name.to_owned() });
                }
                Field::Text(text) => sink.string(name, &[text]),
                Field::Number(text) => {
                    self.scratch.clear();
                    let normal = number::normalize(text, &mut self.scratch);
                    normal.map_err(|error| bad(format!("{:?} {error}", shortened(text))))?;
                    sink.number(name, &self.scratch);
                }
                Field::Bool(value) => sink.value(name, &AttributeValue::Bool(value)),
                Field::Null => sink.value(name, &AttributeValue::Null(true)),
                Field::Json(text) => sink.value(name, &values::json_attribute(text).map_err(bad)?),
                Field::Attribute(text) => sink.value(name, &values::dynamodb_attribute(text).map_err(bad)?),
            }
        }
        Ok(())
    }

    fn holds(&self, condition: &Condition, fields: &Fields) -> bool {
        match condition {
            Condition::And(one, other) => self.holds(one, fields) && self.holds(other, fields),
            Condition::Or(one, other) => self.holds(one, fields) || self.holds(other, fields),
            Condition::Not(inner) => !self.holds(inner, fields),
            Condition::Absent(slot) => matches!(self.values[*slot], Value::Absent | Value::Null),
            Condition::Compare(one, comparison, other) => {
                self.compare(one, other, fields).is_some_and(|ordering| comparison.holds(ordering))
            }
        }
    }

    /// How two values compare; `None` if one is absent or they are of different types.
    fn compare(&self, one: &Operand, other: &Operand, fields: &Fields) -> Option<Ordering> {
        let value = |operand: &Operand| match operand {
            Operand::Column(slot) => self.values[*slot],
            Operand::Number(text) => text.parse().map_or(Value::Json, Value::Integer),
            Operand::Text(_) => Value::Text,
            Operand::Boolean(value) => Value::Boolean(*value),
        };
        let (left, right) = (value(one), value(other));
        if let (Value::Integer(one), Value::Integer(other)) = (left, right) {
            return Some(one.cmp(&other));
        }
        if let (Value::Boolean(one), Value::Boolean(other)) = (left, right) {
            return Some(one.cmp(&other));
        }
        if let (Some(one), Some(other)) = (self.decimal(one, left), self.decimal(other, right)) {
            return number::compare(&one, &other);
        }
        let text = |operand: &Operand| match operand {
            Operand::Column(slot) => self.text(*slot, fields).to_owned(),
            Operand::Number(text) | Operand::Text(text) => text.to_string(),
            Operand::Boolean(value) => value.to_string(),
        };
        match (left, right) {
            (Value::Time(one), Value::Time(other)) => Some(one.timestamp.cmp(&other.timestamp)),
            (Value::Time(time), Value::Text) => {
                Some(time.timestamp.cmp(&TimeFormat::Rfc3339.parse(&text(other)).ok()?.timestamp))
            }
            (Value::Text, Value::Time(time)) => {
                Some(TimeFormat::Rfc3339.parse(&text(one)).ok()?.timestamp.cmp(&time.timestamp))
            }
            (Value::Text, Value::Text) => Some(text(one).cmp(&text(other))),
            _ => None,
        }
    }

    fn decimal(&self, operand: &Operand, value: Value) -> Option<String> {
        match (operand, value) {
            (Operand::Number(text), _) => Some(text.to_string()),
            (_, Value::Integer(value)) => Some(value.to_string()),
            (_, Value::Number(begin, end)) => Some(self.numbers[begin..end].to_owned()),
            _ => None,
        }
    }
}

fn is_text(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Native | ColumnType::String)
}

fn other_type(found: &str, column: &Column) -> String {
    format!("is {found}, and the mapping says {}", column.kind.name())
}

/// Why a value does not become an attribute, before its columns are named.
enum Problem {
    KeyAbsent,
    KeyEmpty,
    KeyType,
    KeyTooLong { size: usize, limit: usize },
    Empty,
    Invalid(String),
}

fn named(problem: Problem, compiled: &Compiled, step: &Step, fields: &Fields) -> RecordError {
    let attribute = step.attribute.to_string();
    // The longest column is the one to look at.
    let slots = step.slots();
    let longest = slots.iter().copied().max_by_key(|slot| (fields.text(*slot).len(), std::cmp::Reverse(*slot)));
    let column = match longest {
        Some(slot) => column_name(compiled, slot, fields),
        None => ColumnName { number: None, name: step.attribute.clone() },
    };
    let absent =
        slots.iter().find(|slot| fields.text(**slot).is_empty()).map(|slot| column_name(compiled, *slot, fields));
    match problem {
        Problem::KeyAbsent => RecordError::KeyAbsent { attribute, column: absent.unwrap_or(column).to_string() },
        Problem::KeyEmpty => RecordError::KeyEmpty { attribute },
        Problem::KeyType => RecordError::BadAttribute {
            attribute,
            reason: format!("{column} is neither a string nor a number, and a key has to be one"),
        },
        Problem::KeyTooLong { size, limit } => RecordError::KeyTooLong { column, attribute, size, limit },
        Problem::Empty => RecordError::Empty { attribute },
        Problem::Invalid(reason) => RecordError::BadAttribute { attribute, reason },
    }
}

/// Hands a value to the sink.
#[inline]
fn write_value(
    compiled: &Compiled,
    step: &Step,
    value: Value,
    text: &str,
    numbers: &str,
    sink: &mut impl AttributeSink,
) -> Result<(), Problem> {
    let name = &*step.attribute;
    let mut time_text = String::new();
    match value {
        Value::Text if text.is_empty() => {
            if step.role.is_some() && compiled.empty != Empty::Omit {
                return Err(Problem::KeyEmpty);
            }
            match compiled.empty {
                Empty::Keep => sink.string(name, &[]),
                Empty::Omit if step.role.is_some_and(|role| role.is_table_key) => return Err(Problem::KeyEmpty),
                Empty::Omit => {}
                Empty::Null => sink.value(name, &AttributeValue::Null(true)),
                Empty::Reject => return Err(Problem::Empty),
            }
        }
        Value::Text => {
            check_key(step.role, text.as_bytes())?;
            sink.string(name, &[text]);
        }
        Value::Integer(value) => {
            let mut buffer = itoa::Buffer::new();
            let digits = format_integer(&mut buffer, value);
            check_key(step.role, digits.as_bytes())?;
            sink.number(name, digits);
        }
        Value::Number(begin, end) => {
            check_key(step.role, &numbers.as_bytes()[begin..end])?;
            sink.number(name, &numbers[begin..end]);
        }
        Value::Time(time) => {
            time.write_text(&mut time_text);
            check_key(step.role, time_text.as_bytes())?;
            sink.string(name, &[&time_text]);
        }
        Value::Binary => {
            let bytes = values::base64(text).map_err(Problem::Invalid)?;
            check_key(step.role, &bytes)?;
            sink.value(name, &AttributeValue::B(Blob::new(bytes)));
        }
        Value::Absent | Value::Null if step.role.is_some_and(|role| role.is_table_key) => {
            return Err(Problem::KeyAbsent);
        }
        Value::Absent => {}
        Value::Null => sink.value(name, &AttributeValue::Null(true)),
        Value::Attribute => {
            let value = values::dynamodb_attribute(text).map_err(Problem::Invalid)?;
            match (&value, step.role) {
                (AttributeValue::B(blob), role) => check_key(role, blob.as_ref())?,
                (_, Some(_)) => return Err(Problem::KeyType),
                (_, None) => {}
            }
            sink.value(name, &value);
        }
        Value::Boolean(_) | Value::Json if step.role.is_some() => return Err(Problem::KeyType),
        Value::Boolean(value) => sink.value(name, &AttributeValue::Bool(value)),
        Value::Json => sink.value(name, &values::json_attribute(text).map_err(Problem::Invalid)?),
    }
    Ok(())
}

fn check_key(role: Option<Role>, bytes: &[u8]) -> Result<(), Problem> {
    match role {
        Some(Role { limit, .. }) if bytes.len() > limit => Err(Problem::KeyTooLong { size: bytes.len(), limit }),
        _ => Ok(()),
    }
}
