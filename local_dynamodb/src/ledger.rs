//! The books of all tables: what each may spend, what was spent, and what was refused. Pure: time is an argument, and the
//! engine is not known here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use common::capacity::{
    Access, CapacityUnits, Read, ReadAdmission, Settings, Table, TableState, Throttle, Write, WriteAdmission, WriteCost,
};
use common::capacity::{CapacityState, IndexWrite, PartitionKey};

use crate::consumed::Consumed;
use crate::demand::{Ask, AskedAccess, Demand, Grouping};
use crate::metrics::{self, HISTORY_MINUTES, Metric, Metrics};
use crate::provisioning::{Change, Provisioning};
use crate::table_definition::TableDefinition;

/// All tables that were seen, and their metrics.
#[derive(Debug)]
pub(crate) struct Ledger {
    settings: Settings,
    tables: HashMap<Arc<str>, Entry>,
    pub(crate) metrics: Metrics,
}

/// A table's page.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) definition: Arc<TableDefinition>,
    pub(crate) provisioning: Provisioning,
    capacity: Table,
    /// The first minute whose end has not been recorded.
    minute: u64,
}

/// What was decided about a request.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    pub(crate) admitted: Admitted,
    pub(crate) refused: Vec<Refused>,
}

/// A part of a request that does not get in.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Which part, counted from 0.
    pub(crate) position: usize,
    pub(crate) table: Arc<TableDefinition>,
    pub(crate) throttle: Throttle,
}

/// What got in, by table: taken from the buckets, to be settled by [`Ledger::settle`].
#[derive(Debug, Default)]
pub(crate) struct Admitted(Vec<AdmittedToTable>);

#[derive(Debug)]
struct AdmittedToTable {
    table: Arc<TableDefinition>,
    writes: WriteAdmission,
    reads: Vec<(Option<Arc<str>>, CapacityUnits, ReadAdmission)>,
}

impl Ledger {
    /// Without tables.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, tables: HashMap::new(), metrics: Metrics::default() }
    }

    /// A table seen for the first time: its buckets are as the settings say, its backlogs empty.
    pub(crate) fn open(&mut self, now: Duration, definition: TableDefinition) -> Arc<TableDefinition> {
        let definition = Arc::new(definition);
        let mut capacity = Table::new(now, definition.throughput, self.settings.clone());
        for (name, throughput) in &definition.index_throughputs {
            capacity.add_index(now, name.clone(), *throughput);
        }
        let provisioning = Provisioning::of(&definition);
        let minute = metrics::minute(now);
        let entry = Entry { definition: definition.clone(), provisioning, capacity, minute };
        self.tables.insert(definition.name.clone(), entry);
        definition
    }

    /// A table that is gone. Its metrics stay.
    pub(crate) fn close(&mut self, name: &str) {
        self.tables.remove(name);
    }

    /// The definition of a table that was seen.
    pub(crate) fn definition(&self, name: &str) -> Option<Arc<TableDefinition>> {
        self.tables.get(name).map(|entry| entry.definition.clone())
    }

    /// A table's page, brought up to `now`.
    pub(crate) fn table(&mut self, now: Duration, name: &str) -> Option<&mut Entry> {
        let Self { tables, metrics, .. } = self;
        tables.get_mut(name).map(|entry| entry.advance(now, metrics))
    }

    /// How all tables stand, by name.
    pub(crate) fn states(&mut self, now: Duration) -> Vec<(Arc<TableDefinition>, TableState)> {
        let Self { tables, metrics, .. } = self;
        let state = |entry: &mut Entry| (entry.definition.clone(), entry.advance(now, metrics).capacity.state(now));
        let mut states: Vec<_> = tables.values_mut().map(state).collect();
        states.sort_unstable_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        states
    }

    /// Lets in what may get in at `now`, and counts the rest. Parts of tables that are gone pass: the engine knows.
    pub(crate) fn decide(&mut self, now: Duration, demand: Demand) -> Decision {
        let mut decision = Decision::default();
        if demand.grouping == Grouping::Together {
            decision.refused = self.check_together(now, &demand.asks);
            if !decision.refused.is_empty() {
                return decision;
            }
        }
        for (position, Ask { table, access }) in demand.asks.into_iter().enumerate() {
            let Self { tables, metrics, .. } = self;
            let Some(entry) = tables.get_mut(&table.name) else { continue };
            let capacity = &mut entry.advance(now, metrics).capacity;
            let refused = match access {
                AskedAccess::Write(write) => capacity
                    .admit_write(now, write)
                    .map(|admission| decision.admitted.of(&table).writes.join(admission)),
                AskedAccess::Read(read) => capacity.admit_read(now, read.clone()).map(|admission| {
                    decision.admitted.of(&table).reads.push((read.index, read.units, admission));
                }),
            };
            if let Err(throttle) = refused {
                metrics.throttled_item(now, &table.name, &throttle);
                decision.refused.push(Refused { position, table, throttle });
            }
        }
        decision
    }

    /// Whether all get in; of those that do not, the first of each table is told.
    fn check_together(&mut self, now: Duration, asks: &[Ask]) -> Vec<Refused> {
        let mut by_table: Vec<(&Arc<TableDefinition>, Vec<usize>)> = Vec::new();
        for (position, ask) in asks.iter().enumerate() {
            match by_table.iter_mut().find(|(table, _)| table.name == ask.table.name) {
                Some((_, positions)) => positions.push(position),
                None => by_table.push((&ask.table, vec![position])),
            }
        }
        let mut refused = Vec::new();
        for (table, positions) in by_table {
            let Self { tables, metrics, .. } = self;
            let Some(entry) = tables.get_mut(&table.name) else { continue };
            let capacity = &mut entry.advance(now, metrics).capacity;
            let (mut writes, mut reads): (Vec<Write>, Vec<Read>) = (Vec::new(), Vec::new());
            for position in &positions {
                match &asks[*position].access {
                    AskedAccess::Write(write) => writes.push(write.clone()),
                    AskedAccess::Read(read) => reads.push(read.clone()),
                }
            }
            // A transaction is all writes or all reads: the positions of one kind are those of all.
            let checked =
                if writes.is_empty() { capacity.check_reads(now, &reads) } else { capacity.check_writes(now, &writes) };
            if let Err(group) = checked {
                metrics.throttled_item(now, &table.name, &group.throttle);
                let position = positions[group.position];
                refused.push(Refused { position, table: table.clone(), throttle: group.throttle });
            }
        }
        refused.sort_unstable_by_key(|refused| refused.position);
        refused
    }

    /// Corrects what was taken by what was consumed, and counts that. What was consumed and not taken is taken now.
    pub(crate) fn settle(&mut self, now: Duration, admitted: &Admitted, consumed: &[Consumed]) {
        for admitted in &admitted.0 {
            let of_table =
                |access| consumed.iter().find(move |each| each.access == access && *each.table == *admitted.table.name);
            let Some(entry) = self.tables.get_mut(&admitted.table.name) else { continue };
            entry.settle_write(now, &admitted.writes, of_table(Access::Write));
            entry.settle_reads(now, &admitted.reads, of_table(Access::Read));
        }
        for consumed in consumed {
            let Some(entry) = self.tables.get_mut(consumed.table.as_str()) else { continue };
            if !admitted.0.iter().any(|admitted| admitted.asked(consumed)) {
                entry.charge(now, consumed);
            }
            let name = &entry.definition.name;
            self.metrics.consumed(now, consumed.access, name, None, consumed.units);
            for (index, units) in &consumed.indexes {
                if let Some(index) = entry.definition.global_index(index) {
                    self.metrics.consumed(now, consumed.access, name, Some(&index), *units);
                }
            }
        }
    }
}

impl Admitted {
    fn of(&mut self, table: &Arc<TableDefinition>) -> &mut AdmittedToTable {
        let found = self.0.iter().position(|each| each.table.name == table.name);
        let position = found.unwrap_or_else(|| {
            self.0.push(AdmittedToTable { table: table.clone(), writes: WriteAdmission::default(), reads: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[position]
    }

    /// The tables that it is about.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<TableDefinition>> {
        self.0.iter().map(|each| &each.table)
    }

    /// What was taken from the tables for writes, without the indexes: the price of writes of which a condition has
    /// failed, as far as the items are known.
    pub(crate) fn writes_without_indexes(&self) -> Vec<Consumed> {
        let of_table = |each: &AdmittedToTable| Consumed {
            table: each.table.name.to_string(),
            access: Access::Write,
            units: each.writes.cost().table,
            indexes: Vec::new(),
        };
        self.0.iter().map(of_table).collect()
    }
}

impl AdmittedToTable {
    fn asked(&self, consumed: &Consumed) -> bool {
        *self.table.name == *consumed.table
            && match consumed.access {
                Access::Write => !self.writes.cost().table.is_zero(),
                Access::Read => !self.reads.is_empty(),
            }
    }
}

impl Entry {
    /// Brings the page up to `now`: completes an update that is due, and records how each minute ended.
    fn advance(&mut self, now: Duration, metrics: &mut Metrics) -> &mut Self {
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
    }

    /// Records how the minute ended.
    fn record(&mut self, end: Duration, metrics: &mut Metrics) {
        let state = self.capacity.state(end);
        let within = end.saturating_sub(Duration::from_nanos(1));
        let table = &self.definition.name;
        let mut add = |metric, index, value: Option<f64>| {
            if let Some(value) = value {
                metrics.add(within, metrics::of_resource(metric, table, index), value);
            }
        };
        let mut add_both = |index, read: &CapacityState, write: &CapacityState| {
            add(Metric::ProvisionedReadCapacityUnits, index, read.provisioned.map(|units| units as f64));
            add(Metric::ProvisionedWriteCapacityUnits, index, write.provisioned.map(|units| units as f64));
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
    }

    fn settle_write(&mut self, now: Duration, admission: &WriteAdmission, consumed: Option<&Consumed>) {
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

    /// The sum is known, the parts are not: the last read gets what the others do not account for.
    fn settle_reads(
        &mut self,
        now: Duration,
        reads: &[(Option<Arc<str>>, CapacityUnits, ReadAdmission)],
        consumed: Option<&Consumed>,
    ) {
        for (position, (index, taken, admission)) in reads.iter().enumerate() {
            let before = reads[..position].iter().filter(|(each, _, _)| each == index);
            let left = consumed.map(|each| each.units_of(index.as_deref())).unwrap_or_default();
            let left = left.saturating_sub(before.map(|(_, units, _)| *units).sum());
            let is_last = !reads[position + 1..].iter().any(|(each, _, _)| each == index);
            self.capacity.settle_read(now, admission, if is_last { left } else { left.min(*taken) });
        }
    }

    /// Takes what nobody asked for before.
    fn charge(&mut self, now: Duration, consumed: &Consumed) {
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
}

/// As the model wants it. The engine does not tell the keys of the index entries that it changed: they are those that
/// were `asked` for, or one that nothing else has.
fn write_cost(now: Duration, consumed: &Consumed, asked: &[IndexWrite]) -> WriteCost {
    let indexes = consumed.indexes.iter().map(|(name, units)| {
        let asked = asked.iter().rfind(|write| *write.index == **name).map(|write| write.key);
        let key = asked.unwrap_or_else(|| PartitionKey::new(&now.as_nanos().to_be_bytes()));
        IndexWrite { index: name.as_str().into(), key, units: *units }
    });
    WriteCost { table: consumed.units, indexes: indexes.collect() }
}
