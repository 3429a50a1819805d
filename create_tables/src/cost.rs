//! The approximate cost of the tables on AWS.

use std::fmt;

use common::capacity::{IndexScope, Throughput};
use common::tables::{TableDefinition, TableDescription};

/// AWS's list prices for provisioned capacity of the Standard table class in us-east-1, as of 2025, in millionths of a US dollar for
/// a unit and an hour: 0.00065 USD a WCU, 0.00013 USD a RCU. Other regions cost up to twice as much; the free tier is not counted.
const WCU_HOUR: u64 = 650;
const RCU_HOUR: u64 = 130;
/// The source of the prices, for messages.
pub(crate) const PRICES: &str = "list prices of us-east-1, 2025";

/// The cost of an hour, in millionths of a US dollar. Displayed in whole cents, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HourlyCost(u64);

impl HourlyCost {
    pub(crate) fn of_definition(table: &TableDefinition) -> Self {
        Self::of_description(&TableDescription::of_definition(table))
    }

    pub(crate) fn of_description(table: &TableDescription) -> Self {
        let indexes = table.indexes.iter().filter(|index| index.scope == IndexScope::Global);
        let cost = |throughput: Throughput| match throughput {
            Throughput::OnDemand => 0,
            Throughput::Provisioned { read, write } => {
                read.saturating_mul(RCU_HOUR).saturating_add(write.saturating_mul(WCU_HOUR))
            }
        };
        let throughputs = std::iter::once(table.throughput).chain(indexes.map(|index| index.throughput));
        Self(throughputs.map(cost).fold(0, u64::saturating_add))
    }
}

impl std::iter::Sum for HourlyCost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        Self(costs.map(|Self(cost)| cost).fold(0, u64::saturating_add))
    }
}

impl fmt::Display for HourlyCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.0.saturating_add(9_999) / 10_000;
        write!(f, "{}.{:02} USD an hour", cents / 100, cents % 100)
    }
}

#[cfg(test)]
mod tests {
    use common::tables;

    use super::*;

    #[test]
    fn the_lab_s_tables_cost_what_the_price_list_says() {
        let costs: Vec<String> =
            tables::TABLES.iter().map(|table| HourlyCost::of_definition(table).to_string()).collect();
        // 10 × 0.00065 + 10 × 0.00013; 1001 × 0.00078; 10,000 × 0.00065 + 8,000 × 0.00013
        assert_eq!(costs, ["0.01 USD an hour", "0.79 USD an hour", "7.54 USD an hour"]);
    }
}
