//! The provisioned throughput of a table and its indexes, and how UpdateTable changes it: UPDATING first, with the old
//! values in force and shown, then ACTIVE with the new ones.
//!
//! The engine changes the throughput of a table and its indexes at once. What is in force until the update is complete,
//! and what descriptions show, is decided here.

use std::sync::Arc;
use std::time::Duration;

use capacity::Throughput;
use dynoxide::DynoxideError;
use dynoxide::actions::TableDescription;
use dynoxide::actions::update_table::UpdateTableRequest;

use super::online_index::{self, IndexChange, NewIndex, OnlineIndex};
use super::provisioned::{Provisioned, ThroughputHistory, is_on_demand};
use super::table_definition::TableDefinition;
use super::{sum, units};

/// The throughput of a table and its global indexes, and the update in progress.
#[derive(Debug)]
pub(crate) struct Provisioning {
    table: Provisioned,
    indexes: Vec<(Arc<str>, Provisioned)>,
    update: Option<Update>,
    online_index: Option<OnlineIndex>,
}

/// What an UpdateTable changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) table: Option<Throughput>,
    pub(crate) indexes: Vec<(Arc<str>, Throughput)>,
}

#[derive(Debug)]
struct Update {
    due: Duration,
    change: Change,
    before: Box<TableDescription>,
}

impl Change {
    /// What `request` changes of the throughput of a table that has `current`. Values that are missing or out of range,
    /// and indexes that the table does not have, are left to the engine, which refuses them.
    ///
    /// # Errors
    /// DynamoDB's, for capacity of an index that is on demand.
    pub(crate) fn of(request: &UpdateTableRequest, current: &Provisioning) -> Result<Self, DynoxideError> {
        let units = |name| request.provisioned_throughput.as_ref()?.get(name)?.as_u64();
        let asked = units("ReadCapacityUnits").zip(units("WriteCapacityUnits"));
        let table = match (request.billing_mode.as_deref(), asked) {
            (Some("PAY_PER_REQUEST"), _) => Some(Throughput::OnDemand),
            (_, Some((read, write))) => Some(Throughput::Provisioned { read, write }),
            _ => None,
        };
        let table = table.filter(|throughput| *throughput != current.table.throughput);
        let changes_mode = table.filter(|new| is_on_demand(*new) != is_on_demand(current.table.throughput));
        let updates = request.global_secondary_index_updates.iter().flatten().filter_map(|update| {
            let update = update.update.as_ref()?;
            let units = update.provisioned_throughput.as_ref()?;
            let read = u64::try_from(units.read_capacity_units?).ok()?;
            let write = u64::try_from(units.write_capacity_units?).ok()?;
            Some((update.index_name.as_str(), Throughput::Provisioned { read, write }))
        });
        let updates: Vec<_> = updates.collect();
        if updates.iter().any(|(name, _)| current.index(name).is_some())
            && is_on_demand(table.unwrap_or(current.table.throughput))
        {
            return Err(DynoxideError::ValidationException(
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be \
                 specified when BillingMode is PAY_PER_REQUEST"
                    .into(),
            ));
        }
        let indexes = current.indexes.iter().filter_map(|(name, _)| {
            let asked = updates.iter().find(|(each, _)| *each == &**name).map(|(_, throughput)| *throughput);
            Some((name.clone(), asked.or(changes_mode)?))
        });
        Ok(Self { table, indexes: indexes.collect() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_none() && self.indexes.is_empty()
    }
}

impl Provisioning {
    pub(crate) fn of(table: &TableDefinition) -> Self {
        let indexes = table.index_throughputs.iter();
        Self {
            table: Provisioned::new(table.throughput),
            indexes: indexes.map(|(name, throughput)| (name.clone(), Provisioned::new(*throughput))).collect(),
            update: None,
            online_index: None,
        }
    }

    pub(crate) fn add_index(&mut self, name: Arc<str>, throughput: Throughput) {
        self.indexes.push((name, Provisioned::new(throughput)));
    }

    pub(crate) fn retain_indexes(&mut self, keep: impl Fn(&str) -> bool) {
        self.indexes.retain(|(name, _)| keep(name));
    }

    /// RCU and WCU of the table and its indexes together, once the update in progress and `change` are complete.
    pub(crate) fn total(&self, change: &Change) -> (u64, u64) {
        let update = self.update.as_ref().map(|update| &update.change);
        let changes = || std::iter::once(change).chain(update);
        let table = changes().find_map(|change| change.table).unwrap_or(self.table.throughput);
        let indexes = self.indexes.iter().map(|(name, index)| {
            let changed = changes().find_map(|change| change.indexes.iter().find(|(each, _)| each == name));
            changed.map_or(index.throughput, |(_, throughput)| *throughput)
        });
        std::iter::once(table).chain(indexes).map(units).fold((0, 0), sum)
    }

    /// Whether the table named `name` can be updated at `now`, and in this way.
    ///
    /// # Errors
    /// DynamoDB's, for an update in progress, values that are already set, and too many decreases.
    pub(crate) fn check(&self, now: Duration, name: &str, change: &Change) -> Result<(), DynoxideError> {
        self.check_idle(name)?;
        if let Some(online) = self.online_index(now) {
            let indexes = change.indexes.iter().map(|(name, _)| &**name);
            online.check_throughput(now, name, change.table.is_some(), indexes)?;
        }
        if change.table.is_some_and(is_on_demand) {
            self.table.history.check_switch(now)?;
        }
        for (name, new) in &change.indexes {
            if let Some(index) = self.index(name)
                && index.throughput == *new
            {
                return Err(unchanged(name, *new));
            }
        }
        let indexes = change.indexes.iter().filter_map(|(name, new)| Some((self.index(name)?, *new)));
        let table = change.table.map(|new| (&self.table, new));
        table.into_iter().chain(indexes).try_for_each(|(current, new)| current.check_decrease(now, new))
    }

    /// Whether no update of the table named `name` is in progress.
    ///
    /// # Errors
    /// DynamoDB's, which names the table or the index.
    pub(crate) fn check_idle(&self, name: &str) -> Result<(), DynoxideError> {
        let what = match &self.update {
            None => return Ok(()),
            Some(Update { change: Change { table: None, indexes }, .. }) if !indexes.is_empty() => {
                format!("Index is being updated.  Table: {name} Index: {}", indexes[0].0)
            }
            Some(_) => format!("Table is being updated: {name}"),
        };
        Err(DynoxideError::ResourceInUseException(format!(
            "Attempt to change a resource which is still in use: {what}"
        )))
    }

    /// Whether the indexes of the table named `name` can be changed at `now`, and in this way.
    ///
    /// # Errors
    /// DynamoDB's, for more than one change at a time.
    pub(crate) fn check_indexes(
        &self,
        now: Duration,
        name: &str,
        changes: &[IndexChange<'_>],
    ) -> Result<(), DynoxideError> {
        match (changes, self.online_index(now)) {
            ([], _) | ([_], None) => Ok(()),
            ([change], Some(online)) => online.check(now, name, *change),
            _ => Err(online_index::one_at_a_time()),
        }
    }

    /// Whether the table named `name` can be deleted at `now`.
    ///
    /// # Errors
    /// DynamoDB's, for an update in progress.
    pub(crate) fn check_delete(&self, now: Duration, name: &str) -> Result<(), DynoxideError> {
        self.check_idle(name)?;
        self.online_index(now).map_or(Ok(()), |_| Err(online_index::table_in_use()))
    }

    /// The index that is being created or deleted at `now`.
    pub(crate) fn online_index(&self, now: Duration) -> Option<&OnlineIndex> {
        self.online_index.as_ref().filter(|online| !online.is_over(now))
    }

    /// The index that is being created.
    pub(crate) fn new_index(&self) -> Option<&NewIndex> {
        self.online_index.as_ref()?.new_index()
    }

    pub(crate) fn new_index_mut(&mut self) -> Option<&mut NewIndex> {
        match &mut self.online_index {
            Some(OnlineIndex::Creating(index)) => Some(index),
            _ => None,
        }
    }

    /// An index is created or deleted from now on; `None` when it is complete.
    pub(crate) fn set_online_index(&mut self, online: Option<OnlineIndex>) {
        self.online_index = online;
    }

    /// Starts a checked change, complete at `due`. Until then descriptions show the table as it was `before`.
    pub(crate) fn begin(&mut self, now: Duration, due: Duration, change: Change, before: TableDescription) {
        if let Some(new) = change.table {
            self.table.note(now, new);
        }
        for (name, new) in &change.indexes {
            if let Some((_, index)) = self.indexes.iter_mut().find(|(each, _)| each == name) {
                index.note(now, *new);
            }
        }
        self.update = Some(Update { due, change, before: Box::new(before) });
    }

    /// When the update in progress is complete.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.update.as_ref().map(|update| update.due)
    }

    /// Completes the update in progress.
    pub(crate) fn complete(&mut self) -> Option<Change> {
        let Update { change, .. } = self.update.take()?;
        if let Some(new) = change.table {
            self.table.throughput = new;
        }
        for (name, new) in &change.indexes {
            if let Some((_, index)) = self.indexes.iter_mut().find(|(each, _)| each == name) {
                index.throughput = *new;
            }
        }
        Some(change)
    }

    /// Corrects the engine's description of the table.
    pub(crate) fn show(&self, now: Duration, table: &mut TableDescription) {
        if let Some(Update { change, before, .. }) = &self.update {
            table.provisioned_throughput = before.provisioned_throughput.clone();
            table.billing_mode_summary = before.billing_mode_summary.clone();
            table.table_throughput_mode_summary = before.table_throughput_mode_summary.clone();
            if change.table.is_some() {
                table.table_status = "UPDATING".into();
            }
            for index in table.global_secondary_indexes.iter_mut().flatten() {
                let mut old = before.global_secondary_indexes.iter().flatten();
                if let Some(old) = old.find(|old| old.index_name == index.index_name) {
                    index.provisioned_throughput = old.provisioned_throughput.clone();
                }
                if change.indexes.iter().any(|(name, _)| **name == *index.index_name) {
                    index.index_status = "UPDATING".into();
                }
            }
        }
        if let Some(online) = self.online_index(now) {
            online.show(now, table);
        }
        if self.update.as_ref().is_none_or(|update| update.change.table.is_none()) {
            self.show_billing_mode(table);
        }
        self.table.show(now, &mut table.provisioned_throughput);
        for index in table.global_secondary_indexes.iter_mut().flatten() {
            if let Some(own) = self.index(&index.index_name) {
                own.show(now, &mut index.provisioned_throughput);
            }
        }
    }

    /// A table that was never on demand has no summary (API Reference, "BillingModeSummary").
    fn show_billing_mode(&self, table: &mut TableDescription) {
        let is_now = is_on_demand(self.table.throughput);
        let switched = self.table.history.last_switch().map(|time| time.as_secs_f64());
        let Some(last) = switched.or(table.creation_date_time.filter(|_| is_now)) else { return };
        let summary = table.billing_mode_summary.get_or_insert_default();
        summary.billing_mode = if is_now { "PAY_PER_REQUEST" } else { "PROVISIONED" }.into();
        summary.last_update_to_pay_per_request_date_time = Some(last);
    }

    /// When the throughput of the table or of an index changed.
    pub(super) fn history(&self, index: Option<&str>) -> ThroughputHistory {
        let own = match index {
            None => Some(&self.table),
            Some(name) => self.index(name),
        };
        own.map(|own| own.history.clone()).unwrap_or_default()
    }

    pub(super) fn restore_history(&mut self, index: Option<&str>, history: ThroughputHistory) {
        let own = match index {
            None => Some(&mut self.table),
            Some(name) => self.indexes.iter_mut().find(|(each, _)| &**each == name).map(|(_, own)| own),
        };
        if let Some(own) = own {
            own.history = history;
        }
    }

    fn index(&self, name: &str) -> Option<&Provisioned> {
        self.indexes.iter().find(|(each, _)| &**each == name).map(|(_, index)| index)
    }
}

/// Worded as the engine's message for a table.
fn unchanged(index: &str, throughput: Throughput) -> DynoxideError {
    let Throughput::Provisioned { read, write } = throughput else {
        return DynoxideError::ValidationException(format!("The billing mode of the index {index} will not change."));
    };
    DynoxideError::ValidationException(format!(
        "The provisioned throughput for the index {index} will not change. The requested value equals the current value. \
         Current ReadCapacityUnits provisioned for the index: {read}. Requested ReadCapacityUnits: {read}. Current \
         WriteCapacityUnits provisioned for the index: {write}. Requested WriteCapacityUnits: {write}. Refer to the Amazon \
         DynamoDB Developer Guide for current limits and how to request higher limits."
    ))
}
