//! Time to live: which items have expired, and their deletion.
//!
//! The engine's own sweep reads every item of a table. Here an index of SQLite finds those that have expired, so a sweep
//! costs what it deletes.

use dynoxide::DynoxideError;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::update_time_to_live::{UpdateTimeToLiveRequest, UpdateTimeToLiveResponse};
use dynoxide::storage::Storage;
use std::time::Duration;

use super::{Database, streams};
use crate::ledger::Attributes;

/// Items deleted in one hold of the lock.
const PAGE: usize = 25;
/// Developer Guide, "Using time to live": items that expired earlier are not deleted.
const MAX_AGE_SECONDS: f64 = 5.0 * 365.25 * 86_400.0;
/// API Reference, "TimeToLiveSpecification".
const MAX_NAME: usize = 255;
const USER_IDENTITY: &str = r#"{"type":"Service","principalId":"dynamodb.amazonaws.com"}"#;

/// Makes the indexes for tables of a file that another version wrote.
pub(super) fn prepare(storage: &Storage) -> Result<(), DynoxideError> {
    for table in storage.list_ttl_enabled_tables()? {
        index(storage, &table.table_name, table.ttl_attribute.as_deref())?;
    }
    Ok(())
}

/// Runs an UpdateTimeToLive.
///
/// # Errors
/// `ValidationException` if it changes nothing, or names another attribute than the one in use; the engine's.
pub(crate) fn update_time_to_live(
    database: &Database,
    request: UpdateTimeToLiveRequest,
) -> Result<UpdateTimeToLiveResponse, DynoxideError> {
    let name = request.table_name.clone();
    if request.time_to_live_specification.attribute_name.chars().count() > MAX_NAME {
        return Err(DynoxideError::ValidationException(format!(
            "1 validation error detected: Value '{}' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: \
             Member must have length less than or equal to {MAX_NAME}",
            request.time_to_live_specification.attribute_name
        )));
    }
    let specification = &request.time_to_live_specification;
    if let Some(table) = database.table(&name)?
        && !specification.attribute_name.is_empty()
    {
        let current = table.ttl_attribute.filter(|_| table.ttl_enabled);
        let refused = match (&current, specification.enabled) {
            (Some(current), _) if *current != specification.attribute_name => {
                Some(format!("TimeToLive is active on a different AttributeName: current AttributeName is {current}"))
            }
            (Some(_), true) => Some("TimeToLive is already enabled".into()),
            (None, false) => Some("TimeToLive is already disabled".into()),
            _ => None,
        };
        if let Some(message) = refused {
            return Err(DynoxideError::ValidationException(message));
        }
    }
    let attribute = specification.enabled.then(|| specification.attribute_name.clone());
    let response = database.update_time_to_live(request)?;
    index(&database.storage, &name, attribute.as_deref())?;
    Ok(response)
}

/// Deletes some of the items that had expired at `delay` before now: as many as one hold of the lock may take.
///
/// Returns the tables and how many of their items were deleted; empty if no expired item is left.
pub(super) fn delete_expired(database: &Database, delay: Duration) -> Result<Vec<(String, usize)>, DynoxideError> {
    let now = database.clock.now().saturating_sub(delay).as_secs_f64().floor();
    let mut deleted = Vec::new();
    for table in database.storage.list_ttl_enabled_tables()? {
        let Some(attribute) = table.ttl_attribute.as_deref().and_then(expiry) else { continue };
        let items = expired(&database.storage, &table.table_name, &attribute, now)?;
        if items.is_empty() {
            continue;
        }
        let key_names = database.key_names(&table.table_name)?;
        for mut key in items.iter().cloned() {
            key.retain(|name, _| key_names.contains(name));
            let request = DeleteItemRequest { table_name: table.table_name.clone(), key, ..Default::default() };
            database.delete_item(request)?;
            let identity = (USER_IDENTITY, database.last_record.get());
            database.storage.conn().execute("UPDATE _stream_records SET user_identity = ?1 WHERE id > ?2", identity)?;
            streams::drop_unchanged(database)?;
        }
        deleted.push((table.table_name, items.len()));
    }
    Ok(deleted)
}

fn expired(storage: &Storage, table: &str, expiry: &str, now: f64) -> Result<Vec<Attributes>, DynoxideError> {
    let sql = format!("SELECT item_json FROM \"{table}\" WHERE {expiry} < ?1 AND {expiry} > ?2 LIMIT {PAGE}");
    let mut select = storage.conn().prepare_cached(&sql)?;
    let mut rows = select.query((now, now - MAX_AGE_SECONDS))?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let json: String = row.get(0)?;
        items.extend(serde_json::from_str::<Attributes>(&json).ok());
    }
    Ok(items)
}

/// The attribute as a number of seconds in SQL; `None` for a name that a path of SQLite's cannot hold.
fn expiry(attribute: &str) -> Option<String> {
    let quoted = attribute.replace('\'', "''");
    (!attribute.contains(['"', '\0'])).then(|| format!("CAST(json_extract(item_json, '$.\"{quoted}\".N') AS REAL)"))
}

/// Makes the index on `attribute`, or drops the table's.
fn index(storage: &Storage, table: &str, attribute: Option<&str>) -> Result<(), DynoxideError> {
    let drop = format!("DROP INDEX IF EXISTS \"{table}::ttl\"");
    storage.conn().execute_batch(&drop)?;
    match attribute.map(|attribute| (attribute, expiry(attribute))) {
        None => Ok(()),
        Some((_, Some(expiry))) => {
            let create = format!("CREATE INDEX \"{table}::ttl\" ON \"{table}\" ({expiry}) WHERE {expiry} IS NOT NULL");
            Ok(storage.conn().execute_batch(&create)?)
        }
        Some((attribute, None)) => {
            log::warn!(
                "items of {table} do not expire: the attribute name {attribute:?} has a character that is not supported"
            );
            Ok(())
        }
    }
}
