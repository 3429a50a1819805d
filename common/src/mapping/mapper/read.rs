//! Columns are read: the text of a field becomes a value of the column's type.

use super::{State, column_name};
use crate::input::{Field, Fields, RecordError, shortened};
use crate::mapping::compiled::{Column, ColumnType, Compiled, Empty};
use crate::mapping::values::{self, Value};

impl State {
    /// Types a column.
    pub(super) fn read(&mut self, compiled: &Compiled, slot: usize, fields: &Fields) -> Result<(), RecordError> {
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
}

fn is_text(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Native | ColumnType::String)
}

fn other_type(found: &str, column: &Column) -> String {
    format!("is {found}, and the mapping says {}", column.kind.name())
}
