//! How everything stands at a moment, for those who only look: the CloudWatch API and the monitor page.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use capacity::TableState;

use crate::metrics::{Datapoint, Series};
use crate::table_definition::TableDefinition;

/// All tables and all that was counted, up to now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot<'a> {
    /// The tables there are, by name.
    pub(crate) tables: &'a [(Arc<TableDefinition>, TableState)],
    /// What was counted, also of tables that are gone, in the order of the series.
    pub(crate) series: &'a [(&'a Series, Vec<Datapoint>)],
    /// The server's clock.
    pub(crate) now: Duration,
    /// How many seconds of it pass in a second.
    pub(crate) speed: NonZeroU32,
    /// Whether capacity is enforced. If not, nothing is counted.
    pub(crate) throttling: bool,
}
