//! Templates are evaluated: text with references to columns becomes a value.

use super::State;
use crate::input::{Fields, RecordError, shortened};
use crate::mapping::MAX_DIGITS;
use crate::mapping::compiled::{ColumnType, Compiled, Empty, Rule};
use crate::mapping::integer::format_integer;
use crate::mapping::template::{Expression, Piece};
use crate::mapping::values::{self, Value};

impl State {
    /// The text of a slot that is not the record's.
    pub(super) fn keep_text(&mut self, slot: usize, write: impl FnOnce(&mut String)) {
        let begin = self.texts.len();
        write(&mut self.texts);
        self.own_texts[slot] = Some((begin, self.texts.len()));
    }

    /// The value of a column that is made of others.
    pub(super) fn compute(
        &mut self,
        compiled: &Compiled,
        slot: usize,
        rule: &Rule,
        fields: &Fields,
    ) -> Result<(), RecordError> {
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

    pub(super) fn text<'t>(&'t self, slot: usize, fields: &'t Fields) -> &'t str {
        match self.own_texts[slot] {
            Some((begin, end)) => &self.texts[begin..end],
            None => fields.text(slot),
        }
    }

    /// The value of a rule, whose text is appended to `out`; absent if it does not apply.
    pub(super) fn evaluate(
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
}
