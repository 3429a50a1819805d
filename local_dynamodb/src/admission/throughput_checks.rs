//! Checks of the throughput in CreateTable and UpdateTable that the engine does not make.

use capacity::Throughput;
use dynoxide::DynoxideError;
use dynoxide::actions::create_table::CreateTableRequest;

use crate::engine::UpdateTable;
use crate::ledger::TableDefinition;

/// Checks that a table and its indexes have throughput, unless they are on demand. The billing mode is `PROVISIONED` if the
/// request has none (API Reference, "CreateTable").
///
/// # Errors
/// DynamoDB's, for what has no throughput.
pub(super) fn check_create(request: &CreateTableRequest) -> Result<(), DynoxideError> {
    if request.billing_mode.as_deref() == Some("PAY_PER_REQUEST") {
        return Ok(());
    }
    if request.provisioned_throughput.is_none() {
        return Err(invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ));
    }
    let mut indexes = request.global_secondary_indexes.iter().flatten();
    match indexes.find(|index| index.provisioned_throughput.is_none()) {
        Some(index) => Err(invalid(&format!("ProvisionedThroughput is not specified for index: {}", index.index_name))),
        None => Ok(()),
    }
}

/// Checks that every index of a table that is or becomes provisioned has throughput, and none of a table on demand.
///
/// # Errors
/// DynamoDB's, for the indexes that are wrong.
pub(super) fn check_update(update: &UpdateTable, table: &TableDefinition) -> Result<(), DynoxideError> {
    let was_on_demand = table.throughput == Throughput::OnDemand;
    let on_demand = match update.request.billing_mode.as_deref() {
        Some("PAY_PER_REQUEST") => true,
        Some("PROVISIONED") => false,
        _ => was_on_demand,
    };
    if on_demand {
        return match update.created_indexes().find(|(_, has_throughput)| *has_throughput) {
            Some((name, _)) => Err(invalid(&format!(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when BillingMode is \
                 PAY_PER_REQUEST"
            ))),
            None => Ok(()),
        };
    }
    let created = update.created_indexes().filter(|(_, has_throughput)| !has_throughput).map(|(name, _)| name);
    let existing = table.index_throughputs.iter().map(|(name, _)| &**name);
    // The throughput of the table itself is the engine's to check, and comes first.
    let switched = existing.filter(|name| {
        was_on_demand
            && update.request.provisioned_throughput.is_some()
            && !update.updated_indexes().any(|updated| updated == *name)
    });
    let missing: Vec<_> = switched.chain(created).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(invalid(&format!("ProvisionedThroughput must be specified for index: {}", missing.join(","))))
}

/// A `ValidationException` with DynamoDB's prefix for parameters that contradict each other.
pub(super) fn invalid(reason: &str) -> DynoxideError {
    DynoxideError::ValidationException(format!("One or more parameter values were invalid: {reason}"))
}
