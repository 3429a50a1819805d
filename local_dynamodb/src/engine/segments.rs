//! Segments of a parallel scan, each page of which reads no more than its items.
//!
//! The engine orders a segment's items by a hash of their key, `hash_prefix`, and finds them by reading the whole table: its
//! tables have no index on that column. Here the first parallel scan of a table makes one, and a page is scanned through a
//! view that has the table's name and only the segment's items, so that SQLite reads just that part of the index.

use dynoxide::DynoxideError;
use dynoxide::actions::scan::{ScanRequest, ScanResponse};

use super::Database;
use super::hiding_view::HidingView;

/// The engine's hash buckets, which it deals out to the segments in order. The first three digits of a hash are its bucket.
const BUCKETS: u32 = 4096;

/// Runs a Scan of a segment of a table.
///
/// # Errors
/// The engine's.
pub(super) fn scan(database: &Database, request: ScanRequest) -> Result<ScanResponse, DynoxideError> {
    let segment = request.segment.zip(request.total_segments).filter(|(segment, total)| segment < total);
    // Indexes of the engine are scanned in another order, and requests that it refuses are left to it.
    let (Some((segment, total)), None) = (segment, &request.index_name) else { return database.scan(request) };
    if database.table(&request.table_name)?.is_none() {
        return database.scan(request);
    }
    let table = request.table_name.replace('"', "\"\"");
    database.storage.conn().execute_batch(&format!(
        "CREATE INDEX IF NOT EXISTS main.\"local_dynamodb:segments:{table}\" ON \"{table}\" (hash_prefix, pk, sk)"
    ))?;
    let bucket = |segment: u32| (u64::from(BUCKETS) * u64::from(segment)).div_ceil(u64::from(total));
    // Where the scan resumes, the engine has a condition of its own; another one would keep SQLite from using it.
    let is_first_page = request.exclusive_start_key.is_none()
        && request.exclusive_start_key_raw.as_ref().is_none_or(serde_json::Value::is_null);
    let from = if is_first_page { format!("hash_prefix >= '{:03x}'", bucket(segment)) } else { "TRUE".into() };
    let end = bucket(segment + 1);
    // The last bucket is fff.
    let until = if end < u64::from(BUCKETS) { format!("hash_prefix < '{end:03x}'") } else { "TRUE".into() };
    let _view = HidingView::new(database, &request.table_name, &format!("{from} AND {until}"))?;
    database.scan(request)
}
