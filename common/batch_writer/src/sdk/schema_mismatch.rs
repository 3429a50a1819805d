//! Distinguishes validation errors about the table's keys from those about one item.
//!
//! DynamoDB rejects a batch with the same message whether the table's keys differ from the items', or one item has a
//! key of a different type. In the first case every item would be rejected, one by one, so the two must be
//! distinguished before the batch is divided.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::core::key::KeySchema;
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
    lone_rejections: AtomicUsize,
}

impl AttributeTypes {
    pub(super) fn fixed(types: impl IntoIterator<Item = (String, &'static str)>) -> Self {
        Self { fixed: types.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn accepted(&self) {
        self.has_accepted.store(true, Ordering::Relaxed);
    }

    /// The error of a batch of `items` items; it is about the table if that is certain.
    pub(super) fn judge(&self, error: ServiceError, schema: &KeySchema, items: usize) -> ServiceError {
        if error.kind != ServiceErrorKind::Invalid {
            return error;
        }
        let mismatch = TypeMismatch::from_message(&error.message);
        let is_of_table = match &mismatch {
            // Every item has this type.
            Some(mismatch) if self.fixed.get(mismatch.attribute) == Some(&mismatch.actual) => true,
            Some(_) => items == 1 && self.is_rejected_throughout(),
            None if error.message.contains(KEY_ELEMENT) => {
                let mut names = std::iter::once(&schema.partition).chain(&schema.sort);
                names.all(|name| self.fixed.contains_key(name)) || items == 1 && self.is_rejected_throughout()
            }
            None => false,
        };
        let kind = if is_of_table { ServiceErrorKind::SchemaMismatch } else { error.kind };
        ServiceError { kind, ..error }
    }

    /// Counts an item that was rejected alone. Returns whether there are too many.
    fn is_rejected_throughout(&self) -> bool {
        let before = self.lone_rejections.fetch_add(1, Ordering::Relaxed);
        before + 1 >= LONE_REJECTIONS && !self.has_accepted.load(Ordering::Relaxed)
    }
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
    use super::*;

    const KEY: &str = "One or more parameter values were invalid: Type mismatch for key PK expected: S actual: N";
    const INDEX: &str =
        "One or more parameter values were invalid: Type mismatch for Index Key G Expected: S Actual: N IndexName: I";

    fn invalid(message: &str) -> ServiceError {
        ServiceError::from_response(400, Some("ValidationException"), Some(message))
    }

    fn kind(types: &AttributeTypes, message: &str, items: usize) -> ServiceErrorKind {
        types.judge(invalid(message), &KeySchema::partition("PK"), items).kind
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
        for message in [KEY, INDEX, KEY_ELEMENT] {
            assert_eq!(kind(&types, message, 25), ServiceErrorKind::SchemaMismatch, "{message}");
        }
        // An item with a NULL where the others have a number.
        let null = INDEX.replace("Actual: N", "Actual: NULL");
        assert_eq!(kind(&types, &null, 25), ServiceErrorKind::Invalid);
        assert_eq!(kind(&types, "Item size has exceeded the maximum allowed size", 25), ServiceErrorKind::Invalid);
    }

    #[test]
    fn where_types_differ_between_items_the_others_are_given_a_chance() {
        for message in [KEY, INDEX, KEY_ELEMENT] {
            let types = AttributeTypes::default();
            for _ in 0..10 {
                assert_eq!(kind(&types, message, 25), ServiceErrorKind::Invalid, "{message}");
            }
            for _ in 1..LONE_REJECTIONS {
                assert_eq!(kind(&types, message, 1), ServiceErrorKind::Invalid, "{message}");
            }
            assert_eq!(kind(&types, message, 1), ServiceErrorKind::SchemaMismatch, "{message}");
            types.accepted();
            assert_eq!(kind(&types, message, 1), ServiceErrorKind::Invalid, "{message}");
        }
    }
}
