//! How capacity stands at a moment, for those who watch.

use std::sync::Arc;

use super::units::CapacityUnits;

/// How a table stands at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableState {
    /// Its write capacity.
    pub write: CapacityState,
    /// Its read capacity.
    pub read: CapacityState,
    /// Its global secondary indexes.
    pub indexes: Vec<IndexState>,
}

/// How a global secondary index stands at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexState {
    /// Its name.
    pub name: Arc<str>,
    /// Its write capacity.
    pub write: CapacityState,
    /// Its read capacity.
    pub read: CapacityState,
    /// Index writes that the table has taken and the index has not.
    pub backlog: usize,
    /// What they will cost the index.
    pub backlog_units: CapacityUnits,
    /// At how many of them the table refuses all writes.
    pub backlog_limit: usize,
}

/// How one kind of capacity stands at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityState {
    /// Units a second; `None` on demand, as the next two.
    pub provisioned: Option<u64>,
    /// Units that can be spent at once, rounded down; negative while a debt is paid off.
    pub balance: Option<i64>,
    /// The most that the balance can be.
    pub ceiling: Option<u64>,
    /// The most units a second on demand, if that is limited.
    pub maximum: Option<u64>,
    /// Units a second that are served at once on demand.
    pub warm: u64,
    /// All units consumed so far, as `ConsumedCapacity` tells them: those of an index when the table takes the write.
    pub consumed: CapacityUnits,
}
