//! The state of capacity at a moment, for monitoring.

use std::sync::Arc;

use super::units::CapacityUnits;

/// The state of a table at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableState {
    /// Its write capacity.
    pub write: CapacityState,
    /// Its read capacity.
    pub read: CapacityState,
    /// Its global secondary indexes.
    pub indexes: Vec<IndexState>,
}

/// The state of a global secondary index at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexState {
    /// Its name.
    pub name: Arc<str>,
    /// Its write capacity.
    pub write: CapacityState,
    /// Its read capacity.
    pub read: CapacityState,
    /// Index writes that the table has accepted and the index has not.
    pub backlog: usize,
    /// Their cost to the index.
    pub backlog_units: CapacityUnits,
    /// The number at which the table refuses all writes.
    pub backlog_limit: usize,
}

/// The state of one kind of capacity at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityState {
    /// Units per second; `None` on demand, as the next two.
    pub provisioned: Option<u64>,
    /// Units that can be spent at once, rounded down; negative while a debt is paid off.
    pub balance: Option<i64>,
    /// The maximum of the balance.
    pub ceiling: Option<u64>,
    /// The maximum units per second on demand, if there is one.
    pub maximum: Option<u64>,
    /// Units per second that are served at once on demand.
    pub warm: u64,
    /// All units consumed so far, as in `ConsumedCapacity`: those of an index count when the table accepts the write.
    pub consumed: CapacityUnits,
}
