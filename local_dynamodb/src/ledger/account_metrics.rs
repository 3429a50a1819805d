//! The metrics of the whole account: its quotas, and the provisioned share of them.

use std::time::Duration;

use capacity::{CapacityState, Settings, TableState};

use crate::metrics::{Metric, Metrics, Series};

/// Records the metrics at `now`.
pub(super) fn record(now: Duration, tables: &[TableState], settings: &Settings, metrics: &mut Metrics) {
    let Settings { table_quota, account_quota, .. } = *settings;
    let of = |capacity: fn(&TableState) -> Vec<&CapacityState>| {
        let provisioned = tables.iter().flat_map(capacity).map(|state| state.provisioned.unwrap_or_default());
        let provisioned: Vec<u64> = provisioned.collect();
        (provisioned.iter().sum::<u64>(), provisioned.iter().max().copied().unwrap_or_default())
    };
    let (reads, most_reads) = of(|table| table.indexes.iter().map(|index| &index.read).chain([&table.read]).collect());
    let (writes, most_writes) =
        of(|table| table.indexes.iter().map(|index| &index.write).chain([&table.write]).collect());
    let percent = |units: u64, quota: u64| 100.0 * units as f64 / quota.max(1) as f64;
    for (metric, value) in [
        (Metric::AccountMaxReads, account_quota as f64),
        (Metric::AccountMaxWrites, account_quota as f64),
        (Metric::AccountMaxTableLevelReads, table_quota as f64),
        (Metric::AccountMaxTableLevelWrites, table_quota as f64),
        (Metric::AccountProvisionedReadCapacityUtilization, percent(reads, account_quota)),
        (Metric::AccountProvisionedWriteCapacityUtilization, percent(writes, account_quota)),
        (Metric::MaxProvisionedTableReadCapacityUtilization, percent(most_reads, table_quota)),
        (Metric::MaxProvisionedTableWriteCapacityUtilization, percent(most_writes, table_quota)),
    ] {
        metrics.add(now, Series::of_account(metric), value);
    }
}
