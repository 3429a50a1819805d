//! A limit that is a percentage of the table's capacity, which may change during a load.

use std::time::Duration;

use crate::batch_writer::client::Retries;
use crate::load::pace::{self, MaxWcu, ProvisionedShare};
use crate::load::sink::{TableDestination, TableSinks};
use crate::tables::TableDescription;

/// How often the table is described again: a change of capacity takes longer than this on AWS.
const INTERVAL: Duration = Duration::from_secs(5);

/// Updates the limit when the table's capacity has changed.
pub(super) struct ShareFollower {
    sinks: TableSinks,
    share: ProvisionedShare,
}

impl ShareFollower {
    /// `None` if the limit is not a percentage.
    pub(super) fn new(table: &TableDestination, sinks: &TableSinks) -> Option<Self> {
        match table.pace.max_wcu {
            Some(MaxWcu::Percent(share)) => Some(Self { sinks: sinks.clone(), share }),
            _ => None,
        }
    }

    pub(super) async fn run(self) {
        let table = &self.sinks.name;
        let client = self.sinks.connection.client(Retries::Sdk);
        let mut allowed = self.sinks.limit.clone();
        loop {
            tokio::time::sleep(INTERVAL).await;
            // If the table cannot be described, the limit stays. The writers report what is wrong with the table.
            let limit = match TableDescription::read(&client, table).await {
                Ok(description) => pace::share(table, &description, self.share).map_err(|error| error.to_string()),
                Err(error) => Err(format!("{table}: {error}")),
            };
            match limit {
                Ok(limit) if allowed.as_ref() == Some(&limit) => {}
                Ok(limit) => {
                    log::info!("{table}: writes at most {} WCU from now on", limit.wcu);
                    self.sinks.pacer.set_limit(Some(limit.clone()));
                    allowed = Some(limit);
                }
                Err(error) => log::info!("{error}"),
            }
        }
    }
}
