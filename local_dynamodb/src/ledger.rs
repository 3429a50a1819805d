//! The books of all tables: what each may spend, what was spent, and what was refused. Pure: time is an argument, and the
//! engine is not known here.

mod entry;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use capacity::{
    Access, CapacityUnits, Read, ReadAdmission, Settings, Table, TableState, Throttle, Write, WriteAdmission,
};

use self::entry::Entry;
use crate::consumed::Consumed;
use crate::demand::{Ask, AskedAccess, Demand, Grouping};
use crate::metrics::{self, Metrics};
use crate::provisioning::Provisioning;
use crate::table_definition::TableDefinition;

/// All tables that were seen, and their metrics.
#[derive(Debug)]
pub(crate) struct Ledger {
    settings: Settings,
    tables: HashMap<Arc<str>, Entry>,
    pub(crate) metrics: Metrics,
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
