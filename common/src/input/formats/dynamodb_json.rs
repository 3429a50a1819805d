//! Items in DynamoDB's JSON, one a line (`{"Item":{"PK":{"S":"a"}}}`), as exports to S3 have them.

use super::jsonl::{Object, field, malformed};
use super::{Line, LineFormat};
use crate::input::fields::{Fields, Kind};
use crate::input::format::{Format, InputFormat};
use crate::input::oddity::Oddities;
use crate::input::record::{RecordError, shortened};

pub(super) struct DynamodbJson {
    slots: Vec<Box<str>>,
    keeps_others: bool,
}

impl DynamodbJson {
    pub(super) fn new(format: &InputFormat) -> Self {
        Self { slots: format.slots.clone(), keeps_others: format.keeps_others }
    }
}

impl LineFormat for DynamodbJson {
    fn parse(&mut self, line: &str, fields: &mut Fields) -> Result<Line, RecordError> {
        fields.clear_names();
        let parse =
            |text| serde_json::from_str::<Object<'_>>(text).map_err(|error| malformed(Format::DynamodbJson, &error));
        let whole = parse(line)?;
        let item = match whole.0.iter().find(|(name, _)| name == "Item") {
            Some((_, item)) => parse(item.get())?,
            None => whole,
        };
        for (name, value) in &item.0 {
            let not_a_value = || RecordError::Malformed {
                format: Format::DynamodbJson.name(),
                reason: format!("{name} is {}, and not a value such as {{\"S\":\"text\"}}", shortened(value.get())),
            };
            let typed = parse(value.get()).map_err(|_| not_a_value())?;
            let [(kind, inner)] = &typed.0[..] else { return Err(not_a_value()) };
            let (inner_kind, text) = field(inner.get()).map_err(|_| not_a_value())?;
            let (kind, text) = match (&**kind, inner_kind) {
                ("S", Kind::Text) => (Kind::Text, text),
                ("N", Kind::Text) => (Kind::Number, text),
                ("BOOL", Kind::Bool(value)) => (Kind::Bool(value), text),
                ("NULL", Kind::Bool(true)) => (Kind::Null, text),
                ("B" | "M" | "L" | "SS" | "NS" | "BS", _) => (Kind::Attribute, value.get().into()),
                _ => return Err(not_a_value()),
            };
            match self.slots.iter().position(|slot| **slot == **name) {
                Some(slot) => fields.push_slot(slot, kind, &text),
                None if self.keeps_others => fields.push_extra(name, kind, &text),
                None => {}
            }
        }
        Ok(Line::Record(Oddities::default()))
    }
}
