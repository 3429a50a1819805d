//! Table and index names that DynamoDB distinguishes and SQLite does not.
//!
//! The engine keeps the items of a table, and the entries of an index, in an SQLite table of that name, where case does
//! not matter and some names are reserved. The engine notices only when half of the new table exists, and deleting that
//! half would delete the items of the other table. So such names are refused before.

use dynoxide::DynoxideError;
use dynoxide::actions::create_table::{CreateTableRequest, CreateTableResponse};
use dynoxide::actions::list_tables::ListTablesRequest;
use dynoxide::actions::update_table::UpdateTableRequest;
use dynoxide::types::GlobalSecondaryIndex;

use super::{Database, index_fill, kept_state, streams, tags};

/// The engine's own tables and ours.
const RESERVED: [&str; 6] =
    ["_config", "_tables", "_stream_records", streams::TABLE, index_fill::TABLE, kept_state::TABLE];
/// What SQLite's own tables begin with.
const RESERVED_PREFIX: &str = "sqlite_";

/// Runs a CreateTable, unless a name differs from another only in case.
///
/// # Errors
/// `ValidationException` for such a name; the engine's.
pub(crate) fn create_table(
    database: &Database,
    request: CreateTableRequest,
) -> Result<CreateTableResponse, DynoxideError> {
    let name = &request.table_name;
    let is_prefixed =
        name.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX));
    if is_prefixed || RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        return Err(DynoxideError::ValidationException(format!(
            "the table name {name} is reserved by local_dynamodb: choose another"
        )));
    }
    check_distinct("table", name, &table_names(database)?)?;
    let mut known = Vec::new();
    for index in request.global_secondary_indexes.iter().flatten() {
        check_distinct("index", &index.index_name, &known)?;
        known.push(index.index_name.clone());
    }
    known.clear();
    for index in request.local_secondary_indexes.iter().flatten() {
        check_distinct("index", &index.index_name, &known)?;
        known.push(index.index_name.clone());
    }
    streams::check_view_type(request.stream_specification.as_ref())?;
    tags::check_of_new_table(request.tags.as_ref())?;
    let name = request.table_name.clone();
    let mut response = database.create_table(request)?;
    streams::follow(database, &name)?;
    streams::complete(database, &mut response.table_description)?;
    Ok(response)
}

/// Checks the indexes that an UpdateTable adds.
///
/// # Errors
/// `ValidationException` for a name that differs from another index of the table only in case.
pub(crate) fn check_new_indexes(database: &Database, request: &UpdateTableRequest) -> Result<(), DynoxideError> {
    let updates = request.global_secondary_index_updates.iter().flatten();
    let mut created = updates.filter_map(|update| Some(&update.create.as_ref()?.index_name)).peekable();
    if created.peek().is_none() {
        return Ok(());
    }
    let definitions = database.table(&request.table_name)?.and_then(|table| table.gsi_definitions);
    let indexes: Vec<GlobalSecondaryIndex> =
        definitions.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let known: Vec<_> = indexes.into_iter().map(|index| index.index_name).collect();
    created.try_for_each(|name| check_distinct("index", name, &known))
}

fn table_names(database: &Database) -> Result<Vec<String>, DynoxideError> {
    let mut names = Vec::new();
    loop {
        let request = ListTablesRequest { exclusive_start_table_name: names.last().cloned(), limit: None };
        let page = database.list_tables(request)?;
        names.extend(page.table_names);
        if page.last_evaluated_table_name.is_none() {
            return Ok(names);
        }
    }
}

/// The same name is left to the engine, which knows what DynamoDB says of it.
fn check_distinct(what: &str, name: &str, known: &[String]) -> Result<(), DynoxideError> {
    match known.iter().find(|known| *known != name && known.eq_ignore_ascii_case(name)) {
        None => Ok(()),
        Some(other) => Err(DynoxideError::ValidationException(format!(
            "local_dynamodb cannot have the {what} {name} beside {other}: their names must differ in more than case"
        ))),
    }
}
