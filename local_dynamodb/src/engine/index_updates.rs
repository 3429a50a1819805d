//! What DynamoDB refuses about the indexes of an UpdateTable, and the engine does not.

use dynoxide::actions::update_table::{GlobalSecondaryIndexUpdate, UpdateTableRequest};
use dynoxide::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, LocalSecondaryIndex, ScalarAttributeType,
};
use dynoxide::{DynoxideError, TableMetadata};
use serde::de::DeserializeOwned;

use super::Database;

/// Checks the indexes of an UpdateTable.
///
/// # Errors
/// `ValidationException` for several actions in one, for the name of a local index, and for an attribute that is in another key
/// with another type.
pub(super) fn check_update(database: &Database, request: &UpdateTableRequest) -> Result<(), DynoxideError> {
    let updates = request.global_secondary_index_updates.as_deref().unwrap_or_default();
    let created = || updates.iter().filter_map(|update| update.create.as_ref());
    let actions = |update: &GlobalSecondaryIndexUpdate| {
        [update.create.is_some(), update.update.is_some(), update.delete.is_some()].into_iter().filter(|is| *is).count()
    };
    if updates.iter().any(|update| actions(update) > 1) {
        return Err(invalid("Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"));
    }
    let Some(table) = database.table(&request.table_name)? else { return Ok(()) };
    let local: Vec<LocalSecondaryIndex> = parsed(table.lsi_definitions.as_deref());
    for create in created() {
        if local.iter().any(|index| index.index_name == create.index_name) {
            return Err(DynoxideError::ValidationException(
                "Attempting to create an index which already exists".into(),
            ));
        }
        for element in &create.key_schema {
            check_type(&table, request.attribute_definitions.as_deref().unwrap_or_default(), element)?;
        }
    }
    Ok(())
}

fn check_type(
    table: &TableMetadata,
    defined: &[AttributeDefinition],
    element: &KeySchemaElement,
) -> Result<(), DynoxideError> {
    let name = &element.attribute_name;
    let kind = |definitions: &[AttributeDefinition]| {
        let found = definitions.iter().find(|definition| definition.attribute_name == *name);
        found.map(|definition| definition.attribute_type.clone())
    };
    let before: Vec<AttributeDefinition> = parsed(Some(&table.attribute_definitions));
    let (Some(before), Some(now)) = (kind(&before), kind(defined)) else { return Ok(()) };
    if before == now {
        return Ok(());
    }
    let written = |kind: &ScalarAttributeType, element: &KeySchemaElement| {
        format!("Schema:[SchemaElement: key{{{name}:{kind:?}:{:?}}}]", element.key_type)
    };
    let mut keys: Vec<KeySchemaElement> = parsed(Some(&table.key_schema));
    keys.extend(
        parsed::<GlobalSecondaryIndex>(table.gsi_definitions.as_deref()).into_iter().flat_map(|index| index.key_schema),
    );
    keys.extend(
        parsed::<LocalSecondaryIndex>(table.lsi_definitions.as_deref()).into_iter().flat_map(|index| index.key_schema),
    );
    let existing = keys.iter().find(|key| key.attribute_name == *name).unwrap_or(element);
    Err(invalid(&format!(
        "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing \
         schema: {} New schema: {}",
        written(&before, existing),
        written(&now, element)
    )))
}

fn parsed<T: DeserializeOwned>(json: Option<&str>) -> Vec<T> {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

fn invalid(reason: &str) -> DynoxideError {
    DynoxideError::ValidationException(format!("One or more parameter values were invalid: {reason}"))
}
