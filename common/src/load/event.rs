//! The events that a load's threads send to the collector.

use std::sync::Arc;

use super::LoadError;
use super::rejects::RejectedRow;
use super::request::Origin;
use super::signal::Signal;
use crate::batch_writer::Settled;
use crate::input::Oddities;
use crate::report::RecordEnd;

/// An event of a load.
#[derive(Debug)]
pub(super) enum Event {
    /// Rows are written, or refused by the service.
    Settled(Vec<Settled<Arc<Origin>>>),
    /// A row cannot be mapped to an item.
    Rejected {
        row: RejectedRow,
        origin: Origin,
    },
    /// A row looks wrong but is loaded.
    Odd {
        source: u32,
        line: u64,
        oddities: Oddities,
    },
    /// A producer has ended early, or a worker has stopped before its requests were settled.
    Failed(LoadError),
    /// A signal arrived.
    Signal(Signal),
    /// A source was read to its end.
    SourceRead {
        source: usize,
        end: RecordEnd,
    },
    ProducerEnded,
    WorkerEnded,
}
