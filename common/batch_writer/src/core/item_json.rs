//! Attributes in DynamoDB's JSON, serialised and measured once, with the key that they make up.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

use super::key::{Key, KeyPart, KeySchema};
use capacity::{BOOLEAN_SIZE, NULL_SIZE, attribute_size, list_size, map_size, number_size};

/// Some attributes of an item: `"PK":{"S":"request#1"},"requestid":{"N":"1"}`, without braces, so that attributes that many items have
/// in common are serialised once ([`share`](Self::share)).
///
/// The attributes that include the key know it: start them with [`keyed`](Self::keyed).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemJson {
    json: Vec<u8>,
    size: usize,
    schema: Option<Arc<KeySchema>>,
    partition: Option<KeyPart>,
    sort: Option<KeyPart>,
}

impl ItemJson {
    /// No attribute yet, and none of those to come is part of the key.
    pub const fn new() -> Self {
        Self { json: Vec::new(), size: 0, schema: None, partition: None, sort: None }
    }

    /// No attribute yet. Those to come include the key attributes of this schema.
    pub fn keyed(schema: impl Into<Arc<KeySchema>>) -> Self {
        Self { schema: Some(schema.into()), ..Self::new() }
    }

    /// Removes the attributes and keeps the memory.
    pub fn clear(&mut self) {
        self.json.clear();
        (self.size, self.partition, self.sort) = (0, None, None);
    }

    /// The primary key, once all key attributes have been added.
    pub fn key(&self) -> Option<Key> {
        let schema = self.schema.as_deref()?;
        if schema.sort.is_some() {
            Some(Key::new(self.partition?, Some(self.sort?)))
        } else {
            Some(Key::new(self.partition?, None))
        }
    }

    /// What these attributes add to their item's size, in bytes, by DynamoDB's rules.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The attributes' JSON, without braces around it.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// These attributes in memory that any number of requests share.
    pub fn share(&self) -> SharedJson {
        SharedJson { json: self.json.as_slice().into(), size: self.size }
    }

    /// Adds a string attribute with the concatenated `parts` as its value.
    pub fn string(&mut self, name: &str, parts: &[&str]) {
        self.key_part(name, || Some(KeyPart::string(parts)));
        self.name(name);
        self.json.extend_from_slice(b"{\"S\":\"");
        for part in parts {
            push_escaped(&mut self.json, part);
        }
        self.json.extend_from_slice(b"\"}");
        self.size += attribute_size(name, parts.iter().map(|part| part.len()).sum());
    }

    /// Adds a number attribute, given as decimal text.
    pub fn number(&mut self, name: &str, text: &str) {
        self.key_part(name, || Some(KeyPart::number(text)));
        self.name(name);
        self.json.extend_from_slice(b"{\"N\":\"");
        push_escaped(&mut self.json, text);
        self.json.extend_from_slice(b"\"}");
        self.size += attribute_size(name, number_size(text));
    }

    /// Adds an attribute of any type.
    pub fn attribute(&mut self, name: &str, value: &AttributeValue) {
        self.key_part(name, || KeyPart::of(value));
        self.name(name);
        push_value(&mut self.json, value);
        self.size += attribute_size(name, value_size(value));
    }

    fn key_part(&mut self, name: &str, part: impl FnOnce() -> Option<KeyPart>) {
        let Some(schema) = self.schema.as_deref() else { return };
        if name == schema.partition {
            self.partition = part();
        } else if schema.sort.as_deref() == Some(name) {
            self.sort = part();
        }
    }

    fn name(&mut self, name: &str) {
        if !self.json.is_empty() {
            self.json.push(b',');
        }
        push_string(&mut self.json, name);
        self.json.push(b':');
    }
}

/// Attributes that several items have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedJson {
    json: Arc<[u8]>,
    size: usize,
}

impl SharedJson {
    /// What these attributes add to their item's size, in bytes, by DynamoDB's rules.
    pub fn size(&self) -> usize {
        self.size
    }

    pub(super) fn json(&self) -> Arc<[u8]> {
        Arc::clone(&self.json)
    }
}

impl From<&HashMap<String, AttributeValue>> for ItemJson {
    fn from(item: &HashMap<String, AttributeValue>) -> Self {
        let mut json = Self::new();
        for (name, value) in item {
            json.attribute(name, value);
        }
        json
    }
}

pub(super) fn push_string(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    push_escaped(json, text);
    json.push(b'"');
}

/// Whether a byte must be escaped in a JSON string.
const fn is_escaped(byte: u8) -> bool {
    // Without a branch, so that the bytes of a block are compared at once.
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Index of the first byte that must be escaped. Most texts have none, and are looked through in blocks.
fn first_escaped(text: &[u8]) -> Option<usize> {
    let (blocks, _) = text.as_chunks::<8>();
    let is_plain = |block: &&[u8; 8]| !block.iter().fold(false, |found, &byte| found | is_escaped(byte));
    let plain = 8 * blocks.iter().take_while(is_plain).count();
    text[plain..].iter().position(|&byte| is_escaped(byte)).map(|at| plain + at)
}

/// Appends `text` as a JSON string has it. Runs without anything to escape are copied at once.
fn push_escaped(json: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = first_escaped(rest) {
        json.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => json.extend_from_slice(b"\\\""),
            b'\\' => json.extend_from_slice(b"\\\\"),
            b'\n' => json.extend_from_slice(b"\\n"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                json.extend_from_slice(b"\\u00");
                json.push(HEX[usize::from(control >> 4)]);
                json.push(HEX[usize::from(control & 15)]);
            }
        }
        rest = &rest[at + 1..];
    }
    json.extend_from_slice(rest);
}

fn push_list<T>(json: &mut Vec<u8>, elements: &[T], mut push: impl FnMut(&mut Vec<u8>, &T)) {
    json.push(b'[');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        push(json, element);
    }
    json.push(b']');
}

fn push_binary(json: &mut Vec<u8>, bytes: &[u8]) {
    push_string(json, &aws_smithy_types::base64::encode(bytes));
}

fn push_value(json: &mut Vec<u8>, value: &AttributeValue) {
    let mut typed = |name: &str, push: &mut dyn FnMut(&mut Vec<u8>)| {
        json.push(b'{');
        push_string(json, name);
        json.push(b':');
        push(json);
        json.push(b'}');
    };
    match value {
        AttributeValue::S(text) => typed("S", &mut |json| push_string(json, text)),
        AttributeValue::N(text) => typed("N", &mut |json| push_string(json, text)),
        AttributeValue::B(blob) => typed("B", &mut |json| push_binary(json, blob.as_ref())),
        AttributeValue::Bool(flag) => {
            typed("BOOL", &mut |json| json.extend_from_slice(if *flag { b"true" } else { b"false" }));
        }
        AttributeValue::Null(flag) => {
            typed("NULL", &mut |json| json.extend_from_slice(if *flag { b"true" } else { b"false" }));
        }
        AttributeValue::Ss(set) => typed("SS", &mut |json| push_list(json, set, |json, text| push_string(json, text))),
        AttributeValue::Ns(set) => typed("NS", &mut |json| push_list(json, set, |json, text| push_string(json, text))),
        AttributeValue::Bs(set) => {
            typed("BS", &mut |json| push_list(json, set, |json, blob| push_binary(json, blob.as_ref())));
        }
        AttributeValue::L(list) => typed("L", &mut |json| push_list(json, list, push_value)),
        AttributeValue::M(map) => typed("M", &mut |json| {
            json.push(b'{');
            json.extend_from_slice(ItemJson::from(map).json());
            json.push(b'}');
        }),
        // The SDK's enum is open to future types. DynamoDB rejects an empty value with a clear message.
        _ => json.extend_from_slice(b"{}"),
    }
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(text) => number_size(text),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::Bool(_) => BOOLEAN_SIZE,
        AttributeValue::Null(_) => NULL_SIZE,
        AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
        AttributeValue::Ns(set) => set.iter().map(|text| number_size(text)).sum(),
        AttributeValue::Bs(set) => set.iter().map(|blob| blob.as_ref().len()).sum(),
        AttributeValue::L(list) => list_size(list.iter().map(value_size)),
        AttributeValue::M(map) => map_size(map.iter().map(|(name, value)| (name.as_str(), value_size(value)))),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::primitives::Blob;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn parsed(item: &ItemJson) -> Value {
        serde_json::from_str(&format!("{{{}}}", std::str::from_utf8(item.json()).unwrap())).unwrap()
    }

    #[test]
    fn every_type_of_value_is_dynamodb_json() {
        let value = AttributeValue::M(HashMap::from([(
            "a\"b".to_owned(),
            AttributeValue::L(vec![
                AttributeValue::S("ä\u{1}\n\\".into()),
                AttributeValue::N("1.5".into()),
                AttributeValue::B(Blob::new(*b"\x00\xff")),
                AttributeValue::Bool(true),
                AttributeValue::Null(true),
                AttributeValue::Ss(vec!["x".into(), "y".into()]),
                AttributeValue::Ns(vec!["1".into()]),
                AttributeValue::Bs(vec![Blob::new(*b"\x01")]),
            ]),
        )]));
        let mut item = ItemJson::new();
        item.string("PK", &["request#", "1"]);
        item.attribute("m", &value);
        assert_eq!(
            parsed(&item),
            json!({"PK": {"S": "request#1"}, "m": {"M": {"a\"b": {"L": [
                {"S": "ä\u{1}\n\\"}, {"N": "1.5"}, {"B": "AP8="}, {"BOOL": true}, {"NULL": true},
                {"SS": ["x", "y"]}, {"NS": ["1"]}, {"BS": ["AQ=="]},
            ]}}}})
        );
        // PK 2 + 9; m 1; map 3 + 1 + 3; list 3 + 8 elements + (5 + 3 + 2 + 1 + 1 + 2 + 2 + 1)
        assert_eq!(item.size(), 11 + 1 + 7 + 3 + 8 + 17);
    }

    proptest! {
        #[test]
        fn any_text_survives(parts in prop::collection::vec("\\PC{0,20}|[\\x00-\\x7f]{0,20}", 0..4)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let mut item = ItemJson::new();
            item.string("name", &parts);
            prop_assert_eq!(parsed(&item), json!({"name": {"S": parts.concat()}}));
            prop_assert_eq!(item.size(), 4 + parts.concat().len());
        }
    }
}
