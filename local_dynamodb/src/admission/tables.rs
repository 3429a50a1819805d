//! Operations that change tables, and the tables' accounts in the ledger.

use std::sync::{Arc, MutexGuard, PoisonError};

use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::list_tables::ListTablesRequest;

use super::gate::AdmissionGate;
use super::request_cost::Tables;
use super::throughput_checks;
use crate::engine::{Operation, OperationOutput, UpdateTable};
use crate::ledger::{Change, TableDefinition};

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
    }

    /// Runs an operation that changes a table.
    ///
    /// # Errors
    /// The engine's, or DynamoDB's for an update of the throughput.
    pub(super) fn change_table(&self, operation: Operation) -> Result<OperationOutput, DynoxideError> {
        let _changing = self.lock_tables();
        match operation {
            Operation::UpdateTable(request) => self.update_table(request),
            operation => {
                if let Operation::DeleteTable(request) = &operation
                    && let Some(account) = self.ledger().table(self.clock.now(), &request.table_name)
                {
                    account.provisioning.check_idle(&request.table_name)?;
                }
                let output = self.engine.run(operation)?;
                match &output {
                    OperationOutput::CreateTable(created) => {
                        let definition = TableDefinition::of(&created.table_description);
                        let now = self.clock.now();
                        self.ledger().open(now, definition);
                        if let Some(account) = self.ledger().table(now, &created.table_description.table_name) {
                            account.creating_until = Some(now + self.create_time);
                        }
                    }
                    OperationOutput::DeleteTable(deleted) => self.ledger().close(&deleted.table_description.table_name),
                    _ => {}
                }
                Ok(output)
            }
        }
    }

    fn update_table(&self, update: Box<UpdateTable>) -> Result<OperationOutput, DynoxideError> {
        let name = update.request.table_name.clone();
        let before = self.describe(&name);
        if before.is_none() {
            return self.engine.run(Operation::UpdateTable(update));
        }
        let now = self.clock.now();
        let change = match self.ledger().table(now, &name) {
            Some(account) => {
                throughput_checks::check_update(&update, &account.definition)?;
                let change = Change::of(&update.request, &account.provisioning)?;
                account.provisioning.check(now, &name, &change)?;
                change
            }
            None => Change::default(),
        };
        let mut output = self.engine.run(Operation::UpdateTable(update))?;
        if let OperationOutput::UpdateTable(updated) = &mut output {
            let now = self.clock.now();
            let mut ledger = self.ledger();
            if let Some(account) = ledger.table(now, &name) {
                account.redefine(now, TableDefinition::of(&updated.table_description));
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
        let request = DescribeTableRequest { table_name: name.to_owned() };
        let Ok(OperationOutput::DescribeTable(output)) = self.engine.run(Operation::DescribeTable(Box::new(request)))
        else {
            return None;
        };
        let mut description = output.table;
        let now = self.clock.now();
        let mut ledger = self.ledger();
        if ledger.definition(name).is_none() {
            ledger.open(now, TableDefinition::of(&description));
        }
        if let Some(account) = ledger.table(now, name) {
            account.provisioning.show(now, &mut description);
        }
        Some(description)
    }

    pub(super) fn lock_tables(&self) -> MutexGuard<'_, ()> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
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
}
