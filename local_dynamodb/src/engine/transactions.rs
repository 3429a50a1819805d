//! TransactGetItems and TransactWriteItems, and what the engine does differently in them: it takes an empty map of names, adds
//! the key to whatever a projection asks for, and evaluates the other actions when the key of one is of another form.

use std::collections::HashMap;

use dynoxide::DynoxideError;
use dynoxide::actions::transact_get_items::{TransactGetItemsRequest, TransactGetItemsResponse};
use dynoxide::actions::transact_write_items::{TransactWriteItemsRequest, TransactWriteItemsResponse};
use dynoxide::errors::CancellationReason;

use super::Database;
use super::local_index::paths;
use super::update_expression::Step;

/// The engine's texts about keys of another form. DynamoDB finds these before it evaluates conditions, and stops there.
const ABOUT_KEYS: [&str; 2] = ["Type mismatch for key", "The provided key element does not match the schema"];

/// Runs a TransactGetItems.
///
/// # Errors
/// `ValidationException` for an empty map of names; the engine's.
pub(super) fn transact_get_items(
    database: &Database,
    request: TransactGetItemsRequest,
) -> Result<TransactGetItemsResponse, DynoxideError> {
    let mut asked_for = Vec::new();
    for get in request.transact_items.iter().map(|item| &item.get) {
        let names = get.expression_attribute_names.as_ref();
        if names.is_some_and(HashMap::is_empty) {
            return Err(DynoxideError::ValidationException("ExpressionAttributeNames must not be empty".into()));
        }
        asked_for.push(get.projection_expression.as_deref().map(|projection| paths(projection, names)));
    }
    let keys: Vec<Vec<String>> =
        request.transact_items.iter().map(|item| item.get.key.keys().cloned().collect()).collect();
    let mut response = database.transact_get_items(request)?;
    for ((item, asked_for), key) in response.responses.iter_mut().zip(asked_for).zip(keys) {
        if let (Some(item), Some(asked_for)) = (&mut item.item, asked_for) {
            let is_asked_for =
                |name: &String| asked_for.iter().any(|path| matches!(&path[0], Step::Name(first) if first == name));
            item.retain(|name, _| !key.contains(name) || is_asked_for(name));
        }
    }
    Ok(response)
}

/// Runs a TransactWriteItems.
///
/// # Errors
/// The engine's.
pub(super) fn transact_write_items(
    database: &Database,
    request: TransactWriteItemsRequest,
) -> Result<TransactWriteItemsResponse, DynoxideError> {
    database.transact_write_items(request).map_err(|error| match error {
        DynoxideError::TransactionCanceledException(_, mut reasons) => {
            let is_about_key = |reason: &CancellationReason| {
                let text = reason.message.as_deref().unwrap_or_default();
                reason.code == "ValidationError" && ABOUT_KEYS.iter().any(|about| text.contains(about))
            };
            if let Some(first) = reasons.iter().position(is_about_key) {
                reasons.iter_mut().enumerate().filter(|(at, _)| *at != first).for_each(|(_, reason)| *reason = none());
            }
            cancelled(reasons)
        }
        other => other,
    })
}

/// The reason of an action that could have been done.
pub(super) fn none() -> CancellationReason {
    CancellationReason { code: "None".into(), ..Default::default() }
}

/// The error of a transaction, with the reason of each of its actions.
pub(super) fn cancelled(reasons: Vec<CancellationReason>) -> DynoxideError {
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    let list = codes.join(", ");
    DynoxideError::TransactionCanceledException(
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{list}]"),
        reasons,
    )
}
