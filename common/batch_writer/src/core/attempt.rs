//! A batch that was sent, as the pacer remembers it.

use std::time::Duration;

/// Requests that come back again and again have a lane of their own, so that the others do not wait for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Main,
    Aside,
}

/// A batch that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// When.
    pub(crate) sent_at: Duration,
    /// Its expected cost in write units, by the sizes of its items.
    pub(crate) units: u64,
    /// Of its first request. A batch cannot be smaller.
    pub(super) first_units: u64,
    /// Its cost under a limit that the user sets.
    pub(super) counted: u64,
    /// The lane it belongs to.
    pub(super) lane: Lane,
    /// Whether it is larger than the rate allows, to see what happens.
    pub(super) large: bool,
}
