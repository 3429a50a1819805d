//! Filling an index that UpdateTable adds to a table, page by page, while the table is in use.
//!
//! The engine fills a new index from all items of the table at once, and nothing else runs meanwhile. Here the items are
//! hidden from it while it adds the index. Writes go into the index from then on; the items that were there before follow in
//! the order of their keys. How far that has got is kept in the database: a server that is killed resumes it.

use std::collections::HashMap;

use capacity::{CapacityUnits, limits, write_units};
use dynoxide::storage::Storage;
use dynoxide::storage_backend::GsiItemRow;
use dynoxide::types::{
    AttributeDefinition, AttributeValue, GlobalSecondaryIndex, KeyType, ProjectionType, ScalarAttributeType, item_size,
};
use dynoxide::{DynoxideError, TableMetadata};

use super::Database;
use crate::ledger::{Attributes, FilledPage};

/// Reserved among the tables' names.
pub(super) const TABLE: &str = "_local_dynamodb_index_fills";
/// `pk` and `sk` are the key of the last item that is done, in the engine's form; no key is empty.
const PREPARE: &str = "CREATE TABLE IF NOT EXISTS _local_dynamodb_index_fills (
    table_name TEXT NOT NULL, index_name TEXT NOT NULL, pk TEXT NOT NULL DEFAULT '', sk TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (table_name, index_name))";
/// Items read in one hold of the lock.
const PAGE: usize = 100;

/// An index that is being filled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PendingFill {
    pub(crate) table: String,
    pub(crate) index: String,
}

/// Makes the table, and forgets the fills of indexes that were not added after all.
pub(super) fn prepare(storage: &Storage) -> Result<(), DynoxideError> {
    storage.conn().execute_batch(PREPARE)?;
    for fill in pending(storage)? {
        let metadata = storage.get_table_metadata(&fill.table)?;
        if !metadata.is_some_and(|table| indexes(&table).iter().any(|index| index.index_name == fill.index)) {
            forget(storage, &fill.table, &fill.index)?;
        }
    }
    Ok(())
}

/// The fills that are not complete.
pub(super) fn pending(storage: &Storage) -> Result<Vec<PendingFill>, DynoxideError> {
    let mut select = storage.conn().prepare_cached("SELECT table_name, index_name FROM _local_dynamodb_index_fills")?;
    let mut rows = select.query([])?;
    let mut fills = Vec::new();
    while let Some(row) = rows.next()? {
        fills.push(PendingFill { table: row.get(0)?, index: row.get(1)? });
    }
    Ok(fills)
}

/// Notes that an index is about to be added empty.
pub(super) fn begin(storage: &Storage, table: &str, index: &str) -> Result<(), DynoxideError> {
    let insert = "INSERT OR REPLACE INTO _local_dynamodb_index_fills (table_name, index_name) VALUES (?1, ?2)";
    storage.conn().execute(insert, (table, index))?;
    Ok(())
}

/// Notes that there is nothing left to fill in.
pub(super) fn forget(storage: &Storage, table: &str, index: &str) -> Result<(), DynoxideError> {
    let delete = "DELETE FROM _local_dynamodb_index_fills WHERE table_name = ?1 AND index_name = ?2";
    storage.conn().execute(delete, (table, index))?;
    Ok(())
}

/// Puts the entries of the next items into an index, until they have cost `allowance`: the last of them may cost more.
/// `None` if the index is not being filled.
///
/// # Errors
/// The database's; then nothing is changed.
pub(super) fn fill_page(
    database: &Database,
    table: &str,
    index: &str,
    allowance: CapacityUnits,
) -> Result<Option<FilledPage>, DynoxideError> {
    let storage = &database.storage;
    let Some((from, done)) = position(storage, table, index)? else { return Ok(None) };
    let Some(metadata) = database.table(table)? else { return Ok(None) };
    let Some(definition) = indexes(&metadata).into_iter().find(|each| each.index_name == index) else {
        return Ok(None);
    };
    let entries = Entries::new(definition, &metadata, &database.key_names(table)?);
    let items = items_after(storage, table, &from)?;
    let (mut rows, mut units, mut count) = (Vec::new(), CapacityUnits::ZERO, 0);
    for (pk, sk, json) in &items {
        if let Some((row, size)) = entries.of(pk, sk, json)? {
            if units >= allowance {
                break;
            }
            units += write_units(size);
            rows.push(row);
        }
        count += 1;
    }
    let page = FilledPage {
        units,
        done: done + count as u64,
        is_throttled: count < items.len(),
        is_last: count == items.len() && count < PAGE,
    };
    let last = count.checked_sub(1).map_or(&from, |last| &items[last]);
    store(storage, table, index, &rows, last, &page)?;
    if page.is_last {
        database.item_counts.borrow_mut().outdate(table);
    }
    Ok(Some(page))
}

/// A key in the engine's form, and the item.
type StoredItem = (String, String, String);

fn position(storage: &Storage, table: &str, index: &str) -> Result<Option<(StoredItem, u64)>, DynoxideError> {
    let mut select = storage.conn().prepare_cached(
        "SELECT pk, sk, done FROM _local_dynamodb_index_fills WHERE table_name = ?1 AND index_name = ?2",
    )?;
    let mut rows = select.query((table, index))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let done: i64 = row.get(2)?;
    Ok(Some(((row.get(0)?, row.get(1)?, String::new()), u64::try_from(done).unwrap_or_default())))
}

fn items_after(storage: &Storage, table: &str, from: &StoredItem) -> Result<Vec<StoredItem>, DynoxideError> {
    let name = table.replace('"', "\"\"");
    let sql =
        format!("SELECT pk, sk, item_json FROM \"{name}\" WHERE (pk, sk) > (?1, ?2) ORDER BY pk, sk LIMIT {PAGE}");
    let mut select = storage.conn().prepare_cached(&sql)?;
    let mut rows = select.query((&from.0, &from.1))?;
    let mut items = Vec::with_capacity(PAGE);
    while let Some(row) = rows.next()? {
        items.push((row.get(0)?, row.get(1)?, row.get(2)?));
    }
    Ok(items)
}

/// Stores the entries and the new position together.
fn store(
    storage: &Storage,
    table: &str,
    index: &str,
    rows: &[GsiItemRow],
    last: &StoredItem,
    page: &FilledPage,
) -> Result<(), DynoxideError> {
    storage.begin_transaction()?;
    let stored = storage.insert_gsi_items(table, index, rows).and_then(|()| {
        if page.is_last {
            return forget(storage, table, index);
        }
        let done = i64::try_from(page.done).unwrap_or(i64::MAX);
        let update = "UPDATE _local_dynamodb_index_fills SET pk = ?3, sk = ?4, done = ?5
            WHERE table_name = ?1 AND index_name = ?2";
        storage.conn().execute(update, (table, index, &last.0, &last.1, done))?;
        Ok(())
    });
    match stored {
        Ok(()) => storage.commit(),
        Err(error) => storage.rollback().and(Err(error)),
    }
}

fn indexes(table: &TableMetadata) -> Vec<GlobalSecondaryIndex> {
    table.gsi_definitions.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

/// The entries of one index.
struct Entries {
    hash: Vec<String>,
    range: Vec<String>,
    types: HashMap<String, &'static str>,
    /// The attributes that an entry holds; `None` is all of them.
    held: Option<Vec<String>>,
}

impl Entries {
    fn new(index: GlobalSecondaryIndex, table: &TableMetadata, table_key: &[String]) -> Self {
        let definitions: Vec<AttributeDefinition> =
            serde_json::from_str(&table.attribute_definitions).unwrap_or_default();
        let kind = |kind: &ScalarAttributeType| match kind {
            ScalarAttributeType::S => "S",
            ScalarAttributeType::N => "N",
            ScalarAttributeType::B => "B",
        };
        let of_kind = |kind: KeyType| {
            let elements = index.key_schema.iter().filter(move |element| element.key_type == kind);
            elements.map(|element| element.attribute_name.clone()).collect::<Vec<_>>()
        };
        let (hash, range) = (of_kind(KeyType::HASH), of_kind(KeyType::RANGE));
        let included = match index.projection.projection_type {
            Some(ProjectionType::ALL) | None => None,
            Some(ProjectionType::KEYS_ONLY) => Some(Vec::new()),
            Some(ProjectionType::INCLUDE) => Some(index.projection.non_key_attributes.unwrap_or_default()),
        };
        let held = included.map(|mut held| {
            held.extend(hash.iter().chain(&range).chain(table_key).cloned());
            held
        });
        let types = definitions.iter().map(|each| (each.attribute_name.clone(), kind(&each.attribute_type))).collect();
        Self { hash, range, types, held }
    }

    /// The entry of an item and its size. An item without one of the key's attributes, or with a value that cannot be in the
    /// key, has none: DynamoDB leaves such items out of a new index (Developer Guide, "Detecting and correcting index key
    /// violations in DynamoDB").
    fn of(&self, pk: &str, sk: &str, json: &str) -> Result<Option<(GsiItemRow, usize)>, DynoxideError> {
        let broken = |error: serde_json::Error| DynoxideError::InternalServerError(error.to_string());
        let mut item: Attributes = serde_json::from_str(json).map_err(broken)?;
        let (Some(gsi_pk), Some(gsi_sk)) = (
            self.key(&self.hash, limits::MAX_PARTITION_KEY_SIZE, &item),
            self.key(&self.range, limits::MAX_SORT_KEY_SIZE, &item),
        ) else {
            return Ok(None);
        };
        if let Some(held) = &self.held {
            item.retain(|name, _| held.contains(name));
        }
        let item_json = serde_json::to_string(&item).map_err(broken)?;
        let row = GsiItemRow { gsi_pk, gsi_sk, table_pk: pk.to_owned(), table_sk: sk.to_owned(), item_json };
        Ok(Some((row, item_size(&item))))
    }

    /// A key in the engine's form: several attributes are escaped and each is closed, so that the order of the texts is the
    /// order of the keys.
    fn key(&self, names: &[String], max_size: usize, item: &Attributes) -> Option<String> {
        let mut left = max_size;
        let values = names.iter().map(|name| {
            let value = item.get(name)?;
            let size = match value {
                AttributeValue::S(text) => text.len(),
                AttributeValue::B(bytes) => bytes.len(),
                _ => 1,
            };
            left = left.checked_sub(size)?;
            let fits = self.types.get(name).is_none_or(|kind| value.type_name() == *kind);
            if fits && size > 0 { value.to_key_string() } else { None }
        });
        let values: Vec<String> = values.collect::<Option<_>>()?;
        match &values[..] {
            [] => Some(String::new()),
            [only] => Some(only.clone()),
            several => Some(several.iter().map(|value| format!("{}\u{1}\u{1}", escape(value))).collect()),
        }
    }
}

fn escape(part: &str) -> String {
    part.replace('\u{1}', "\u{1}\u{3}").replace('\u{0}', "\u{1}\u{2}")
}
