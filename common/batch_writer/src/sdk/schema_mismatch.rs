//! Distinguishes validation errors about the table's keys from those about one item.
//!
//! DynamoDB rejects a batch with the same message whether the table's keys differ from the items', or one item has a
//! key of a different type. In the first case every item would be rejected, one by one, so the two must be
//! distinguished before the batch is divided. The table is the cause if all items have the same types and none has been accepted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::core::key::KeySchema;
use crate::core::write_batch::WriteBatch;
use crate::core::write_request::WriteRequest;
use crate::service_error::{ServiceError, ServiceErrorKind};
use capacity::limits::MAX_BATCH_WRITE_REQUESTS;

/// BatchWriteItem's message for a key that is missing or has a different type.
const KEY_ELEMENT: &str = "The provided key element does not match the schema";

const TYPE_MISMATCHES: [&str; 2] = ["Type mismatch for key ", "Type mismatch for Index Key "];

/// After this many items were rejected alone and none accepted, the table is assumed to have different keys.
const LONE_REJECTIONS: usize = MAX_BATCH_WRITE_REQUESTS;

/// What is known about the types of attributes, initially and from responses.
#[derive(Debug, Default)]
pub(super) struct AttributeTypes {
    /// Attributes that have the same type in every item, as DynamoDB names it.
    fixed: HashMap<String, &'static str>,
    /// Whether the table has accepted a batch, which proves that its keys are the items'.
    has_accepted: AtomicBool,
    /// Whether items of one rejected batch had different types. Its halves, which are sent next, prove nothing about the table.
    has_differed: AtomicBool,
    lone_rejections: AtomicUsize,
}

impl AttributeTypes {
    pub(super) fn fixed(types: impl IntoIterator<Item = (String, &'static str)>) -> Self {
        Self { fixed: types.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn accepted(&self) {
        self.has_accepted.store(true, Ordering::Relaxed);
    }

    /// The error of a batch; it is about the table if that is certain.
    pub(super) fn judge<T>(&self, error: ServiceError, schema: &KeySchema, batch: &WriteBatch<T>) -> ServiceError {
        if error.kind != ServiceErrorKind::Invalid {
            return error;
        }
        let mismatch = TypeMismatch::from_message(&error.message);
        // The attributes that the error is about, and whether every item has the same types of them.
        let (names, is_fixed) = match &mismatch {
            Some(TypeMismatch { attribute, actual }) => (vec![*attribute], self.fixed.get(*attribute) == Some(actual)),
            None if error.message.contains(KEY_ELEMENT) => {
                let names: Vec<&str> = std::iter::once(&*schema.partition).chain(schema.sort.as_deref()).collect();
                let is_fixed = names.iter().all(|name| self.fixed.contains_key(*name));
                (names, is_fixed)
            }
            None => return error,
        };
        let is_of_table = is_fixed
            || match batch.len() {
                1 => self.is_rejected_throughout(),
                _ => self.is_rejected_alike(batch, &names),
            };
        let kind = if is_of_table { ServiceErrorKind::SchemaMismatch } else { error.kind };
        ServiceError { kind, ..error }
    }

    /// Whether all items of a batch have the same types of these attributes, and no other item has been accepted or has had other types.
    fn is_rejected_alike<T>(&self, batch: &WriteBatch<T>, names: &[&str]) -> bool {
        if self.has_accepted.load(Ordering::Relaxed) {
            return false;
        }
        let mut types = batch.requests().iter().map(|request| attribute_types(request, names));
        let first = types.next();
        if !types.all(|types| Some(types) == first) {
            self.has_differed.store(true, Ordering::Relaxed);
        }
        !self.has_differed.load(Ordering::Relaxed)
    }

    /// Counts an item that was rejected alone. Returns whether there are too many.
    fn is_rejected_throughout(&self) -> bool {
        let before = self.lone_rejections.fetch_add(1, Ordering::Relaxed);
        before + 1 >= LONE_REJECTIONS && !self.has_accepted.load(Ordering::Relaxed)
    }
}

/// The types of these attributes of an item, such as `S`; `None` for an attribute that it does not have.
fn attribute_types<T>(request: &WriteRequest<T>, names: &[&str]) -> Vec<Option<String>> {
    let mut json = Vec::new();
    request.push_item_json(&mut json);
    let item: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
    let type_of = |name: &&str| item["Item"][*name].as_object()?.keys().next().cloned();
    names.iter().map(type_of).collect()
}

/// `Type mismatch for Index Key G Expected: S Actual: N IndexName: I`
#[derive(Debug, PartialEq, Eq)]
struct TypeMismatch<'a> {
    attribute: &'a str,
    actual: &'a str,
}

impl<'a> TypeMismatch<'a> {
    fn from_message(message: &'a str) -> Option<Self> {
        let (_, rest) = TYPE_MISMATCHES.into_iter().find_map(|phrase| message.split_once(phrase))?;
        let split = |text: &'a str, lower: &str, upper: &str| text.split_once(lower).or_else(|| text.split_once(upper));
        let (attribute, rest) = split(rest, " expected: ", " Expected: ")?;
        let (_, rest) = split(rest, " actual: ", " Actual: ")?;
        let actual = rest.split_whitespace().next()?.trim_end_matches([',', '.']);
        Some(Self { attribute, actual })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    const KEY: &str = "One or more parameter values were invalid: Type mismatch for key PK expected: S actual: N";
    const INDEX: &str =
        "One or more parameter values were invalid: Type mismatch for Index Key G Expected: S Actual: N IndexName: I";

    fn invalid(message: &str) -> ServiceError {
        ServiceError::from_response(400, Some("ValidationException"), Some(message))
    }

    /// A batch of items with a PK of these types and a G that is a number.
    fn batch(types: &[&str]) -> WriteBatch<()> {
        let mut requests = types.iter().enumerate().map(|(number, type_of_key)| {
            let number = number.to_string();
            let key = match *type_of_key {
                "N" => AttributeValue::N(number),
                _ => AttributeValue::S(number),
            };
            let item = [("PK".to_owned(), key), ("G".to_owned(), AttributeValue::N("1".to_owned()))].into();
            WriteRequest::put_item(&KeySchema::partition("PK"), &item, ()).unwrap()
        });
        let mut batch = WriteBatch::new(requests.next().unwrap());
        requests.for_each(|request| batch.push(request).unwrap());
        batch
    }

    fn kind(types: &AttributeTypes, message: &str, keys: &[&str]) -> ServiceErrorKind {
        types.judge(invalid(message), &KeySchema::partition("PK"), &batch(keys)).kind
    }

    #[test]
    fn messages_name_the_attribute_and_its_type() {
        assert_eq!(TypeMismatch::from_message(KEY), Some(TypeMismatch { attribute: "PK", actual: "N" }));
        assert_eq!(TypeMismatch::from_message(INDEX), Some(TypeMismatch { attribute: "G", actual: "N" }));
        assert_eq!(TypeMismatch::from_message(KEY_ELEMENT), None);
        assert_eq!(TypeMismatch::from_message("Type mismatch for key "), None);
    }

    #[test]
    fn a_type_that_every_item_has_is_an_error_of_the_table() {
        let types = AttributeTypes::fixed([("PK".to_owned(), "N"), ("G".to_owned(), "N")]);
        types.accepted();
        for message in [KEY, INDEX, KEY_ELEMENT] {
            assert_eq!(kind(&types, message, &["N"; 25]), ServiceErrorKind::SchemaMismatch, "{message}");
        }
        // An item with a NULL where the others have a number.
        let null = INDEX.replace("Actual: N", "Actual: NULL");
        assert_eq!(kind(&types, &null, &["N"; 25]), ServiceErrorKind::Invalid);
        let too_large = "Item size has exceeded the maximum allowed size";
        assert_eq!(kind(&AttributeTypes::default(), too_large, &["N"; 25]), ServiceErrorKind::Invalid);
    }

    #[test]
    fn a_type_that_the_first_items_share_is_an_error_of_the_table() {
        for message in [KEY, INDEX, KEY_ELEMENT] {
            let types = AttributeTypes::default();
            assert_eq!(kind(&types, message, &["N", "N"]), ServiceErrorKind::SchemaMismatch, "{message}");
            types.accepted();
            assert_eq!(kind(&types, message, &["N", "N"]), ServiceErrorKind::Invalid, "{message}");
        }
    }

    #[test]
    fn where_types_differ_between_items_the_others_are_given_a_chance() {
        for message in [KEY, KEY_ELEMENT] {
            let types = AttributeTypes::default();
            assert_eq!(kind(&types, message, &["N", "N", "S", "N"]), ServiceErrorKind::Invalid, "{message}");
            assert_eq!(kind(&types, message, &["N", "N"]), ServiceErrorKind::Invalid, "{message}");
        }
    }

    #[test]
    fn many_items_rejected_alone_and_none_accepted_are_an_error_of_the_table() {
        for message in [KEY, INDEX, KEY_ELEMENT] {
            let types = AttributeTypes::default();
            for _ in 1..LONE_REJECTIONS {
                assert_eq!(kind(&types, message, &["N"]), ServiceErrorKind::Invalid, "{message}");
            }
            assert_eq!(kind(&types, message, &["N"]), ServiceErrorKind::SchemaMismatch, "{message}");
            types.accepted();
            assert_eq!(kind(&types, message, &["N"]), ServiceErrorKind::Invalid, "{message}");
        }
    }
}
