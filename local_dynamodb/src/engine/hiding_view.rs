//! A view that stands in for a table of the engine while one of its operations runs.

use dynoxide::DynoxideError;

use super::Database;

/// A temporary view with the name of one of the engine's tables, which hides the table until it is dropped. The caller holds
/// the lock on the database, so only its own operation sees the view.
pub(super) struct HidingView<'a> {
    database: &'a Database,
    name: String,
}

impl<'a> HidingView<'a> {
    /// Hides the rows of the SQLite table `name` for which `condition` is false.
    pub(super) fn new(database: &'a Database, name: &str, condition: &str) -> Result<Self, DynoxideError> {
        let name = name.replace('"', "\"\"");
        database.storage.conn().execute_batch(&format!(
            "CREATE TEMP VIEW \"{name}\" AS SELECT * FROM main.\"{name}\" WHERE {condition}"
        ))?;
        Ok(Self { database, name })
    }
}

impl Drop for HidingView<'_> {
    fn drop(&mut self) {
        let dropped = self.database.storage.conn().execute_batch(&format!("DROP VIEW temp.\"{}\"", self.name));
        if let Err(error) = dropped {
            log::error!("a view hides a table: {error}");
        }
    }
}
