//! The one gate between the wire and the engine: every operation passes it, typed, on its way in, and its answer,
//! typed, on its way out.
//!
//! A request is decided with what is known before the engine runs, run if any of it gets in, and settled with what the
//! engine says was consumed. No lock is held while the engine runs, except by operations that change tables: those run
//! one at a time, so that a table is never looked at half changed.

mod failed_condition;
mod tables;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use capacity::{Access, Settings};
use dynoxide::DynoxideError;

use self::failed_condition::FailedCondition;
use crate::clock::Clock;
use crate::consumed::{self, Consumed};
use crate::demand::{Ask, Demand, failed_write_units};
use crate::engine::Engine;
use crate::ledger::{Admitted, Ledger, Refused};
use crate::operation::{Answer, Name, Operation};
use crate::partial::Parts;
use crate::refusal::{self, Refusal};
use crate::snapshot::Snapshot;

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
