//! How everything stands at a moment, for those who only look.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::metrics::{Datapoint, Series};

/// All tables and all that was counted, up to now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot<'a> {
    /// What was counted, also of tables that are gone, in the order of the series.
    pub(crate) series: &'a [(&'a Series, Vec<Datapoint>)],
    /// The server's clock.
    pub(crate) now: Duration,
    /// How many seconds of it pass in a second.
    pub(crate) speed: NonZeroU32,
}
