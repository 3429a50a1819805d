//! The order of values, as comparisons and `BETWEEN` need it.

use std::cmp::Ordering;

use dynoxide::AttributeValue;
use serde_json::Value;

/// Checks the bounds of a `BETWEEN`.
///
/// # Errors
/// DynamoDB's message for bounds of different types, or in the wrong order.
pub(super) fn check_bounds(lower: &AttributeValue, upper: &AttributeValue) -> Result<(), String> {
    let requirement = if lower.type_name() != upper.type_name() {
        "same data type for lower and upper bounds"
    } else if order(lower, upper) == Some(Ordering::Greater) {
        "upper bound to be greater than or equal to lower bound"
    } else {
        return Ok(());
    };
    Err(format!(
        "The BETWEEN operator requires {requirement}; lower bound operand: AttributeValue: {}, upper bound operand: \
         AttributeValue: {}",
        written(lower),
        written(upper)
    ))
}

pub(super) fn is_ordered(value: &AttributeValue) -> bool {
    matches!(value, AttributeValue::S(_) | AttributeValue::N(_) | AttributeValue::B(_))
}

/// `None` if one of them has no order, or they are of different types.
pub(super) fn order(a: &AttributeValue, b: &AttributeValue) -> Option<Ordering> {
    match (a, b) {
        (AttributeValue::S(a), AttributeValue::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (AttributeValue::B(a), AttributeValue::B(b)) => Some(a.cmp(b)),
        // In the engine's form for keys the order of texts is the order of numbers.
        (AttributeValue::N(_), AttributeValue::N(_)) => Some(a.to_key_string()?.cmp(&b.to_key_string()?)),
        _ => None,
    }
}

/// As DynamoDB writes a value in a message: `{N:5}`.
fn written(value: &AttributeValue) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    let text = json.get(value.type_name()).and_then(Value::as_str).unwrap_or_default();
    format!("{{{}:{text}}}", value.type_name())
}
