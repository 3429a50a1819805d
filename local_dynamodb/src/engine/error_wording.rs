//! Errors of the engine that differ from DynamoDB's in their wording only.

use dynoxide::DynoxideError;

use super::OperationName;

/// Starts of errors about a KeyConditionExpression, without its name. Those about other expressions have theirs.
const OF_KEY_CONDITION: [&str; 3] = [
    "Attribute name is a reserved keyword; ",
    "An expression attribute name used in the document path is not defined; ",
    "An expression attribute value used in expression is not defined; ",
];
const OF_VALUE: &str = "ExpressionAttributeValues contains invalid value: ";

/// `error` in DynamoDB's words.
pub(super) fn correct(operation: OperationName, error: DynoxideError) -> DynoxideError {
    use OperationName::{DeleteItem, PutItem, Query, Scan, UpdateItem};
    match error {
        DynoxideError::ValidationException(message)
            if operation == Query && OF_KEY_CONDITION.iter().any(|start| message.starts_with(start)) =>
        {
            DynoxideError::ValidationException(format!("Invalid KeyConditionExpression: {message}"))
        }
        DynoxideError::ValidationException(message)
            if matches!(operation, PutItem | UpdateItem | DeleteItem | Query | Scan) =>
        {
            DynoxideError::ValidationException(without_key_of_empty_set(&message).unwrap_or(message))
        }
        error => error,
    }
}

/// Where DynamoDB names no key of a bad number, it names none of an empty set either.
fn without_key_of_empty_set(message: &str) -> Option<String> {
    let (envelope, rest) = message.split_once(OF_VALUE)?;
    let (reason, _) = rest.rsplit_once(" for key ")?;
    reason.ends_with(" empty").then(|| format!("{envelope}{reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(operation: OperationName, message: &str) -> String {
        match correct(operation, DynoxideError::ValidationException(message.into())) {
            DynoxideError::ValidationException(message) => message,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn errors_of_a_query_name_the_key_condition() {
        let reserved = "Attribute name is a reserved keyword; reserved keyword: name";
        assert_eq!(bare(OperationName::Query, reserved), format!("Invalid KeyConditionExpression: {reserved}"));
        let filter = format!("Invalid FilterExpression: {reserved}");
        assert_eq!(bare(OperationName::Query, &filter), filter);
    }

    #[test]
    fn an_empty_set_has_no_key() {
        let reason = "One or more parameter values were invalid: An string set  may not be empty";
        let message = format!("{OF_VALUE}{reason} for key :v");
        assert_eq!(bare(OperationName::Scan, &message), reason);
        let enveloped = |message: &str| format!("1 validation error detected: {message}");
        assert_eq!(bare(OperationName::UpdateItem, &enveloped(&message)), enveloped(reason));
        assert_eq!(bare(OperationName::TransactWriteItems, &message), message);
        let other = format!("{OF_VALUE}Supplied AttributeValue is empty, must contain … for key :v");
        assert_eq!(bare(OperationName::Scan, &other), other);
    }
}
