//! JSON Lines: an object a line. Numbers keep their text, nested values stay JSON until the mapping wants them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Line, LineFormat};
use crate::input::fields::{Fields, Kind};
use crate::input::format::{Format, InputFormat};
use crate::input::oddity::Oddities;
use crate::input::record::RecordError;

pub(super) struct Jsonl {
    slots: Vec<Box<str>>,
    /// Slots such as `user.id`, with their names taken apart: a member of a nested object, where there is none of the whole name.
    paths: Vec<(usize, Vec<Box<str>>)>,
    keeps_others: bool,
}

impl Jsonl {
    pub(super) fn new(format: &InputFormat) -> Self {
        let slots = format.slots.clone();
        let paths = slots.iter().enumerate().filter(|(_, name)| name.contains('.'));
        let paths = paths.map(|(slot, name)| (slot, name.split('.').map(Box::from).collect())).collect();
        Self { slots, paths, keeps_others: format.keeps_others }
    }
}

impl LineFormat for Jsonl {
    fn parse(&mut self, line: &str, fields: &mut Fields) -> Result<Line, RecordError> {
        fields.clear_names();
        let object: Object<'_> = serde_json::from_str(line).map_err(|error| malformed(Format::Jsonl, &error))?;
        for (name, value) in &object.0 {
            let (kind, text) = field(value.get()).map_err(|error| malformed(Format::Jsonl, &error))?;
            match self.slots.iter().position(|slot| **slot == **name) {
                Some(slot) => fields.push_slot(slot, kind, &text),
                None if self.keeps_others => fields.push_extra(name, kind, &text),
                None => {}
            }
        }
        for (slot, path) in &self.paths {
            if fields.column_number(*slot).is_none()
                && let Some(text) = object.member(path)
            {
                let (kind, text) = field(&text).map_err(|error| malformed(Format::Jsonl, &error))?;
                fields.push_slot(*slot, kind, &text);
            }
        }
        Ok(Line::Record(Oddities::default()))
    }
}

pub(super) fn malformed(format: Format, error: &serde_json::Error) -> RecordError {
    let reason = error.to_string();
    // A record is one line, so that only the column says something.
    let reason = reason.replace(&format!(" at line {} column ", error.line()), " at column ");
    RecordError::Malformed { format: format.name(), reason }
}

/// The kind of a JSON value, and its text: of a string what it says, of all others as it stands.
pub(super) fn field(raw: &str) -> Result<(Kind, Cow<'_, str>), serde_json::Error> {
    Ok(match raw.as_bytes().first() {
        Some(b'"') => (Kind::Text, text(raw)?),
        Some(b't') => (Kind::Bool(true), raw.into()),
        Some(b'f') => (Kind::Bool(false), raw.into()),
        Some(b'n') => (Kind::Null, "".into()),
        Some(b'{' | b'[') => (Kind::Json, raw.into()),
        _ => (Kind::Number, raw.into()),
    })
}

fn text(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(plain.into()),
        _ => serde_json::from_str::<String>(raw).map(Cow::Owned),
    }
}

/// The members of an object, in their order, the values as they stand.
pub(super) struct Object<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl Object<'_> {
    /// A member of a member.
    fn member(&self, path: &[Box<str>]) -> Option<Cow<'_, str>> {
        let (first, rest) = path.split_first()?;
        let (_, value) = self.0.iter().rev().find(|(name, _)| **name == **first)?;
        if rest.is_empty() {
            return Some(value.get().into());
        }
        let nested: Object<'_> = serde_json::from_str(value.get()).ok()?;
        nested.member(rest).map(|text| Cow::Owned(text.into_owned()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A member's name, copied only if it is escaped.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
