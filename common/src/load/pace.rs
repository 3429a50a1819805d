//! How fast a load may be, and how long it waits for a stalled table.

use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::part::Part;
use crate::batch_writer::WriteLimit;
use crate::batch_writer::service_error::ServiceError;
use crate::tables::{IndexDescription, TableDescription, provisioned};

/// The limits that a load sets itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// The maximum that it consumes; `None`: as much as the table accepts.
    pub max_wcu: Option<MaxWcu>,
    /// Ends the load when the table has accepted nothing for this long; `None`: the load waits indefinitely.
    pub give_up_after: Option<Duration>,
}

/// The maximum write units that a load consumes per second, of the table and of each of its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxWcu {
    /// A number of units.
    Units(NonZeroU64),
    /// A percentage of the provisioned capacity, which is read again during the load.
    Percent(ProvisionedShare),
}

/// A percentage of the provisioned capacity, 1 to 100, divided among the parts of a load that run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProvisionedShare {
    percent: NonZeroU64,
    parts: NonZeroU64,
}

impl ProvisionedShare {
    /// The share of `units`. A load without parts gets at least one unit.
    fn of(self, units: u64) -> Option<NonZeroU64> {
        let share = NonZeroU64::new(units.saturating_mul(self.percent.get()) / 100).unwrap_or(NonZeroU64::MIN);
        NonZeroU64::new(share.get() / self.parts)
    }
}

impl MaxWcu {
    /// The share of one part, where this one is the whole job's and `at_once` of its parts run at the same time; `None`
    /// if that is less than one unit per second.
    pub fn of_part(self, part: Part, at_once: Option<NonZeroU32>) -> Option<Self> {
        let parts = at_once.unwrap_or(part.count()).min(part.count());
        Some(match self {
            Self::Units(units) if units < NonZeroU64::from(parts) => return None,
            Self::Units(units) => {
                // Where all parts run at the same time, the first ones get the remainder of the division.
                let has_more = parts == part.count() && u64::from(part.index()) < units.get() % u64::from(parts.get());
                Self::Units(NonZeroU64::new(units.get() / NonZeroU64::from(parts) + u64::from(has_more))?)
            }
            Self::Percent(share) => Self::Percent(ProvisionedShare { parts: parts.into(), ..share }),
        })
    }
}

impl FromStr for MaxWcu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a whole number of WCU, at least 1, or a percentage from 1% to 100%".to_owned();
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Units).map_err(|_| wrong()),
            Some(share) => {
                let share: NonZeroU64 = share.parse().map_err(|_| wrong())?;
                if share.get() > 100 {
                    Err(wrong())
                } else {
                    Ok(Self::Percent(ProvisionedShare { percent: share, parts: NonZeroU64::MIN }))
                }
            }
        }
    }
}

/// Why a percentage of the table's capacity cannot be determined.
#[derive(Debug, Error)]
pub enum ShareError {
    /// There is no provisioned capacity.
    #[error("{table} is an on-demand table: it has no provisioned capacity")]
    OnDemand { table: String },
    /// There is less than one unit for each of the parts of a load that run at the same time.
    #[error("{what} has {units} WCU: too few to share among {parts} parts that run at the same time")]
    TooSmall {
        /// The table, or an index of it.
        what: String,
        units: u64,
        /// How many parts.
        parts: NonZeroU64,
    },
    /// The table cannot be described.
    #[error("cannot read the capacity of {table}")]
    Describe {
        table: String,
        #[source]
        source: ServiceError,
    },
}

/// The share of the provisioned capacity of the table and of each global index.
///
/// # Errors
/// The table has no provisioned capacity, or too little to share.
pub(super) fn share(
    table: &str,
    description: &TableDescription,
    share: ProvisionedShare,
) -> Result<WriteLimit, ShareError> {
    let provisioned = |throughput| provisioned(throughput).map(|(write, _)| write).filter(|&write| write > 0);
    let of = |what: &str, units| {
        let too_small = || ShareError::TooSmall { what: what.to_owned(), units, parts: share.parts };
        share.of(units).ok_or_else(too_small)
    };
    let units = provisioned(description.throughput).ok_or_else(|| ShareError::OnDemand { table: table.to_owned() })?;
    let of_index = |index: &IndexDescription| {
        let name = format!("index {} of {table}", index.name);
        provisioned(index.throughput).map(|units| Ok((index.name.clone(), of(&name, units)?)))
    };
    let index_wcu = description.global_indexes().filter_map(of_index).collect::<Result<_, ShareError>>()?;
    Ok(WriteLimit { wcu: of(table, units)?, index_wcu })
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
        assert_eq!("80%".parse(), Ok(MaxWcu::Percent(percent(80))));
        for wrong in ["0", "0%", "101%", "-1", "%", "1.5", "80 %", "", "many"] {
            assert!(wrong.parse::<MaxWcu>().is_err(), "{wrong}");
        }
    }

    fn percent(percent: u64) -> ProvisionedShare {
        ProvisionedShare { percent: number(percent), parts: NonZeroU64::MIN }
    }

    #[test]
    fn the_parts_of_a_load_together_have_what_it_may_have() {
        let units = |total, part: &str, at_once| {
            let limit = MaxWcu::Units(number(total)).of_part(part.parse().unwrap(), NonZeroU32::new(at_once));
            limit.map(|limit| if let MaxWcu::Units(units) = limit { units.get() } else { 0 })
        };
        for (total, parts) in [(800, 8), (805, 8), (8, 8), (1000, 3), (7, 1)] {
            let shares = (0..parts).map(|index| units(total, &format!("{index}/{parts}"), 0).unwrap());
            assert_eq!(shares.sum::<u64>(), total);
        }
        assert_eq!(units(800, "7/100", 10), Some(80));
        assert_eq!(units(809, "0/100", 10), Some(80), "whichever ten run, they have no more than 809");
        assert_eq!(units(800, "0/4", 10), Some(200), "no more run than there are");
        assert_eq!((units(7, "7/8", 0), units(7, "0/8", 0)), (None, None), "all parts or none");

        let limit = MaxWcu::Percent(percent(80)).of_part("0/8".parse().unwrap(), None);
        let Some(MaxWcu::Percent(of_part)) = limit else { panic!("{limit:?}") };
        assert_eq!(share("logs", &description("1/1000"), of_part).unwrap().wcu, number(100));
        let error = share("logs", &description("1/9"), of_part).unwrap_err().to_string();
        assert_eq!(error, "logs has 9 WCU: too few to share among 8 parts that run at the same time");
    }

    fn description(wcu: &str) -> TableDescription {
        let mut table = TableDescription::of_definition(tables::table("logfile_scan").unwrap());
        table.throughput = wcu.parse::<ProvisionedThroughput>().unwrap().into();
        table
    }

    #[test]
    fn a_share_is_of_the_table_and_of_each_index_by_itself() {
        let index_wcu = BTreeMap::from([("GSI_1".to_owned(), number(4000))]);
        let limit = share("logs", &description("1/1000"), percent(80)).unwrap();
        assert_eq!(limit, WriteLimit { wcu: number(800), index_wcu });
        assert_eq!(share("logs", &description("1/1"), percent(80)).unwrap().wcu, number(1), "at least one unit");
    }

    #[test]
    fn an_on_demand_table_has_no_share() {
        let table = TableDescription { throughput: Throughput::OnDemand, ..description("1/1") };
        let error = share("logs", &table, percent(80)).unwrap_err();
        assert!(matches!(error, ShareError::OnDemand { table } if table == "logs"));
    }
}
