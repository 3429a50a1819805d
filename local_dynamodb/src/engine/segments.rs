//! Segments of a parallel scan, each page of which reads no more than its items.
//!
//! The engine finds the items of a segment by reading all of the table or index: there is nothing in SQLite to find
//! them by. Here the first parallel scan creates an SQLite index, and a page is scanned through a view that has the
//! table's name and only the segment's items, so that SQLite reads just that part of the index.
//!
//! The items of a table are ordered by a hash of their key, `hash_prefix`, and a segment is a range of hashes: one SQLite index
//! serves any number of segments. The entries of an index are ordered by its key, and a segment is the entries whose hash has
//! a certain remainder: each number of segments has an SQLite index of its own.

use dynoxide::actions::scan::{ScanRequest, ScanResponse};
use dynoxide::types::{GlobalSecondaryIndex, LocalSecondaryIndex};
use dynoxide::{DynoxideError, TableMetadata};

use super::Database;
use super::hiding_view::HidingView;

/// The engine's hash buckets, which it deals out to the segments in order. The first three digits of a hash are its bucket.
const BUCKETS: u32 = 4096;
/// What the names of our SQLite indexes begin with.
const PREFIX: &str = "local_dynamodb:segments";
/// The maximum number of SQLite indexes per index: each slows writes down, and few segment counts are in use at the
/// same time.
const MAX_NUMBERS_OF_SEGMENTS: usize = 3;

/// Runs a Scan of a segment. Requests that the engine refuses are left to it.
///
/// # Errors
/// The engine's.
pub(super) fn scan(database: &Database, request: ScanRequest) -> Result<ScanResponse, DynoxideError> {
    let segment = request.segment.zip(request.total_segments).filter(|(segment, total)| segment < total);
    let (Some((segment, total)), Some(metadata)) = (segment, database.table(&request.table_name)?) else {
        return database.scan(request);
    };
    let _view = match &request.index_name {
        None => Some(table_segment(database, &request, segment, total)?),
        Some(index) if total > 1 => index_segment(database, &metadata, index, segment, total)?,
        Some(_) => None,
    };
    database.scan(request)
}

fn table_segment<'a>(
    database: &'a Database,
    request: &ScanRequest,
    segment: u32,
    total: u32,
) -> Result<HidingView<'a>, DynoxideError> {
    let table = quoted(&request.table_name);
    let index = quoted(&format!("{PREFIX}:{}", request.table_name));
    database
        .storage
        .conn()
        .execute_batch(&format!("CREATE INDEX IF NOT EXISTS main.{index} ON {table} (hash_prefix, pk, sk)"))?;
    let bucket = |segment: u32| (u64::from(BUCKETS) * u64::from(segment)).div_ceil(u64::from(total));
    // If the scan resumes, the engine adds its own condition; another one would prevent SQLite from using it.
    let is_first_page = request.exclusive_start_key.is_none()
        && request.exclusive_start_key_raw.as_ref().is_none_or(serde_json::Value::is_null);
    let from = if is_first_page { format!("hash_prefix >= '{:03x}'", bucket(segment)) } else { "TRUE".into() };
    let end = bucket(segment + 1);
    // The last bucket is fff.
    let until = if end < u64::from(BUCKETS) { format!("hash_prefix < '{end:03x}'") } else { "TRUE".into() };
    HidingView::new(database, &request.table_name, &format!("{from} AND {until}"))
}

/// The SQLite table that holds an index, and its columns: those of the index's key, then those of the table's.
fn index_table(table: &TableMetadata, index: &str) -> Option<(String, [&'static str; 4])> {
    let global: Vec<GlobalSecondaryIndex> =
        table.gsi_definitions.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    if global.iter().any(|each| each.index_name == index) {
        return Some((format!("{}::gsi::{index}", table.table_name), ["gsi_pk", "gsi_sk", "table_pk", "table_sk"]));
    }
    let local: Vec<LocalSecondaryIndex> =
        table.lsi_definitions.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let is_local = local.iter().any(|each| each.index_name == index);
    is_local.then(|| (format!("{}::lsi::{index}", table.table_name), ["pk", "sk", "base_pk", "base_sk"]))
}

fn index_segment<'a>(
    database: &'a Database,
    metadata: &TableMetadata,
    index: &str,
    segment: u32,
    total: u32,
) -> Result<Option<HidingView<'a>>, DynoxideError> {
    let Some((table, columns)) = index_table(metadata, index) else { return Ok(None) };
    let own = format!("{PREFIX}:{total}:{table}");
    let known = segment_indexes(database, &table)?;
    if !known.contains(&own) {
        let conn = database.storage.conn();
        if known.len() >= MAX_NUMBERS_OF_SEGMENTS {
            conn.execute_batch(&format!("DROP INDEX main.{}", quoted(&known[0])))?;
        }
        // The engine's function for it, and its columns in the order of its pages.
        let (own, name, hash, columns) = (quoted(&own), quoted(&table), hash(&columns, total), columns.join(", "));
        conn.execute_batch(&format!("CREATE INDEX main.{own} ON {name} ({hash}, {columns})"))?;
    }
    HidingView::new(database, &table, &format!("{} = {segment}", hash(&columns, total))).map(Some)
}

fn hash(columns: &[&str; 4], total: u32) -> String {
    format!("fnv1a_hash({}) % {total}", columns[2])
}

/// Our SQLite indexes of an SQLite table, the oldest first.
fn segment_indexes(database: &Database, table: &str) -> Result<Vec<String>, DynoxideError> {
    let mut select = database
        .storage
        .conn()
        .prepare_cached("SELECT name FROM main.sqlite_schema WHERE type = 'index' AND tbl_name = ?1 ORDER BY rowid")?;
    let names = select.query_map([table], |row| row.get::<_, String>(0))?;
    let names: Vec<_> = names.collect::<Result<_, _>>()?;
    Ok(names.into_iter().filter(|name| name.starts_with(PREFIX)).collect())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
