//! The number and size of items in descriptions of large tables, which may be some minutes old, as DynamoDB's are hours old.
//!
//! The engine counts all items of a table and its indexes for each description, which takes seconds for millions of them, and
//! nothing else runs meanwhile. Here the items of a large table are hidden from it. They are counted in slices, between which
//! others get the lock: once before the first description, afterwards in the background.

use std::collections::HashMap;
use std::time::Duration;

use dynoxide::actions::TableDescription;
use dynoxide::actions::describe_table::{DescribeTableRequest, DescribeTableResponse};
use dynoxide::types::{GlobalSecondaryIndex, LocalSecondaryIndex, Projection, ProjectionType, item_size};
use dynoxide::{DynoxideError, TableMetadata};

use super::Database;
use super::hiding_view::HidingView;
use crate::ledger::Attributes;

/// Tables of up to this many items are counted for each description.
const SMALL: i64 = 20_000;
/// How long the count of a large table is used before it is repeated, by the server's clock.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// Rows counted in one hold of the lock.
const SLICE: i64 = 5_000;

/// Number and size of items.
type Count = (i64, i64);

/// The latest counts of a table and its indexes.
#[derive(Debug)]
struct Counts {
    table_id: Option<String>,
    counted_at: Duration,
    table: Count,
    /// By the name of the SQLite table that holds the index.
    indexes: HashMap<String, Count>,
}

#[derive(Debug, Default)]
pub(super) struct ItemCounts {
    counts: HashMap<String, Counts>,
    /// A table that was described with an old count.
    outdated: Option<String>,
}

impl ItemCounts {
    /// The counts of a table are out of date.
    pub(super) fn outdate(&mut self, table: &str) {
        self.outdated = Some(table.to_owned());
    }

    /// Forgets a table that has been deleted.
    pub(super) fn forget(&mut self, table: &str) {
        self.counts.remove(table);
    }
}

/// Runs a DescribeTable. A large table gets its latest counts.
///
/// # Errors
/// The engine's.
pub(super) fn describe_table(
    database: &Database,
    request: DescribeTableRequest,
) -> Result<DescribeTableResponse, DynoxideError> {
    let name = request.table_name.clone();
    let hidden = hide_items(database, &name, &[])?;
    let is_counted = hidden.is_empty();
    let mut response = database.describe_table(request)?;
    drop(hidden);
    let now = database.clock.now();
    if is_counted {
        let counts = Counts::of(&response.table, now);
        database.item_counts.borrow_mut().counts.insert(name, counts);
    } else {
        complete(database, &mut response.table);
        let mut all = database.item_counts.borrow_mut();
        if all.counts.get(&name).is_some_and(|known| now.saturating_sub(known.counted_at) >= MAX_AGE) {
            all.outdate(&name);
        }
    }
    Ok(response)
}

/// Puts the latest counts into a description that was made while the items were hidden.
pub(super) fn complete(database: &Database, table: &mut TableDescription) {
    let all = database.item_counts.borrow();
    let Some(known) = all.counts.get(&table.table_name).filter(|known| known.table_id == table.table_id) else {
        return;
    };
    let some = |(count, size): Count| (Some(count), Some(size));
    let of_index = |kind, index: &str| {
        some(known.indexes.get(&index_table(&table.table_name, kind, index)).copied().unwrap_or_default())
    };
    (table.item_count, table.table_size_bytes) = some(known.table);
    for index in table.global_secondary_indexes.iter_mut().flatten() {
        (index.item_count, index.index_size_bytes) = of_index("gsi", &index.index_name);
    }
    for index in table.local_secondary_indexes.iter_mut().flatten() {
        (index.item_count, index.index_size_bytes) = of_index("lsi", &index.index_name);
    }
}

/// Hides the items of a large table and its indexes, which then take no time to count; nothing of a small one. SQLite tables
/// that are about to be dropped cannot be hidden: those of the indexes `deleted`.
pub(super) fn hide_items<'a>(
    database: &'a Database,
    name: &str,
    deleted: &[String],
) -> Result<Vec<HidingView<'a>>, DynoxideError> {
    let Some(metadata) = database.table(name)? else { return Ok(Vec::new()) };
    if !is_large(database, name)? {
        return Ok(Vec::new());
    }
    let indexes = index_tables(&metadata).into_iter().filter(|index| !deleted.contains(&index.name));
    std::iter::once(name.to_owned())
        .chain(indexes.map(|index| index.table))
        .map(|table| HidingView::new(database, &table, "FALSE"))
        .collect()
}

/// Whether the table is large and was not counted since it is.
pub(super) fn is_unknown(database: &Database, name: &str) -> Result<bool, DynoxideError> {
    let Some(metadata) = database.table(name)? else { return Ok(false) };
    let all = database.item_counts.borrow();
    let is_known =
        all.counts.get(name).is_some_and(|known| known.table_id == metadata.table_id && known.table.0 > SMALL);
    Ok(!is_known && is_large(database, name)?)
}

/// A table that was described with a count that is too old.
pub(super) fn take_outdated(database: &Database) -> Option<String> {
    database.item_counts.borrow_mut().outdated.take()
}

fn is_large(database: &Database, name: &str) -> Result<bool, DynoxideError> {
    let table = quoted(name);
    let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {})", SMALL + 1);
    let items: i64 = database.storage.conn().query_row(&sql, [], |row| row.get(0))?;
    Ok(items > SMALL)
}

/// A count in progress.
#[derive(Debug)]
pub(super) struct Counting {
    name: String,
    table_id: Option<String>,
    /// Those that are left, the current one last.
    parts: Vec<Part>,
    counted: HashMap<String, Count>,
}

/// The SQLite table of items or of index entries.
#[derive(Debug)]
struct Part {
    table: String,
    /// The expression for the size of a row.
    size: Size,
    /// The last row that is counted, and the last that was there at the start: writes during the count may add more.
    row: i64,
    end: i64,
    count: Count,
}

#[derive(Debug)]
enum Size {
    /// A column has it.
    Stored,
    /// The entry holds the whole item, whose size is stored in the table: the columns of the entry that are its key.
    OfItem([&'static str; 2]),
    /// The entry is measured.
    Measured,
}

impl Counting {
    /// Starts counting a table and its indexes; `None` if there is no such table.
    pub(super) fn begin(database: &Database, name: &str) -> Result<Option<Self>, DynoxideError> {
        let Some(metadata) = database.table(name)? else { return Ok(None) };
        let mut tables = vec![(name.to_owned(), Size::Stored)];
        tables.extend(index_tables(&metadata).into_iter().map(|index| (index.table, index.size)));
        let parts = tables.into_iter().map(|(table, size)| {
            let last = format!("SELECT COALESCE(MAX(rowid), 0) FROM {}", quoted(&table));
            let end = database.storage.conn().query_row(&last, [], |row| row.get(0))?;
            Ok(Part { table, size, row: i64::MIN, end, count: (0, 0) })
        });
        let parts = parts.collect::<Result<_, DynoxideError>>()?;
        Ok(Some(Self { name: name.to_owned(), table_id: metadata.table_id, parts, counted: HashMap::new() }))
    }

    /// Counts the next slice. Whether there is more.
    pub(super) fn slice(&mut self, database: &Database) -> Result<bool, DynoxideError> {
        let exists = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let Some(part) = self.parts.last_mut() else { return Ok(false) };
        let found: i64 = database.storage.conn().query_row(exists, [&part.table], |row| row.get(0))?;
        // Without its table an index, or all of it, has been deleted meanwhile.
        if found > 0 && part.slice(database, &self.name)? {
            return Ok(true);
        }
        if let Some(part) = self.parts.pop() {
            self.counted.insert(part.table, part.count);
        }
        if !self.parts.is_empty() {
            return Ok(true);
        }
        let table = self.counted.remove(&self.name).unwrap_or_default();
        if database.table(&self.name)?.is_some_and(|metadata| metadata.table_id == self.table_id) {
            let counts = Counts {
                table_id: self.table_id.clone(),
                counted_at: database.clock.now(),
                table,
                indexes: std::mem::take(&mut self.counted),
            };
            database.item_counts.borrow_mut().counts.insert(self.name.clone(), counts);
        }
        Ok(false)
    }
}

impl Part {
    fn slice(&mut self, database: &Database, base: &str) -> Result<bool, DynoxideError> {
        let table = quoted(&self.table);
        let (size, join) = match self.size {
            Size::Stored => ("t.item_size", String::new()),
            Size::OfItem([pk, sk]) => {
                ("b.item_size", format!("JOIN {} b ON b.pk = t.{pk} AND b.sk = t.{sk}", quoted(base)))
            }
            Size::Measured => ("t.item_json", String::new()),
        };
        let sql = format!(
            "SELECT t.number, {size} FROM (SELECT rowid AS number, * FROM {table} WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid LIMIT {SLICE}) t {join}"
        );
        let last = format!(
            "SELECT MAX(number) FROM (SELECT rowid AS number FROM {table} WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid LIMIT {SLICE})"
        );
        let conn = database.storage.conn();
        let last: Option<i64> = conn.query_row(&last, [self.row, self.end], |row| row.get(0))?;
        let Some(last) = last else { return Ok(false) };
        let mut select = conn.prepare_cached(&sql)?;
        let mut rows = select.query([self.row, self.end])?;
        while let Some(row) = rows.next()? {
            let size = match self.size {
                Size::Measured => {
                    let item: Attributes = serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default();
                    i64::try_from(item_size(&item)).unwrap_or(i64::MAX)
                }
                _ => row.get(1)?,
            };
            self.count = (self.count.0 + 1, self.count.1.saturating_add(size));
        }
        self.row = last;
        Ok(true)
    }
}

/// An index and the SQLite table that holds it.
struct IndexTable {
    name: String,
    table: String,
    size: Size,
}

fn index_tables(metadata: &TableMetadata) -> Vec<IndexTable> {
    fn parsed<T: serde::de::DeserializeOwned>(json: Option<&str>) -> Vec<T> {
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
    let index = |name: String, projection: &Projection, kind, key| {
        let is_whole = matches!(projection.projection_type, Some(ProjectionType::ALL) | None);
        let size = if is_whole { Size::OfItem(key) } else { Size::Measured };
        IndexTable { table: index_table(&metadata.table_name, kind, &name), name, size }
    };
    let global = parsed::<GlobalSecondaryIndex>(metadata.gsi_definitions.as_deref()).into_iter();
    let local = parsed::<LocalSecondaryIndex>(metadata.lsi_definitions.as_deref()).into_iter();
    global
        .map(|each| index(each.index_name, &each.projection, "gsi", ["table_pk", "table_sk"]))
        .chain(local.map(|each| index(each.index_name, &each.projection, "lsi", ["base_pk", "base_sk"])))
        .collect()
}

fn index_table(table: &str, kind: &str, index: &str) -> String {
    format!("{table}::{kind}::{index}")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Counts {
    fn of(table: &TableDescription, counted_at: Duration) -> Self {
        let count = |count: Option<i64>, size: Option<i64>| (count.unwrap_or_default(), size.unwrap_or_default());
        let name = &table.table_name;
        let global = table.global_secondary_indexes.iter().flatten().map(|index| {
            (index_table(name, "gsi", &index.index_name), count(index.item_count, index.index_size_bytes))
        });
        let local = table.local_secondary_indexes.iter().flatten().map(|index| {
            (index_table(name, "lsi", &index.index_name), count(index.item_count, index.index_size_bytes))
        });
        Self {
            table_id: table.table_id.clone(),
            counted_at,
            table: count(table.item_count, table.table_size_bytes),
            indexes: global.chain(local).collect(),
        }
    }
}
