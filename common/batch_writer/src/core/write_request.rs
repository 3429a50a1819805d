//! One request of a BatchWriteItem call, serialised and with its key.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use aws_sdk_dynamodb::types::{self, AttributeValue};
use bytes::{Bytes, BytesMut};

use super::item_json::{ItemJson, SharedJson, push_string};

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
        let mut hasher = DefaultHasher::new();
        for name in std::iter::once(&self.partition).chain(&self.sort) {
            match item.get(name)? {
                AttributeValue::S(text) => hash_key_part(&mut hasher, b'S', &[text.as_bytes()]),
                AttributeValue::N(text) => hash_key_part(&mut hasher, b'N', &[normal_number(text).as_bytes()]),
                AttributeValue::B(blob) => hash_key_part(&mut hasher, b'B', &[blob.as_ref()]),
                _ => return None,
            }
        }
        Some(Key(hasher.finish()))
    }

    /// The key that an unprocessed request, as the service sends it back, is about.
    pub fn key_of_request(&self, request: &types::WriteRequest) -> Option<Key> {
        match (&request.put_request, &request.delete_request) {
            (Some(put), _) => self.key_of(&put.item),
            (None, Some(delete)) => self.key_of(&delete.key),
            (None, None) => None,
        }
    }
}

/// Tells the primary keys of items apart: equal where DynamoDB's would be, and different for different ones, but for one pair in
/// 2⁶⁴. Requests for two keys that seem equal are written one after the other, so nothing goes wrong then.
///
/// It is a hash and not the key itself, because thousands of requests are in hand where answers take long, and what they hold does not
/// fit into the processor's cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// A partition key that is a string, its value the `parts` put together.
    pub fn string(parts: &[&str]) -> Self {
        let mut hasher = DefaultHasher::new();
        match parts {
            [one, two] => hash_key_part(&mut hasher, b'S', &[one.as_bytes(), two.as_bytes()]),
            parts => hash_key_part(&mut hasher, b'S', &[parts.concat().as_bytes()]),
        }
        Self(hasher.finish())
    }

    /// The same for equal keys, and always the same within one build of the program. All its bits are equally good.
    pub fn hash(self) -> u64 {
        self.0
    }
}

/// Type and length before each part keep `("a", "bc")` and `("ab", "c")` apart.
fn hash_key_part(hasher: &mut DefaultHasher, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    hasher.write_u8(kind);
    hasher.write_usize(length);
    for part in parts {
        hasher.write(part);
    }
}

/// A number's text in one form: DynamoDB gives `1.50` and `15E-1` back as `1.5`, and they are the same key.
fn normal_number(text: &str) -> String {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (coefficient, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = coefficient.split_once('.').unwrap_or((coefficient, ""));
    let digits = [whole, fraction].concat();
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let Ok(exponent) = exponent.parse::<i64>() else { return text.to_owned() };
    let scale =
        exponent.saturating_sub(fraction.len() as i64).saturating_add((digits.len() - significant.len()) as i64);
    format!("{sign}{significant}E{scale}")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Put,
    Delete,
}

impl Kind {
    /// What stands before and behind the attributes.
    const fn frame(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Put => (b"{\"PutRequest\":{\"Item\":{", b"}}}"),
            Self::Delete => (b"{\"DeleteRequest\":{\"Key\":{", b"}}}"),
        }
    }
}

/// A put or delete request, serialised once however often it is sent. `T` is the caller's own mark on it, such as a row's number,
/// and comes back when the request has been acknowledged or refused.
///
/// What it shares with others is put in only when a batch is sent: so a request in hand takes little memory, and a batch on its way
/// none but that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRequest<T> {
    key: Key,
    own: Bytes,
    shared: Arc<[u8]>,
    /// 400 KB at the most.
    item_size: u32,
    kind: Kind,
    /// The caller's mark.
    pub tag: T,
}

impl<T> WriteRequest<T> {
    /// A put request for an item with this key, made of these groups of attributes (the key attributes among them).
    pub fn put(key: Key, attributes: &[&ItemJson], tag: T) -> Self {
        let mut own = Vec::with_capacity(attributes.iter().map(|group| group.json().len() + 1).sum());
        for group in attributes.iter().filter(|group| !group.json().is_empty()) {
            if !own.is_empty() {
                own.push(b',');
            }
            own.extend_from_slice(group.json());
        }
        let item_size = size(attributes.iter().map(|group| group.size()).sum());
        Self { key, kind: Kind::Put, own: own.into(), shared: Arc::default(), item_size, tag }
    }

    /// A put request for an item made of attributes of its own (the key attributes among them) and others that it shares. Those of
    /// its own stand in a part of `buffer`, which is empty again afterwards.
    ///
    /// Memory is then allocated once for many requests, and freed with the last of them. Where requests are made on one thread and
    /// dropped on another, allocating for each of them made the threads wait for each other, for a seventh of a load's CPU time. For the same
    /// reason, requests that are dropped on different threads had better share different copies of what they share.
    pub fn put_in(buffer: &mut BytesMut, key: Key, own: &ItemJson, shared: &SharedJson, tag: T) -> Self {
        buffer.clear();
        buffer.extend_from_slice(own.json());
        let item_size = size(own.size() + shared.size());
        Self { key, kind: Kind::Put, own: buffer.split().freeze(), shared: shared.json(), item_size, tag }
    }

    /// A put request for an item; `None` if the item lacks a key attribute.
    pub fn put_item(schema: &KeySchema, item: &HashMap<String, AttributeValue>, tag: T) -> Option<Self> {
        Some(Self::put(schema.key_of(item)?, &[&ItemJson::from(item)], tag))
    }

    /// A delete request for the item with these key attributes; `None` if one is missing.
    pub fn delete_item(schema: &KeySchema, key: &HashMap<String, AttributeValue>, tag: T) -> Option<Self> {
        let own = Bytes::copy_from_slice(ItemJson::from(key).json());
        let (kind, shared) = (Kind::Delete, Arc::default());
        Some(Self { key: schema.key_of(key)?, kind, own, shared, item_size: 0, tag })
    }

    /// The primary key of the item it is about.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Appends the request in DynamoDB's JSON.
    pub fn push_json(&self, json: &mut Vec<u8>) {
        let (before, behind) = self.kind.frame();
        json.extend_from_slice(before);
        json.extend_from_slice(&self.own);
        if self.is_in_two_parts() {
            json.push(b',');
        }
        json.extend_from_slice(&self.shared);
        json.extend_from_slice(behind);
    }

    /// Length of its JSON in bytes.
    pub fn json_len(&self) -> usize {
        let (before, behind) = self.kind.frame();
        let comma = usize::from(self.is_in_two_parts());
        before.len() + self.own.len() + comma + self.shared.len() + behind.len()
    }

    fn is_in_two_parts(&self) -> bool {
        !self.own.is_empty() && !self.shared.is_empty()
    }

    /// The size in bytes, by DynamoDB's rules, of the item to be put; 0 for a delete request.
    pub fn item_size(&self) -> usize {
        self.item_size as usize
    }
}

/// What is too large for DynamoDB stays too large.
fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The body of a BatchWriteItem call for one table, from its requests, whose JSON is `length` long.
pub(super) fn body<T>(
    table: &str,
    requests: &[WriteRequest<T>],
    length: usize,
    tells_consumed_capacity: bool,
) -> Vec<u8> {
    let mut body = Vec::with_capacity(length + table.len() + 96);
    body.push(b'{');
    if tells_consumed_capacity {
        body.extend_from_slice(b"\"ReturnConsumedCapacity\":\"INDEXES\",");
    }
    body.extend_from_slice(b"\"RequestItems\":{");
    push_string(&mut body, table);
    body.extend_from_slice(b":[");
    for (index, request) in requests.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        request.push_json(&mut body);
    }
    body.extend_from_slice(b"]}}");
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::primitives::Blob;
    use serde_json::json;

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
    fn a_key_from_parts_is_the_key_of_the_item() {
        let expected = KeySchema::partition("PK").key_of(&item(&[("PK", AttributeValue::S("request#12".into()))]));
        for parts in [&["request#", "12"][..], &["request#12"], &["request", "#", "12"]] {
            assert_eq!(Some(Key::string(parts)), expected);
        }
    }

    fn json_of<T>(request: &WriteRequest<T>) -> String {
        let mut json = Vec::new();
        request.push_json(&mut json);
        assert_eq!(json.len(), request.json_len());
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn requests_from_one_buffer_keep_their_own_json() {
        let mut buffer = BytesMut::with_capacity(256);
        let mut shared = ItemJson::new();
        shared.number("n", "5");
        let requests: Vec<_> = (0..100_u32)
            .map(|number| {
                let (mut own, text) = (ItemJson::new(), "x".repeat(number as usize));
                own.string("PK", &[&text]);
                let key = Key::string(&[&text]);
                let alone = WriteRequest::put(key, &[&own, &shared], number);
                (WriteRequest::put_in(&mut buffer, key, &own, &shared.share(), number), alone)
            })
            .collect();
        assert!(buffer.is_empty());
        for (sharing, alone) in requests {
            assert_eq!(json_of(&sharing), json_of(&alone));
            assert_eq!((sharing.item_size(), sharing.key()), (alone.item_size(), alone.key()));
        }
    }

    #[test]
    fn requests_are_dynamodb_json() {
        let schema = KeySchema::partition("PK");
        let key = item(&[("PK", AttributeValue::S("a\"b".into()))]);
        let mut own = ItemJson::new();
        own.string("PK", &["a\"b"]);
        let mut shared = ItemJson::new();
        shared.number("n", "5");
        let put = WriteRequest::put(Key::string(&["a\"b"]), &[&own, &ItemJson::new(), &shared], 1);
        let delete = WriteRequest::delete_item(&schema, &key, 2).unwrap();
        let body = body("t\"able", &[put.clone(), delete.clone()], 100, true);
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
            json!({"ReturnConsumedCapacity": "INDEXES", "RequestItems": {"t\"able": [
                {"PutRequest": {"Item": {"PK": {"S": "a\"b"}, "n": {"N": "5"}}}},
                {"DeleteRequest": {"Key": {"PK": {"S": "a\"b"}}}},
            ]}})
        );
        assert_eq!(put.item_size(), 2 + 3 + 1 + 2);
        assert_eq!(put.key(), delete.key());
    }
}
