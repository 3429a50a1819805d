//! Primary keys: which requests are about the same item.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};

use aws_sdk_dynamodb::types::{self, AttributeValue};

use super::number::plain_number;

/// Names of the attributes that make up the primary key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySchema {
    /// The partition key.
    pub partition: String,
    /// The sort key, if the table has one.
    pub sort: Option<String>,
}

impl KeySchema {
    /// A table with a partition key only.
    pub fn partition(name: impl Into<String>) -> Self {
        Self { partition: name.into(), sort: None }
    }

    /// The primary key of an item, or of a map of key attributes; `None` if one is missing or cannot be a key.
    pub fn key_of(&self, item: &HashMap<String, AttributeValue>) -> Option<Key> {
        let partition = KeyPart::of(item.get(&self.partition)?)?;
        let sort = match &self.sort {
            Some(name) => Some(KeyPart::of(item.get(name)?)?),
            None => None,
        };
        Some(Key::new(partition, sort))
    }

    /// The key of an unprocessed request as the service returns it.
    pub fn key_of_request(&self, request: &types::WriteRequest) -> Option<Key> {
        match (&request.put_request, &request.delete_request) {
            (Some(put), _) => self.key_of(&put.item),
            (None, Some(delete)) => self.key_of(&delete.key),
            (None, None) => None,
        }
    }
}

/// Identifies a primary key: equal for equal keys, and different for different ones except for one pair in 2⁶⁴. Two keys that seem
/// equal are written one after the other, which does no harm.
///
/// A hash, because thousands of requests are held if responses are slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    pub(super) fn new(KeyPart(partition): KeyPart, sort: Option<KeyPart>) -> Self {
        let Some(KeyPart(sort)) = sort else { return Self(partition) };
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(partition);
        hasher.write_u64(sort);
        Self(hasher.finish())
    }

    /// The same for equal keys, and always the same within one build of the program. Its bits are uniform.
    pub fn hash(self) -> u64 {
        self.0
    }
}

/// The value of one key attribute, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyPart(u64);

impl KeyPart {
    /// `None` for a value of a type that a key cannot have.
    pub(super) fn of(value: &AttributeValue) -> Option<Self> {
        match value {
            AttributeValue::S(text) => Some(Self::string(&[text])),
            AttributeValue::N(text) => Some(Self::number(text)),
            AttributeValue::B(blob) => Some(Self::new(b'B', &[blob.as_ref()])),
            _ => None,
        }
    }

    /// A string, the `parts` concatenated.
    pub(super) fn string(parts: &[&str]) -> Self {
        match parts {
            [one] => Self::new(b'S', &[one.as_bytes()]),
            [one, two] => Self::new(b'S', &[one.as_bytes(), two.as_bytes()]),
            parts => Self::new(b'S', &[parts.concat().as_bytes()]),
        }
    }

    pub(super) fn number(text: &str) -> Self {
        Self::new(b'N', &[plain_number(text).as_bytes()])
    }

    fn new(kind: u8, parts: &[&[u8]]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(kind);
        parts.iter().for_each(|part| hasher.write(part));
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::primitives::Blob;

    fn item(attributes: &[(&str, AttributeValue)]) -> HashMap<String, AttributeValue> {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn numbers_that_dynamodb_holds_equal_are_the_same_key() {
        let schema = KeySchema::partition("id");
        let key = |text: &str| schema.key_of(&item(&[("id", AttributeValue::N(text.into()))])).unwrap();
        for same in ["15", "015", "+15", "15.0", "1.5E1", "150e-1", "0.0015E4"] {
            assert_eq!(key(same), key("15"), "{same}");
        }
        assert_eq!(key("-0.0"), key("0"));
        for other in ["-15", "1.5", "150", "51"] {
            assert_ne!(key(other), key("15"), "{other}");
        }
    }

    #[test]
    fn keys_tell_types_and_parts_apart() {
        let schema = KeySchema { partition: "p".into(), sort: Some("s".into()) };
        let key = |p: AttributeValue, s: AttributeValue| schema.key_of(&item(&[("p", p), ("s", s)])).unwrap();
        let text = |text: &str| AttributeValue::S(text.into());
        assert_ne!(key(text("a"), text("bc")), key(text("ab"), text("c")));
        assert_ne!(key(text("1"), text("1")), key(text("1"), AttributeValue::N("1".into())));
        assert_ne!(key(text("1"), text("1")), key(text("1"), AttributeValue::B(Blob::new(*b"1"))));
        assert_eq!(schema.key_of(&item(&[("p", text("a"))])), None);
        assert_eq!(schema.key_of(&item(&[("p", text("a")), ("s", AttributeValue::Bool(true))])), None);
    }

    #[test]
    fn a_string_in_parts_is_the_same_key() {
        let expected = KeyPart::of(&AttributeValue::S("request#12".into())).unwrap();
        for parts in [&["request#", "12"][..], &["request#12"], &["request", "#", "12"]] {
            assert_eq!(KeyPart::string(parts), expected);
        }
    }
}
