//! The writes of a load.

use std::sync::Arc;

use super::units::CapacityUnits;
use super::write_cost::WriteCost;

/// The totals of what a load will write. Totals counted separately can be merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadTotals {
    pub(super) table: Demand,
    indexes: Vec<(Arc<str>, Demand)>,
}

/// What a load needs of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) writes: u64,
    pub(super) units: CapacityUnits,
}

impl LoadTotals {
    /// Adds a write.
    pub fn add(&mut self, cost: &WriteCost) {
        self.add_write(cost.table);
        for write in &cost.indexes {
            self.add_index_write(&write.index, write.units);
        }
    }

    /// Adds a write's cost to the table.
    pub fn add_write(&mut self, units: CapacityUnits) {
        self.table.add(Demand { writes: 1, units });
    }

    /// Adds an index write. Its table write is added separately.
    pub fn add_index_write(&mut self, index: &str, units: CapacityUnits) {
        self.index_mut(index).add(Demand { writes: 1, units });
    }

    /// Adds another load.
    pub fn merge(&mut self, other: &Self) {
        self.table.add(other.table);
        for (name, demand) in &other.indexes {
            self.index_mut(name).add(*demand);
        }
    }

    /// The same load `times` times.
    pub fn repeated(mut self, times: u64) -> Self {
        for demand in self.indexes.iter_mut().map(|(_, demand)| demand).chain([&mut self.table]) {
            *demand = Demand { writes: demand.writes.saturating_mul(times), units: demand.units * times };
        }
        self
    }

    /// The number of writes.
    pub fn writes(&self) -> u64 {
        self.table.writes
    }

    /// The cost to the table.
    pub fn table_units(&self) -> CapacityUnits {
        self.table.units
    }

    /// The cost to an index.
    pub fn index_units(&self, name: &str) -> CapacityUnits {
        self.index(name).units
    }

    /// One write of the average cost.
    pub(super) fn one(&self) -> Self {
        let average = |demand: Demand, writes: u64| Demand { writes, units: demand.units_of(writes) };
        let of_index = |demand: Demand| average(demand, demand.writes.div_ceil(self.table.writes.max(1)));
        let indexes = self.indexes.iter().map(|(name, demand)| (name.clone(), of_index(*demand))).collect();
        Self { table: average(self.table, self.table.writes.min(1)), indexes }
    }

    pub(super) fn index(&self, name: &str) -> Demand {
        self.indexes.iter().find(|(each, _)| &**each == name).map(|(_, demand)| *demand).unwrap_or_default()
    }

    fn index_mut(&mut self, name: &str) -> &mut Demand {
        let found = self.indexes.iter().position(|(each, _)| &**each == name);
        let position = found.unwrap_or_else(|| {
            self.indexes.push((name.into(), Demand::default()));
            self.indexes.len() - 1
        });
        &mut self.indexes[position].1
    }
}

impl Demand {
    fn add(&mut self, other: Self) {
        self.writes = self.writes.saturating_add(other.writes);
        self.units += other.units;
    }

    /// The cost of `writes` writes at the average cost.
    pub(super) fn units_of(self, writes: u64) -> CapacityUnits {
        let halves = u128::from(self.units.halves()) * u128::from(writes) / u128::from(self.writes.max(1));
        CapacityUnits::from_halves(u64::try_from(halves).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(table: &[u64], index: &[u64]) -> LoadTotals {
        let mut totals = LoadTotals::default();
        table.iter().for_each(|units| totals.add_write(CapacityUnits::new(*units)));
        index.iter().for_each(|units| totals.add_index_write("GSI_1", CapacityUnits::new(*units)));
        totals
    }

    #[test]
    fn parts_add_up() {
        let mut both = totals(&[1], &[]).repeated(10);
        both.merge(&totals(&[2, 3], &[3, 4]).repeated(2));
        assert_eq!((both.writes(), both.table_units()), (14, CapacityUnits::new(20)));
        assert_eq!(both.index_units("GSI_1"), CapacityUnits::new(14));
        assert_eq!(both.index_units("GSI_2"), CapacityUnits::ZERO);
    }

    #[test]
    fn one_write_costs_the_average() {
        assert_eq!(totals(&[1, 2, 6], &[4, 4, 4, 8, 8, 8]).one(), totals(&[3], &[6, 6]));
        assert_eq!(totals(&[2, 2], &[7]).one(), totals(&[2], &[7]));
        assert_eq!(totals(&[], &[]).one(), LoadTotals::default());
    }

    #[test]
    fn endless_loads_stop_at_the_largest_sum() {
        let endless = totals(&[400], &[400]).repeated(u64::MAX);
        assert_eq!(endless.table_units(), CapacityUnits::from_halves(u64::MAX));
        assert_eq!(endless.one().table_units(), CapacityUnits::from_halves(1));
    }
}
