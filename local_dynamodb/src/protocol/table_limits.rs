//! Limits of table definitions that the engine does not have: of the names of keys, and of the attributes that an index holds
//! besides keys. Source: API Reference, "KeySchemaElement", "AttributeDefinition" and "Projection".

use dynoxide::DynoxideError;
use dynoxide::types::{AttributeDefinition, KeySchemaElement, Projection};

use crate::engine::Operation;

/// Of attributes in keys, and of those that an index names.
const MAX_NAME_LENGTH: usize = 255;
const MAX_NON_KEY_ATTRIBUTES: usize = 20;

/// Checks the definitions of a CreateTable or UpdateTable.
///
/// # Errors
/// `ValidationException` for the first one beyond a limit.
pub(super) fn check(operation: &Operation) -> Result<(), DynoxideError> {
    let violation = match operation {
        Operation::CreateTable(create) => {
            let table = &create.request;
            let local = table.local_secondary_indexes.iter().flatten();
            let local = local.enumerate().map(|(at, index)| {
                (format!("localSecondaryIndexes.{}.member.", at + 1), &index.key_schema, &index.projection)
            });
            let global = table.global_secondary_indexes.iter().flatten();
            let global = global.enumerate().map(|(at, index)| {
                (format!("globalSecondaryIndexes.{}.member.", at + 1), &index.key_schema, &index.projection)
            });
            definitions(&table.attribute_definitions)
                .or_else(|| key_names("", &table.key_schema))
                .or_else(|| local.chain(global).find_map(|(path, keys, projection)| index(&path, keys, projection)))
        }
        Operation::UpdateTable(update) => {
            let table = &update.request;
            let mut updates = table.global_secondary_index_updates.iter().flatten().enumerate();
            definitions(table.attribute_definitions.as_deref().unwrap_or_default()).or_else(|| {
                updates.find_map(|(at, update)| {
                    let created = update.create.as_ref()?;
                    let path = format!("globalSecondaryIndexUpdates.{}.member.create.", at + 1);
                    index(&path, &created.key_schema, &created.projection)
                })
            })
        }
        _ => None,
    };
    violation.map_or(Ok(()), |violation| {
        Err(DynoxideError::ValidationException(format!("1 validation error detected: {violation}")))
    })
}

fn definitions(definitions: &[AttributeDefinition]) -> Option<String> {
    names("attributeDefinitions", definitions.iter().map(|definition| definition.attribute_name.as_str()))
}

fn key_names(path: &str, keys: &[KeySchemaElement]) -> Option<String> {
    names(&format!("{path}keySchema"), keys.iter().map(|key| key.attribute_name.as_str()))
}

fn names<'a>(path: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let (at, name) = too_long(names)?;
    Some(too_much(name, &format!("{path}.{at}.member.attributeName"), MAX_NAME_LENGTH))
}

fn too_long<'a>(names: impl Iterator<Item = &'a str>) -> Option<(usize, &'a str)> {
    (1..).zip(names).find(|(_, name)| name.chars().count() > MAX_NAME_LENGTH)
}

fn index(path: &str, keys: &[KeySchemaElement], projection: &Projection) -> Option<String> {
    let attributes = projection.non_key_attributes.as_deref().unwrap_or_default();
    let too_long = || {
        let (at, name) = too_long(attributes.iter().map(String::as_str))?;
        Some(too_much(name, &format!("{path}projection.nonKeyAttributes.{at}.member"), MAX_NAME_LENGTH))
    };
    key_names(path, keys).or_else(too_long).or_else(|| {
        (attributes.len() > MAX_NON_KEY_ATTRIBUTES).then(|| {
            let path = format!("{path}projection.nonKeyAttributes");
            too_much(&format!("[{}]", attributes.join(", ")), &path, MAX_NON_KEY_ATTRIBUTES)
        })
    })
}

fn too_much(value: &str, path: &str, limit: usize) -> String {
    format!(
        "Value '{value}' at '{path}' failed to satisfy constraint: Member must have length less than or equal to {limit}"
    )
}
