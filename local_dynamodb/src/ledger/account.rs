//! A table's account in the ledger.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use capacity::{
    Access, CapacityState, CapacityUnits, IndexState, IndexWrite, PartitionKey, Read, ReadAdmission, Table, TableState,
    WriteAdmission, WriteCost,
};

use super::consumption::Consumption;
use super::kept_account::{KeptAccount, KeptResource, ReadAndWrite};
use super::online_index::FilledPage;
use super::provisioning::{Change, Provisioning};
use super::table_definition::TableDefinition;
use crate::metrics::{self, HISTORY_MINUTES, Metric, Metrics};

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) definition: Arc<TableDefinition>,
    pub(crate) provisioning: Provisioning,
    /// The most RCU and WCU of its indexes on demand.
    pub(super) index_maximums: HashMap<Arc<str>, (Option<u64>, Option<u64>)>,
    pub(super) capacity: Table,
    /// Until then the table is CREATING and accepts no item requests. A client that waits for ACTIVE ends it before, by
    /// asking: waiters ask at once and then pause for as long as 20 s.
    pub(crate) creating_until: Option<Duration>,
    /// The first minute whose end has not been recorded.
    pub(super) minute: u64,
    /// What was last kept of it.
    pub(super) kept: KeptAccount,
}

impl Account {
    /// Brings the account up to `now`: completes an update that is due, and records the state at the end of each minute.
    pub(super) fn advance(&mut self, now: Duration, metrics: &mut Metrics) -> &mut Self {
        let current = metrics::minute(now);
        self.minute = self.minute.max(current.saturating_sub(HISTORY_MINUTES));
        loop {
            let end_of_minute = Duration::from_secs((self.minute + 1) * 60);
            match self.provisioning.due() {
                Some(due) if due <= now.min(end_of_minute) => self.complete(due),
                _ if end_of_minute <= now => {
                    self.record(end_of_minute, metrics);
                    self.minute += 1;
                }
                _ => return self,
            }
        }
    }

    fn complete(&mut self, due: Duration) {
        let Some(Change { table, indexes }) = self.provisioning.complete() else { return };
        if let Some(throughput) = table {
            self.capacity.set_throughput(due, throughput);
        }
        for (name, throughput) in indexes {
            self.capacity.set_index_throughput(due, &name, throughput);
        }
        self.apply_maximums(due);
    }

    /// Applies the maximums on demand, which a change of the billing mode has lost.
    pub(super) fn apply_maximums(&mut self, now: Duration) {
        let (read, write) = self.definition.on_demand_maximum;
        self.capacity.set_on_demand_maximum(now, read, write);
        for (index, (read, write)) in &self.index_maximums {
            self.capacity.set_index_on_demand_maximum(now, index, *read, *write);
        }
    }

    /// Sets the most RCU and WCU of an index on demand.
    pub(crate) fn set_index_maximum(&mut self, now: Duration, index: &str, read: Option<u64>, write: Option<u64>) {
        if let Some(index) = self.definition.global_index(index) {
            self.index_maximums.insert(index, (read, write));
            self.apply_maximums(now);
        }
    }

    /// Raises the warm throughput of the table or an index, in RCU and WCU.
    pub(crate) fn raise_warm_throughput(&mut self, now: Duration, index: Option<&str>, read: u64, write: u64) {
        match index {
            None => self.capacity.raise_warm_throughput(now, read, write),
            Some(index) => self.capacity.raise_index_warm_throughput(now, index, read, write),
        }
    }

    /// The capacity that is left to fill a new index with.
    pub(crate) fn fill_allowance(&mut self, now: Duration, index: &str) -> u64 {
        self.capacity.fill_allowance(now, index)
    }

    /// Takes what a page of the fill of a new index has cost, and counts it.
    pub(crate) fn filled(&mut self, now: Duration, index: &Arc<str>, page: &FilledPage, metrics: &mut Metrics) {
        let table = self.definition.name.clone();
        self.capacity.fill_index(now, index, page.units);
        let mut add = |metric, value| metrics.add(now, metrics::of_resource(metric, &table, Some(index)), value);
        if !page.units.is_zero() {
            add(Metric::OnlineIndexConsumedWriteCapacity, page.units.as_f64());
        }
        let Some(own) = self.provisioning.new_index_mut().filter(|own| own.name == *index) else { return };
        let events = own.note_page(now, page.done, page.is_throttled);
        (0..events).for_each(|_| add(Metric::OnlineIndexThrottleEvents, 1.0));
        if page.is_last {
            add(Metric::OnlineIndexPercentageProgress, 100.0);
            self.provisioning.set_online_index(None);
        }
    }

    /// The units that can be spent at once; a debt is negative.
    pub(crate) fn balance(&mut self, now: Duration, access: Access) -> i64 {
        self.capacity.balance(now, access)
    }

    pub(crate) fn state(&mut self, now: Duration) -> TableState {
        self.capacity.state(now)
    }

    fn record(&mut self, end: Duration, metrics: &mut Metrics) {
        let state = self.capacity.state(end);
        let within = end.saturating_sub(Duration::from_nanos(1));
        let table = &self.definition.name;
        let mut add = |metric, index, value: Option<f64>| {
            if let Some(value) = value {
                metrics.add(within, metrics::of_resource(metric, table, index), value);
            }
        };
        if let Some(index) = self.provisioning.new_index() {
            add(Metric::OnlineIndexPercentageProgress, Some(&index.name), Some(index.progress()));
        }
        let mut add_both = |index, read: &CapacityState, write: &CapacityState| {
            add(Metric::ProvisionedReadCapacityUnits, index, read.provisioned.map(|units| units as f64));
            add(Metric::ProvisionedWriteCapacityUnits, index, write.provisioned.map(|units| units as f64));
            add(Metric::OnDemandMaxReadRequestUnits, index, read.maximum.map(|units| units as f64));
            add(Metric::OnDemandMaxWriteRequestUnits, index, write.maximum.map(|units| units as f64));
            add(Metric::ReadBurstBalance, index, read.balance.map(|units| units as f64));
            add(Metric::WriteBurstBalance, index, write.balance.map(|units| units as f64));
        };
        add_both(None, &state.read, &state.write);
        for index in &state.indexes {
            add_both(Some(&index.name), &index.read, &index.write);
        }
        for index in state.indexes.iter().filter(|index| index.write.provisioned.is_some()) {
            let series = metrics::of_resource(Metric::IndexBacklog, table, Some(&index.name));
            metrics.add(within, series, index.backlog as f64);
        }
    }

    /// The table has another definition: indexes were added or removed.
    pub(crate) fn redefine(&mut self, now: Duration, definition: TableDefinition) {
        let has = |name: &str| definition.global_index(name).is_some();
        for (name, _) in &self.definition.index_throughputs {
            if !has(name) {
                self.capacity.remove_index(name);
            }
        }
        self.provisioning.retain_indexes(has);
        for (name, throughput) in &definition.index_throughputs {
            if self.definition.global_index(name).is_none() {
                self.capacity.add_index(now, name.clone(), *throughput);
                self.provisioning.add_index(name.clone(), *throughput);
            }
        }
        self.definition = Arc::new(definition);
        self.index_maximums.retain(|index, _| self.definition.global_index(index).is_some());
        self.apply_maximums(now);
    }

    pub(super) fn settle_write(&mut self, now: Duration, admission: &WriteAdmission, consumed: Option<&Consumption>) {
        let taken = admission.cost();
        let actual = consumed.map(|consumed| write_cost(now, consumed, &taken.indexes)).unwrap_or_default();
        let same_indexes = || {
            let indexes = self.definition.index_throughputs.iter();
            indexes.map(|(name, _)| name).all(|name| taken.of_index(name) == actual.of_index(name))
        };
        if taken.table != actual.table || !same_indexes() {
            self.capacity.settle_write(now, admission, &actual);
        }
    }

    /// The sum is known, the parts are not: the last read gets what the others leave.
    pub(super) fn settle_reads(
        &mut self,
        now: Duration,
        reads: &[(Option<Arc<str>>, CapacityUnits, ReadAdmission)],
        consumed: Option<&Consumption>,
    ) {
        for (position, (index, taken, admission)) in reads.iter().enumerate() {
            let before = reads[..position].iter().filter(|(each, _, _)| each == index);
            let left = consumed.map(|each| each.units_of(index.as_deref())).unwrap_or_default();
            let left = left.saturating_sub(before.map(|(_, units, _)| *units).sum());
            let is_last = !reads[position + 1..].iter().any(|(each, _, _)| each == index);
            self.capacity.settle_read(now, admission, if is_last { left } else { left.min(*taken) });
        }
    }

    /// Takes what was not requested before.
    pub(super) fn charge(&mut self, now: Duration, consumed: &Consumption) {
        match consumed.access {
            Access::Write => {
                self.capacity.settle_write(now, &WriteAdmission::default(), &write_cost(now, consumed, &[]));
            }
            Access::Read => {
                let indexes = consumed.indexes.iter().map(|(name, units)| (self.definition.global_index(name), *units));
                let parts: Vec<_> = std::iter::once((None, consumed.units)).chain(indexes).collect();
                for (index, units) in parts {
                    self.capacity.consume_read(now, Read { index, key: None, units });
                }
            }
        }
    }

    /// What is to be kept of it.
    pub(super) fn keep(&mut self, now: Duration) -> KeptAccount {
        let state = self.state(now);
        let warm = |read: &CapacityState, write: &CapacityState| ReadAndWrite { read: read.warm, write: write.warm };
        let index = |index: &IndexState| {
            let (read, write) = self.index_maximums.get(&index.name).copied().unwrap_or_default();
            let kept = KeptResource {
                warm: warm(&index.read, &index.write),
                maximum: ReadAndWrite { read, write },
                history: self.provisioning.history(Some(&index.name)),
            };
            (index.name.to_string(), kept)
        };
        KeptAccount {
            table: KeptResource {
                warm: warm(&state.read, &state.write),
                maximum: ReadAndWrite::default(),
                history: self.provisioning.history(None),
            },
            indexes: state.indexes.iter().map(index).collect(),
        }
    }

    /// Gives the account, which has just been opened, what was kept of it. The clock may have been ahead then.
    pub(crate) fn restore(&mut self, kept: KeptAccount, now: Duration) {
        let resources =
            std::iter::once((None, kept.table)).chain(kept.indexes.into_iter().map(|(name, own)| (Some(name), own)));
        for (index, kept) in resources {
            let index = index.as_deref();
            self.raise_warm_throughput(now, index, kept.warm.read, kept.warm.write);
            self.provisioning.restore_history(index, kept.history.not_after(now));
            if let Some(index) = index
                && (kept.maximum.read.is_some() || kept.maximum.write.is_some())
            {
                self.set_index_maximum(now, index, kept.maximum.read, kept.maximum.write);
            }
        }
    }
}

/// In the model's form. The engine does not return the keys of the index entries that it changed: they are those that
/// were `requested`, or a key that nothing else has.
fn write_cost(now: Duration, consumed: &Consumption, requested: &[IndexWrite]) -> WriteCost {
    let indexes = consumed.indexes.iter().map(|(name, units)| {
        let requested = requested.iter().rfind(|write| *write.index == **name).map(|write| write.key);
        let key = requested.unwrap_or_else(|| PartitionKey::new(&now.as_nanos().to_be_bytes()));
        IndexWrite { index: name.as_str().into(), key, units: *units }
    });
    WriteCost { table: consumed.units, indexes: indexes.collect() }
}
