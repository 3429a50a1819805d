//! What went wrong, as DynamoDB writes it: the one place that makes a status and a JSON body of an error.

use dynoxide::DynoxideError;
use serde_json::json;

use crate::operation::Name;

/// Decodes a request's body.
///
/// # Errors
/// The body is not what the operation asks for, in DynamoDB's words.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(_name: Name, body: &str) -> Result<T, DynoxideError> {
    serde_json::from_str(body).map_err(|error| classify(&error.to_string()))
}

/// The engine's decoders mark with a prefix which of DynamoDB's exceptions a malformed request gets.
fn classify(message: &str) -> DynoxideError {
    if let Some(rest) = message.strip_prefix("SERIALIZATION_AS_READ:") {
        DynoxideError::SerializationException(rest.to_owned())
    } else if let Some(rest) = message.strip_prefix("VALIDATION_AS_READ:") {
        DynoxideError::ValidationException(rest.to_owned())
    } else if let Some(rest) = message.strip_prefix("SERIALIZATION:") {
        DynoxideError::SerializationException(without_position(rest).to_owned())
    } else if let Some(rest) = message.strip_prefix("VALIDATION_REQUEST:") {
        DynoxideError::EnvelopedValidation(without_position(rest).to_owned())
    } else if let Some(rest) = message.strip_prefix("VALIDATION:") {
        DynoxideError::ValidationException(without_position(rest).to_owned())
    } else {
        DynoxideError::SerializationException(message.to_owned())
    }
}

/// serde_json ends its messages with where it stood; DynamoDB does not say it.
fn without_position(message: &str) -> &str {
    match message.rfind(" at line ") {
        Some(at) if message[at..].contains("column") => &message[..at],
        _ => message,
    }
}

/// The HTTP status and the JSON body of what the engine answered to `name`.
pub(crate) fn of_engine(name: Name, error: DynoxideError) -> (u16, Vec<u8>) {
    let error = match error {
        // DynamoDB wraps these for the three writes of one item; the engine leaves that to the wire.
        DynoxideError::EnvelopedValidation(message) => DynoxideError::ValidationException(match name {
            Name::PutItem | Name::UpdateItem | Name::DeleteItem => format!("1 validation error detected: {message}"),
            _ => message,
        }),
        DynoxideError::ConditionalCheckFailedException(message, Some(item)) if name == Name::ExecuteStatement => {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        other => other,
    };
    (error.status_code(), error.to_json().into_bytes())
}

/// An error of the protocol's layer, which has a type and mostly no message.
pub(crate) fn of_protocol(kind: &str, message: Option<&str>) -> Vec<u8> {
    let kind = format!("com.amazon.coral.service#{kind}");
    match message {
        Some(message) => json!({ "__type": kind, "message": message }),
        None => json!({ "__type": kind }),
    }
    .to_string()
    .into_bytes()
}

/// What a client gets when the fault is ours.
pub(crate) fn internal(name: Name) -> (u16, Vec<u8>) {
    of_engine(name, DynoxideError::InternalServerError("The request processing has failed".into()))
}
