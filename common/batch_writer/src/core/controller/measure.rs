//! What was offered and accepted since a moment.

use std::time::Duration;

/// Units and batches since a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub(super) since: Duration,
    pub(super) offered: u64,
    pub(super) accepted: u64,
    pub(super) batches: u32,
    /// The sums of the batches' shares that were accepted, and of their squares.
    shares: f64,
    squares: f64,
}

impl Measure {
    pub(super) fn new(since: Duration) -> Self {
        Self { since, offered: 0, accepted: 0, batches: 0, shares: 0.0, squares: 0.0 }
    }

    pub(super) fn add(&mut self, offered: u64, accepted: u64) {
        self.offered += offered;
        self.accepted += accepted;
        self.batches += 1;
        let share = accepted as f64 / offered.max(1) as f64;
        self.shares += share;
        self.squares += share * share;
    }

    pub(super) fn seconds(&self, now: Duration) -> f64 {
        now.saturating_sub(self.since).as_secs_f64().max(0.001)
    }

    /// Units accepted per second.
    pub(super) fn rate(&self, now: Duration) -> f64 {
        self.accepted as f64 / self.seconds(now)
    }

    /// The share that was accepted.
    pub(super) fn share(&self) -> f64 {
        self.accepted as f64 / self.offered.max(1) as f64
    }

    /// The standard error of the share.
    pub(super) fn error(&self) -> f64 {
        let batches = f64::from(self.batches.max(1));
        let mean = self.shares / batches;
        ((self.squares / batches - mean * mean).max(0.0) / batches).sqrt()
    }

    /// Whether it has as many batches and is as long as that.
    pub(super) fn has(&self, batches: u32, seconds: f64, now: Duration) -> bool {
        self.batches >= batches && self.seconds(now) >= seconds
    }
}
