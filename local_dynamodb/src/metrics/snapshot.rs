//! The state of the server at a moment, for those who only look: the CloudWatch API, the reports and the monitor page.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use capacity::TableState;

use super::{Datapoint, Series};
use crate::ledger::IndexCreation;

/// All tables and all that was counted, up to `now`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot<'a> {
    /// By name.
    pub(crate) tables: &'a [(Arc<str>, TableState)],
    /// The indexes that UpdateTable is adding to tables.
    pub(crate) creations: &'a [IndexCreation],
    /// What was counted, also for deleted tables, in the order of the series.
    pub(crate) series: &'a [(&'a Series, Vec<Datapoint>)],
    /// By the server's clock.
    pub(crate) now: Duration,
    /// Seconds of the server's clock in a second.
    pub(crate) speed: NonZeroU32,
    /// Whether capacity is enforced. If not, nothing is counted.
    pub(crate) throttling: bool,
}
