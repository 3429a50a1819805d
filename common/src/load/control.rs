//! How a load is brought to its end before its time, and what each producer has done by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::watch;

use super::Signal;

/// How far a load is with ending. It only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Running,
    /// Nothing more is read; what was read is written.
    Draining,
    /// Nothing more is sent; batches in flight are waited for.
    Stopping,
}

/// Tells producers and workers to end.
#[derive(Debug, Clone)]
pub(super) struct Control {
    phase: watch::Sender<Phase>,
    producers: Arc<[ProducerState]>,
}

#[derive(Debug, Default)]
struct ProducerState {
    /// It has handed over everything and waits for its input, perhaps for ever: somebody may be typing.
    waiting: AtomicBool,
    ended: AtomicBool,
    rows_read: AtomicU64,
}

impl Control {
    pub(super) fn new(producers: usize) -> Self {
        let producers = std::iter::repeat_with(ProducerState::default).take(producers).collect();
        Self { phase: watch::Sender::new(Phase::Running), producers }
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(super) fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = to > *phase;
            if forward {
                *phase = to;
            }
            forward
        });
    }

    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// The `source`'s producer waits for its input from now on, or no longer. It must look at the phase after this: one of the two
    /// sides then sees the other's change, whichever comes first, and neither waits for the other.
    pub(super) fn set_waiting(&self, source: u32, waiting: bool) {
        self.producers[source as usize].waiting.store(waiting, Ordering::SeqCst);
    }

    pub(super) fn producer_ended(&self, source: u32) {
        self.producers[source as usize].ended.store(true, Ordering::SeqCst);
    }

    /// Whether no producer will hand over anything more, now that the load is ending.
    pub(super) fn producers_are_done(&self) -> bool {
        let done = |state: &ProducerState| state.ended.load(Ordering::SeqCst) || state.waiting.load(Ordering::SeqCst);
        self.phase() > Phase::Running && self.producers.iter().all(done)
    }

    /// Rows of a source that were read.
    pub(super) fn count_read(&self, source: u32, rows: u64) {
        self.producers[source as usize].rows_read.fetch_add(rows, Ordering::Relaxed);
    }

    pub(super) fn rows_read(&self) -> u64 {
        self.producers.iter().map(|state| state.rows_read.load(Ordering::Relaxed)).sum()
    }
}

/// Whether this process was started with the signal ignored, as `nohup` and a shell's `&` do it. Then it stays ignored.
pub(super) fn is_ignored(signal: Signal) -> bool {
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| ignored_mask(&status));
    mask.is_some_and(|mask| mask >> (signal.number() - 1) & 1 == 1)
}

fn ignored_mask(status: &str) -> Option<u64> {
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(digits.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_only_move_forward() {
        let control = Control::new(1);
        control.advance(Phase::Stopping);
        control.advance(Phase::Draining);
        assert_eq!(control.phase(), Phase::Stopping);
    }

    #[test]
    fn producers_are_done_when_each_has_ended_or_waits_and_the_load_ends() {
        let control = Control::new(2);
        control.set_waiting(0, true);
        control.producer_ended(1);
        assert!(!control.producers_are_done(), "the one that waits may still get a row");
        control.advance(Phase::Draining);
        assert!(control.producers_are_done());
        control.set_waiting(0, false);
        assert!(!control.producers_are_done());
    }

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tcat\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000003\nSigCgt:\t0\n";
        assert_eq!(ignored_mask(status), Some(3));
        assert_eq!(ignored_mask("Name:\tcat\n"), None);
    }
}
