//! Operations that change tables, and the tables' accounts in the ledger.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use capacity::{Access, CapacityUnits, Consistency, Item as _, limits, read_units, write_units};
use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::list_tables::ListTablesRequest;

use super::gate::AdmissionGate;
use super::request_cost::Tables;
use super::throughput_checks;
use crate::engine::{
    CreateTable, Operation, OperationOutput, PendingFill, ThroughputSettings, UpdateTable, WarmThroughput,
};
use crate::ledger::{
    Account, Attributes, Change, EngineItem, IndexChange, KeptAccount, NewIndex, OnlineIndex, Provisioning,
    TableDefinition, on_demand_maximum, sum, units,
};

impl AdmissionGate {
    /// Opens accounts for the tables of a database file, so that they are shown before anyone uses them.
    pub(super) fn open_tables(&self) {
        let _changing = self.lock_tables();
        let mut request = ListTablesRequest::default();
        while let Ok(OperationOutput::ListTables(page)) = self.engine.run(Operation::ListTables(Box::new(request))) {
            for name in &page.table_names {
                self.describe(name);
            }
            if page.last_evaluated_table_name.is_none() {
                break;
            }
            request = ListTablesRequest { exclusive_start_table_name: page.last_evaluated_table_name, limit: None };
        }
        self.resume_fills();
    }

    /// Resumes the fills of indexes that another server did not complete.
    fn resume_fills(&self) {
        let pending = self.engine.pending_fills().unwrap_or_default();
        let now = self.clock.now();
        for PendingFill { table, index } in pending {
            let items = self.engine.describe(&table).and_then(|table| table.item_count);
            let items = items.and_then(|items| u64::try_from(items).ok()).unwrap_or_default();
            if let Some(account) = self.ledger().table(now, &table) {
                let index = NewIndex::new(index.as_str().into(), now, items);
                account.provisioning.set_online_index(Some(OnlineIndex::Creating(index)));
            }
        }
    }

    /// Completes the fills of indexes that a server with throttling has begun.
    pub(super) fn complete_fills(&self) {
        for PendingFill { table, index } in self.engine.pending_fills().unwrap_or_default() {
            let all = CapacityUnits::new(u64::MAX / 2);
            while let Ok(Some(page)) = self.engine.fill_index(&table, &index, all) {
                if page.is_last {
                    break;
                }
            }
        }
    }

    /// Runs an operation that changes a table.
    ///
    /// # Errors
    /// The engine's, or DynamoDB's for an update of the throughput.
    pub(super) fn change_table(&self, operation: Operation) -> Result<OperationOutput, DynoxideError> {
        let _changing = self.lock_tables();
        let output = self.change_locked_table(operation)?;
        self.keep_accounts()?;
        Ok(output)
    }

    fn change_locked_table(&self, operation: Operation) -> Result<OperationOutput, DynoxideError> {
        let changed = match &operation {
            Operation::UpdateTable(update) => Some(&update.request.table_name),
            Operation::DeleteTable(delete) => Some(&delete.table_name),
            _ => None,
        };
        if let Some(table) = changed.filter(|table| self.ledger().is_creating(self.clock.now(), table)) {
            return Err(DynoxideError::ResourceInUseException(format!(
                "Attempt to change a resource which is still in use: Table is being created: {table}"
            )));
        }
        match operation {
            Operation::UpdateTable(request) => self.update_table(request),
            Operation::CreateTable(create) => self.create_table(create),
            operation => {
                if let Operation::DeleteTable(request) = &operation
                    && let Some(account) = self.ledger().table(self.clock.now(), &request.table_name)
                {
                    account.provisioning.check_delete(self.clock.now(), &request.table_name)?;
                }
                let output = self.engine.run(operation)?;
                if let OperationOutput::DeleteTable(deleted) = &output {
                    self.ledger().close(&deleted.table_description.table_name);
                }
                Ok(output)
            }
        }
    }

    fn create_table(&self, create: Box<CreateTable>) -> Result<OperationOutput, DynoxideError> {
        let settings = create.settings.clone();
        let requested = throughput_checks::requested(&create.request);
        let others = self.ledger().provisioned_without(&create.request.table_name);
        let all = requested.iter().map(|(_, throughput)| units(*throughput)).fold(others, sum);
        self.quota.check(requested, all)?;
        let output = self.engine.run(Operation::CreateTable(create))?;
        if let OperationOutput::CreateTable(created) = &output {
            let now = self.clock.now();
            let mut ledger = self.ledger();
            ledger.open(now, TableDefinition::of(&created.table_description));
            if let Some(account) = ledger.table(now, &created.table_description.table_name) {
                account.creating_until = Some(now + self.create_time);
                apply(now, &settings, account);
            }
        }
        Ok(output)
    }

    fn update_table(&self, mut update: Box<UpdateTable>) -> Result<OperationOutput, DynoxideError> {
        update.fills_afterwards = true;
        let name = update.request.table_name.clone();
        let before = self.describe(&name);
        if before.is_none() {
            return self.engine.run(Operation::UpdateTable(update));
        }
        let now = self.clock.now();
        let others = self.ledger().provisioned_without(&name);
        let change = match self.ledger().table(now, &name) {
            Some(account) => {
                throughput_checks::check_update(&update, &account.definition)?;
                let state = account.state(now);
                throughput_checks::check_update_settings(&update, &account.definition, &state)?;
                let change = Change::of(&update.request, &account.provisioning)?;
                account.provisioning.check(now, &name, &change)?;
                let created = update.created_indexes().map(|_| IndexChange::Create);
                let changes: Vec<_> = created.chain(update.deleted_indexes().map(IndexChange::Delete)).collect();
                account.provisioning.check_indexes(now, &name, &changes)?;
                self.check_quota(&update, &change, &account.provisioning, others)?;
                change
            }
            None => Change::default(),
        };
        let settings = update.settings.clone();
        let online = before.as_ref().and_then(|before| self.online_index(&update, before));
        let mut output = self.engine.run(Operation::UpdateTable(update))?;
        if let OperationOutput::UpdateTable(updated) = &mut output {
            let now = self.clock.now();
            let mut ledger = self.ledger();
            if let Some(account) = ledger.table(now, &name) {
                account.redefine(now, TableDefinition::of(&updated.table_description));
                apply(now, &settings, account);
                if online.is_some() {
                    account.provisioning.set_online_index(online);
                }
                if !change.is_empty()
                    && let Some(before) = before
                {
                    account.provisioning.begin(now, now + self.update_time, change, before);
                }
            }
            // An update that takes no time is complete by now.
            if let Some(account) = ledger.table(now, &name) {
                account.provisioning.show(now, &mut updated.table_description);
            }
        }
        Ok(output)
    }

    /// Checks an update that provisions more. `others` is what the other tables have.
    fn check_quota(
        &self,
        update: &UpdateTable,
        change: &Change,
        current: &Provisioning,
        others: (u64, u64),
    ) -> Result<(), DynoxideError> {
        let created = update.created_throughput().map(|(_, throughput)| units(throughput));
        let (before, after) = (current.total(&Change::default()), created.fold(current.total(change), sum));
        let table = change.table.map(|throughput| (None, throughput));
        let indexes = change.indexes.iter().map(|(name, throughput)| (Some(&**name), *throughput));
        let created = update.created_throughput().map(|(name, throughput)| (Some(name), throughput));
        let is_more = after.0 > before.0 || after.1 > before.1;
        let all = if is_more { sum(others, after) } else { (0, 0) };
        self.quota.check(table.into_iter().chain(indexes).chain(created), all)
    }

    /// What becomes of the index that `update` adds or deletes; `before` describes the table as it is.
    fn online_index(&self, update: &UpdateTable, before: &TableDescription) -> Option<OnlineIndex> {
        let ready = self.clock.now() + self.update_time;
        if let Some((name, _)) = update.created_indexes().next() {
            let items = before.item_count.and_then(|items| u64::try_from(items).ok()).unwrap_or_default();
            return Some(OnlineIndex::Creating(NewIndex::new(name.into(), ready, items)));
        }
        let deleted = update.deleted_indexes().next()?;
        let mut indexes = before.global_secondary_indexes.iter().flatten();
        let description = Box::new(indexes.find(|index| index.index_name == deleted)?.clone());
        Some(OnlineIndex::Deleting { description, until: ready })
    }

    /// Corrects what a description says about throughput. It says that the table is ACTIVE, so from here on it is.
    pub(super) fn show(&self, table: &mut TableDescription) {
        let now = self.clock.now();
        if let Some(account) = self.ledger().table(now, &table.table_name) {
            account.creating_until = None;
            account.provisioning.show(now, table);
        }
    }

    /// A table's corrected description; opens its account if there is none. The caller holds the lock on tables.
    fn describe(&self, name: &str) -> Option<TableDescription> {
        let mut description = self.engine.describe(name)?;
        let now = self.clock.now();
        let is_new = self.ledger().definition(name).is_none();
        let kept = if is_new { self.engine.kept_of_table(name).ok().flatten() } else { None };
        let mut ledger = self.ledger();
        if is_new {
            ledger.open(now, TableDefinition::of(&description));
            let kept: Option<KeptAccount> = kept.and_then(|json| serde_json::from_str(&json).ok());
            if let (Some(kept), Some(account)) = (kept, ledger.table(now, name)) {
                account.restore(kept, now);
            }
        }
        if let Some(account) = ledger.table(now, name) {
            account.provisioning.show(now, &mut description);
        }
        Some(description)
    }

    /// Keeps what has changed of the tables' accounts, if the database is a file.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn keep_accounts(&self) -> Result<(), DynoxideError> {
        if !self.engine.is_persistent() {
            return Ok(());
        }
        let changed = self.ledger().changed_kept(self.clock.now());
        changed.iter().try_for_each(|(table, json)| self.engine.keep_of_table(table, json))
    }

    pub(super) fn lock_tables(&self) -> MutexGuard<'_, ()> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies what a request says of warm throughput, and of the maximums on demand of indexes.
fn apply(now: Duration, settings: &ThroughputSettings, account: &mut Account) {
    let units = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok()).unwrap_or_default();
    let raise = |account: &mut Account, index: Option<&str>, warm: Option<WarmThroughput>| {
        if let Some(warm) = warm {
            let (read, write) = (units(warm.read_units_per_second), units(warm.write_units_per_second));
            account.raise_warm_throughput(now, index, read, write);
        }
    };
    raise(account, None, settings.warm);
    for index in settings.indexes() {
        raise(account, Some(&index.index_name), index.warm_throughput);
        if let Some(maximum) = &index.on_demand_throughput {
            let (read, write) = on_demand_maximum(maximum);
            account.set_index_maximum(now, &index.index_name, read, write);
        }
    }
}

impl Tables for AdmissionGate {
    /// A table without an account is looked up in the engine: CreateTable may be about to open one.
    fn table(&self, name: &str) -> Option<Arc<TableDefinition>> {
        let known = self.ledger().definition(name);
        known.or_else(|| {
            let _changing = self.lock_tables();
            self.describe(name)?;
            self.ledger().definition(name)
        })
    }

    fn is_scarce(&self, table: &TableDefinition, access: Access, requests: usize) -> bool {
        let largest = match access {
            Access::Read => read_units(limits::MAX_ITEM_SIZE, Consistency::Strong),
            Access::Write => write_units(limits::MAX_ITEM_SIZE),
        };
        let most = i64::try_from((largest * requests as u64).rounded_up()).unwrap_or(i64::MAX);
        let now = self.clock.now();
        self.ledger().table(now, &table.name).is_some_and(|account| account.balance(now, access) < most)
    }

    fn stored_size(&self, table: &TableDefinition, item: &Attributes) -> usize {
        let request = GetItemRequest {
            table_name: table.name.to_string(),
            key: table.key_attributes(item),
            consistent_read: Some(true),
            ..GetItemRequest::default()
        };
        match self.engine.run(Operation::GetItem(Box::new(request))) {
            Ok(OperationOutput::GetItem(output)) => output.item.map_or(0, |item| EngineItem::new(&item, table).size()),
            // What cannot be read is charged when the request is settled.
            _ => 0,
        }
    }
}
