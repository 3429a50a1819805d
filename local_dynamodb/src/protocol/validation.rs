//! Decodes requests; those that cannot be decoded are refused in DynamoDB's words instead of serde's.

use dynoxide::DynoxideError;
use serde_json::Value;

use super::java_values::{conversion_error, without_position};
use super::member_path;
use super::{expression_limits, request_shape, table_limits};
use crate::engine::{Operation, OperationName};

const EMPTY_VALUE: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const TOO_DEEP: &str = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond \
    supported limit";

/// Decodes the body of a request for the operation `name`.
///
/// # Errors
/// `SerializationException` if the body is not JSON or of another shape, `ValidationException` if its values are wrong.
pub(crate) fn decode(name: OperationName, body: &str) -> Result<Operation, DynoxideError> {
    // All of a BatchWriteItem is typed, so what is decoded has the right shape, except for lists that serde reads as
    // structures. It is also the largest of all requests, so it is not parsed a second time only to find nothing.
    if name == OperationName::BatchWriteItem
        && !may_have_lists_for_structures(body)
        && let Ok(operation) = Operation::from_json(name, body)
    {
        return Ok(operation);
    }
    let json: Value = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    request_shape::check(name, &json).map_err(DynoxideError::SerializationException)?;
    let operation = Operation::from_json(name, body).map_err(|error| decoding_error(&error.to_string(), body))?;
    expression_limits::check(&operation)?;
    table_limits::check(&operation)?;
    Ok(operation)
}

/// Whether a list may stand where a BatchWriteItem has a structure, which serde would fill from the list's elements:
/// at the start, in a list, or as a PutRequest or DeleteRequest. A string in the request can look the same; then the
/// request takes the slower way, and that is all.
fn may_have_lists_for_structures(body: &str) -> bool {
    body.match_indices('[').any(|(at, _)| {
        let before = body[..at].trim_end();
        let request = || before.strip_suffix(':').is_some_and(|name| name.trim_end().ends_with("Request\""));
        before.is_empty() || before.ends_with(['[', ',']) || request()
    })
}

fn not_json(error: &serde_json::Error) -> DynoxideError {
    // serde_json allows 127 levels of nesting; DynamoDB allows 32 in a value and names that limit.
    if error.to_string().starts_with("recursion limit exceeded") {
        DynoxideError::ValidationException(TOO_DEEP.into())
    } else {
        DynoxideError::SerializationException(String::new())
    }
}

/// The engine's decoders mark their messages with a prefix for the DynamoDB exception they belong to. Serde's own messages
/// have none.
fn decoding_error(message: &str, body: &str) -> DynoxideError {
    let stripped = |marker| message.strip_prefix(marker);
    if let Some(rest) = stripped("SERIALIZATION_AS_READ:") {
        DynoxideError::SerializationException(rest.into())
    } else if let Some(rest) = stripped("VALIDATION_AS_READ:") {
        DynoxideError::ValidationException(rest.into())
    } else if let Some(rest) = stripped("SERIALIZATION:") {
        DynoxideError::SerializationException(without_position(rest).into())
    } else if let Some(rest) = stripped("VALIDATION_REQUEST:") {
        DynoxideError::EnvelopedValidation(without_position(rest).into())
    } else if let Some(rest) = stripped("VALIDATION:") {
        let violation = violation(rest, body).map(|violation| format!("1 validation error detected: {violation}"));
        DynoxideError::ValidationException(violation.unwrap_or_else(|| without_position(rest).into()))
    } else if let Some(violation) = violation(message, body) {
        DynoxideError::ValidationException(format!("1 validation error detected: {violation}"))
    } else if message.contains("empty AttributeValue") {
        DynoxideError::ValidationException(EMPTY_VALUE.into())
    } else if message.contains("Supplied AttributeValue") {
        DynoxideError::ValidationException(without_position(message).into())
    } else {
        DynoxideError::SerializationException(conversion_error(message, body))
    }
}

/// A member that is missing or has none of its values, in DynamoDB's words.
fn violation(message: &str, body: &str) -> Option<String> {
    let path = member_path::at_position(message, body).unwrap_or_default();
    let not_null = |path: &str| format!("Value null at '{path}' failed to satisfy constraint: Member must not be null");
    if let Some(rest) = message.strip_prefix("missing field `") {
        return Some(not_null(&member_path::member(&path, rest.split('`').next()?)));
    }
    if message.starts_with("invalid type: null") {
        return (!path.is_empty()).then(|| not_null(&path));
    }
    let (value, expected) = message.strip_prefix("unknown variant `")?.split_once('`')?;
    // What the engine decodes in two steps has lost its position.
    let path = if path.is_empty() { member_path::of_text(value, body).unwrap_or_default() } else { path };
    // The names of the variants are in backquotes too.
    let values: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
    Some(format!(
        "Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
        values.join(", ")
    ))
}
