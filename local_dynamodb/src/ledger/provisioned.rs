//! The throughput of a table or an index, and the limits on how often it changes.

use std::collections::VecDeque;
use std::time::Duration;

use capacity::Throughput;
use dynoxide::DynoxideError;
use dynoxide::actions::TableProvisionedThroughputDescription;
use serde::{Deserialize, Serialize};

use crate::clock;

/// Decreases of a table or an index in a UTC day, after which they must be an hour apart. Source: Developer
/// Guide, "Quotas in Amazon DynamoDB", "Decreasing provisioned throughput".
const FREE_DECREASES: u64 = 4;
const BETWEEN_DECREASES: Duration = Duration::from_secs(3600);
const SECONDS_PER_DAY: u64 = 86_400;
/// Changes of a table to on-demand mode in any 24 hours. Source: Developer Guide, "Considerations when switching capacity modes
/// in DynamoDB".
const SWITCHES_TO_ON_DEMAND: usize = 4;
const BETWEEN_FIVE_SWITCHES: Duration = Duration::from_secs(SECONDS_PER_DAY);

/// The throughput of a table or an index, and when it changed.
#[derive(Debug)]
pub(super) struct Provisioned {
    pub(super) throughput: Throughput,
    pub(super) history: ThroughputHistory,
}

/// When the throughput of a table or an index changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ThroughputHistory {
    last_increase: Option<Duration>,
    last_decrease: Option<Duration>,
    /// Decreases on the day of the last one.
    decreases: u64,
    /// The latest changes to on-demand mode.
    switches: VecDeque<Duration>,
}

impl ThroughputHistory {
    /// When it was last changed to on-demand mode.
    pub(super) fn last_switch(&self) -> Option<Duration> {
        self.switches.back().copied()
    }

    pub(super) fn not_after(mut self, now: Duration) -> Self {
        let times = [&mut self.last_increase, &mut self.last_decrease].into_iter().flatten();
        times.chain(&mut self.switches).for_each(|time| *time = now.min(*time));
        self
    }

    /// The text dates from when DynamoDB's limit was one per day.
    pub(super) fn check_switch(&self, now: Duration) -> Result<(), DynoxideError> {
        let (Some(first), Some(last)) = (self.switches.front(), self.switches.back()) else { return Ok(()) };
        let next = *first + BETWEEN_FIVE_SWITCHES;
        if self.switches.len() < SWITCHES_TO_ON_DEMAND || now >= next {
            return Ok(());
        }
        Err(DynoxideError::LimitExceededException(format!(
            "Subscriber limit exceeded: Update to PayPerRequest mode are limited to {SWITCHES_TO_ON_DEMAND} times in 1 \
             day(s). Last update at {}. Next update can be made at {}",
            clock::long_form(*last),
            clock::long_form(next)
        )))
    }
}

impl Provisioned {
    pub(super) fn new(throughput: Throughput) -> Self {
        Self { throughput, history: ThroughputHistory::default() }
    }

    fn decreases_today(&self, now: Duration) -> u64 {
        let is_today = |time: Duration| time.as_secs() / SECONDS_PER_DAY == now.as_secs() / SECONDS_PER_DAY;
        if self.history.last_decrease.is_some_and(is_today) { self.history.decreases } else { 0 }
    }

    pub(super) fn check_decrease(&self, now: Duration, new: Throughput) -> Result<(), DynoxideError> {
        let today = self.decreases_today(now);
        match self.history.last_decrease {
            Some(last)
                if is_decrease(self.throughput, new) && today >= FREE_DECREASES && now < last + BETWEEN_DECREASES =>
            {
                Err(DynoxideError::LimitExceededException(format!(
                    "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. \
                     After the first {FREE_DECREASES} decreases, each subsequent decrease in the same UTC day can be \
                     performed at most once every {} seconds. Number of decreases today: {today}. Last decrease at {}. \
                     Next decrease can be made at {}",
                    BETWEEN_DECREASES.as_secs(),
                    clock::long_form(last),
                    clock::long_form(last + BETWEEN_DECREASES)
                )))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn note(&mut self, now: Duration, new: Throughput) {
        if is_decrease(self.throughput, new) {
            self.history.decreases = self.decreases_today(now) + 1;
            self.history.last_decrease = Some(now);
        }
        if is_decrease(new, self.throughput) {
            self.history.last_increase = Some(now);
        }
        if is_on_demand(new) && !is_on_demand(self.throughput) {
            self.history.switches.push_back(now);
            while self.history.switches.len() > SWITCHES_TO_ON_DEMAND {
                self.history.switches.pop_front();
            }
        }
    }

    pub(super) fn show(&self, now: Duration, shown: &mut Option<TableProvisionedThroughputDescription>) {
        let Throughput::Provisioned { read, write } = self.throughput else { return };
        let shown = shown.get_or_insert_default();
        shown.read_capacity_units = read;
        shown.write_capacity_units = write;
        shown.number_of_decreases_today = self.decreases_today(now);
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        shown.last_increase_date_time = seconds(self.history.last_increase).or(shown.last_increase_date_time);
        shown.last_decrease_date_time = seconds(self.history.last_decrease).or(shown.last_decrease_date_time);
    }
}

pub(super) fn is_on_demand(throughput: Throughput) -> bool {
    throughput == Throughput::OnDemand
}

/// Whether either kind of capacity decreases. A change of the billing mode is not a decrease.
fn is_decrease(old: Throughput, new: Throughput) -> bool {
    match (old, new) {
        (
            Throughput::Provisioned { read: old_read, write: old_write },
            Throughput::Provisioned { read: new_read, write: new_write },
        ) => new_read < old_read || new_write < old_write,
        _ => false,
    }
}
