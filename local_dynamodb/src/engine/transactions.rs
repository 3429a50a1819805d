//! TransactGetItems and TransactWriteItems, and what the engine does differently in them: it takes empty maps of names and
//! values, adds the key to whatever a projection asks for, and evaluates the other actions when the key of one is of
//! another form.

use dynoxide::DynoxideError;
use dynoxide::actions::transact_get_items::{TransactGetItemsRequest, TransactGetItemsResponse};
use dynoxide::actions::transact_write_items::{
    TransactWriteItem, TransactWriteItemsRequest, TransactWriteItemsResponse,
};
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
        check_not_empty("Names", names.map(std::collections::HashMap::is_empty))?;
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
/// `ValidationException` for an empty map of names or values; the engine's.
pub(super) fn transact_write_items(
    database: &Database,
    request: TransactWriteItemsRequest,
) -> Result<TransactWriteItemsResponse, DynoxideError> {
    request.transact_items.iter().try_for_each(check_maps)?;
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

fn check_maps(item: &TransactWriteItem) -> Result<(), DynoxideError> {
    macro_rules! maps {
        ($($action:ident)*) => {
            [$(item.$action.as_ref().map(|action| (
                action.expression_attribute_names.as_ref().map(|names| names.is_empty()),
                action.expression_attribute_values.as_ref().map(|values| values.is_empty()),
            ))),*]
        };
    }
    maps!(put update delete condition_check).into_iter().flatten().try_for_each(|(names, values)| {
        check_not_empty("Values", values)?;
        check_not_empty("Names", names)
    })
}

fn check_not_empty(map: &str, is_empty: Option<bool>) -> Result<(), DynoxideError> {
    if is_empty == Some(true) {
        return Err(DynoxideError::ValidationException(format!("ExpressionAttribute{map} must not be empty")));
    }
    Ok(())
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
