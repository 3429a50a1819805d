//! UpdateItem, where the engine differs from DynamoDB.

use std::collections::HashMap;

use dynoxide::DynoxideError;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::transact_write_items::{TransactDelete, TransactWriteItem};
use dynoxide::actions::update_item::{UpdateItemRequest, UpdateItemResponse};

use super::Database;
use super::update_expression::{self, Clause, Path, Step};
use crate::ledger::Attributes;

/// A name for the partition key that no client has.
const KEY_NAME: &str = "#local_dynamodb_key";

/// Runs an UpdateItem.
///
/// # Errors
/// The engine's.
pub(crate) fn update_item(
    database: &Database,
    mut request: UpdateItemRequest,
) -> Result<UpdateItemResponse, DynoxideError> {
    let names = request.expression_attribute_names.as_ref();
    let paths = update_expression::paths(request.update_expression.as_deref().unwrap_or_default(), names);
    let only_removes = only_removes(&request, &paths);
    let returns_old = request.return_values.as_deref() == Some("ALL_OLD");
    let is_new = (only_removes || returns_old) && is_missing(database, &request)?;
    if is_new && only_removes && !names_key(database, &request, &paths)? {
        return remove_from_nothing(database, request);
    }
    // For an updated path, the engine returns the whole attribute.
    let nested = paths.iter().any(|(_, path)| path.len() > 1);
    let whole = match request.return_values.as_deref() {
        Some("UPDATED_OLD") if nested => Some("ALL_OLD"),
        Some("UPDATED_NEW") if nested => Some("ALL_NEW"),
        _ => None,
    };
    if let Some(whole) = whole {
        request.return_values = Some(whole.into());
    }
    let mut response = database.update_item(request)?;
    if whole.is_some() {
        let part = |item: Attributes| update_expression::part_at(&item, paths.iter().map(|(_, path)| path));
        response.attributes = response.attributes.map(part).filter(|part| !part.is_empty());
    }
    if is_new && returns_old {
        // The engine returns the key.
        response.attributes = None;
    }
    Ok(response)
}

/// Whether the update can only remove attributes. One without any action creates an item.
fn only_removes(request: &UpdateItemRequest, paths: &[(Clause, Path)]) -> bool {
    match (&request.update_expression, &request.attribute_updates) {
        (Some(_), _) => {
            !paths.is_empty() && paths.iter().all(|(clause, _)| matches!(clause, Clause::Remove | Clause::Delete))
        }
        (None, Some(updates)) => !updates.is_empty() && updates.values().all(|update| update.action == "DELETE"),
        (None, None) => false,
    }
}

/// Whether there is no such item. If the engine will refuse the request, the result does not matter.
fn is_missing(database: &Database, request: &UpdateItemRequest) -> Result<bool, DynoxideError> {
    let get = GetItemRequest { table_name: request.table_name.clone(), key: request.key.clone(), ..Default::default() };
    match database.get_item(get) {
        Ok(response) => Ok(response.item.is_none()),
        Err(error) if error.status_code() >= 500 => Err(error),
        Err(_) => Ok(false),
    }
}

/// Whether the update is about an attribute of the key, which the engine refuses.
fn names_key(
    database: &Database,
    request: &UpdateItemRequest,
    paths: &[(Clause, Path)],
) -> Result<bool, DynoxideError> {
    let key = database.key_names(&request.table_name)?;
    let is_key = |name: &String| key.contains(name);
    let in_paths = paths.iter().any(|(_, path)| matches!(&path[0], Step::Name(name) if is_key(name)));
    Ok(in_paths || request.attribute_updates.iter().flatten().any(|(name, _)| is_key(name)))
}

/// An update that only removes, of an item that does not exist. DynamoDB checks it and its condition, and writes nothing,
/// where the engine writes the key. So the engine is given the update with a condition that does not hold, to check it, and
/// the deletion of the same item with the same condition.
fn remove_from_nothing(database: &Database, request: UpdateItemRequest) -> Result<UpdateItemResponse, DynoxideError> {
    let condition = request.condition_expression.clone();
    let used = |placeholders: Option<&str>| {
        let used: Vec<_> = update_expression::tokens(placeholders.unwrap_or_default()).map(str::to_owned).collect();
        move |name: &String| used.contains(name)
    };
    let is_used = used(condition.as_deref());
    let names = request.expression_attribute_names.clone().map(|names| retain(names, &is_used));
    let values = request.expression_attribute_values.clone().map(|values| retain(values, &is_used));
    let delete = DeleteItemRequest {
        table_name: request.table_name.clone(),
        key: request.key.clone(),
        condition_expression: condition.clone(),
        expression_attribute_names: names.filter(|names| !names.is_empty()),
        expression_attribute_values: values.filter(|values| !values.is_empty()),
        return_consumed_capacity: request.return_consumed_capacity.clone(),
        return_values_on_condition_check_failure: request.return_values_on_condition_check_failure.clone(),
        return_item_collection_metrics: request.return_item_collection_metrics.clone(),
        expected: request.expected.clone(),
        conditional_operator: request.conditional_operator.clone(),
        ..Default::default()
    };
    if request.update_expression.is_some()
        && request.expected.is_none()
        && let Some(key) = database.key_names(&request.table_name)?.into_iter().next()
    {
        let mut names = request.expression_attribute_names.clone().unwrap_or_default();
        names.insert(KEY_NAME.into(), key);
        let exists = format!("attribute_exists({KEY_NAME})");
        let never = condition.map_or(exists.clone(), |condition| format!("{exists} AND ({condition})"));
        let checked = UpdateItemRequest {
            condition_expression: Some(never),
            expression_attribute_names: Some(names),
            return_values_on_condition_check_failure: None,
            ..request
        };
        match database.update_item(checked) {
            Err(DynoxideError::ConditionalCheckFailedException(..)) => {}
            Err(error) => return Err(error),
            Ok(response) => return Ok(response),
        }
    }
    let deleted = database.delete_item(delete)?;
    Ok(UpdateItemResponse {
        attributes: None,
        consumed_capacity: deleted.consumed_capacity,
        item_collection_metrics: deleted.item_collection_metrics,
    })
}

/// Makes deletions, which do nothing, of the updates in a transaction that only remove from items that do not exist.
pub(super) fn replace_removals_from_nothing(
    database: &Database,
    items: &mut [TransactWriteItem],
) -> Result<(), DynoxideError> {
    for item in items {
        let Some(update) = &item.update else { continue };
        let request = UpdateItemRequest {
            table_name: update.table_name.clone(),
            key: update.key.clone(),
            update_expression: Some(update.update_expression.clone()),
            ..Default::default()
        };
        let paths = update_expression::paths(&update.update_expression, update.expression_attribute_names.as_ref());
        if !only_removes(&request, &paths) || names_key(database, &request, &paths)? || !is_missing(database, &request)?
        {
            continue;
        }
        let used: Vec<_> =
            update_expression::tokens(update.condition_expression.as_deref().unwrap_or_default()).collect();
        let is_used = |name: &String| used.contains(&name.as_str());
        let names = update.expression_attribute_names.clone().map(|names| retain(names, is_used));
        let values = update.expression_attribute_values.clone().map(|values| retain(values, is_used));
        let delete = TransactDelete {
            table_name: update.table_name.clone(),
            key: update.key.clone(),
            condition_expression: update.condition_expression.clone(),
            expression_attribute_names: names.filter(|names| !names.is_empty()),
            expression_attribute_values: values.filter(|values| !values.is_empty()),
            return_values_on_condition_check_failure: update.return_values_on_condition_check_failure.clone(),
        };
        (item.update, item.delete) = (None, Some(delete));
    }
    Ok(())
}

fn retain<T>(mut map: HashMap<String, T>, is_used: impl Fn(&String) -> bool) -> HashMap<String, T> {
    map.retain(|name, _| is_used(name));
    map
}
