//! Errors as DynamoDB writes them: the one place that turns an error into a status and a JSON body.

use dynoxide::DynoxideError;
use serde_json::json;

use crate::engine::OperationName;

/// The HTTP status and the JSON body of an error of the engine.
pub(crate) fn of_engine(name: OperationName, error: DynoxideError) -> (u16, Vec<u8>) {
    let error = match error {
        // DynamoDB wraps these for the three writes of one item; the engine leaves that to its caller.
        DynoxideError::EnvelopedValidation(message) => DynoxideError::ValidationException(match name {
            OperationName::PutItem | OperationName::UpdateItem | OperationName::DeleteItem => {
                format!("1 validation error detected: {message}")
            }
            _ => message,
        }),
        DynoxideError::ConditionalCheckFailedException(message, Some(item))
            if name == OperationName::ExecuteStatement =>
        {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        // Its endpoint at AWS writes "message" here, where DynamoDB's writes "Message".
        DynoxideError::SerializationException(message) if name == OperationName::SearchVectors => {
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

/// The JSON body of an error of the protocol layer, which has a type and mostly no message.
pub(crate) fn of_protocol(kind: &str, message: Option<&str>) -> Vec<u8> {
    let kind = format!("com.amazon.coral.service#{kind}");
    match message {
        Some(message) => json!({ "__type": kind, "message": message }),
        None => json!({ "__type": kind }),
    }
    .to_string()
    .into_bytes()
}

/// The response to a GetRecords whose iterator is too old. Its text is that of the API Reference, "GetRecords":
/// DynamoDB's own is not published.
pub(crate) fn expired_iterator() -> (u16, Vec<u8>) {
    let error = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ExpiredIteratorException",
        "message": "The shard iterator has expired and can no longer be used to retrieve stream records. A shard iterator \
            expires 15 minutes after it is retrieved using the GetShardIterator action.",
    });
    (400, error.to_string().into_bytes())
}

/// The response to an internal error.
pub(crate) fn internal() -> (u16, Vec<u8>) {
    let error = DynoxideError::InternalServerError("The request processing has failed".into());
    (error.status_code(), error.to_json().into_bytes())
}
