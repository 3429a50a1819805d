//! State that the server keeps in the database in addition to the engine's tables: JSON texts by name.

use dynoxide::DynoxideError;
use dynoxide::storage::Storage;

/// Reserved among the tables' names.
pub(super) const TABLE: &str = "_local_dynamodb_state";
const PREPARE: &str = "CREATE TABLE IF NOT EXISTS _local_dynamodb_state (name TEXT PRIMARY KEY, value TEXT NOT NULL)";

/// The name of a table's state.
pub(super) fn of_table(table: &str) -> String {
    format!("table/{table}")
}

/// The name of what is kept of a table's point-in-time recovery.
pub(crate) fn recovery_of(table: &str) -> String {
    format!("recovery/{table}")
}

pub(super) fn prepare(storage: &Storage) -> Result<(), DynoxideError> {
    Ok(storage.conn().execute_batch(PREPARE)?)
}

pub(super) fn get(storage: &Storage, name: &str) -> Result<Option<String>, DynoxideError> {
    let mut select = storage.conn().prepare_cached("SELECT value FROM _local_dynamodb_state WHERE name = ?1")?;
    let mut rows = select.query([name])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

/// Keeps a text in place of the one with its name.
pub(super) fn put(storage: &Storage, name: &str, value: &str) -> Result<(), DynoxideError> {
    let insert = "INSERT OR REPLACE INTO _local_dynamodb_state (name, value) VALUES (?1, ?2)";
    storage.conn().execute(insert, (name, value))?;
    Ok(())
}

pub(super) fn remove(storage: &Storage, name: &str) -> Result<(), DynoxideError> {
    storage.conn().execute("DELETE FROM _local_dynamodb_state WHERE name = ?1", [name])?;
    Ok(())
}
