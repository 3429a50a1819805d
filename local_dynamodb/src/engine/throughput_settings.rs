//! What CreateTable and UpdateTable say about throughput and the engine's request types leave out: warm throughput, and the
//! maximum on demand of indexes.

use dynoxide::DynoxideError;
use dynoxide::actions::create_table::{CreateTableRequest, CreateTableResponse};
use dynoxide::types::OnDemandThroughput;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Database, table_names};

/// A CreateTable with its throughput settings.
#[derive(Debug)]
pub(crate) struct CreateTable {
    pub(crate) request: CreateTableRequest,
    pub(crate) settings: ThroughputSettings,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ThroughputSettings {
    #[serde(rename = "WarmThroughput")]
    pub(crate) warm: Option<WarmThroughput>,
    #[serde(rename = "GlobalSecondaryIndexes", default)]
    created_with_table: Option<Vec<IndexSettings>>,
    #[serde(rename = "GlobalSecondaryIndexUpdates", default)]
    updates: Option<Vec<IndexUpdate>>,
}

/// API Reference, "WarmThroughput".
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WarmThroughput {
    pub(crate) read_units_per_second: Option<i64>,
    pub(crate) write_units_per_second: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IndexSettings {
    pub(crate) index_name: String,
    pub(crate) on_demand_throughput: Option<OnDemandThroughput>,
    pub(crate) warm_throughput: Option<WarmThroughput>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexUpdate {
    create: Option<IndexSettings>,
    update: Option<IndexSettings>,
}

impl ThroughputSettings {
    pub(super) fn from_json(body: &str) -> serde_json::Result<Self> {
        serde_json::from_str(body)
    }

    /// The settings of indexes, in the order of the request.
    pub(crate) fn indexes(&self) -> impl Iterator<Item = &IndexSettings> {
        let updates = self.updates.iter().flatten();
        let updated = updates.flat_map(|update| update.create.iter().chain(&update.update));
        self.created_with_table.iter().flatten().chain(updated)
    }

    /// Whether there is anything in them.
    pub(crate) fn is_empty(&self) -> bool {
        self.warm.is_none()
            && self.indexes().all(|index| index.on_demand_throughput.is_none() && index.warm_throughput.is_none())
    }
}

impl<'de> Deserialize<'de> for CreateTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = <&RawValue>::deserialize(deserializer)?.get();
        let request = serde_json::from_str(body).map_err(D::Error::custom)?;
        let settings = ThroughputSettings::from_json(body).map_err(D::Error::custom)?;
        Ok(Self { request, settings })
    }
}

/// Runs a CreateTable.
///
/// # Errors
/// The engine's, and those of names that SQLite does not distinguish.
pub(crate) fn create_table(database: &Database, create: CreateTable) -> Result<CreateTableResponse, DynoxideError> {
    table_names::create_table(database, create.request)
}
