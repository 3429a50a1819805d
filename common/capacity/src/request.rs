//! Requests and admissions.

use std::sync::Arc;

use super::partition_key::PartitionKey;
use super::units::CapacityUnits;
use super::write_cost::WriteCost;

/// A write request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The value of the table's partition key.
    pub key: PartitionKey,
    /// Its cost, as far as known.
    pub cost: WriteCost,
}

/// A read request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The global secondary index that is read. `None`, or any other name (a local index uses the table's capacity),
    /// stands for the table.
    pub index: Option<Arc<str>>,
    /// The value of the table's or the index's partition key; `None` in a Scan.
    pub key: Option<PartitionKey>,
    /// Its cost, as far as known, at least half a unit.
    pub units: CapacityUnits,
}

/// Admitted writes, whose cost has been charged. [`Table::settle_write`](super::Table::settle_write) corrects it to the
/// real cost. If the two are equal, it can be dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "what the write really cost is settled with it"]
pub struct WriteAdmission {
    pub(super) keys: Vec<(PartitionKey, CapacityUnits)>,
    pub(super) cost: WriteCost,
}

impl WriteAdmission {
    /// The cost that was charged.
    pub fn cost(&self) -> &WriteCost {
        &self.cost
    }

    /// Joins two admissions, for a batch whose `ConsumedCapacity` is one sum.
    pub fn join(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.cost.table += other.cost.table;
        self.cost.indexes.extend(other.cost.indexes);
    }
}

/// An admitted read, settled by [`Table::settle_read`](super::Table::settle_read).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "what the read really cost is settled with it"]
pub struct ReadAdmission(pub(super) Read);
