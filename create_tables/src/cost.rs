//! About what the tables cost on AWS.

use std::fmt;

use common::tables::TableDefinition;

use crate::description::{Description, Throughput};

/// AWS's list prices for provisioned capacity of the Standard table class in us-east-1, as of 2025, in millionths of a US dollar for
/// a unit and an hour: 0.00065 USD a WCU, 0.00013 USD a RCU. Other regions cost up to twice as much; the free tier is not counted.
const WCU_HOUR: i64 = 650;
const RCU_HOUR: i64 = 130;
/// Where the prices are from, for messages.
pub(crate) const PRICES: &str = "list prices of us-east-1, 2025";

/// Money for an hour, in millionths of a US dollar. Shows whole cents, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HourlyCost(i64);

impl HourlyCost {
    pub(crate) fn of_definition(table: &TableDefinition) -> Self {
        Self::of([table.throughput.into(), table.index.throughput.into()])
    }

    pub(crate) fn of_description(table: &Description) -> Self {
        let indexes = table.indexes.iter().filter(|index| index.status.is_some());
        Self::of(std::iter::once(table.throughput).chain(indexes.map(|index| index.throughput)))
    }

    fn of(throughputs: impl IntoIterator<Item = Throughput>) -> Self {
        let cost = |throughput| match throughput {
            Throughput::OnDemand => 0,
            Throughput::Provisioned { read, write } => {
                read.saturating_mul(RCU_HOUR).saturating_add(write.saturating_mul(WCU_HOUR))
            }
        };
        Self(throughputs.into_iter().map(cost).fold(0, i64::saturating_add))
    }
}

impl std::iter::Sum for HourlyCost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        Self(costs.map(|Self(cost)| cost).fold(0, i64::saturating_add))
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
