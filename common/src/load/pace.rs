//! How fast a load may be, and how long it waits for a stalled table.

use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::batch_writer::WriteLimit;
use crate::batch_writer::service_error::ServiceError;
use crate::tables::{IndexDescription, TableDescription, provisioned};

/// The limits that a load sets itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// The most it consumes; `None`: as much as the table accepts.
    pub max_wcu: Option<MaxWcu>,
    /// Ends the load when nothing at all was accepted for so long; `None`: throttling is waited for without end.
    pub give_up_after: Option<Duration>,
}

/// The most write units that a load consumes each second, of the table and of each of its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxWcu {
    /// A number of units.
    Units(NonZeroU64),
    /// Per cent of what is provisioned, 1 to 100, and at least one unit; read again during the load.
    Percent(NonZeroU64),
}

impl FromStr for MaxWcu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a whole number of WCU from 1 on, or a share from 1% to 100%".to_owned();
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Units).map_err(|_| wrong()),
            Some(share) => {
                let share: NonZeroU64 = share.parse().map_err(|_| wrong())?;
                if share.get() > 100 { Err(wrong()) } else { Ok(Self::Percent(share)) }
            }
        }
    }
}

/// Why a share of the table's capacity cannot be had.
#[derive(Debug, Error)]
pub enum ShareError {
    /// There is no provisioned capacity.
    #[error("{table} is an on-demand table: it has no provisioned capacity")]
    OnDemand {
        /// The table.
        table: String,
    },
    /// The table cannot be described.
    #[error("cannot read the capacity of {table}")]
    Describe {
        /// The table.
        table: String,
        /// The service's reason.
        #[source]
        source: ServiceError,
    },
}

/// The share of what is provisioned for the table and for each global index, at least one unit.
///
/// # Errors
/// The table has no provisioned capacity.
pub(super) fn share(
    table: &str,
    description: &TableDescription,
    percent: NonZeroU64,
) -> Result<WriteLimit, ShareError> {
    let share = |throughput| {
        let (write, _) = provisioned(throughput)?;
        let provisioned = NonZeroU64::new(write)?;
        let share = provisioned.get().saturating_mul(percent.get()) / 100;
        Some(NonZeroU64::new(share).unwrap_or(NonZeroU64::MIN))
    };
    let wcu = share(description.throughput).ok_or_else(|| ShareError::OnDemand { table: table.to_owned() })?;
    let of_index = |index: &IndexDescription| Some((index.name.clone(), share(index.throughput)?));
    Ok(WriteLimit { wcu, index_wcu: description.global_indexes().filter_map(of_index).collect() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::capacity::Throughput;
    use crate::tables::{self, ProvisionedThroughput};

    fn number(units: u64) -> NonZeroU64 {
        NonZeroU64::new(units).unwrap()
    }

    #[test]
    fn a_limit_is_a_number_of_units_or_a_share() {
        assert_eq!("5".parse(), Ok(MaxWcu::Units(number(5))));
        assert_eq!("80%".parse(), Ok(MaxWcu::Percent(number(80))));
        for wrong in ["0", "0%", "101%", "-1", "%", "1.5", "80 %", "", "many"] {
            assert!(wrong.parse::<MaxWcu>().is_err(), "{wrong}");
        }
    }

    fn description(wcu: &str) -> TableDescription {
        let mut table = TableDescription::of_definition(tables::table("logfile_scan").unwrap());
        table.throughput = wcu.parse::<ProvisionedThroughput>().unwrap().into();
        table
    }

    #[test]
    fn a_share_is_of_the_table_and_of_each_index_by_itself() {
        let index_wcu = BTreeMap::from([("GSI_1".to_owned(), number(4000))]);
        let limit = share("logs", &description("1/1000"), number(80)).unwrap();
        assert_eq!(limit, WriteLimit { wcu: number(800), index_wcu });
        assert_eq!(share("logs", &description("1/1"), number(80)).unwrap().wcu, number(1), "at least one unit");
    }

    #[test]
    fn an_on_demand_table_has_no_share() {
        let table = TableDescription { throughput: Throughput::OnDemand, ..description("1/1") };
        let error = share("logs", &table, number(80)).unwrap_err();
        assert!(matches!(error, ShareError::OnDemand { table } if table == "logs"));
    }
}
