//! Checks of the throughput in CreateTable and UpdateTable that the engine does not make.

use capacity::{Settings, TableState, Throughput};
use dynoxide::DynoxideError;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::types::ProvisionedThroughput;

use crate::engine::{CreateTable, IndexSettings, UpdateTable, WarmThroughput};
use crate::ledger::TableDefinition;

/// Checks that a table and its indexes have throughput, unless they are on demand. The billing mode is `PROVISIONED` if the
/// request has none (API Reference, "CreateTable").
///
/// # Errors
/// DynamoDB's, for what has no throughput.
pub(super) fn check_create(create: &CreateTable) -> Result<(), DynoxideError> {
    let request = &create.request;
    check_settings(create)?;
    if is_on_demand(request) {
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

/// A quota of provisioned throughput, in RCU and in WCU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    /// Of one table, and of each of its indexes.
    pub(super) table: u64,
    /// Of all tables and indexes together.
    pub(super) account: u64,
}

impl Quota {
    /// Checks what a request provisions: `resources` are the table (`None`) and the indexes whose throughput it sets.
    /// `provisioned` are the RCU and WCU of the account once the request is done.
    ///
    /// # Errors
    /// `LimitExceededException`, as documented (API Reference, "CreateTable", "UpdateTable"). Its text is not
    /// published: the limits have the names that DescribeLimits gives them.
    pub(super) fn check<'a>(
        self,
        resources: impl IntoIterator<Item = (Option<&'a str>, Throughput)>,
        provisioned: (u64, u64),
    ) -> Result<(), DynoxideError> {
        let exceeded = |member: &str, requested: u64, limit: &str, units: u64, whose: &str| {
            Err(DynoxideError::LimitExceededException(format!(
                "Subscriber limit exceeded: Requested {member}: {requested} for {whose} exceeds {limit}: {units}"
            )))
        };
        let members = |(read, write)| [("Read", read), ("Write", write)];
        for (index, throughput) in resources {
            let Throughput::Provisioned { read, write } = throughput else { continue };
            for (access, units) in members((read, write)) {
                if units > self.table {
                    let whose = index.map_or("the table".to_owned(), |index| format!("the index {index}"));
                    let limit = format!("TableMax{access}CapacityUnits");
                    return exceeded(&format!("{access}CapacityUnits"), units, &limit, self.table, &whose);
                }
            }
        }
        for (access, units) in members(provisioned) {
            if units > self.account {
                let (member, limit) = (format!("{access}CapacityUnits"), format!("AccountMax{access}CapacityUnits"));
                return exceeded(&member, units, &limit, self.account, "all tables");
            }
        }
        Ok(())
    }
}

/// The throughput that a CreateTable asks for. What has none or cannot be read is left to other checks.
pub(super) fn requested(request: &CreateTableRequest) -> Vec<(Option<&str>, Throughput)> {
    let units = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok()).unwrap_or_default();
    let throughput = |own: &ProvisionedThroughput| Throughput::Provisioned {
        read: units(own.read_capacity_units),
        write: units(own.write_capacity_units),
    };
    if is_on_demand(request) {
        return Vec::new();
    }
    let table = request.provisioned_throughput.iter().map(|own| (None, throughput(own)));
    let indexes = request.global_secondary_indexes.iter().flatten();
    let indexes = indexes.filter_map(|index| {
        Some((Some(index.index_name.as_str()), throughput(index.provisioned_throughput.as_ref()?)))
    });
    table.chain(indexes).collect()
}

fn is_on_demand(request: &CreateTableRequest) -> bool {
    request.billing_mode.as_deref() == Some("PAY_PER_REQUEST")
}

/// Checks the warm throughput of the table and its indexes, and the maximum on demand of its indexes.
fn check_settings(create: &CreateTable) -> Result<(), DynoxideError> {
    let on_demand = is_on_demand(&create.request);
    let units = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok()).unwrap_or_default();
    let provisioned = create.request.provisioned_throughput.as_ref();
    let table = provisioned.map(|own| (units(own.read_capacity_units), units(own.write_capacity_units)));
    check_warm("table", create.settings.warm, on_demand, table.unwrap_or_default())?;
    for index in create.settings.indexes() {
        check_maximum(index, on_demand, 1)?;
        let mut own = create.request.global_secondary_indexes.iter().flatten();
        let own = own.find(|each| each.index_name == index.index_name);
        let own = own.and_then(|own| own.provisioned_throughput.as_ref());
        let own = own.map(|own| (units(own.read_capacity_units), units(own.write_capacity_units)));
        let name = format!("index {}", index.index_name);
        check_warm(&name, index.warm_throughput, on_demand, own.unwrap_or_default())?;
    }
    Ok(())
}

/// Checks that a new table or index gets no less warm throughput than it has without asking.
fn check_warm(
    name: &str,
    warm: Option<WarmThroughput>,
    on_demand: bool,
    provisioned: (u64, u64),
) -> Result<(), DynoxideError> {
    let Settings { on_demand_read_units, on_demand_write_units, .. } = Settings::default();
    let least = if on_demand { (on_demand_read_units, on_demand_write_units) } else { provisioned };
    let Some((member, capacity_member)) = lower_member(warm, least) else { return Ok(()) };
    Err(invalid(&if on_demand {
        format!(
            "Requested {member} for WarmThroughput for {name} is lower than initial throughput for OnDemand. See: \
             https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
        )
    } else {
        format!(
            "Requested {member} for WarmThroughput for {name} is lower than {capacity_member} of ProvisionedThroughput"
        )
    }))
}

/// The first member of `warm` that is lower than `least`, and the provisioned throughput that it is compared with.
fn lower_member(warm: Option<WarmThroughput>, least: (u64, u64)) -> Option<(&'static str, &'static str)> {
    let warm = warm?;
    let is_lower =
        |units: Option<i64>, least: u64| units.is_some_and(|units| u64::try_from(units).unwrap_or(0) < least);
    if is_lower(warm.read_units_per_second, least.0) {
        Some(("ReadUnitsPerSecond", "ReadCapacityUnits"))
    } else if is_lower(warm.write_units_per_second, least.1) {
        Some(("WriteUnitsPerSecond", "WriteCapacityUnits"))
    } else {
        None
    }
}

/// Checks the maximum on demand of an index; `least` is the lowest value, or -1 where that removes the maximum.
fn check_maximum(index: &IndexSettings, on_demand: bool, least: i64) -> Result<(), DynoxideError> {
    let Some(maximum) = &index.on_demand_throughput else { return Ok(()) };
    let members = [
        ("MaxReadRequestUnits", maximum.max_read_request_units),
        ("MaxWriteRequestUnits", maximum.max_write_request_units),
    ];
    for (member, units) in members.into_iter().filter_map(|(member, units)| Some((member, units?))) {
        let name = &index.index_name;
        if !on_demand {
            return Err(invalid(&format!(
                "{member} for OnDemandThroughput for index: {name} cannot be specified when table BillingMode is PROVISIONED."
            )));
        }
        if units < least || units == 0 {
            return Err(invalid(&format!(
                "Requested {member} for OnDemandThroughput for index : {name} is outside of valid range"
            )));
        }
    }
    Ok(())
}

/// Checks that an UpdateTable does not lower the warm throughput, and the maximums on demand of indexes. `state` is the
/// table's now.
///
/// # Errors
/// DynamoDB's.
pub(super) fn check_update_settings(
    update: &UpdateTable,
    table: &TableDefinition,
    state: &TableState,
) -> Result<(), DynoxideError> {
    let check = |name: &str, warm, current| match lower_member(warm, current) {
        None => Ok(()),
        Some((member, _)) => Err(invalid(&format!(
            "Requested {member} for WarmThroughput for {name} is lower than current WarmThroughput, decreasing \
             WarmThroughput is not supported"
        ))),
    };
    check("table", update.settings.warm, (state.read.warm, state.write.warm))?;
    for index in update.settings.indexes() {
        check_maximum(index, stays_on_demand(update, table), -1)?;
        let current = state.indexes.iter().find(|each| *each.name == *index.index_name);
        let current = current.map(|each| (each.read.warm, each.write.warm)).unwrap_or_default();
        check(&format!("index {}", index.index_name), index.warm_throughput, current)?;
    }
    Ok(())
}

fn stays_on_demand(update: &UpdateTable, table: &TableDefinition) -> bool {
    match update.request.billing_mode.as_deref() {
        Some("PAY_PER_REQUEST") => true,
        Some("PROVISIONED") => false,
        _ => table.throughput == Throughput::OnDemand,
    }
}

/// Checks that every index of a table that is or becomes provisioned has throughput, and none of a table on demand.
///
/// # Errors
/// DynamoDB's, for the indexes that are wrong.
pub(super) fn check_update(update: &UpdateTable, table: &TableDefinition) -> Result<(), DynoxideError> {
    let was_on_demand = table.throughput == Throughput::OnDemand;
    if stays_on_demand(update, table) {
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
