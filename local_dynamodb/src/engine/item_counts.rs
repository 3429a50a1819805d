//! The number and size of items in descriptions of large tables, which may be some minutes old, as DynamoDB's are hours old.
//!
//! The engine counts all items of a table and its indexes for each description, which takes seconds for millions of them.

use std::collections::HashMap;
use std::time::Duration;

use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::describe_table::{DescribeTableRequest, DescribeTableResponse};

use super::Database;
use super::hiding_view::HidingView;

/// Tables of up to so many items are counted for each description.
const SMALL: i64 = 20_000;
/// How long a count of a large table is used, by the server's clock.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// Number and size of items.
type Count = (Option<i64>, Option<i64>);

/// The latest counts of a table and its indexes.
#[derive(Debug)]
struct Counts {
    table_id: Option<String>,
    counted_at: Duration,
    table: Count,
    global_indexes: Vec<(String, Count)>,
    local_indexes: Vec<(String, Count)>,
}

#[derive(Debug, Default)]
pub(super) struct ItemCounts(HashMap<String, Counts>);

/// Runs a DescribeTable.
///
/// # Errors
/// The engine's.
pub(super) fn describe_table(
    database: &Database,
    request: DescribeTableRequest,
) -> Result<DescribeTableResponse, DynoxideError> {
    let name = request.table_name.clone();
    let now = database.clock.now();
    let counts = database.item_counts.borrow();
    let known = counts.0.get(&name).filter(|counts| now.saturating_sub(counts.counted_at) < MAX_AGE);
    if let Some(known) = known
        && is_large(database, &name)?
    {
        let views = hide_items(database, &name, known)?;
        let mut response = database.describe_table(request)?;
        drop(views);
        // Another table of that name, or other indexes: those counts are of the past.
        if known.describes(&response.table) {
            known.put_into(&mut response.table);
            return Ok(response);
        }
        drop(counts);
        return count(database, &name, now);
    }
    drop(counts);
    count(database, &name, now)
}

fn count(database: &Database, name: &str, now: Duration) -> Result<DescribeTableResponse, DynoxideError> {
    let response = database.describe_table(DescribeTableRequest { table_name: name.to_owned() })?;
    database.item_counts.borrow_mut().0.insert(name.to_owned(), Counts::of(&response.table, now));
    Ok(response)
}

fn is_large(database: &Database, name: &str) -> Result<bool, DynoxideError> {
    if database.table(name)?.is_none() {
        return Ok(false);
    }
    let table = name.replace('"', "\"\"");
    let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM \"{table}\" LIMIT {})", SMALL + 1);
    let items: i64 = database.storage.conn().query_row(&sql, [], |row| row.get(0))?;
    Ok(items > SMALL)
}

/// Hides the items of a table and its indexes, which then take no time to count.
fn hide_items<'a>(database: &'a Database, name: &str, known: &Counts) -> Result<Vec<HidingView<'a>>, DynoxideError> {
    let global = known.global_indexes.iter().map(|(index, _)| format!("{name}::gsi::{index}"));
    let local = known.local_indexes.iter().map(|(index, _)| format!("{name}::lsi::{index}"));
    let exists = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let mut views = Vec::new();
    for table in std::iter::once(name.to_owned()).chain(global).chain(local) {
        let found: i64 = database.storage.conn().query_row(exists, [&table], |row| row.get(0))?;
        if found > 0 {
            views.push(HidingView::new(database, &table, "FALSE")?);
        }
    }
    Ok(views)
}

impl Counts {
    fn of(table: &TableDescription, counted_at: Duration) -> Self {
        let global = table.global_secondary_indexes.iter().flatten();
        let local = table.local_secondary_indexes.iter().flatten();
        Self {
            table_id: table.table_id.clone(),
            counted_at,
            table: (table.item_count, table.table_size_bytes),
            global_indexes: global
                .map(|index| (index.index_name.clone(), (index.item_count, index.index_size_bytes)))
                .collect(),
            local_indexes: local
                .map(|index| (index.index_name.clone(), (index.item_count, index.index_size_bytes)))
                .collect(),
        }
    }

    fn describes(&self, table: &TableDescription) -> bool {
        let other = Self::of(table, self.counted_at);
        let names = |indexes: &[(String, Count)]| indexes.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        self.table_id == other.table_id && names(&self.global_indexes) == names(&other.global_indexes)
    }

    fn put_into(&self, table: &mut TableDescription) {
        (table.item_count, table.table_size_bytes) = self.table;
        for index in table.global_secondary_indexes.iter_mut().flatten() {
            if let Some((_, count)) = self.global_indexes.iter().find(|(name, _)| *name == index.index_name) {
                (index.item_count, index.index_size_bytes) = *count;
            }
        }
        for index in table.local_secondary_indexes.iter_mut().flatten() {
            if let Some((_, count)) = self.local_indexes.iter().find(|(name, _)| *name == index.index_name) {
                (index.item_count, index.index_size_bytes) = *count;
            }
        }
    }
}
