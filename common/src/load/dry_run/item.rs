//! An item as the capacity model sees it: sizes of its attributes, and the bytes of its keys.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::batch_writer::ItemJson;
use crate::mapping::AttributeSink;
use capacity::{Item, number_size};

/// Attributes by name, with the sizes of their values, and the bytes of those that can be keys.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<(String, usize, Option<Vec<u8>>)>);

impl AttributeSink for Attributes {
    fn string(&mut self, name: &str, parts: &[&str]) {
        let text = parts.concat();
        self.0.push((name.to_owned(), text.len(), Some(text.into())));
    }

    fn number(&mut self, name: &str, text: &str) {
        self.0.push((name.to_owned(), number_size(text), Some(text.into())));
    }

    fn value(&mut self, name: &str, value: &AttributeValue) {
        let bytes = match value {
            AttributeValue::B(blob) => Some(blob.as_ref().to_vec()),
            _ => None,
        };
        let mut alone = ItemJson::new();
        alone.attribute("", value);
        self.0.push((name.to_owned(), alone.size(), bytes));
    }
}

/// The attributes of a copy, and those that all copies share.
pub(super) struct WholeItem<'a>(pub(super) &'a Attributes, pub(super) &'a Attributes);

impl WholeItem<'_> {
    fn all(&self) -> impl Iterator<Item = &(String, usize, Option<Vec<u8>>)> {
        self.0.0.iter().chain(&self.1.0)
    }
}

impl Item for WholeItem<'_> {
    fn attribute_sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.all().map(|(name, size, _)| (name.as_str(), *size))
    }

    fn key_bytes(&self, name: &str) -> Option<&[u8]> {
        self.all().find(|(each, ..)| *each == name).and_then(|(.., bytes)| bytes.as_deref())
    }

    fn same_value(&self, other: &Self, name: &str) -> bool {
        self.key_bytes(name) == other.key_bytes(name)
    }
}
