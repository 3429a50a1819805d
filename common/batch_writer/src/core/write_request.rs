//! One request of a BatchWriteItem call, serialised, with its key.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::{Bytes, BytesMut};

use super::item_json::{ItemJson, SharedJson, push_string};
use super::key::{Key, KeySchema};

/// Attributes that are not a valid item: a key attribute is missing, or has a type that a key cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the item lacks a key attribute")]
pub struct MissingKey;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Put,
    Delete,
}

impl Kind {
    /// The JSON before and after the attributes.
    const fn frame(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Put => (b"{\"PutRequest\":{\"Item\":{", b"}}}"),
            Self::Delete => (b"{\"DeleteRequest\":{\"Key\":{", b"}}}"),
        }
    }
}

/// A put or delete request, serialised once however often it is sent. Its key comes from its attributes. `T` is the caller's own tag,
/// such as a row's number, and comes back when the request is settled.
///
/// Shared attributes are copied only into the body of a batch, so a waiting request takes little memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRequest<T> {
    key: Key,
    own: Bytes,
    shared: Arc<[u8]>,
    /// At most 400 KB.
    item_size: u32,
    kind: Kind,
    /// The caller's tag.
    pub tag: T,
}

impl<T> WriteRequest<T> {
    /// A put request for an item with these groups of attributes, one of which is [keyed](ItemJson::keyed).
    ///
    /// # Errors
    /// A key attribute is missing.
    pub fn put(attributes: &[&ItemJson], tag: T) -> Result<Self, MissingKey> {
        let key = attributes.iter().find_map(|group| group.key()).ok_or(MissingKey)?;
        let mut own = Vec::with_capacity(attributes.iter().map(|group| group.json().len() + 1).sum());
        for group in attributes.iter().filter(|group| !group.json().is_empty()) {
            if !own.is_empty() {
                own.push(b',');
            }
            own.extend_from_slice(group.json());
        }
        let item_size = size(attributes.iter().map(|group| group.size()).sum());
        Ok(Self { key, kind: Kind::Put, own: own.into(), shared: Arc::default(), item_size, tag })
    }

    /// A put request for an item with [keyed](ItemJson::keyed) attributes of its own and attributes that it shares. Its own attributes
    /// are kept in a part of `buffer`, which is empty again afterwards.
    ///
    /// Memory is then allocated once for many requests and freed with the last of them: if requests are created on one
    /// thread and dropped on another, one allocation for each makes the threads wait for each other. For the same
    /// reason, requests that are dropped on different threads should have different copies of what they share.
    ///
    /// # Errors
    /// A key attribute is missing from `own`.
    pub fn put_in(buffer: &mut BytesMut, own: &ItemJson, shared: &SharedJson, tag: T) -> Result<Self, MissingKey> {
        let key = own.key().ok_or(MissingKey)?;
        buffer.clear();
        buffer.extend_from_slice(own.json());
        let item_size = size(own.size() + shared.size());
        Ok(Self { key, kind: Kind::Put, own: buffer.split().freeze(), shared: shared.json(), item_size, tag })
    }

    /// A put request for an item.
    ///
    /// # Errors
    /// A key attribute is missing.
    pub fn put_item(schema: &KeySchema, item: &HashMap<String, AttributeValue>, tag: T) -> Result<Self, MissingKey> {
        let attributes = ItemJson::from(item);
        let (own, item_size) = (Bytes::copy_from_slice(attributes.json()), size(attributes.size()));
        let key = schema.key_of(item).ok_or(MissingKey)?;
        Ok(Self { key, kind: Kind::Put, own, shared: Arc::default(), item_size, tag })
    }

    /// A delete request for the item with these key attributes.
    ///
    /// # Errors
    /// A key attribute is missing.
    pub fn delete_item(schema: &KeySchema, key: &HashMap<String, AttributeValue>, tag: T) -> Result<Self, MissingKey> {
        let own = Bytes::copy_from_slice(ItemJson::from(key).json());
        let key = schema.key_of(key).ok_or(MissingKey)?;
        Ok(Self { key, kind: Kind::Delete, own, shared: Arc::default(), item_size: 0, tag })
    }

    /// The primary key of its item.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Appends the request as DynamoDB's JSON.
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

    /// Appends its item alone, as DynamoDB's imports and exports have it: `{"Item":{…}}`. For a delete request, its key.
    pub fn push_item_json(&self, json: &mut Vec<u8>) {
        json.extend_from_slice(b"{\"Item\":{");
        json.extend_from_slice(&self.own);
        if self.is_in_two_parts() {
            json.push(b',');
        }
        json.extend_from_slice(&self.shared);
        json.extend_from_slice(b"}}");
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

/// A size that is too large for DynamoDB stays too large.
fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The body of a BatchWriteItem call for one table, from its requests, whose JSON is `length` long.
pub(super) fn body<T>(
    table: &str,
    requests: &[WriteRequest<T>],
    length: usize,
    return_consumed_capacity: bool,
) -> Vec<u8> {
    let mut body = Vec::with_capacity(length + table.len() + 96);
    body.push(b'{');
    if return_consumed_capacity {
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
    use serde_json::json;

    fn item(attributes: &[(&str, AttributeValue)]) -> HashMap<String, AttributeValue> {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
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
                let mut own = ItemJson::keyed(KeySchema::partition("PK"));
                own.string("PK", &[&"x".repeat(number as usize)]);
                let alone = WriteRequest::put(&[&own, &shared], number).unwrap();
                (WriteRequest::put_in(&mut buffer, &own, &shared.share(), number).unwrap(), alone)
            })
            .collect();
        assert!(buffer.is_empty());
        for (sharing, alone) in requests {
            assert_eq!(json_of(&sharing), json_of(&alone));
            assert_eq!((sharing.item_size(), sharing.key()), (alone.item_size(), alone.key()));
        }
    }

    #[test]
    fn a_request_needs_all_key_attributes() {
        let schema = Arc::new(KeySchema { partition: "p".into(), sort: Some("s".into()) });
        let mut own = ItemJson::keyed(Arc::clone(&schema));
        own.string("p", &["a"]);
        assert_eq!(WriteRequest::put(&[&own], ()), Err(MissingKey));
        own.attribute("s", &AttributeValue::Bool(true));
        assert_eq!(WriteRequest::put(&[&own], ()), Err(MissingKey), "no type for a key");
        own.clear();
        own.number("s", "1");
        own.string("p", &["a"]);
        let map = item(&[("p", AttributeValue::S("a".into())), ("s", AttributeValue::N("1.0".into()))]);
        assert_eq!(WriteRequest::put(&[&own], ()).unwrap().key(), schema.key_of(&map).unwrap());
        own.clear();
        own.number("s", "1");
        assert_eq!(WriteRequest::put(&[&own], ()), Err(MissingKey), "nothing is kept of an earlier item");
    }

    #[test]
    fn requests_are_dynamodb_json() {
        let schema = KeySchema::partition("PK");
        let key = item(&[("PK", AttributeValue::S("a\"b".into()))]);
        let mut own = ItemJson::keyed(schema.clone());
        own.string("PK", &["a\"b"]);
        let mut shared = ItemJson::new();
        shared.number("n", "5");
        let put = WriteRequest::put(&[&own, &ItemJson::new(), &shared], 1).unwrap();
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
