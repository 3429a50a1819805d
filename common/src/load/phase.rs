//! The phases in which a load ends, and the state of each producer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// The phase of a load. It only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Running,
    /// Nothing more is read; what was read is written.
    Draining,
    /// Nothing more is sent; batches in flight are waited for.
    Stopping,
}

/// The phase, shared with producers and workers.
#[derive(Debug, Clone)]
pub(super) struct SharedPhase {
    phase: watch::Sender<Phase>,
    producers: Arc<[ProducerState]>,
}

#[derive(Debug, Default)]
struct ProducerState {
    /// It has handed over everything and waits for input, perhaps forever: a user may be typing.
    waiting: AtomicBool,
    ended: AtomicBool,
}

impl SharedPhase {
    pub(super) fn new(producers: usize) -> Self {
        let producers = std::iter::repeat_with(ProducerState::default).take(producers).collect();
        Self { phase: watch::Sender::new(Phase::Running), producers }
    }

    pub(super) fn get(&self) -> Phase {
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

    /// Records whether the producer of `source` waits for input. The producer must check the phase afterwards: one side
    /// then always sees the other's change, and neither waits for the other.
    pub(super) fn set_waiting(&self, source: usize, waiting: bool) {
        self.producers[source].waiting.store(waiting, Ordering::SeqCst);
    }

    pub(super) fn producer_ended(&self, source: usize) {
        self.producers[source].ended.store(true, Ordering::SeqCst);
    }

    /// Whether no producer will hand over anything more, now that the load is ending.
    pub(super) fn producers_are_done(&self) -> bool {
        let done = |state: &ProducerState| state.ended.load(Ordering::SeqCst) || state.waiting.load(Ordering::SeqCst);
        self.get() > Phase::Running && self.producers.iter().all(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_only_move_forward() {
        let phase = SharedPhase::new(1);
        phase.advance(Phase::Stopping);
        phase.advance(Phase::Draining);
        assert_eq!(phase.get(), Phase::Stopping);
    }

    #[test]
    fn producers_are_done_when_each_has_ended_or_waits_and_the_load_ends() {
        let phase = SharedPhase::new(2);
        phase.set_waiting(0, true);
        phase.producer_ended(1);
        assert!(!phase.producers_are_done(), "the one that waits may still get a row");
        phase.advance(Phase::Draining);
        assert!(phase.producers_are_done());
        phase.set_waiting(0, false);
        assert!(!phase.producers_are_done());
    }
}
