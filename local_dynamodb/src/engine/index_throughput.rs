//! The throughput of indexes, where the engine forgets it: it keeps what CreateTable gave an index, but not what
//! UpdateTable changes, nor the throughput of an index that UpdateTable adds.
//!
//! It is kept as tags of the table, which live and die with it and are in the database file, and is put into every
//! description of the table. Clients do not see these tags; each takes one of the 50 that a table can have.

use capacity::{CapacityUnits, Throughput};
use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::delete_table::{DeleteTableRequest, DeleteTableResponse};
use dynoxide::actions::describe_table::{DescribeTableRequest, DescribeTableResponse};
use dynoxide::actions::list_tags_of_resource::{ListTagsOfResourceRequest, ListTagsOfResourceResponse};
use dynoxide::actions::tag_resource::TagResourceRequest;
use dynoxide::actions::untag_resource::UntagResourceRequest;
use dynoxide::actions::update_table::{UpdateTableRequest, UpdateTableResponse};
use dynoxide::types::{ProvisionedThroughput, Tag};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::hiding_view::HidingView;
use super::throughput_settings::ThroughputSettings;
use super::{Database, index_fill, index_updates, item_counts, kept_state, streams, table_names, tags};
use crate::ledger::one_at_a_time;

/// The tags' keys begin so. The rest is a checksum of the index's name, which may be longer than a key can be.
const PREFIX: &str = "local_dynamodb:index-throughput:";

/// An UpdateTable, with the throughput of indexes that the engine's own request type leaves out.
#[derive(Debug)]
pub(crate) struct UpdateTable {
    pub(crate) request: UpdateTableRequest,
    index_updates: Vec<IndexUpdate>,
    pub(crate) settings: ThroughputSettings,
    /// Whether an index that it adds is filled afterwards, and not before it is answered.
    pub(crate) fills_afterwards: bool,
}

#[derive(Debug, Deserialize)]
struct IndexUpdates {
    #[serde(rename = "GlobalSecondaryIndexUpdates", default)]
    updates: Option<Vec<IndexUpdate>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexUpdate {
    create: Option<Action>,
    update: Option<Action>,
    delete: Option<Action>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Action {
    index_name: String,
    provisioned_throughput: Option<ProvisionedThroughput>,
}

impl UpdateTable {
    /// The indexes to create, and whether each has throughput.
    pub(crate) fn created_indexes(&self) -> impl Iterator<Item = (&str, bool)> {
        let created = self.index_updates.iter().filter_map(|update| update.create.as_ref());
        created.map(|action| (action.index_name.as_str(), action.provisioned_throughput.is_some()))
    }

    /// The throughput of the indexes to create, where it is given and can be read.
    pub(crate) fn created_throughput(&self) -> impl Iterator<Item = (&str, Throughput)> {
        self.index_updates.iter().filter_map(|update| {
            let action = update.create.as_ref()?;
            let own = action.provisioned_throughput.as_ref()?;
            let read = u64::try_from(own.read_capacity_units?).ok()?;
            let write = u64::try_from(own.write_capacity_units?).ok()?;
            Some((action.index_name.as_str(), Throughput::Provisioned { read, write }))
        })
    }

    /// The indexes to delete.
    pub(crate) fn deleted_indexes(&self) -> impl Iterator<Item = &str> {
        let deleted = self.index_updates.iter().filter_map(|update| update.delete.as_ref());
        deleted.map(|action| action.index_name.as_str())
    }

    /// The indexes whose throughput it changes.
    pub(crate) fn updated_indexes(&self) -> impl Iterator<Item = &str> {
        let updated = self.index_updates.iter().filter_map(|update| update.update.as_ref());
        updated.filter(|action| action.provisioned_throughput.is_some()).map(|action| action.index_name.as_str())
    }
}

impl<'de> Deserialize<'de> for UpdateTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = <&RawValue>::deserialize(deserializer)?.get();
        let request = serde_json::from_str(body).map_err(D::Error::custom)?;
        let updates: IndexUpdates = serde_json::from_str(body).map_err(D::Error::custom)?;
        let settings = ThroughputSettings::from_json(body).map_err(D::Error::custom)?;
        Ok(Self { request, index_updates: updates.updates.unwrap_or_default(), settings, fills_afterwards: false })
    }
}

/// Runs an UpdateTable and keeps what it says of indexes.
///
/// # Errors
/// The engine's; if they are about the request, nothing is changed.
pub(crate) fn update_table(database: &Database, update: UpdateTable) -> Result<UpdateTableResponse, DynoxideError> {
    table_names::check_new_indexes(database, &update.request)?;
    index_updates::check_update(database, &update.request)?;
    let name = update.request.table_name.clone();
    streams::check_view_type(update.request.stream_specification.as_ref())?;
    if let Some(stream) = &update.request.stream_specification {
        streams::check_update(database, &name, stream.stream_enabled)?;
    }
    let created = update.created_indexes().next().map(|(name, _)| name.to_owned());
    let deleted: Vec<_> = update.deleted_indexes().map(ToOwned::to_owned).collect();
    if update.created_indexes().count() + deleted.len() > 1 && database.table(&name)?.is_some() {
        return Err(one_at_a_time());
    }
    let mut answer = match created {
        // The engine, which fills an index of vectors, needs the items.
        _ if update.request.vector_index_updates.is_some() => {
            update_in_engine(database, update.request, &update.settings)?
        }
        Some(index) => {
            let mut answer = add_empty_index(database, update.request, &update.settings, &index)?;
            if !update.fills_afterwards {
                fill(database, &index, &mut answer.table_description)?;
            }
            answer
        }
        None => update_uncounted(database, update.request, &update.settings, &deleted)?,
    };
    streams::follow(database, &name)?;
    let arn = Some(answer.table_description.table_arn.clone());
    let mut tags = Vec::new();
    let mut gone = Vec::new();
    for update in update.index_updates {
        for action in [update.create, update.update].into_iter().flatten() {
            tags.extend(action.provisioned_throughput.map(|throughput| tag(&action.index_name, &throughput)));
        }
        if let Some(action) = update.delete {
            index_fill::forget(&database.storage, &name, &action.index_name)?;
            gone.push(key(&action.index_name));
        }
    }
    if !gone.is_empty() {
        database.untag_resource(UntagResourceRequest { resource_arn: arn.clone(), tag_keys: gone })?;
    }
    if !tags.is_empty() {
        database.tag_resource(TagResourceRequest { resource_arn: arn, tags })?;
    }
    complete(database, &mut answer.table_description)?;
    Ok(answer)
}

/// Updates a table without counting the items of a large one.
fn update_uncounted(
    database: &Database,
    request: UpdateTableRequest,
    settings: &ThroughputSettings,
    deleted: &[String],
) -> Result<UpdateTableResponse, DynoxideError> {
    let hidden = item_counts::hide_items(database, &request.table_name, deleted)?;
    let mut answer = update_in_engine(database, request, settings)?;
    if !hidden.is_empty() {
        item_counts::complete(database, &mut answer.table_description);
    }
    Ok(answer)
}

/// Adds an index without the items that are there already.
fn add_empty_index(
    database: &Database,
    request: UpdateTableRequest,
    settings: &ThroughputSettings,
    index: &str,
) -> Result<UpdateTableResponse, DynoxideError> {
    let table = request.table_name.clone();
    // Noted first: should the server end here, an index that is there is filled, and one that is not is forgotten.
    index_fill::begin(&database.storage, &table, index)?;
    let hidden = HidingView::new(database, &table, "FALSE")?;
    let updated = update_in_engine(database, request, settings);
    drop(hidden);
    match updated {
        Ok(mut answer) => {
            item_counts::complete(database, &mut answer.table_description);
            Ok(answer)
        }
        Err(error) => index_fill::forget(&database.storage, &table, index).and(Err(error)),
    }
}

/// Fills an index at once.
fn fill(database: &Database, index: &str, table: &mut TableDescription) -> Result<(), DynoxideError> {
    let name = &table.table_name;
    let all = CapacityUnits::from_halves(u64::MAX);
    while index_fill::fill_page(database, name, index, all)?.is_some_and(|page| !page.is_last) {}
    let counted = item_counts::describe_table(database, DescribeTableRequest { table_name: name.clone() })?.table;
    (table.item_count, table.table_size_bytes) = (counted.item_count, counted.table_size_bytes);
    table.global_secondary_indexes = counted.global_secondary_indexes;
    table.local_secondary_indexes = counted.local_secondary_indexes;
    Ok(())
}

/// Runs what the engine knows of an UpdateTable. If that is nothing, the table is described as it is.
fn update_in_engine(
    database: &Database,
    mut request: UpdateTableRequest,
    settings: &ThroughputSettings,
) -> Result<UpdateTableResponse, DynoxideError> {
    if !settings.is_empty()
        && let Some(updates) = &mut request.global_secondary_index_updates
    {
        // An update of nothing but what the engine does not know.
        updates.retain(|each| each.update.as_ref().is_none_or(|update| update.provisioned_throughput.is_some()));
        if updates.is_empty() {
            request.global_secondary_index_updates = None;
        }
    }
    let is_for_engine = request.provisioned_throughput.is_some()
        || request.billing_mode.is_some()
        || request.stream_specification.is_some()
        || request.deletion_protection_enabled.is_some()
        || request.table_class.is_some()
        || request.on_demand_throughput.is_some()
        || request.global_secondary_index_updates.is_some()
        || request.vector_index_updates.is_some();
    if is_for_engine || settings.is_empty() {
        return database.update_table(request);
    }
    let described = database.describe_table(DescribeTableRequest { table_name: request.table_name })?;
    Ok(UpdateTableResponse { table_description: described.table })
}

/// Runs a DeleteTable. The table's stream can be read to its end.
///
/// # Errors
/// The engine's.
pub(crate) fn delete_table(
    database: &Database,
    request: DeleteTableRequest,
) -> Result<DeleteTableResponse, DynoxideError> {
    let mut answer = database.delete_table(request)?;
    database.item_counts.borrow_mut().forget(&answer.table_description.table_name);
    for kept in [kept_state::of_table, kept_state::recovery_of] {
        kept_state::remove(&database.storage, &kept(&answer.table_description.table_name))?;
    }
    streams::complete(database, &mut answer.table_description)?;
    streams::follow(database, &answer.table_description.table_name)?;
    Ok(answer)
}

/// Runs a DescribeTable.
///
/// # Errors
/// The engine's.
pub(crate) fn describe_table(
    database: &Database,
    request: DescribeTableRequest,
) -> Result<DescribeTableResponse, DynoxideError> {
    let mut answer = item_counts::describe_table(database, request)?;
    complete(database, &mut answer.table)?;
    Ok(answer)
}

/// Runs a ListTagsOfResource, without our tags.
///
/// # Errors
/// The engine's.
pub(crate) fn list_tags(
    database: &Database,
    request: ListTagsOfResourceRequest,
) -> Result<ListTagsOfResourceResponse, DynoxideError> {
    tags::check_is_no_index(request.resource_arn.as_deref())?;
    let mut answer = database.list_tags_of_resource(request)?;
    answer.tags.retain(|tag| !tag.key.starts_with(PREFIX));
    Ok(answer)
}

/// Puts the kept throughput of its indexes into a table's description.
fn complete(database: &Database, table: &mut TableDescription) -> Result<(), DynoxideError> {
    streams::complete(database, table)?;
    let on_demand = table.billing_mode_summary.as_ref().is_some_and(|mode| mode.billing_mode == "PAY_PER_REQUEST");
    let Some(indexes) = table.global_secondary_indexes.as_mut().filter(|_| !on_demand) else { return Ok(()) };
    let request = ListTagsOfResourceRequest { resource_arn: Some(table.table_arn.clone()) };
    let tags = database.list_tags_of_resource(request)?.tags;
    for index in indexes {
        let key = key(&index.index_name);
        let kept = tags.iter().find(|tag| tag.key == key).and_then(|tag| tag.value.split_once('/'));
        if let (Some((read, write)), Some(shown)) = (kept, index.provisioned_throughput.as_mut()) {
            // What cannot be read was not written here; the engine's value stands.
            if let (Ok(read), Ok(write)) = (read.parse(), write.parse()) {
                (shown.read_capacity_units, shown.write_capacity_units) = (read, write);
            }
        }
    }
    Ok(())
}

fn key(index_name: &str) -> String {
    format!("{PREFIX}{:08x}", crc32fast::hash(index_name.as_bytes()))
}

fn tag(index_name: &str, throughput: &ProvisionedThroughput) -> Tag {
    let units = |units: Option<i64>| units.unwrap_or_default();
    let value = format!("{}/{}", units(throughput.read_capacity_units), units(throughput.write_capacity_units));
    Tag { key: key(index_name), value }
}
