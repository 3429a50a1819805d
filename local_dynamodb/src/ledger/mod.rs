//! The accounts of all tables: what each may consume, what was consumed, and what was throttled. Pure: time is an argument,
//! and nothing here runs the engine.

mod account;
mod account_metrics;
mod admitted;
mod capacity_request;
mod consumption;
mod kept_account;
mod online_index;
mod provisioned;
mod provisioning;
mod table_definition;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use capacity::{Access, Read, Settings, Table, TableState, Throughput, Write};

pub(crate) use self::account::Account;
pub(crate) use self::admitted::{Admitted, Decision, ThrottledPart};
pub(crate) use self::capacity_request::{CapacityRequest, Grouping, RequestCost, RequestedAccess};
pub(crate) use self::consumption::Consumption;
pub(crate) use self::kept_account::KeptAccount;
pub(crate) use self::online_index::{
    CreationPhase, FilledPage, IndexChange, IndexCreation, NewIndex, OnlineIndex, one_at_a_time,
};
pub(crate) use self::provisioning::{Change, Provisioning};
pub(crate) use self::table_definition::{Attributes, EngineItem, TableDefinition, on_demand_maximum, partition_key};
use crate::metrics::{self, HISTORY_MINUTES, Metrics};

#[derive(Debug)]
pub(crate) struct Ledger {
    settings: Settings,
    tables: HashMap<Arc<str>, Account>,
    /// The first minute whose end has not been recorded for the whole account.
    minute: u64,
    pub(crate) metrics: Metrics,
}

impl Ledger {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, tables: HashMap::new(), minute: 0, metrics: Metrics::default() }
    }

    /// Opens the account of a table seen for the first time: its buckets as the settings say, its backlogs empty.
    pub(crate) fn open(&mut self, now: Duration, definition: TableDefinition) -> Arc<TableDefinition> {
        let definition = Arc::new(definition);
        let mut capacity = Table::new(now, definition.throughput, self.settings.clone());
        for (name, throughput) in &definition.index_throughputs {
            capacity.add_index(now, name.clone(), *throughput);
        }
        let provisioning = Provisioning::of(&definition);
        let minute = metrics::minute(now);
        let mut account = Account {
            definition: definition.clone(),
            provisioning,
            index_maximums: HashMap::new(),
            capacity,
            creating_until: None,
            minute,
            kept: KeptAccount::default(),
        };
        account.apply_maximums(now);
        self.tables.insert(definition.name.clone(), account);
        definition
    }

    /// RCU and WCU that are provisioned for all tables but `except`, updates in progress included.
    pub(crate) fn provisioned_without(&self, except: &str) -> (u64, u64) {
        let others = self.tables.values().filter(|account| *account.definition.name != *except);
        others.map(|account| account.provisioning.total(&Change::default())).fold((0, 0), sum)
    }

    /// Closes the account of a deleted table. Its metrics stay.
    pub(crate) fn close(&mut self, name: &str) {
        self.tables.remove(name);
    }

    pub(crate) fn definition(&self, name: &str) -> Option<Arc<TableDefinition>> {
        self.tables.get(name).map(|account| account.definition.clone())
    }

    /// The indexes that can be filled at `now`: their table, their name, and the capacity that is left for it.
    pub(crate) fn fills(&mut self, now: Duration) -> Vec<(Arc<str>, Arc<str>, u64)> {
        let fill = |account: &mut Account| {
            let index = account.provisioning.new_index().filter(|index| index.is_allocated(now))?.name.clone();
            let allowance = account.fill_allowance(now, &index);
            Some((account.definition.name.clone(), index, allowance))
        };
        self.tables.values_mut().filter_map(fill).collect()
    }

    /// What is to be kept of the tables, where that has changed since the last call.
    pub(crate) fn changed_kept(&mut self, now: Duration) -> Vec<(Arc<str>, String)> {
        let Self { tables, metrics, .. } = self;
        let changed = |account: &mut Account| {
            let kept = account.advance(now, metrics).keep(now);
            let json = serde_json::to_string(&kept).ok().filter(|_| kept != account.kept)?;
            account.kept = kept;
            Some((account.definition.name.clone(), json))
        };
        tables.values_mut().filter_map(changed).collect()
    }

    /// Takes what a page of the fill of an index has cost.
    pub(crate) fn filled(&mut self, now: Duration, table: &str, index: &Arc<str>, page: &FilledPage) {
        let Self { tables, metrics, .. } = self;
        if let Some(account) = tables.get_mut(table) {
            account.advance(now, metrics).filled(now, index, page, metrics);
        }
    }

    /// Whether any index waits to be filled, now or later.
    pub(crate) fn has_fills(&self) -> bool {
        self.tables.values().any(|account| account.provisioning.new_index().is_some())
    }

    /// The indexes that are being created at `now`.
    pub(crate) fn creations(&self, now: Duration) -> Vec<IndexCreation> {
        let creation = |account: &Account| {
            let new = account.provisioning.new_index()?;
            let table = account.definition.name.clone();
            Some(IndexCreation { table, index: new.name.clone(), phase: new.phase(now) })
        };
        self.tables.values().filter_map(creation).collect()
    }

    /// Whether the index of a table cannot be read because it is being created.
    pub(crate) fn is_creating_index(&self, table: &str, index: &str) -> bool {
        let new = self.tables.get(table).and_then(|account| account.provisioning.new_index());
        new.is_some_and(|new| *new.name == *index)
    }

    /// Whether a table is CREATING at `now`.
    pub(crate) fn is_creating(&self, now: Duration, name: &str) -> bool {
        self.tables.get(name).and_then(|account| account.creating_until).is_some_and(|until| now < until)
    }

    /// A table's account, brought up to `now`.
    pub(crate) fn table(&mut self, now: Duration, name: &str) -> Option<&mut Account> {
        let Self { tables, metrics, .. } = self;
        tables.get_mut(name).map(|account| account.advance(now, metrics))
    }

    /// The state of all tables, by name.
    pub(crate) fn states(&mut self, now: Duration) -> Vec<(Arc<str>, TableState)> {
        let Self { tables, metrics, .. } = self;
        let state = |account: &mut Account| {
            (account.definition.name.clone(), account.advance(now, metrics).capacity.state(now))
        };
        let mut states: Vec<_> = tables.values_mut().map(state).collect();
        states.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.record_account(now, &states);
        states
    }

    /// Records how the minutes since the last record ended for the whole account.
    fn record_account(&mut self, now: Duration, states: &[(Arc<str>, TableState)]) {
        let current = metrics::minute(now);
        if states.is_empty() || self.minute >= current {
            return;
        }
        let tables: Vec<_> = states.iter().map(|(_, state)| state.clone()).collect();
        let first =
            if self.minute == 0 { current - 1 } else { self.minute.max(current.saturating_sub(HISTORY_MINUTES)) };
        for minute in first..current {
            let end = Duration::from_secs((minute + 1) * 60).saturating_sub(Duration::from_nanos(1));
            account_metrics::record(end, &tables, &self.settings, &mut self.metrics);
        }
        self.minute = current;
    }

    /// Admits what the tables can bear at `now`, and counts the rest as throttled. Parts of deleted tables pass: the engine
    /// refuses them.
    pub(crate) fn decide(&mut self, now: Duration, cost: RequestCost) -> Decision {
        let mut decision = Decision::default();
        if cost.grouping == Grouping::Together {
            decision.throttled = self.check_together(now, &cost.parts);
            if !decision.throttled.is_empty() {
                return decision;
            }
        }
        for (position, CapacityRequest { table, access }) in cost.parts.into_iter().enumerate() {
            let Self { tables, metrics, .. } = self;
            let Some(account) = tables.get_mut(&table.name) else { continue };
            let capacity = &mut account.advance(now, metrics).capacity;
            let throttled = match access {
                RequestedAccess::Write(write) => capacity
                    .admit_write(now, write)
                    .map(|admission| decision.admitted.of(&table).writes.join(admission)),
                RequestedAccess::Read(read) => capacity.admit_read(now, read.clone()).map(|admission| {
                    decision.admitted.of(&table).reads.push((read.index, read.units, admission));
                }),
            };
            if let Err(throttle) = throttled {
                metrics.throttled_item(now, &table.name, &throttle);
                decision.throttled.push(ThrottledPart { position, table, throttle });
            }
        }
        decision
    }

    /// The parts that keep the request out: the first of each table. Empty if all parts are admitted.
    fn check_together(&mut self, now: Duration, parts: &[CapacityRequest]) -> Vec<ThrottledPart> {
        let mut by_table: Vec<(&Arc<TableDefinition>, Vec<usize>)> = Vec::new();
        for (position, part) in parts.iter().enumerate() {
            match by_table.iter_mut().find(|(table, _)| table.name == part.table.name) {
                Some((_, positions)) => positions.push(position),
                None => by_table.push((&part.table, vec![position])),
            }
        }
        let mut throttled = Vec::new();
        for (table, positions) in by_table {
            let Self { tables, metrics, .. } = self;
            let Some(account) = tables.get_mut(&table.name) else { continue };
            let capacity = &mut account.advance(now, metrics).capacity;
            let (mut writes, mut reads): (Vec<Write>, Vec<Read>) = (Vec::new(), Vec::new());
            for position in &positions {
                match &parts[*position].access {
                    RequestedAccess::Write(write) => writes.push(write.clone()),
                    RequestedAccess::Read(read) => reads.push(read.clone()),
                }
            }
            // A transaction is all writes or all reads: the positions of one kind are those of all.
            let checked =
                if writes.is_empty() { capacity.check_reads(now, &reads) } else { capacity.check_writes(now, &writes) };
            if let Err(group) = checked {
                metrics.throttled_item(now, &table.name, &group.throttle);
                let position = positions[group.position];
                throttled.push(ThrottledPart { position, table: table.clone(), throttle: group.throttle });
            }
        }
        throttled.sort_unstable_by_key(|throttled| throttled.position);
        throttled
    }

    /// Corrects what was taken by what was consumed, and counts that. What was consumed but not taken is taken now.
    pub(crate) fn settle(&mut self, now: Duration, admitted: &Admitted, consumed: &[Consumption]) {
        for admitted in &admitted.0 {
            let of_table =
                |access| consumed.iter().find(move |each| each.access == access && *each.table == *admitted.table.name);
            let Some(account) = self.tables.get_mut(&admitted.table.name) else { continue };
            account.settle_write(now, &admitted.writes, of_table(Access::Write));
            account.settle_reads(now, &admitted.reads, of_table(Access::Read));
        }
        for consumed in consumed {
            let Some(account) = self.tables.get_mut(consumed.table.as_str()) else { continue };
            if !admitted.0.iter().any(|admitted| admitted.includes(consumed)) {
                account.charge(now, consumed);
            }
            let name = &account.definition.name;
            self.metrics.consumed(now, consumed.access, name, None, consumed.units);
            for (index, units) in &consumed.indexes {
                if let Some(index) = account.definition.global_index(index) {
                    self.metrics.consumed(now, consumed.access, name, Some(&index), *units);
                }
            }
        }
    }
}

/// RCU and WCU; none on demand.
pub(crate) fn units(throughput: Throughput) -> (u64, u64) {
    match throughput {
        Throughput::OnDemand => (0, 0),
        Throughput::Provisioned { read, write } => (read, write),
    }
}

/// The sum of RCU and WCU.
pub(crate) fn sum(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0.saturating_add(b.0), a.1.saturating_add(b.1))
}
