//! What was offered and accepted since a moment, and what follows from shares and rates.

use std::time::Duration;

use super::constants::{FEWEST_REFUSALS, IS_CHANCE, MOST_REFUSALS};

/// Units and batches since a moment.
#[derive(Debug, Clone, Copy, Default)]
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
        Self { since, ..Self::default() }
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
        seconds_since(self.since, now)
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

/// How many batches in a row can be refused whole by chance, where this share is accepted.
pub(super) fn refusals_by_chance(share: f64) -> u32 {
    let refusals = IS_CHANCE.ln() / (1.0 - share).clamp(1e-9, 0.999).ln();
    (refusals.ceil() as u32).clamp(FEWEST_REFUSALS, MOST_REFUSALS)
}

/// Seconds from one moment to another, at least a thousandth.
pub(super) fn seconds_since(since: Duration, now: Duration) -> f64 {
    now.saturating_sub(since).as_secs_f64().max(0.001)
}

/// How long so many units take at a rate.
pub(super) fn time_for(units: f64, rate: f64) -> Duration {
    Duration::from_secs_f64((units / rate.max(1e-9)).min(3600.0))
}
