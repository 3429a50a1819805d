//! The one gate between the wire and the engine: every operation passes it, typed, on its way in, and its answer,
//! typed, on its way out.
//!
//! A request is decided with what is known before the engine runs, run if any of it gets in, and settled with what the
//! engine says was consumed. No lock is held while the engine runs, except by operations that change tables: those run
//! one at a time, so that a table is never looked at half changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::capacity::{Access, Settings};
use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::describe_table::DescribeTableRequest;
use dynoxide::actions::list_tables::ListTablesRequest;

use crate::clock::Clock;
use crate::consumed::{self, Consumed};
use crate::demand::{Ask, Demand, Tables, failed_write_units};
use crate::engine::Engine;
use crate::index_throughput::UpdateTable;
use crate::ledger::{Admitted, Ledger, Refused};
use crate::operation::{Answer, Name, Operation};
use crate::partial::Parts;
use crate::provisioning::Change;
use crate::refusal::{self, Refusal};
use crate::snapshot::Snapshot;
use crate::table_definition::{Attributes, TableDefinition};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine refused or failed.
    Engine(DynoxideError),
    /// Nothing of the request got in.
    Throttled(Refusal),
}

impl From<DynoxideError> for Failure {
    fn from(error: DynoxideError) -> Self {
        Self::Engine(error)
    }
}

/// Whether provisioned capacity is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enforcement {
    On,
    /// The engine answers everything; nothing is counted.
    Off,
}

/// The gate.
pub(crate) struct Gate {
    engine: Engine,
    clock: Clock,
    enforcement: Enforcement,
    update_time: Duration,
    ledger: Mutex<Ledger>,
    /// Held by whoever changes tables, or reads a table's description for the ledger.
    tables: Mutex<()>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("enforcement", &self.enforcement).finish_non_exhaustive()
    }
}

impl Gate {
    pub(crate) fn new(engine: Engine, clock: Clock, enforcement: Enforcement, settings: Settings) -> Self {
        let update_time = settings.update_time;
        let ledger = Mutex::new(Ledger::new(settings));
        let gate = Self { engine, clock, enforcement, update_time, ledger, tables: Mutex::new(()) };
        if enforcement == Enforcement::On {
            gate.open_tables();
        }
        gate
    }

    /// Opens the tables of a database file in the ledger, so that they are shown before anyone uses them.
    fn open_tables(&self) {
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

    /// Shows `look` how everything stands now. It may take its time: it looks at a copy, and holds nobody up.
    pub(crate) fn snapshot<T>(&self, look: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        let (now, tables, metrics) = {
            let mut ledger = self.ledger();
            let now = self.clock.now();
            (now, ledger.states(now), ledger.metrics.clone())
        };
        look(&Snapshot {
            tables: &tables,
            series: &metrics.series(now),
            now,
            speed: self.clock.speed(),
            throttling: self.enforcement == Enforcement::On,
        })
    }

    /// The books. A thread that panicked over them left them whole: every change is one call of the model.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `operation`, or refuses it.
    ///
    /// # Errors
    /// The engine's, or the refusal.
    pub(crate) fn run(&self, operation: Operation) -> Result<Answer, Failure> {
        if self.enforcement == Enforcement::Off {
            // Whether its name is free must still be true when the table is created.
            let _changing = matches!(operation, Operation::CreateTable(_)).then(|| self.lock_tables());
            return Ok(self.engine.run(operation)?);
        }
        match operation {
            Operation::CreateTable(_) | Operation::DeleteTable(_) | Operation::UpdateTable(_) => {
                Ok(self.change_table(operation)?)
            }
            Operation::DescribeTable(_) => {
                let mut answer = self.engine.run(operation)?;
                if let Answer::DescribeTable(answer) = &mut answer {
                    self.show(&mut answer.table);
                }
                Ok(answer)
            }
            operation => match Demand::of(&operation, self) {
                Some(demand) => self.admit(operation, demand),
                // Reads and writes no items, or is about to be refused.
                None => Ok(self.engine.run(operation)?),
            },
        }
    }

    fn admit(&self, mut operation: Operation, demand: Demand) -> Result<Answer, Failure> {
        let name = operation.name();
        let access = if demand.asks.iter().any(Ask::is_write) { Access::Write } else { Access::Read };
        let asked: Vec<_> = demand.asks.iter().map(|ask| ask.table.clone()).collect();
        let started = self.clock.now();
        let decision = self.ledger().decide(started, demand);
        let mut parts = Parts::default();
        if !decision.refused.is_empty() {
            parts = Parts::remove(&mut operation, &decision.refused);
            if !parts.any_left {
                self.count_refused(started, name, &decision.refused);
                if name == Name::BatchExecuteStatement {
                    // Every statement answers for itself, and the request succeeds.
                    let mut answer = Answer::BatchExecuteStatement(Box::default());
                    parts.put_back(&mut answer);
                    return Ok(answer);
                }
                return Err(refuse(name, asked.len(), &decision.refused));
            }
        }
        let wanted = consumed::ask_for_all(&mut operation);
        let condition = FailedCondition::prepare(&mut operation);
        let ran = self.engine.run(operation);
        let now = self.clock.now();
        match ran {
            Ok(mut answer) => {
                // A mode that the engine accepts and this does not know: nothing is settled, what was asked for stays.
                if let Some(wanted) = wanted {
                    let consumed = consumed::take(&mut answer, access, wanted);
                    self.count_answered(now, name, &decision.admitted, &consumed, &answer, started);
                }
                parts.put_back(&mut answer);
                Ok(answer)
            }
            Err(error) => Err(self.count_failed(now, &decision.admitted, &condition, error).into()),
        }
    }

    fn count_refused(&self, now: Duration, name: Name, refused: &[Refused]) {
        let mut ledger = self.ledger();
        for (position, part) in refused.iter().enumerate() {
            if !refused[..position].iter().any(|other| other.table.name == part.table.name) {
                ledger.metrics.throttled_request(now, &part.table.name, name);
            }
        }
    }

    fn count_answered(
        &self,
        now: Duration,
        name: Name,
        admitted: &Admitted,
        consumed: &[Consumed],
        answer: &Answer,
        started: Duration,
    ) {
        let latency = self.clock.real_time_since(started);
        let returned = match answer {
            Answer::Query(answer) => Some(answer.count),
            Answer::Scan(answer) => Some(answer.count),
            _ => None,
        };
        let mut ledger = self.ledger();
        ledger.settle(now, admitted, consumed);
        for table in admitted.tables() {
            ledger.metrics.answered(now, &table.name, name, latency);
            if let Some(items) = returned {
                ledger.metrics.returned_items(now, &table.name, name, items);
            }
        }
    }

    /// A write whose condition does not hold is paid for; whatever else the engine refuses is not.
    fn count_failed(
        &self,
        now: Duration,
        admitted: &Admitted,
        condition: &FailedCondition,
        error: DynoxideError,
    ) -> DynoxideError {
        let mut ledger = self.ledger();
        let table = admitted.tables().next();
        let (consumed, error) = match error {
            DynoxideError::ConditionalCheckFailedException(message, old) => {
                let units = table.map(|table| failed_write_units(table, old.as_ref(), condition.put.as_ref()));
                let consumed = table.zip(units).map(|(table, units)| Consumed {
                    table: table.name.to_string(),
                    access: Access::Write,
                    units,
                    indexes: Vec::new(),
                });
                let old = old.filter(|_| condition.item_wanted);
                (consumed.into_iter().collect(), DynoxideError::ConditionalCheckFailedException(message, old))
            }
            DynoxideError::DuplicateItemException(_) => (admitted.writes_without_indexes(), error),
            DynoxideError::TransactionCanceledException(_, ref reasons)
                if reasons.iter().any(|reason| matches!(&*reason.code, "ConditionalCheckFailed" | "DuplicateItem")) =>
            {
                (admitted.writes_without_indexes(), error)
            }
            other => (Vec::new(), other),
        };
        ledger.settle(now, admitted, &consumed);
        if !consumed.is_empty() {
            for table in admitted.tables() {
                ledger.metrics.condition_failed(now, &table.name);
            }
        }
        error
    }

    fn change_table(&self, operation: Operation) -> Result<Answer, DynoxideError> {
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
    fn show(&self, table: &mut TableDescription) {
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

    fn lock_tables(&self) -> MutexGuard<'_, ()> {
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

fn refuse(name: Name, parts: usize, refused: &[Refused]) -> Failure {
    match name {
        Name::TransactWriteItems | Name::TransactGetItems | Name::ExecuteTransaction => {
            let refused: Vec<_> = refused.iter().map(|part| (part.position, &part.throttle)).collect();
            let (message, reasons) = refusal::cancellation(parts, &refused);
            Failure::Engine(DynoxideError::TransactionCanceledException(message, reasons))
        }
        _ => Failure::Throttled(Refusal::of(refused.iter().map(|part| (part.table.arn.as_str(), &part.throttle)))),
    }
}

/// What has to be known to price a write whose condition has failed. The engine tells the item that it failed on if it
/// is asked to.
#[derive(Default)]
struct FailedCondition {
    put: Option<Attributes>,
    item_wanted: bool,
}

impl FailedCondition {
    fn prepare(operation: &mut Operation) -> Self {
        let (put, member) = match operation {
            Operation::PutItem(request) => {
                let conditional = request.condition_expression.is_some() || request.expected.is_some();
                (conditional.then(|| request.item.clone()), &mut request.return_values_on_condition_check_failure)
            }
            Operation::UpdateItem(request) => (None, &mut request.return_values_on_condition_check_failure),
            Operation::DeleteItem(request) => (None, &mut request.return_values_on_condition_check_failure),
            Operation::ExecuteStatement(request) => (None, &mut request.return_values_on_condition_check_failure),
            _ => return Self::default(),
        };
        match member.as_deref() {
            None | Some("NONE" | "ALL_OLD") => {
                let item_wanted = member.as_deref() == Some("ALL_OLD");
                *member = Some("ALL_OLD".into());
                Self { put, item_wanted }
            }
            // The engine refuses it.
            Some(_) => Self { put, item_wanted: true },
        }
    }
}
