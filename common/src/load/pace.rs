//! How fast a load may be, and how long it waits for a table that takes nothing.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{ProvisionedThroughputDescription, TableDescription};
use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::{Job, LoadError};
use crate::batch_writer::client::Retries;
use crate::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use crate::batch_writer::{SharedPacer, WriteLimit};
use crate::cli::advice;

/// How often the table's setting is read again: a change of capacity takes longer than this on AWS.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// What a load allows itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// The most it consumes; `None`: what the table takes.
    pub max_wcu: Option<MaxWcu>,
    /// Ends the load when nothing at all was taken for so long; `None`: throttling is waited for without end.
    pub give_up_after: Option<Duration>,
}

/// The most write units that a load consumes each second, of the table and of each of its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxWcu {
    /// So many.
    Units(NonZeroU64),
    /// So many hundredths of what is provisioned, 1 to 100, and at least one unit; read again while the load goes on.
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
    /// There is nothing that it could be a share of.
    #[error("{table} is an on-demand table: it has no provisioned capacity")]
    OnDemand {
        /// The table.
        table: String,
    },
    /// The table's description cannot be read.
    #[error("cannot read the capacity of {table}")]
    Describe {
        /// The table.
        table: String,
        /// The service's reason.
        #[source]
        source: ServiceError,
    },
}

impl ShareError {
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::OnDemand { .. } => Some("give a number of units: --max-wcu 500"),
            Self::Describe { source, .. } if source.kind == ServiceErrorKind::AccessDenied => {
                Some("allow dynamodb:DescribeTable, or give a number of units: --max-wcu 500")
            }
            Self::Describe { source, .. } => Some(advice::for_service_error(source)),
        }
    }
}

/// A pace for the workers of `job`, and the thread that keeps it in step with the table, if it must.
pub(super) fn start(job: &Job) -> Result<(SharedPacer, Option<Following>), LoadError> {
    let pacer = SharedPacer::new();
    pacer.set_give_up_after(job.pace.give_up_after);
    let following = match job.pace.max_wcu {
        None => None,
        Some(MaxWcu::Units(wcu)) => {
            pacer.set_limit(Some(WriteLimit::each(wcu)));
            None
        }
        Some(MaxWcu::Percent(percent)) => Some(Following::start(job, percent, pacer.clone())?),
    };
    Ok((pacer, following))
}

/// Reads the table's setting every few seconds and sets the limit accordingly, until it is dropped.
pub(super) struct Following {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Following {
    fn start(job: &Job, percent: NonZeroU64, pacer: SharedPacer) -> Result<Self, LoadError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LoadError::Thread)?;
        let share = Share { client: job.connection.client(Retries::Sdk), table: job.table.clone(), percent };
        let mut allowed = runtime.block_on(share.limit())?;
        pacer.set_limit(Some(allowed.clone()));
        let (stop, stopped) = oneshot::channel();
        let follow = move || {
            run(&runtime, stopped, async {
                loop {
                    tokio::time::sleep(READ_AGAIN).await;
                    match share.limit().await {
                        Ok(now) if now == allowed => {}
                        Ok(now) => {
                            log::info!("{}: writes at most {} WCU from now on", share.table, now.wcu);
                            allowed = now;
                            pacer.set_limit(Some(allowed.clone()));
                        }
                        // The limit stays; what is wrong with the table the writers will find out.
                        Err(ShareError::Describe { table, source }) => log::info!("{table}: {source}"),
                        Err(error) => log::info!("{error}"),
                    }
                }
            });
        };
        let thread = thread::Builder::new().name("max-wcu".to_owned()).spawn(follow).map_err(LoadError::Thread)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

/// Runs `work` until it is told to stop.
fn run(runtime: &Runtime, stopped: oneshot::Receiver<()>, work: impl Future<Output = ()>) {
    runtime.block_on(async {
        tokio::select! {
            _ = stopped => {}
            () = work => {}
        }
    });
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Share {
    client: Client,
    table: String,
    percent: NonZeroU64,
}

impl Share {
    async fn limit(&self) -> Result<WriteLimit, ShareError> {
        let described = self.client.describe_table().table_name(&self.table).send().await;
        let described = described
            .map_err(|error| ShareError::Describe { table: self.table.clone(), source: ServiceError::from(error) })?;
        let limit = described.table.as_ref().and_then(|table| limit(table, self.percent));
        limit.ok_or_else(|| ShareError::OnDemand { table: self.table.clone() })
    }
}

/// `None` if the table has no provisioned capacity.
fn limit(table: &TableDescription, percent: NonZeroU64) -> Option<WriteLimit> {
    let share = |throughput: Option<&ProvisionedThroughputDescription>| {
        let provisioned = NonZeroU64::new(u64::try_from(throughput?.write_capacity_units?).ok()?)?;
        let share = provisioned.get().saturating_mul(percent.get()) / 100;
        Some(NonZeroU64::new(share).unwrap_or(NonZeroU64::MIN))
    };
    let wcu = share(table.provisioned_throughput())?;
    let of_index = |index: &aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription| {
        Some((index.index_name.clone()?, share(index.provisioned_throughput())?))
    };
    let index_wcu: BTreeMap<_, _> = table.global_secondary_indexes().iter().filter_map(of_index).collect();
    Some(WriteLimit { wcu, index_wcu })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription;

    use super::*;

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

    fn throughput(wcu: i64) -> ProvisionedThroughputDescription {
        ProvisionedThroughputDescription::builder().write_capacity_units(wcu).build()
    }

    #[test]
    fn a_share_is_of_the_table_and_of_each_index_by_itself() {
        let index = |name, wcu| {
            let index = GlobalSecondaryIndexDescription::builder().index_name(name);
            index.provisioned_throughput(throughput(wcu)).build()
        };
        let table = TableDescription::builder().provisioned_throughput(throughput(1000));
        let table = table.global_secondary_indexes(index("GSI_1", 1)).global_secondary_indexes(index("GSI_2", 50));
        let index_wcu = BTreeMap::from([("GSI_1".to_owned(), number(1)), ("GSI_2".to_owned(), number(40))]);
        assert_eq!(limit(&table.build(), number(80)), Some(WriteLimit { wcu: number(800), index_wcu }));
    }

    #[test]
    fn an_on_demand_table_has_no_share() {
        let table = TableDescription::builder().provisioned_throughput(throughput(0)).build();
        assert_eq!(limit(&table, number(80)), None);
    }
}
