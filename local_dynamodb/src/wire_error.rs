//! What went wrong, as DynamoDB writes it: the one place that makes a status and a JSON body of an error.

use dynoxide::DynoxideError;
use serde_json::json;

use crate::operation::Name;

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
        // Its own endpoint at AWS writes "message" here, where the others write "Message".
        DynoxideError::SerializationException(message) if name == Name::SearchVectors => {
            let message = (!message.is_empty()).then_some(message.as_str());
            return (400, of_protocol("SerializationException", message));
        }
        other => other,
    };
    if error.status_code() >= 500 {
        log::error!("{}: {error}", name.as_str());
    }
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
