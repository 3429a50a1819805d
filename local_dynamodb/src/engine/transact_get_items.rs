//! TransactGetItems: the engine adds the key to whatever a projection asks for, DynamoDB does not.

use dynoxide::DynoxideError;
use dynoxide::actions::transact_get_items::{TransactGetItemsRequest, TransactGetItemsResponse};

use super::Database;
use super::local_index::paths;
use super::update_expression::Step;

/// Runs a TransactGetItems.
///
/// # Errors
/// The engine's.
pub(super) fn transact_get_items(
    database: &Database,
    request: TransactGetItemsRequest,
) -> Result<TransactGetItemsResponse, DynoxideError> {
    let mut asked_for = Vec::new();
    for get in request.transact_items.iter().map(|item| &item.get) {
        let names = get.expression_attribute_names.as_ref();
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
