//! Sets in updates: the engine compares their numbers as they are written, and takes empty sets in AttributeUpdates.

use dynoxide::actions::update_item::UpdateItemRequest;
use dynoxide::types::{normalize_dynamo_number, validate_dynamo_number};
use dynoxide::{AttributeValue, DynoxideError};

/// Makes the sets of an UpdateItem such that the engine adds and deletes what DynamoDB would.
///
/// # Errors
/// `ValidationException` for an empty set in AttributeUpdates.
pub(super) fn prepare(update: &mut UpdateItemRequest) -> Result<(), DynoxideError> {
    normalize(update.expression_attribute_values.iter_mut().flat_map(|values| values.values_mut()));
    let mut updates = update.attribute_updates.iter_mut().flat_map(|updates| updates.values_mut());
    let empty = updates.find_map(|update| match update.value.as_mut()? {
        AttributeValue::SS(set) if set.is_empty() => Some("An string set  may not be empty"),
        AttributeValue::NS(set) if set.is_empty() => Some("An number set  may not be empty"),
        AttributeValue::BS(set) if set.is_empty() => Some("Binary sets should not be empty"),
        value => {
            normalize([value]);
            None
        }
    });
    empty.map_or(Ok(()), |reason| {
        let message = format!("One or more parameter values were invalid: {reason}");
        Err(DynoxideError::ValidationException(message))
    })
}

/// Writes the numbers of sets as the engine stores them. What is no number is left to the engine.
pub(super) fn normalize<'a>(values: impl IntoIterator<Item = &'a mut AttributeValue>) {
    for value in values {
        if let AttributeValue::NS(numbers) = value {
            for number in numbers {
                if validate_dynamo_number(number).is_ok() {
                    *number = normalize_dynamo_number(number);
                }
            }
        }
    }
}
