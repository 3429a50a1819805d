//! An index that is added to a table or deleted from it while the table is in use. A table has one at a time.

use std::sync::Arc;
use std::time::Duration;

use capacity::CapacityUnits;
use dynoxide::DynoxideError;
use dynoxide::actions::{GlobalSecondaryIndexDescription, TableDescription};

/// What a client may change meanwhile, and what is shown, follows the Developer Guide, "Managing Global Secondary Indexes in
/// DynamoDB".
#[derive(Debug)]
pub(crate) enum OnlineIndex {
    Creating(NewIndex),
    /// The engine has deleted it; until then it is shown.
    Deleting {
        description: Box<GlobalSecondaryIndexDescription>,
        until: Duration,
    },
}

/// An index that takes writes, and is being filled with the items that were there before.
#[derive(Debug)]
pub(crate) struct NewIndex {
    pub(crate) name: Arc<str>,
    /// Until then resources are allocated for it, and it is not filled.
    allocated: Duration,
    /// Items of the table when it was added, and how many of them are done.
    items: u64,
    done: u64,
    /// Since when it waits for capacity, but for the seconds that are counted.
    waiting: Option<Duration>,
}

/// How far the creation of an index is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndexCreation {
    pub(crate) table: Arc<str>,
    pub(crate) index: Arc<str>,
    pub(crate) phase: CreationPhase,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum CreationPhase {
    /// Resources are allocated; no item is in the index yet, but for those written since.
    Allocation,
    Backfilling {
        /// Of the table's items, in percent.
        progress: f64,
        /// Whether it waits for write capacity of the index.
        is_throttled: bool,
    },
}

/// What one page of a fill did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FilledPage {
    /// What its entries cost the index.
    pub(crate) units: CapacityUnits,
    /// Items done since the fill began, in the index or not.
    pub(crate) done: u64,
    /// Whether the allowance ended the page.
    pub(crate) is_throttled: bool,
    /// Whether all items are done: the index is complete.
    pub(crate) is_last: bool,
}

/// A change of indexes that an UpdateTable asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexChange<'a> {
    Create,
    Delete(&'a str),
}

impl NewIndex {
    pub(crate) fn new(name: Arc<str>, allocated: Duration, items: u64) -> Self {
        Self { name, allocated, items, done: 0, waiting: None }
    }

    pub(crate) fn is_allocated(&self, now: Duration) -> bool {
        now >= self.allocated
    }

    /// Notes a page of the fill: how many items are done, and whether there was too little capacity for more. Returns the
    /// throttle events that are to be counted: one for each second of waiting, whatever the number of attempts.
    pub(crate) fn note_page(&mut self, now: Duration, done: u64, is_throttled: bool) -> u64 {
        self.done = self.done.max(done);
        if !is_throttled {
            self.waiting = None;
            return 0;
        }
        let Some(since) = self.waiting else {
            self.waiting = Some(now);
            return 1;
        };
        let seconds = now.saturating_sub(since).as_secs();
        self.waiting = Some(since + Duration::from_secs(seconds));
        seconds
    }

    /// How far its creation is at `now`.
    pub(crate) fn phase(&self, now: Duration) -> CreationPhase {
        if self.is_allocated(now) {
            CreationPhase::Backfilling { progress: self.progress(), is_throttled: self.waiting.is_some() }
        } else {
            CreationPhase::Allocation
        }
    }

    /// How much of the fill is done, in percent. Not all of it: then the index is complete.
    pub(crate) fn progress(&self) -> f64 {
        if self.items == 0 { 0.0 } else { (100.0 * self.done as f64 / self.items as f64).min(99.0) }
    }
}

impl OnlineIndex {
    pub(crate) fn new_index(&self) -> Option<&NewIndex> {
        match self {
            Self::Creating(index) => Some(index),
            Self::Deleting { .. } => None,
        }
    }

    /// Whether the deletion is over. An index that is created is complete when it is filled.
    pub(crate) fn is_over(&self, now: Duration) -> bool {
        matches!(self, Self::Deleting { until, .. } if now >= *until)
    }

    /// Whether an UpdateTable of `table` may make this change of indexes at `now`.
    ///
    /// # Errors
    /// DynamoDB's. Their words were captured from it by dynoxide's project.
    pub(crate) fn check(&self, now: Duration, table: &str, change: IndexChange<'_>) -> Result<(), DynoxideError> {
        match (self, change) {
            (Self::Creating(index), IndexChange::Delete(name)) if *index.name == *name => {
                if index.is_allocated(now) {
                    return Ok(());
                }
                Err(in_use(&format!(
                    "Index creation is in resource allocation phase. Retry deletion during backfilling phase or when the \
                     index is active. Table: {table} Index: {name}"
                )))
            }
            _ => Err(one_at_a_time()),
        }
    }

    /// Whether an UpdateTable of `table` may change the throughput of the table, or that of the indexes named `indexes`.
    ///
    /// # Errors
    /// DynamoDB's, while resources are allocated for a new index.
    pub(crate) fn check_throughput<'a>(
        &self,
        now: Duration,
        table: &str,
        changes_table: bool,
        mut indexes: impl Iterator<Item = &'a str>,
    ) -> Result<(), DynoxideError> {
        let Self::Creating(index) = self else { return Ok(()) };
        if index.is_allocated(now) {
            Ok(())
        } else if changes_table {
            Err(in_use(&format!("Table is being updated: {table}")))
        } else if indexes.any(|name| *name == *index.name) {
            Err(in_use(&format!("Index is being updated.  Table: {table} Index: {}", index.name)))
        } else {
            Ok(())
        }
    }

    /// Corrects the engine's description of the table.
    pub(crate) fn show(&self, now: Duration, table: &mut TableDescription) {
        match self {
            Self::Creating(own) => {
                if !own.is_allocated(now) {
                    table.table_status = "UPDATING".into();
                }
                let mut indexes = table.global_secondary_indexes.iter_mut().flatten();
                if let Some(index) = indexes.find(|index| *index.index_name == *own.name) {
                    index.index_status = "CREATING".into();
                }
            }
            Self::Deleting { description, .. } => {
                table.table_status = "UPDATING".into();
                let mut description = (**description).clone();
                description.index_status = "DELETING".into();
                table.global_secondary_indexes.get_or_insert_default().push(description);
            }
        }
    }
}

/// The refusal of a second change of indexes.
pub(crate) fn one_at_a_time() -> DynoxideError {
    DynoxideError::LimitExceededException(
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table".into(),
    )
}

/// The refusal to delete a table meanwhile.
pub(crate) fn table_in_use() -> DynoxideError {
    in_use("Cannot delete table while indexes are being created, updated, or deleted.")
}

fn in_use(what: &str) -> DynoxideError {
    DynoxideError::ResourceInUseException(format!("Attempt to change a resource which is still in use: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "GSI_2";

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_the_new_index_can_be_deleted_and_only_when_it_is_being_filled() {
        let creating = OnlineIndex::Creating(NewIndex::new(NAME.into(), seconds(10), 100));
        let deleting = OnlineIndex::Deleting { description: Box::default(), until: seconds(10) };
        let check = |index: &OnlineIndex, now, change| index.check(seconds(now), "logfile", change).is_ok();
        for (now, deletes_itself) in [(9, false), (10, true)] {
            assert_eq!(check(&creating, now, IndexChange::Delete(NAME)), deletes_itself);
            assert!(!check(&creating, now, IndexChange::Delete("GSI_1")));
            assert!(!check(&creating, now, IndexChange::Create));
            assert!(!check(&deleting, now, IndexChange::Create));
        }
        assert!(creating.check_throughput(seconds(9), "logfile", true, [].into_iter()).is_err());
        assert!(creating.check_throughput(seconds(9), "logfile", false, [NAME].into_iter()).is_err());
        assert!(creating.check_throughput(seconds(9), "logfile", false, ["GSI_1"].into_iter()).is_ok());
        assert!(creating.check_throughput(seconds(10), "logfile", true, [NAME].into_iter()).is_ok());
        assert!(!deleting.is_over(seconds(9)) && deleting.is_over(seconds(10)) && !creating.is_over(seconds(99)));
    }

    #[test]
    fn throttle_events_are_seconds_of_waiting_whatever_the_number_of_attempts() {
        for attempts_in_a_second in [1, 3, 20] {
            let mut index = NewIndex::new(NAME.into(), seconds(0), 100);
            let attempts = (0..=10 * attempts_in_a_second)
                .map(|attempt| Duration::from_secs_f64(f64::from(attempt) / f64::from(attempts_in_a_second)));
            let events: u64 = attempts.map(|now| index.note_page(now, 5, true)).sum();
            assert!((10..=11).contains(&events), "{events}");
            let phase = |progress, is_throttled| CreationPhase::Backfilling { progress, is_throttled };
            assert_eq!(index.phase(seconds(10)), phase(5.0, true));
            assert_eq!((index.note_page(seconds(20), 50, false), index.phase(seconds(20))), (0, phase(50.0, false)));
            assert_eq!((index.note_page(seconds(30), 100, true), index.progress()), (1, 99.0));
        }
    }
}
