//! Values become attributes, within DynamoDB's limits for keys.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::{AttributeSink, State, column_name};
use crate::input::{ColumnName, Field, Fields, RecordError, shortened};
use crate::mapping::compiled::{Compiled, Empty, KeyType, Role, Step, StepSource};
use crate::mapping::integer::format_integer;
use crate::mapping::number;
use crate::mapping::values::{self, Value};

impl State {
    /// Makes one attribute, if there is a value for it.
    #[inline]
    pub(super) fn write(
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
    pub(super) fn write_extras(
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
}

/// Why a value does not become an attribute, before its columns are named.
enum Problem {
    KeyAbsent,
    KeyEmpty,
    NoKeyType,
    OtherKeyType { found: KeyType, expected: KeyType },
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
        Problem::NoKeyType => RecordError::BadAttribute {
            attribute,
            reason: format!("{column} is neither a string nor a number, and a key has to be one"),
        },
        Problem::OtherKeyType { found, expected } => {
            RecordError::KeyType { attribute, found: found.name(), expected: expected.name() }
        }
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
            check_key(step.role, KeyType::String, text.as_bytes())?;
            sink.string(name, &[text]);
        }
        Value::Integer(value) => {
            let mut buffer = itoa::Buffer::new();
            let digits = format_integer(&mut buffer, value);
            check_key(step.role, KeyType::Number, digits.as_bytes())?;
            sink.number(name, digits);
        }
        Value::Number(begin, end) => {
            check_key(step.role, KeyType::Number, &numbers.as_bytes()[begin..end])?;
            sink.number(name, &numbers[begin..end]);
        }
        Value::Time(time) => {
            time.write_text(&mut time_text);
            check_key(step.role, KeyType::String, time_text.as_bytes())?;
            sink.string(name, &[&time_text]);
        }
        Value::Binary => {
            let bytes = values::base64(text).map_err(Problem::Invalid)?;
            check_key(step.role, KeyType::Binary, &bytes)?;
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
                (AttributeValue::B(blob), role) => check_key(role, KeyType::Binary, blob.as_ref())?,
                (_, Some(_)) => return Err(Problem::NoKeyType),
                (_, None) => {}
            }
            sink.value(name, &value);
        }
        Value::Boolean(_) | Value::Json if step.role.is_some() => return Err(Problem::NoKeyType),
        Value::Boolean(value) => sink.value(name, &AttributeValue::Bool(value)),
        Value::Json => sink.value(name, &values::json_attribute(text).map_err(Problem::Invalid)?),
    }
    Ok(())
}

fn check_key(role: Option<Role>, found: KeyType, bytes: &[u8]) -> Result<(), Problem> {
    match role {
        Some(Role { kind: Some(expected), .. }) if expected != found => Err(Problem::OtherKeyType { found, expected }),
        Some(Role { limit, .. }) if bytes.len() > limit => Err(Problem::KeyTooLong { size: bytes.len(), limit }),
        _ => Ok(()),
    }
}
