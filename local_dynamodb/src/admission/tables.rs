//! Operations that change tables, and what the ledger has to know of tables.

use std::sync::{Arc, MutexGuard, PoisonError};

use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::list_tables::ListTablesRequest;

use super::Gate;
use crate::demand::Tables;
use crate::index_throughput::UpdateTable;
use crate::operation::{Answer, Operation};
use crate::provisioning::Change;
use crate::table_definition::TableDefinition;

impl Gate {
    /// Opens the tables of a database file in the ledger, so that they are shown before anyone uses them.
    pub(super) fn open_tables(&self) {
        let _changing = self.lock_tables();
        let mut request = ListTablesRequest::default();
        while let Ok(Answer::ListTables(page)) = self.engine.run(Operation::ListTables(Box::new(request))) {
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
    /// The engine's, or what is wrong with an update of the throughput.
    pub(super) fn change_table(&self, operation: Operation) -> Result<Answer, DynoxideError> {
        let _changing = self.lock_tables();
        match operation {
            Operation::UpdateTable(request) => self.update_table(request),
            operation => {
                if let Operation::DeleteTable(request) = &operation
                    && let Some(entry) = self.ledger().table(self.clock.now(), &request.table_name)
                {
                    entry.provisioning.check_idle(&request.table_name)?;
                }
                let answer = self.engine.run(operation)?;
                match &answer {
                    Answer::CreateTable(created) => {
                        let definition = TableDefinition::of(&created.table_description);
                        self.ledger().open(self.clock.now(), definition);
                    }
                    Answer::DeleteTable(deleted) => self.ledger().close(&deleted.table_description.table_name),
                    _ => {}
                }
                Ok(answer)
            }
        }
    }

    fn update_table(&self, update: Box<UpdateTable>) -> Result<Answer, DynoxideError> {
        let name = update.request.table_name.clone();
        let before = self.describe(&name);
        if before.is_none() {
            return self.engine.run(Operation::UpdateTable(update));
        }
        let now = self.clock.now();
        let change = match self.ledger().table(now, &name) {
            Some(entry) => {
                let change = Change::of(&update.request, &entry.provisioning)?;
                entry.provisioning.check(now, &name, &change)?;
                change
            }
            None => Change::default(),
        };
        let mut answer = self.engine.run(Operation::UpdateTable(update))?;
        if let Answer::UpdateTable(updated) = &mut answer {
            let now = self.clock.now();
            let mut ledger = self.ledger();
            if let Some(entry) = ledger.table(now, &name) {
                entry.redefine(now, TableDefinition::of(&updated.table_description));
                if !change.is_empty()
                    && let Some(before) = before
                {
                    entry.provisioning.begin(now, now + self.update_time, change, before);
                }
            }
            // An update that takes no time is complete by now.
            if let Some(entry) = ledger.table(now, &name) {
                entry.provisioning.show(now, &mut updated.table_description);
            }
        }
        Ok(answer)
    }

    /// Corrects what a description says about throughput.
    pub(super) fn show(&self, table: &mut TableDescription) {
        let now = self.clock.now();
        if let Some(entry) = self.ledger().table(now, &table.table_name) {
            entry.provisioning.show(now, table);
        }
    }

    /// A table as it is shown, opened in the ledger. Only for holders of the lock on tables.
    fn describe(&self, name: &str) -> Option<TableDescription> {
        let request = DescribeTableRequest { table_name: name.to_owned() };
        let Ok(Answer::DescribeTable(answer)) = self.engine.run(Operation::DescribeTable(Box::new(request))) else {
            return None;
        };
        let mut description = answer.table;
        let now = self.clock.now();
        let mut ledger = self.ledger();
        if ledger.definition(name).is_none() {
            ledger.open(now, TableDefinition::of(&description));
        }
        if let Some(entry) = ledger.table(now, name) {
            entry.provisioning.show(now, &mut description);
        }
        Some(description)
    }

    /// Held while tables change.
    pub(super) fn lock_tables(&self) -> MutexGuard<'_, ()> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables for Gate {
    /// A table that the ledger does not know is looked up in the engine: it may be about to be opened by CreateTable.
    fn table(&self, name: &str) -> Option<Arc<TableDefinition>> {
        let known = self.ledger().definition(name);
        known.or_else(|| {
            let _changing = self.lock_tables();
            self.describe(name)?;
            self.ledger().definition(name)
        })
    }
}
