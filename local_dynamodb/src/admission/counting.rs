//! What requests consumed, and how they ended, in the ledger and its metrics.

use std::time::Duration;

use capacity::Access;
use dynoxide::DynoxideError;

use super::failed_condition::FailedCondition;
use super::gate::AdmissionGate;
use super::request_cost::failed_write_units;
use crate::engine::{OperationName, OperationOutput};
use crate::ledger::{Admitted, Consumption, ThrottledPart};

impl AdmissionGate {
    pub(super) fn count_throttled(&self, now: Duration, name: OperationName, throttled: &[ThrottledPart]) {
        let mut ledger = self.ledger();
        for (position, part) in throttled.iter().enumerate() {
            if !throttled[..position].iter().any(|other| other.table.name == part.table.name) {
                ledger.metrics.throttled_request(now, &part.table.name, name.as_str());
            }
        }
    }

    pub(super) fn count_answered(
        &self,
        now: Duration,
        name: OperationName,
        admitted: &Admitted,
        consumed: &[Consumption],
        output: &OperationOutput,
        started: Duration,
    ) {
        let latency = self.clock.real_time_since(started);
        let returned = match output {
            OperationOutput::Query(output) => Some(output.count),
            OperationOutput::Scan(output) => Some(output.count),
            _ => None,
        };
        let mut ledger = self.ledger();
        ledger.settle(now, admitted, consumed);
        for table in admitted.tables() {
            ledger.metrics.answered(now, &table.name, name.as_str(), latency);
            if let Some(items) = returned {
                ledger.metrics.returned_items(now, &table.name, name.as_str(), items);
            }
        }
    }

    /// Counts a request that is answered with an error of the client's or the server's.
    pub(crate) fn count_error(&self, error: &DynoxideError) {
        let is_counted = !matches!(
            error,
            DynoxideError::ConditionalCheckFailedException(..) | DynoxideError::StatementConditionalCheckFailed(..)
        );
        if self.is_enforcing() && is_counted && error.status_code() < 500 {
            let now = self.clock.now();
            self.ledger().metrics.user_error(now);
        }
    }

    /// A write whose condition fails consumes capacity. Nothing else that the engine refuses does.
    pub(super) fn count_failed(
        &self,
        now: Duration,
        name: OperationName,
        admitted: &Admitted,
        condition: &FailedCondition,
        error: DynoxideError,
    ) -> DynoxideError {
        let mut ledger = self.ledger();
        let table = admitted.tables().next();
        let (consumed, error) = match error {
            DynoxideError::ConditionalCheckFailedException(message, old) => {
                let units = table.map(|table| failed_write_units(table, old.as_ref(), condition.put.as_ref()));
                let consumed = table.zip(units).map(|(table, units)| Consumption {
                    table: table.name.to_string(),
                    access: Access::Write,
                    units,
                    indexes: Vec::new(),
                });
                let old = old.filter(|_| condition.item_requested);
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
        for table in admitted.tables().filter(|_| error.status_code() >= 500) {
            ledger.metrics.system_error(now, &table.name, name.as_str());
        }
        if let DynoxideError::TransactionCanceledException(_, reasons) = &error
            && reasons.iter().any(|reason| reason.code == "TransactionConflict")
        {
            admitted.tables().for_each(|table| ledger.metrics.transaction_conflict(now, &table.name));
        }
        ledger.settle(now, admitted, &consumed);
        if !consumed.is_empty() {
            for table in admitted.tables() {
                ledger.metrics.condition_failed(now, &table.name);
            }
        }
        error
    }
}
