//! Reads of a local secondary index that ask for attributes which are not projected into it: DynamoDB fetches the items
//! from the table. The engine does so only for a Query with `Select=ALL_ATTRIBUTES`.
//!
//! The capacity is that of the index entries together and of each fetched item by itself (Developer Guide, "Local
//! secondary indexes", "Provisioned throughput considerations").

use std::collections::HashMap;

use dynoxide::DynoxideError;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::query::{QueryRequest, QueryResponse};
use dynoxide::actions::scan::{ScanRequest, ScanResponse};
use dynoxide::types::{
    CapacityDetail, ConsumedCapacity, KeySchemaElement, Projection, ProjectionType, item_size,
    read_capacity_units_with_consistency,
};
use serde::Deserialize;

use super::update_expression::{self, Path, Step};
use super::{Database, pagination};
use crate::ledger::Attributes;

/// A definition as the engine keeps it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LocalIndex {
    index_name: String,
    key_schema: Vec<KeySchemaElement>,
    projection: Projection,
}

/// What a read asks for, in the form that Query and Scan share.
#[derive(Clone, Copy)]
struct Read<'a> {
    table: &'a str,
    index: Option<&'a str>,
    select: Option<&'a str>,
    projection: Option<&'a str>,
    attributes_to_get: Option<&'a [String]>,
    filter: Option<&'a str>,
    names: Option<&'a HashMap<String, String>>,
}

impl Read<'_> {
    /// The paths that are asked for; `None` for whole items.
    fn paths(&self) -> Option<Vec<Path>> {
        let names =
            self.attributes_to_get.map(|names| names.iter().map(|name| vec![Step::Name(name.clone())]).collect());
        names.or_else(|| self.projection.map(|projection| paths(projection, self.names)))
    }

    /// Whether it needs attributes that its index, a local one, does not hold.
    fn must_fetch(&self, database: &Database) -> Result<bool, DynoxideError> {
        let Some(name) = self.index else { return Ok(false) };
        let Some(table) = database.table(self.table)? else { return Ok(false) };
        let indexes: Vec<LocalIndex> =
            table.lsi_definitions.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let Some(index) = indexes.into_iter().find(|index| index.index_name == name) else { return Ok(false) };
        let mut held = match index.projection.projection_type {
            Some(ProjectionType::ALL) | None => return Ok(false),
            Some(ProjectionType::INCLUDE) => index.projection.non_key_attributes.unwrap_or_default(),
            Some(ProjectionType::KEYS_ONLY) => Vec::new(),
        };
        held.extend(index.key_schema.into_iter().map(|element| element.attribute_name));
        held.extend(database.key_names(self.table)?);
        let is_held = |path: &Path| matches!(&path[0], Step::Name(name) if held.contains(name));
        let selects_more = match self.paths() {
            Some(paths) => !paths.iter().all(is_held),
            None => self.select == Some("ALL_ATTRIBUTES"),
        };
        let filters_more = || !operand_paths(self.filter.unwrap_or_default(), self.names).iter().all(is_held);
        Ok(selects_more || filters_more())
    }
}

/// Runs a Query.
///
/// # Errors
/// The engine's.
pub(super) fn query(database: &Database, request: QueryRequest) -> Result<QueryResponse, DynoxideError> {
    let read = Read {
        table: &request.table_name,
        index: request.index_name.as_deref(),
        select: request.select.as_deref(),
        projection: request.projection_expression.as_deref(),
        attributes_to_get: request.attributes_to_get.as_deref(),
        filter: request.filter_expression.as_deref(),
        names: request.expression_attribute_names.as_ref(),
    };
    if !read.must_fetch(database)? {
        return pagination::query(database, request);
    }
    let (paths, mode) = (read.paths(), request.return_consumed_capacity.clone());
    let counts_only = read.select == Some("COUNT");
    let has_filter = request.filter_expression.is_some() || request.query_filter.is_some();
    // The request as it is, for the engine's checks. Its answer is that of the index.
    let mut response = pagination::query(database, pagination::copy_of_query(&request))?;
    let expressions = [request.key_condition_expression.as_deref(), request.filter_expression.as_deref()];
    let whole = |limit, with_filter: bool| {
        let used = if with_filter { &expressions[..] } else { &expressions[..1] };
        let copy = pagination::copy_of_query(&request);
        QueryRequest {
            select: Some("ALL_ATTRIBUTES".into()),
            projection_expression: None,
            attributes_to_get: None,
            filter_expression: copy.filter_expression.filter(|_| with_filter),
            query_filter: copy.query_filter.filter(|_| with_filter),
            conditional_operator: copy.conditional_operator.filter(|_| with_filter),
            expression_attribute_names: retain_used(copy.expression_attribute_names, used),
            expression_attribute_values: retain_used(copy.expression_attribute_values, used),
            return_consumed_capacity: Some("INDEXES".into()),
            limit,
            ..copy
        }
    };
    let page = pagination::query(database, whole(request.limit, false))?;
    let scanned = page.items.unwrap_or_default();
    response.scanned_count = page.scanned_count;
    response.last_evaluated_key = page.last_evaluated_key;
    let units = |item: &Attributes| {
        read_capacity_units_with_consistency(item_size(item), request.consistent_read == Some(true))
    };
    response.consumed_capacity = page
        .consumed_capacity
        .and_then(|consumed| charged(consumed, None, scanned.iter().map(units).sum(), mode.as_deref()));
    let items = match scanned.len() {
        0 => scanned,
        _ if !has_filter => scanned,
        read => database.query(whole(Some(read), true))?.items.unwrap_or_default(),
    };
    response.count = items.len();
    response.items = (!counts_only).then(|| projected(items, paths.as_deref()));
    Ok(response)
}

/// Runs a Scan.
///
/// # Errors
/// The engine's.
pub(super) fn scan(database: &Database, request: ScanRequest) -> Result<ScanResponse, DynoxideError> {
    let read = Read {
        table: &request.table_name,
        index: request.index_name.as_deref(),
        select: request.select.as_deref(),
        projection: request.projection_expression.as_deref(),
        attributes_to_get: request.attributes_to_get.as_deref(),
        filter: request.filter_expression.as_deref(),
        names: request.expression_attribute_names.as_ref(),
    };
    if !read.must_fetch(database)? {
        return pagination::scan(database, request);
    }
    let (paths, mode) = (read.paths(), request.return_consumed_capacity.clone());
    let counts_only = read.select == Some("COUNT");
    // The request as it is, for the engine's checks. Its answer is that of the index.
    let mut response = pagination::scan(database, pagination::copy_of_scan(&request))?;
    let entries = ScanRequest {
        select: None,
        projection_expression: None,
        attributes_to_get: None,
        filter_expression: None,
        scan_filter: None,
        conditional_operator: None,
        expression_attribute_names: None,
        expression_attribute_values: None,
        return_consumed_capacity: Some("INDEXES".into()),
        ..pagination::copy_of_scan(&request)
    };
    let page = pagination::scan(database, entries)?;
    let key_names = database.key_names(&request.table_name)?;
    let (mut items, mut units) = (Vec::new(), 0.0);
    for mut key in page.items.unwrap_or_default() {
        key.retain(|name, _| key_names.contains(name));
        let get = GetItemRequest { table_name: request.table_name.clone(), key: key.clone(), ..Default::default() };
        let Some(item) = database.get_item(get)?.item else { continue };
        units += read_capacity_units_with_consistency(item_size(&item), request.consistent_read == Some(true));
        items.extend(filtered(database, &request, &key_names, &key)?);
    }
    response.scanned_count = page.scanned_count;
    response.last_evaluated_key = page.last_evaluated_key;
    response.count = items.len();
    response.consumed_capacity = page
        .consumed_capacity
        .and_then(|consumed| charged(consumed, request.index_name.as_deref(), units, mode.as_deref()));
    response.items = (!counts_only).then(|| projected(items, paths.as_deref()));
    Ok(response)
}

/// The item with `key`, if the filter of `scan` lets it pass: as a Query of the table finds it.
fn filtered(
    database: &Database,
    scan: &ScanRequest,
    key_names: &[String],
    key: &Attributes,
) -> Result<Vec<Attributes>, DynoxideError> {
    let copy = pagination::copy_of_scan(scan);
    let used = [copy.filter_expression.as_deref()];
    let mut names = retain_used(copy.expression_attribute_names, &used).unwrap_or_default();
    let mut values = retain_used(copy.expression_attribute_values, &used).unwrap_or_default();
    let conditions = key_names.iter().enumerate().filter_map(|(number, name)| {
        values.insert(format!(":local_dynamodb_key_{number}"), key.get(name)?.clone());
        names.insert(format!("#local_dynamodb_key_{number}"), name.clone());
        Some(format!("#local_dynamodb_key_{number} = :local_dynamodb_key_{number}"))
    });
    let query = QueryRequest {
        table_name: copy.table_name,
        key_condition_expression: Some(conditions.collect::<Vec<_>>().join(" AND ")),
        filter_expression: copy.filter_expression,
        expression_attribute_names: Some(names),
        expression_attribute_values: Some(values),
        scan_index_forward: true,
        ..Default::default()
    };
    Ok(database.query(query)?.items.unwrap_or_default())
}

fn projected(items: Vec<Attributes>, paths: Option<&[Path]>) -> Vec<Attributes> {
    match paths {
        None => items,
        Some(paths) => items.iter().map(|item| update_expression::part_at(item, paths)).collect(),
    }
}

/// The capacity of the index entries and `units` of the table, in the form that the request asks for.
fn charged(
    mut consumed: ConsumedCapacity,
    index: Option<&str>,
    units: f64,
    mode: Option<&str>,
) -> Option<ConsumedCapacity> {
    let of_index = match &consumed.local_secondary_indexes {
        Some(indexes) => indexes.values().map(|index| index.capacity_units).sum(),
        // A Scan: the engine takes the index for the table.
        None => consumed.capacity_units,
    };
    if let (None, Some(index)) = (&consumed.local_secondary_indexes, index) {
        let detail = CapacityDetail { capacity_units: of_index, ..Default::default() };
        consumed.local_secondary_indexes = Some(HashMap::from([(index.to_owned(), detail)]));
    }
    consumed.capacity_units = of_index + units;
    consumed.table = Some(CapacityDetail { capacity_units: units, ..Default::default() });
    match mode {
        Some("INDEXES") => Some(consumed),
        Some("TOTAL") => Some(ConsumedCapacity { table: None, local_secondary_indexes: None, ..consumed }),
        _ => None,
    }
}

/// The paths in a projection.
pub(super) fn paths(projection: &str, names: Option<&HashMap<String, String>>) -> Vec<Path> {
    // The paths of a projection are written like those that an update removes.
    let paths = update_expression::paths(&format!("REMOVE {projection}"), names);
    paths.into_iter().map(|(_, path)| path).collect()
}

/// The attributes that a condition is about, each as a path of one step.
pub(super) fn operand_paths(condition: &str, names: Option<&HashMap<String, String>>) -> Vec<Path> {
    const WORDS: [&str; 5] = ["AND", "OR", "NOT", "BETWEEN", "IN"];
    let tokens: Vec<_> = update_expression::tokens(condition).collect();
    let is_operand = |at: usize| {
        let token = tokens[at];
        let is_name = token.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '#'));
        let is_function = tokens.get(at + 1) == Some(&"(") && !token.starts_with('#');
        let is_nested = at > 0 && tokens[at - 1] == ".";
        is_name && !is_function && !is_nested && !WORDS.iter().any(|word| token.eq_ignore_ascii_case(word))
    };
    let operands = (0..tokens.len()).filter(|at| is_operand(*at)).map(|at| tokens[at]);
    operands.flat_map(|name| paths(name, names)).collect()
}

fn retain_used<T>(map: Option<HashMap<String, T>>, expressions: &[Option<&str>]) -> Option<HashMap<String, T>> {
    let used: Vec<_> =
        expressions.iter().flatten().flat_map(|expression| update_expression::tokens(expression)).collect();
    map.map(|mut map| {
        map.retain(|name, _| used.contains(&name.as_str()));
        map
    })
    .filter(|map| !map.is_empty())
}
