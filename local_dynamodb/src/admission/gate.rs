//! The gate between the protocol and the engine.
//!
//! A request is admitted or throttled by what is known before the engine runs, run if any part of it is admitted, and
//! settled with what the engine says was consumed. No lock is held while the engine runs, except by operations that change
//! tables: those run one at a time, so that no one sees a half-changed table.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use capacity::{Access, CapacityUnits, Settings, TableState};
use dynoxide::DynoxideError;

use super::consumed_capacity::{self, request_indexes};
use super::failed_condition::FailedCondition;
use super::partial_batch::RemovedParts;
use super::throttle_error::{self, ThrottleError};
use super::throughput_checks::{self, Quota};
use crate::clock::Clock;
use crate::engine::{Engine, Operation, OperationName, OperationOutput, is_expired_iterator};
use crate::ledger::{CapacityRequest, Ledger, RequestCost, TableDefinition, ThrottledPart};
use crate::metrics::{Metrics, Snapshot};

#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine's error.
    Engine(DynoxideError),
    /// No part of the request was admitted.
    Throttled(ThrottleError),
    /// The shard iterator of a GetRecords is too old.
    ExpiredIterator,
}

impl From<DynoxideError> for Failure {
    fn from(error: DynoxideError) -> Self {
        Self::Engine(error)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enforcement {
    On,
    /// The engine runs everything; nothing is counted.
    Off,
}

pub(crate) struct AdmissionGate {
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    enforcement: Enforcement,
    pub(super) create_time: Duration,
    pub(super) update_time: Duration,
    pub(super) quota: Quota,
    ledger: Mutex<Ledger>,
    /// Held while tables change, or while a table's description is read for the ledger.
    pub(super) tables: Mutex<()>,
}

impl std::fmt::Debug for AdmissionGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdmissionGate").field("enforcement", &self.enforcement).finish_non_exhaustive()
    }
}

impl AdmissionGate {
    pub(crate) fn new(engine: Engine, clock: Clock, enforcement: Enforcement, settings: Settings) -> Self {
        let (create_time, update_time) = (settings.create_time, settings.update_time);
        let quota = Quota { table: settings.table_quota, account: settings.account_quota };
        let ledger = Mutex::new(Ledger::new(settings));
        let gate = Self { engine, clock, enforcement, create_time, update_time, quota, ledger, tables: Mutex::new(()) };
        match enforcement {
            Enforcement::On => gate.open_tables(),
            Enforcement::Off => gate.complete_fills(),
        }
        gate
    }

    /// Calls `look` with a copy of the current state, so that it may take its time.
    pub(crate) fn snapshot<T>(&self, look: impl FnOnce(&Snapshot<'_>) -> T) -> T {
        let (now, tables, creations, metrics) = {
            let mut ledger = self.ledger();
            let now = self.clock.now();
            (now, ledger.states(now), ledger.creations(now), ledger.metrics.clone())
        };
        look(&Snapshot {
            tables: &tables,
            creations: &creations,
            series: &metrics.series(now),
            now,
            speed: self.clock.speed(),
            throttling: self.enforcement == Enforcement::On,
        })
    }

    /// Calls `look` with the tables' state and all metrics, under the ledger's lock: it is to be quick.
    pub(crate) fn observe<T>(&self, look: impl FnOnce(Duration, &[(Arc<str>, TableState)], &Metrics) -> T) -> T {
        let mut ledger = self.ledger();
        let now = self.clock.now();
        let tables = ledger.states(now);
        look(now, &tables, &ledger.metrics)
    }

    /// Runs an operation that only reads, for people who look on: it costs no capacity and is not counted.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn look(&self, operation: Operation) -> Result<OperationOutput, DynoxideError> {
        self.engine.run(operation)
    }

    /// Whether capacity is enforced and counted.
    pub(crate) fn is_enforcing(&self) -> bool {
        self.enforcement == Enforcement::On
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// The quotas of provisioned throughput, of a table and of the account.
    pub(crate) fn quotas(&self) -> (u64, u64) {
        (self.quota.table, self.quota.account)
    }

    /// Seconds of the server's clock in a second.
    pub(crate) fn speed(&self) -> NonZeroU32 {
        self.clock.speed()
    }

    /// A thread that panicked while it held the lock left the ledger consistent: every change is one call of the model.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `operation` if it is admitted.
    ///
    /// # Errors
    /// The engine's error, or throttling.
    pub(crate) fn run(&self, operation: Operation) -> Result<OperationOutput, Failure> {
        if let Operation::CreateTable(request) = &operation {
            throughput_checks::check_create(request)?;
        }
        if let Operation::GetRecords(request) = &operation
            && is_expired_iterator(&request.shard_iterator, self.clock.now())
        {
            return Err(Failure::ExpiredIterator);
        }
        if self.enforcement == Enforcement::Off {
            return Ok(self.run_unlimited(operation)?);
        }
        match operation {
            Operation::CreateTable(_) | Operation::DeleteTable(_) | Operation::UpdateTable(_) => {
                if let Operation::UpdateTable(update) = &operation
                    && update.created_indexes().next().is_some()
                {
                    // The progress of the fill is told by the number of items.
                    self.engine.count_items(&update.request.table_name)?;
                }
                Ok(self.change_table(operation)?)
            }
            Operation::DescribeTable(_) => {
                let mut output = self.engine.run(operation)?;
                if let OperationOutput::DescribeTable(output) = &mut output {
                    self.show(&mut output.table);
                }
                Ok(output)
            }
            operation => match RequestCost::of(&operation, self) {
                Some(cost) => self.admit(operation, cost),
                // It reads and writes no items, or the engine will refuse it.
                None => Ok(self.engine.run(operation)?),
            },
        }
    }

    fn run_unlimited(&self, operation: Operation) -> Result<OperationOutput, DynoxideError> {
        // What is found now, such as a free name, must still be true when the table is changed.
        let changes = matches!(operation, Operation::CreateTable(_) | Operation::UpdateTable(_));
        let _changing = changes.then(|| self.lock_tables());
        if let Operation::UpdateTable(update) = &operation
            && let Some(table) = self.engine.describe(&update.request.table_name)
        {
            throughput_checks::check_update(update, &TableDefinition::of(&table))?;
        }
        self.engine.run(operation)
    }

    /// Deletes a page of the items that had expired at `delay` before now, whatever capacity is left. Whether any was found.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn delete_expired(&self, delay: Duration) -> Result<bool, DynoxideError> {
        let deleted = self.engine.delete_expired(delay)?;
        if self.enforcement == Enforcement::On {
            let mut ledger = self.ledger();
            for (table, items) in &deleted {
                ledger.metrics.expired(self.clock.now(), &table.as_str().into(), *items);
            }
        }
        Ok(!deleted.is_empty())
    }

    /// Deletes the stream records that are too old to be read.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn trim_streams(&self) -> Result<(), DynoxideError> {
        self.engine.trim_streams()
    }

    /// A text that an earlier server on this database has kept under this name.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn kept(&self, name: &str) -> Result<Option<String>, DynoxideError> {
        self.engine.kept(name)
    }

    /// Keeps a text under a name, for the next server on this database.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn keep(&self, name: &str, value: &str) -> Result<(), DynoxideError> {
        self.engine.keep(name, value)
    }

    /// Whether the data is in a file.
    pub(crate) fn is_persistent(&self) -> bool {
        self.engine.is_persistent()
    }

    /// Whether any index waits to be filled.
    pub(crate) fn has_fills(&self) -> bool {
        self.ledger().has_fills()
    }

    /// Puts a page of items into each index that is being filled, as far as its capacity allows. Whether there may be more to
    /// do at once.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn fill_indexes(&self) -> Result<bool, DynoxideError> {
        let fills = self.ledger().fills(self.clock.now());
        let mut more = false;
        for (table, index, allowance) in fills {
            let page = self.engine.fill_index(&table, &index, CapacityUnits::new(allowance))?;
            let now = self.clock.now();
            let mut ledger = self.ledger();
            // Deleted meanwhile.
            let Some(page) = page else { continue };
            more |= !page.is_last && !page.is_throttled;
            ledger.filled(now, &table, &index, &page);
        }
        Ok(more)
    }

    /// Counts the items of a large table that was described with an old count.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) fn count_outdated(&self) -> Result<(), DynoxideError> {
        self.engine.count_outdated()
    }

    fn admit(&self, mut operation: Operation, cost: RequestCost) -> Result<OperationOutput, Failure> {
        let name = operation.name();
        let access = if cost.parts.iter().any(CapacityRequest::is_write) { Access::Write } else { Access::Read };
        let number_of_parts = cost.parts.len();
        let started = self.clock.now();
        let decision = {
            let mut ledger = self.ledger();
            if cost.parts.iter().any(|part| ledger.is_creating(started, &part.table.name)) {
                return Err(DynoxideError::ResourceNotFoundException("Requested resource not found".into()).into());
            }
            check_indexes_are_filled(&ledger, &cost)?;
            ledger.decide(started, cost)
        };
        let mut removed = RemovedParts::default();
        if !decision.throttled.is_empty() {
            removed = RemovedParts::remove(&mut operation, &decision.throttled);
            if !removed.any_left {
                self.count_throttled(started, name, &decision.throttled);
                if name == OperationName::BatchExecuteStatement {
                    // Each statement has a result of its own, and the request succeeds.
                    let mut output = OperationOutput::BatchExecuteStatement(Box::default());
                    removed.put_back(&mut output);
                    return Ok(output);
                }
                return Err(throttle(name, number_of_parts, &decision.throttled));
            }
        }
        let requested = request_indexes(&mut operation);
        let condition = FailedCondition::prepare(&mut operation);
        let ran = self.engine.run(operation);
        let now = self.clock.now();
        match ran {
            Ok(mut output) => {
                // Without it the engine accepted a mode that is not known here: what was taken stays taken.
                if let Some(requested) = requested {
                    let consumed = consumed_capacity::take(&mut output, access, requested);
                    self.count_answered(now, name, &decision.admitted, &consumed, &output, started);
                }
                removed.put_back(&mut output);
                Ok(output)
            }
            Err(error) => Err(self.count_failed(now, name, &decision.admitted, &condition, error).into()),
        }
    }
}

/// An index that is being created takes writes and cannot be read.
fn check_indexes_are_filled(ledger: &Ledger, cost: &RequestCost) -> Result<(), DynoxideError> {
    let read_indexes = cost.parts.iter().filter_map(|part| Some((&part.table.name, part.read_index()?)));
    for (table, index) in read_indexes {
        if ledger.is_creating_index(table, index) {
            let message = format!("Cannot read from backfilling global secondary index: {index}");
            return Err(DynoxideError::ValidationException(message));
        }
    }
    Ok(())
}

fn throttle(name: OperationName, parts: usize, throttled: &[ThrottledPart]) -> Failure {
    match name {
        OperationName::TransactWriteItems | OperationName::TransactGetItems | OperationName::ExecuteTransaction => {
            let (message, reasons) = throttle_error::cancellation(parts, throttled.iter().map(Into::into));
            Failure::Engine(DynoxideError::TransactionCanceledException(message, reasons))
        }
        _ => Failure::Throttled(ThrottleError::of(throttled.iter().map(Into::into))),
    }
}
