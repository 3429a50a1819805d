//! What of a table's account outlives the server, if the database is a file: what clients have set and cannot be read from the
//! table's description, and what UpdateTable's limits follow. Balances and metrics do not.

use std::collections::BTreeMap;
use std::time::Duration;

use capacity::{CapacityState, IndexState};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::provisioning::ThroughputHistory;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeptAccount {
    table: KeptResource,
    indexes: BTreeMap<String, KeptResource>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct KeptResource {
    warm: ReadAndWrite<u64>,
    /// On demand, of an index; that of the table is in its description.
    maximum: ReadAndWrite<Option<u64>>,
    history: ThroughputHistory,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct ReadAndWrite<T> {
    read: T,
    write: T,
}

impl KeptAccount {
    pub(crate) fn of(account: &mut Account, now: Duration) -> Self {
        let state = account.state(now);
        let warm = |read: &CapacityState, write: &CapacityState| ReadAndWrite { read: read.warm, write: write.warm };
        let index = |index: &IndexState| {
            let (read, write) = account.index_maximums.get(&index.name).copied().unwrap_or_default();
            let kept = KeptResource {
                warm: warm(&index.read, &index.write),
                maximum: ReadAndWrite { read, write },
                history: account.provisioning.history(Some(&index.name)),
            };
            (index.name.to_string(), kept)
        };
        Self {
            table: KeptResource {
                warm: warm(&state.read, &state.write),
                maximum: ReadAndWrite::default(),
                history: account.provisioning.history(None),
            },
            indexes: state.indexes.iter().map(index).collect(),
        }
    }

    /// Gives an account that has just been opened what was kept of it. The clock may have been ahead then.
    pub(crate) fn restore(self, account: &mut Account, now: Duration) {
        let resources =
            std::iter::once((None, self.table)).chain(self.indexes.into_iter().map(|(name, own)| (Some(name), own)));
        for (index, kept) in resources {
            let index = index.as_deref();
            account.raise_warm_throughput(now, index, kept.warm.read, kept.warm.write);
            account.provisioning.restore_history(index, kept.history.not_after(now));
            if let Some(index) = index
                && (kept.maximum.read.is_some() || kept.maximum.write.is_some())
            {
                account.set_index_maximum(now, index, kept.maximum.read, kept.maximum.write);
            }
        }
    }
}
