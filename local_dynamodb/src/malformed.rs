//! Requests that cannot be decoded, in DynamoDB's words instead of serde's.

use dynoxide::DynoxideError;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::operation::Name;
use crate::request_shape;

const EMPTY_VALUE: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const TOO_DEEP: &str = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond \
    supported limit";

/// Decodes the body of a request for the operation `name`.
///
/// # Errors
/// `SerializationException` if the body is not JSON or of another shape, `ValidationException` if its values are wrong.
pub(crate) fn decode<T: DeserializeOwned>(name: Name, body: &str) -> Result<T, DynoxideError> {
    // All of a BatchWriteItem is typed, so what is decoded has the right shape, but for lists that serde reads as
    // structures. It is also the largest of all requests: reading it a second time only to find nothing costs some 3 %
    // of its load.
    if name == Name::BatchWriteItem
        && !may_have_lists_for_structures(body)
        && let Ok(request) = serde_json::from_str(body)
    {
        return Ok(request);
    }
    let json: Value = serde_json::from_str(body).map_err(|error| not_json(&error))?;
    request_shape::check(name, &json).map_err(DynoxideError::SerializationException)?;
    serde_json::from_str(body).map_err(|error| refusal(&error.to_string(), body))
}

/// Whether a list may stand where a BatchWriteItem has a structure, which serde would fill from the list's elements:
/// at the start, in a list, or as a PutRequest or DeleteRequest. Text in the request can look so too; that does no harm.
fn may_have_lists_for_structures(body: &str) -> bool {
    body.match_indices('[').any(|(at, _)| {
        let before = body[..at].trim_end();
        let request = || before.strip_suffix(':').is_some_and(|name| name.trim_end().ends_with("Request\""));
        before.is_empty() || before.ends_with(['[', ',']) || request()
    })
}

fn not_json(error: &serde_json::Error) -> DynoxideError {
    // serde_json follows 127 levels; DynamoDB allows 32 in a value, and says which limit it is.
    if error.to_string().starts_with("recursion limit exceeded") {
        DynoxideError::ValidationException(TOO_DEEP.into())
    } else {
        DynoxideError::SerializationException(String::new())
    }
}

/// The engine's decoders mark with a prefix which of DynamoDB's exceptions their messages are for; serde's own messages
/// have none.
fn refusal(message: &str, body: &str) -> DynoxideError {
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
        DynoxideError::ValidationException(without_position(rest).into())
    } else if ["missing field", "unknown variant", "invalid type: null"].iter().any(|text| message.contains(text)) {
        DynoxideError::ValidationException(message.into())
    } else if message.contains("empty AttributeValue") {
        DynoxideError::ValidationException(EMPTY_VALUE.into())
    } else if message.contains("Supplied AttributeValue") {
        DynoxideError::ValidationException(without_position(message).into())
    } else {
        DynoxideError::SerializationException(in_java(message, body))
    }
}

/// serde_json ends its messages with where it stood; DynamoDB does not say it.
fn without_position(message: &str) -> &str {
    match message.rfind(" at line ") {
        Some(at) if message[at..].contains("column") => &message[..at],
        _ => message,
    }
}

/// What serde says of a JSON type that it did not expect, as DynamoDB says it.
fn in_java(message: &str, body: &str) -> String {
    if message.starts_with("expected string for ") || message.starts_with("expected value at line ") {
        return format!("{} cannot be converted to String", token_at(message, body));
    }
    let Some((found, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    else {
        let list_for_structure = message.starts_with("invalid length ") && message.contains("expected struct");
        return if list_for_structure { request_shape::STRUCTURE.into() } else { message.into() };
    };
    let expected = without_position(expected).trim();
    let class = match expected {
        "a string" => "String",
        "a boolean" => "Boolean",
        "i64" | "u64" => "Long",
        // The one member of this type (TopK) is passed on by DynamoDB as its decoder words it.
        "i32" => return message.into(),
        _ => "",
    };
    let token = match found {
        "map" => return request_shape::STRUCTURE.into(),
        _ if class.is_empty() => return "Unexpected field type".into(),
        "sequence" => return format!("Unrecognized collection type class java.lang.{class}"),
        _ if found.starts_with("string ") && class == "Boolean" => {
            return "Unexpected token received from parser".into();
        }
        "boolean `true`" => "TRUE_VALUE",
        "boolean `false`" => "FALSE_VALUE",
        _ if found.starts_with("floating point ") => "DECIMAL_VALUE",
        _ if found.starts_with("integer ") => "NUMBER_VALUE",
        _ => "STRING_VALUE",
    };
    format!("{token} cannot be converted to {class}")
}

/// DynamoDB's name for the JSON token at the position in which `message` ends.
fn token_at(message: &str, body: &str) -> &'static str {
    let column = message.rsplit("column ").next().and_then(|column| column.trim().parse::<usize>().ok());
    match column.and_then(|column| body.as_bytes().get(column.checked_sub(1)?)) {
        Some(b'f') => "FALSE_VALUE",
        Some(b'0'..=b'9' | b'-') => "NUMBER_VALUE",
        _ => "TRUE_VALUE",
    }
}
