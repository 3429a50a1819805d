//! What DynamoDB refuses of a Query or Scan once it knows the table, and the engine accepts: keys that are empty or too long,
//! and attributes that a global secondary index does not hold. (Of a local one they are fetched from the table.)

use std::collections::HashMap;

use dynoxide::actions::query::{QueryRequest, QueryResponse};
use dynoxide::actions::scan::{ScanRequest, ScanResponse};
use dynoxide::types::{GlobalSecondaryIndex, KeySchemaElement, KeyType, LocalSecondaryIndex, ProjectionType};
use dynoxide::{AttributeValue, DynoxideError};

use super::local_index::{self, operand_paths, paths};
use super::update_expression::{Path, Step};
use super::{Database, expressions, key_conditions};

/// Sizes of key values in bytes. Source: Developer Guide, "Quotas in Amazon DynamoDB".
const MAX_PARTITION_KEY_SIZE: usize = 2048;
const MAX_SORT_KEY_SIZE: usize = 1024;

/// Runs a Query.
///
/// # Errors
/// The engine's, then those of this module.
pub(crate) fn query(database: &Database, mut request: QueryRequest) -> Result<QueryResponse, DynoxideError> {
    key_conditions::rewrite(&mut request);
    let keys = refused_keys(database, &request)?;
    let filters = request.query_filter.as_ref().and_then(serde_json::Value::as_object).into_iter().flatten();
    let mut filtered: Vec<_> = filters.map(|(name, _)| name.clone()).collect();
    let names = request.expression_attribute_names.as_ref();
    filtered.extend(roots(&operand_paths(request.filter_expression.as_deref().unwrap_or_default(), names)));
    let read = IndexRead {
        table: &request.table_name,
        index: request.index_name.as_deref(),
        projected: asked_for(request.attributes_to_get.as_deref(), request.projection_expression.as_deref(), names),
        filtered,
    };
    let refusal = keys.or(read.refusal(database)?);
    let response = local_index::query(database, request)?;
    refusal.map_or(Ok(response), refuse)
}

/// Runs a Scan.
///
/// # Errors
/// The engine's, then those of this module.
pub(crate) fn scan(database: &Database, request: ScanRequest) -> Result<ScanResponse, DynoxideError> {
    let names = request.expression_attribute_names.as_ref();
    let read = IndexRead {
        table: &request.table_name,
        index: request.index_name.as_deref(),
        projected: asked_for(request.attributes_to_get.as_deref(), request.projection_expression.as_deref(), names),
        filtered: Vec::new(),
    };
    let refusal = read.refusal(database)?;
    let response = local_index::scan(database, request)?;
    refusal.map_or(Ok(response), refuse)
}

fn refuse<T>(reason: String) -> Result<T, DynoxideError> {
    Err(DynoxideError::ValidationException(reason))
}

fn asked_for(
    attributes: Option<&[String]>,
    projection: Option<&str>,
    names: Option<&HashMap<String, String>>,
) -> Vec<String> {
    match attributes {
        Some(attributes) => attributes.to_vec(),
        None => roots(&paths(projection.unwrap_or_default(), names)),
    }
}

/// The attributes that paths begin at.
fn roots(paths: &[Path]) -> Vec<String> {
    let roots = paths.iter().filter_map(|path| match path.first() {
        Some(Step::Name(name)) => Some(name.clone()),
        _ => None,
    });
    roots.collect()
}

/// What a read takes from an index.
struct IndexRead<'a> {
    table: &'a str,
    index: Option<&'a str>,
    projected: Vec<String>,
    filtered: Vec<String>,
}

impl IndexRead<'_> {
    fn refusal(self, database: &Database) -> Result<Option<String>, DynoxideError> {
        let Some(name) = self.index.filter(|_| !self.projected.is_empty() || !self.filtered.is_empty()) else {
            return Ok(None);
        };
        let definitions = database.table(self.table)?.and_then(|table| table.gsi_definitions);
        let indexes: Vec<GlobalSecondaryIndex> =
            definitions.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let Some(index) = indexes.into_iter().find(|index| index.index_name == name) else { return Ok(None) };
        let mut held = match index.projection.projection_type {
            Some(ProjectionType::ALL) | None => return Ok(None),
            Some(ProjectionType::INCLUDE) => index.projection.non_key_attributes.unwrap_or_default(),
            Some(ProjectionType::KEYS_ONLY) => Vec::new(),
        };
        held.extend(index.key_schema.into_iter().map(|element| element.attribute_name));
        held.extend(database.key_names(self.table)?);
        let not_held = |mut attributes: Vec<String>| {
            attributes.retain(|attribute| !held.contains(attribute));
            (!attributes.is_empty()).then_some(attributes)
        };
        let invalid = |reason: String| format!("One or more parameter values were invalid: {reason}");
        Ok(match (not_held(self.projected), not_held(self.filtered)) {
            (Some(missing), _) => {
                Some(invalid(format!("Global secondary index {name} does not project [{}]", missing.join(", "))))
            }
            (None, Some(mut missing)) => {
                missing.sort_unstable();
                missing.dedup();
                let missing = missing.join(", ");
                Some(invalid(format!(
                    "Secondary index {name} does not project one or more filter attributes: [{missing}]"
                )))
            }
            (None, None) => None,
        })
    }
}

fn refused_keys(database: &Database, request: &QueryRequest) -> Result<Option<String>, DynoxideError> {
    let operands = key_operands(request);
    if !operands.iter().any(|(_, value)| size(value).is_some_and(|size| size == 0 || size > MAX_SORT_KEY_SIZE)) {
        return Ok(None);
    }
    let Some(table) = database.table(&request.table_name)? else { return Ok(None) };
    let schema: Vec<KeySchemaElement> = match &request.index_name {
        None => serde_json::from_str(&table.key_schema).unwrap_or_default(),
        Some(name) => {
            let global: Vec<GlobalSecondaryIndex> =
                table.gsi_definitions.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
            let local: Vec<LocalSecondaryIndex> =
                table.lsi_definitions.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
            let global = global.into_iter().find(|index| index.index_name == *name).map(|index| index.key_schema);
            let local = local.into_iter().find(|index| index.index_name == *name).map(|index| index.key_schema);
            global.or(local).unwrap_or_default()
        }
    };
    let is_sort_key =
        |name: &str| schema.iter().any(|element| element.attribute_name == name && element.key_type == KeyType::RANGE);
    Ok(operands.iter().find_map(|(name, value)| {
        let kind = if matches!(value, AttributeValue::B(_)) { "binary" } else { "string" };
        match (size(value)?, is_sort_key(name), &request.index_name) {
            (0, _, None) => Some(format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
                 empty {kind} value. Key: {name}"
            )),
            (0, _, Some(index)) => Some(format!(
                "One or more parameter values are not valid. A value specified for a secondary index key is not \
                 supported. The AttributeValue for a key attribute cannot contain an empty {kind} value. IndexName: \
                 {index}, IndexKey: {name}"
            )),
            (size, true, _) if size > MAX_SORT_KEY_SIZE => Some(
                "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size \
                 limit of 1024 bytes"
                    .into(),
            ),
            (size, false, _) if size > MAX_PARTITION_KEY_SIZE => Some(
                "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 \
                 bytes"
                    .into(),
            ),
            _ => None,
        }
    }))
}

/// The size of a text or of bytes.
fn size(value: &AttributeValue) -> Option<usize> {
    match value {
        AttributeValue::S(text) => Some(text.len()),
        AttributeValue::B(bytes) => Some(bytes.len()),
        _ => None,
    }
}

/// The attributes of the key conditions, and what each is compared with.
fn key_operands(request: &QueryRequest) -> Vec<(String, AttributeValue)> {
    if let Some(condition) = &request.key_condition_expression {
        let operands = expressions::compared_values(condition).into_iter().filter_map(|(name, value)| {
            let names = request.expression_attribute_names.as_ref();
            let name = names.and_then(|names| names.get(name)).map_or(name, String::as_str);
            let value = request.expression_attribute_values.as_ref()?.get(value)?;
            Some((name.to_owned(), value.clone()))
        });
        return operands.collect();
    }
    let conditions = request.key_conditions.as_ref().and_then(serde_json::Value::as_object).into_iter().flatten();
    let operands = conditions.flat_map(|(name, condition)| {
        let values = condition["AttributeValueList"].as_array().into_iter().flatten();
        values.filter_map(|value| Some((name.clone(), serde_json::from_value(value.clone()).ok()?)))
    });
    operands.collect()
}
