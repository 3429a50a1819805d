//! The streams of the tables: rows of a table of our own, with the sequence numbers of their records.

use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::create_table::StreamSpecification;
use dynoxide::storage::Storage;
use dynoxide::streams::stream_arn;

use crate::clock;
use crate::engine::Database;
use crate::ledger::Attributes;

/// Reserved among the tables' names.
pub(in crate::engine) const TABLE: &str = "_local_dynamodb_streams";
/// The engine orders records by this expression without an index of its own.
const PREPARE: &str = "CREATE TABLE IF NOT EXISTS _local_dynamodb_streams (
        table_name TEXT NOT NULL, label TEXT NOT NULL, view_type TEXT NOT NULL, created_at REAL NOT NULL,
        first INTEGER NOT NULL, last INTEGER, disabled_at REAL, PRIMARY KEY (table_name, label));
    CREATE INDEX IF NOT EXISTS _local_dynamodb_stream_records
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER));";
const COLUMNS: &str = "SELECT table_name, label, view_type, created_at, first, last FROM _local_dynamodb_streams";

pub(super) const BOTH_IMAGES: &str = "NEW_AND_OLD_IMAGES";
const VIEW_TYPES: [&str; 4] = ["NEW_IMAGE", "OLD_IMAGE", BOTH_IMAGES, "KEYS_ONLY"];
/// Developer Guide, "Change data capture for DynamoDB Streams": records are kept, and disabled streams readable, for 24 hours.
const RETENTION_SECONDS: f64 = 86_400.0;

#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) table: String,
    pub(super) label: String,
    pub(super) view_type: String,
    pub(super) created_at: f64,
    /// The least sequence number that a record of it can have.
    pub(super) first: i64,
    /// The greatest one that a record of it has; `None` while it is enabled.
    pub(super) last: Option<i64>,
}

impl Stream {
    pub(super) fn arn(&self) -> String {
        stream_arn(&self.table, &self.label)
    }
}

/// Makes the tables, and takes over streams of a file that another version wrote.
pub(in crate::engine) fn prepare(storage: &Storage) -> Result<(), DynoxideError> {
    storage.conn().execute_batch(PREPARE)?;
    for table in storage.list_stream_enabled_tables()? {
        let label = table.stream_label.unwrap_or_default();
        storage.conn().execute(
            "INSERT OR IGNORE INTO _local_dynamodb_streams (table_name, label, view_type, created_at, first)
             VALUES (?1, ?2, ?3, ?4, 1)",
            (&table.table_name, &label, table.stream_view_type.as_deref().unwrap_or(BOTH_IMAGES), table.created_at),
        )?;
        storage.enable_stream(&table.table_name, BOTH_IMAGES, &label)?;
    }
    Ok(())
}

/// Checks how a stream is to show items.
///
/// # Errors
/// `ValidationException` for a view type that DynamoDB does not know.
pub(in crate::engine) fn check_view_type(specification: Option<&StreamSpecification>) -> Result<(), DynoxideError> {
    let view_type = specification.and_then(|specification| specification.stream_view_type.as_deref());
    match view_type.filter(|view_type| !VIEW_TYPES.contains(view_type)) {
        None => Ok(()),
        Some(other) => Err(DynoxideError::ValidationException(format!(
            "1 validation error detected: Value '{other}' at 'streamSpecification.streamViewType' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            VIEW_TYPES.join(", ")
        ))),
    }
}

/// Refuses what an UpdateTable cannot do with the table's stream.
///
/// # Errors
/// `ValidationException` if the stream is enabled twice, or disabled without being enabled.
pub(in crate::engine) fn check_update(database: &Database, table: &str, enable: bool) -> Result<(), DynoxideError> {
    let Some(metadata) = database.table(table)? else { return Ok(()) };
    match (metadata.stream_enabled, enable) {
        (true, true) => {
            Err(DynoxideError::ValidationException(format!("Table already has an enabled stream: TableName: {table}")))
        }
        (false, false) => {
            Err(DynoxideError::ValidationException(format!("Table has no stream to disable: TableName: {table}")))
        }
        _ => Ok(()),
    }
}

/// Opens or closes the table's stream after it was created, updated or deleted.
pub(in crate::engine) fn follow(database: &Database, table: &str) -> Result<(), DynoxideError> {
    let metadata = database.table(table)?.filter(|metadata| metadata.stream_enabled);
    let open = streams(database, Some(table))?.into_iter().find(|stream| stream.last.is_none());
    let conn = database.storage.conn();
    match (metadata, open) {
        (Some(metadata), open) if open.as_ref().map(|open| &open.label) != metadata.stream_label.as_ref() => {
            let now = database.clock.now();
            let label = clock::stream_label(now);
            conn.execute(
                "INSERT INTO _local_dynamodb_streams (table_name, label, view_type, created_at, first)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    table,
                    &label,
                    metadata.stream_view_type.as_deref().unwrap_or(BOTH_IMAGES),
                    now.as_secs_f64(),
                    last_record(database, table, i64::MAX)?.max(i64::try_from(now.as_micros()).unwrap_or(i64::MAX) - 1)
                        + 1,
                ),
            )?;
            database.storage.enable_stream(table, BOTH_IMAGES, &label)
        }
        (None, Some(open)) => {
            let last = last_record(database, table, i64::MAX)?.max(open.first);
            conn.execute(
                "UPDATE _local_dynamodb_streams SET last = ?3, disabled_at = ?4 WHERE table_name = ?1 AND label = ?2",
                (table, &open.label, last, database.clock.now().as_secs_f64()),
            )?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Puts the table's latest stream, enabled or not, into a description of the table.
pub(in crate::engine) fn complete(database: &Database, table: &mut TableDescription) -> Result<(), DynoxideError> {
    // Of a table of the same name that was deleted there may still be streams.
    let created_at = table.creation_date_time.unwrap_or_default();
    let Some(stream) =
        streams(database, Some(&table.table_name))?.pop().filter(|stream| stream.created_at >= created_at)
    else {
        return Ok(());
    };
    table.latest_stream_arn = Some(stream.arn());
    table.latest_stream_label = Some(stream.label);
    if let Some(specification) = &mut table.stream_specification {
        specification.stream_view_type = Some(stream.view_type);
    }
    Ok(())
}

/// Deletes the records of writes since the last call that left their item as it was.
pub(in crate::engine) fn drop_unchanged(database: &Database) -> Result<(), DynoxideError> {
    let conn = database.storage.conn();
    let mut select =
        conn.prepare_cached("SELECT id, event_name, old_image, new_image FROM _stream_records WHERE id > ?1")?;
    let mut rows = select.query([database.last_record.get()])?;
    let mut unchanged = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, event, old, new): (i64, String, Option<String>, Option<String>) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        database.last_record.set(id);
        if event == "MODIFY" && image(old.as_deref()) == image(new.as_deref()) {
            unchanged.push(id);
        }
    }
    for id in unchanged {
        conn.execute("DELETE FROM _stream_records WHERE id = ?1", [id])?;
    }
    Ok(())
}

/// Deletes the records that DynamoDB would not keep any more, and the streams that have none.
pub(in crate::engine) fn trim(database: &Database) -> Result<(), DynoxideError> {
    let oldest = database.clock.now().as_secs_f64() - RETENTION_SECONDS;
    let conn = database.storage.conn();
    conn.execute("DELETE FROM _stream_records WHERE created_at < ?1", [oldest])?;
    conn.execute("DELETE FROM _local_dynamodb_streams WHERE disabled_at < ?1", [oldest])?;
    Ok(())
}

/// Those of a table or of all, ordered by table and age.
pub(super) fn streams(database: &Database, table: Option<&str>) -> Result<Vec<Stream>, DynoxideError> {
    let sql = format!("{COLUMNS} WHERE ?1 IS NULL OR table_name = ?1 ORDER BY table_name, label");
    let mut select = database.storage.conn().prepare_cached(&sql)?;
    let mut rows = select.query([table])?;
    let mut streams = Vec::new();
    while let Some(row) = rows.next()? {
        streams.push(Stream {
            table: row.get(0)?,
            label: row.get(1)?,
            view_type: row.get(2)?,
            created_at: row.get(3)?,
            first: row.get(4)?,
            last: row.get(5)?,
        });
    }
    Ok(streams)
}

/// The sequence number of the table's last record up to `last`; 0 if it has none.
pub(super) fn last_record(database: &Database, table: &str, last: i64) -> Result<i64, DynoxideError> {
    let number: Option<i64> = database.storage.conn().query_row(
        "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
         WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2",
        (table, last),
        |row| row.get(0),
    )?;
    Ok(number.unwrap_or_default())
}

/// The attributes of an image, or of the keys.
pub(super) fn image(json: Option<&str>) -> Option<Attributes> {
    serde_json::from_str(json?).ok()
}
