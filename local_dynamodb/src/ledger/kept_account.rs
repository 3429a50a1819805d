//! What of a table's account outlives the server, if the database is a file: what clients have set and cannot be read from the
//! table's description, and what UpdateTable's limits follow. Balances and metrics do not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::provisioned::ThroughputHistory;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeptAccount {
    pub(super) table: KeptResource,
    pub(super) indexes: BTreeMap<String, KeptResource>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct KeptResource {
    pub(super) warm: ReadAndWrite<u64>,
    /// On demand, of an index; that of the table is in its description.
    pub(super) maximum: ReadAndWrite<Option<u64>>,
    pub(super) history: ThroughputHistory,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ReadAndWrite<T> {
    pub(super) read: T,
    pub(super) write: T,
}
