//! Conditions are evaluated: whether `when` holds for a record.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::State;
use crate::input::Fields;
use crate::mapping::condition::{Condition, Operand};
use crate::mapping::number;
use crate::mapping::timestamp::TimeFormat;
use crate::mapping::values::Value;

impl State {
    pub(super) fn holds(&self, condition: &Condition, fields: &Fields) -> bool {
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
            Operand::Integer(value) => Value::Integer(*value),
            Operand::Decimal(_) => Value::Json,
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
        let text = |operand| match operand {
            &Operand::Column(slot) => self.text(slot, fields),
            Operand::Decimal(text) | Operand::Text(text) => text,
            Operand::Integer(_) | Operand::Boolean(_) => "",
        };
        match (left, right) {
            (Value::Time(one), Value::Time(other)) => Some(one.timestamp.cmp(&other.timestamp)),
            (Value::Time(time), Value::Text) => {
                Some(time.timestamp.cmp(&TimeFormat::Rfc3339.parse(text(other)).ok()?.timestamp))
            }
            (Value::Text, Value::Time(time)) => {
                Some(TimeFormat::Rfc3339.parse(text(one)).ok()?.timestamp.cmp(&time.timestamp))
            }
            (Value::Text, Value::Text) => Some(text(one).cmp(text(other))),
            _ => None,
        }
    }

    /// A number's digits.
    fn decimal<'t>(&'t self, operand: &'t Operand, value: Value) -> Option<Cow<'t, str>> {
        match (operand, value) {
            (Operand::Decimal(text), _) => Some(Cow::Borrowed(text)),
            (_, Value::Integer(value)) => Some(Cow::Owned(value.to_string())),
            (_, Value::Number(begin, end)) => Some(Cow::Borrowed(&self.numbers[begin..end])),
            _ => None,
        }
    }
}
