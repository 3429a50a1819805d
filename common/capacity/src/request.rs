//! What asks to get in, and what got in.

use std::sync::Arc;

use super::partition_key::PartitionKey;
use super::units::CapacityUnits;
use super::write_cost::WriteCost;

/// A write that asks to get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The value of the table's partition key.
    pub key: PartitionKey,
    /// What it costs, as far as known.
    pub cost: WriteCost,
}

/// A read that asks to get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The global secondary index that is read. With `None`, or a name that the table has no such index of (a local
    /// index uses the table's capacity), it is the table.
    pub index: Option<Arc<str>>,
    /// The value of the table's or the index's partition key; `None` in a Scan.
    pub key: Option<PartitionKey>,
    /// What it costs, as far as known: half a unit at least.
    pub units: CapacityUnits,
}

/// Writes that got in. What they cost has been taken; [`Table::settle_write`](super::Table::settle_write) corrects
/// it by what they really cost. Where the two are the same, it can be dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "what the write really cost is settled with it"]
pub struct WriteAdmission {
    pub(super) keys: Vec<(PartitionKey, CapacityUnits)>,
    pub(super) cost: WriteCost,
}

impl WriteAdmission {
    /// What was taken.
    pub fn cost(&self) -> &WriteCost {
        &self.cost
    }

    /// Makes one of two, for a batch whose `ConsumedCapacity` is one sum.
    pub fn join(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.cost.table += other.cost.table;
        self.cost.indexes.extend(other.cost.indexes);
    }
}

/// A read that got in, settled by [`Table::settle_read`](super::Table::settle_read).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "what the read really cost is settled with it"]
pub struct ReadAdmission(pub(super) Read);
