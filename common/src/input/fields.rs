//! The fields of one record, by slot.

/// A field as the format gives it; what it means is the mapping's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// The record has no such field, or the format's sign for "none".
    Absent,
    /// Text, unescaped.
    Text(&'a str),
    /// A JSON number, as it stands.
    Number(&'a str),
    /// JSON's `true` or `false`.
    Bool(bool),
    /// JSON's `null`.
    Null,
    /// A JSON array or object, as it stands.
    Json(&'a str),
    /// A value in DynamoDB's JSON (`{"S":"text"}`), as it stands.
    Attribute(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Absent,
    Text,
    Number,
    Bool(bool),
    Null,
    Json,
    Attribute,
}

const NONE: u32 = u32::MAX;

/// The fields of one record. Its memory is used again for the next.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    text: String,
    /// For each field the end of its text.
    ends: Vec<usize>,
    /// Of each text; empty where all of them are text.
    kinds: Vec<Kind>,
    /// For each slot the index of its text.
    columns: Vec<u32>,
    /// Fields without a slot: the indexes of their names and of their texts.
    extras: Vec<(Name, u32)>,
    /// Names that all records have in common, from a header row or a list of columns.
    names: Vec<Box<str>>,
}

#[derive(Debug, Clone, Copy)]
enum Name {
    Fixed(u32),
    Text(u32),
}

impl Fields {
    /// For records whose field `i` is slot `i`; slots behind the columns are none of theirs.
    pub(super) fn in_order(columns: usize, slots: usize) -> Self {
        Self {
            columns: (0..slots).map(|slot| if slot < columns { slot as u32 } else { NONE }).collect(),
            ..Self::default()
        }
    }

    /// For records that say themselves which slot each field is.
    pub(super) fn by_name(slots: usize) -> Self {
        Self { columns: vec![NONE; slots], ..Self::default() }
    }

    /// From the next record on, field `i` is the column `names[i]`.
    pub(super) fn bind<'n>(&mut self, slots: &[Box<str>], keeps_others: bool, names: impl Iterator<Item = &'n str>) {
        self.columns.iter_mut().for_each(|column| *column = NONE);
        self.extras.clear();
        self.names.clear();
        for (index, name) in names.enumerate() {
            match slots.iter().position(|slot| **slot == *name) {
                Some(slot) => self.columns[slot] = index as u32,
                None if keeps_others => self.extras.push((Name::Fixed(index as u32), index as u32)),
                None => {}
            }
            self.names.push(name.into());
        }
    }

    /// Forgets the record, not what its fields are.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.kinds.clear();
    }

    /// Forgets the record, and which slot each field is.
    pub(super) fn clear_names(&mut self) {
        self.clear();
        self.columns.iter_mut().for_each(|column| *column = NONE);
        self.extras.clear();
    }

    /// The next field, of a record whose fields are in the order that is bound.
    pub(super) fn push(&mut self, kind: Kind, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.kinds.push(kind);
    }

    /// The next field is this slot. A later one of the same name takes its place, as in JSON.
    pub(super) fn push_slot(&mut self, slot: usize, kind: Kind, text: &str) {
        self.columns[slot] = self.ends.len() as u32;
        self.push(kind, text);
    }

    /// The next field has no slot.
    pub(super) fn push_extra(&mut self, name: &str, kind: Kind, text: &str) {
        let index = self.ends.len() as u32;
        let same = self.extras.iter().position(|(each, _)| self.name(*each) == name);
        self.push(Kind::Text, name);
        self.push(kind, text);
        match same {
            Some(same) => self.extras[same].1 = index + 1,
            None => self.extras.push((Name::Text(index), index + 1)),
        }
    }

    /// How many fields the record has.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of the field `index`.
    #[inline]
    pub(super) fn nth(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let begin = if index == 0 { 0 } else { self.ends[index - 1] };
        self.text.get(begin..end)
    }

    /// Takes texts that stand one after another, and the end of each. False if an end is inside a character.
    pub(super) fn set(&mut self, text: &str, ends: &[usize]) -> bool {
        self.clear();
        self.text.push_str(text);
        self.ends.extend_from_slice(ends);
        text.is_ascii() || ends.iter().all(|end| text.is_char_boundary(*end))
    }

    fn name(&self, name: Name) -> &str {
        match name {
            Name::Fixed(index) => &self.names[index as usize],
            Name::Text(index) => self.nth(index as usize).unwrap_or_default(),
        }
    }

    fn at(&self, index: u32) -> Field<'_> {
        let Some(text) = self.nth(index as usize) else { return Field::Absent };
        match self.kinds.get(index as usize) {
            None | Some(Kind::Text) => Field::Text(text),
            Some(Kind::Absent) => Field::Absent,
            Some(Kind::Number) => Field::Number(text),
            Some(Kind::Bool(value)) => Field::Bool(*value),
            Some(Kind::Null) => Field::Null,
            Some(Kind::Json) => Field::Json(text),
            Some(Kind::Attribute) => Field::Attribute(text),
        }
    }

    /// The field of a slot.
    #[inline]
    pub fn get(&self, slot: usize) -> Field<'_> {
        self.columns.get(slot).map_or(Field::Absent, |&index| self.at(index))
    }

    /// The text of a slot, as it stands in the record; empty if it is absent.
    #[inline]
    pub fn text(&self, slot: usize) -> &str {
        self.columns.get(slot).and_then(|&index| self.nth(index as usize)).unwrap_or_default()
    }

    /// Where the column of a slot stands in the record, from 1.
    pub fn column_number(&self, slot: usize) -> Option<usize> {
        self.columns.get(slot).filter(|index| **index != NONE).map(|index| *index as usize + 1)
    }

    /// Fields that have no slot, with their names. Only where they are wanted.
    pub fn extras(&self) -> impl Iterator<Item = (&str, Field<'_>)> {
        self.extras.iter().map(|(name, index)| (self.name(*name), self.at(*index)))
    }
}
