//! What a request consumed.

use capacity::{Access, CapacityUnits};

/// The capacity that a request consumed of one table and its indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consumption {
    pub(crate) table: String,
    pub(crate) access: Access,
    /// By the table itself, its local indexes included.
    pub(crate) units: CapacityUnits,
    /// By its global indexes.
    pub(crate) indexes: Vec<(String, CapacityUnits)>,
}

impl Consumption {
    /// By the table itself, or by one of its global indexes.
    pub(crate) fn units_of(&self, index: Option<&str>) -> CapacityUnits {
        match index {
            None => self.units,
            Some(name) => self.indexes.iter().filter(|(each, _)| each == name).map(|(_, units)| *units).sum(),
        }
    }
}
