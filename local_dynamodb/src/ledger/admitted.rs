//! What of a request was admitted, and what was throttled.

use std::sync::Arc;

use capacity::{Access, CapacityUnits, ReadAdmission, Throttle, WriteAdmission};

use super::consumption::Consumption;
use super::table_definition::TableDefinition;

#[derive(Debug, Default)]
pub(crate) struct Decision {
    pub(crate) admitted: Admitted,
    pub(crate) throttled: Vec<ThrottledPart>,
}

/// A part of a request that is not admitted.
#[derive(Debug)]
pub(crate) struct ThrottledPart {
    /// The part's index in the request.
    pub(crate) position: usize,
    pub(crate) table: Arc<TableDefinition>,
    pub(crate) throttle: Throttle,
}

/// What was admitted, by table: taken from the buckets, to be settled by [`Ledger::settle`].
#[derive(Debug, Default)]
pub(crate) struct Admitted(pub(super) Vec<AdmittedToTable>);

#[derive(Debug)]
pub(super) struct AdmittedToTable {
    pub(super) table: Arc<TableDefinition>,
    pub(super) writes: WriteAdmission,
    pub(super) reads: Vec<(Option<Arc<str>>, CapacityUnits, ReadAdmission)>,
}

impl Admitted {
    pub(super) fn of(&mut self, table: &Arc<TableDefinition>) -> &mut AdmittedToTable {
        let found = self.0.iter().position(|each| each.table.name == table.name);
        let position = found.unwrap_or_else(|| {
            self.0.push(AdmittedToTable { table: table.clone(), writes: WriteAdmission::default(), reads: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[position]
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<TableDefinition>> {
        self.0.iter().map(|each| &each.table)
    }

    /// What was taken from the tables for writes, without the indexes: the cost of writes whose condition failed, as far as
    /// the items are known.
    pub(crate) fn writes_without_indexes(&self) -> Vec<Consumption> {
        let of_table = |each: &AdmittedToTable| Consumption {
            table: each.table.name.to_string(),
            access: Access::Write,
            units: each.writes.cost().table,
            indexes: Vec::new(),
        };
        self.0.iter().map(of_table).collect()
    }
}

impl AdmittedToTable {
    pub(super) fn includes(&self, consumed: &Consumption) -> bool {
        *self.table.name == *consumed.table
            && match consumed.access {
                Access::Write => !self.writes.cost().table.is_zero(),
                Access::Read => !self.reads.is_empty(),
            }
    }
}
