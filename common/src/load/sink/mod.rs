//! Where the items go: a worker drives only a sink. Each destination is a module in this folder, a [`Destination`], and
//! a [`Sink`] for each worker.

mod import;
mod table;

use std::fmt;
use std::sync::Arc;

pub use self::import::{ImportDestination, ImportError, ImportTarget, PRICES, Price, Prices};
use self::import::{ImportSink, ImportSinks};
pub use self::table::TableDestination;
use self::table::TableSink;
pub(super) use self::table::{TableSinks, check_table};
use super::LoadError;
use super::request::{Origin, Request};
use crate::batch_writer::{Settled, Traffic, Turn};
use crate::mapping::Mapping;

/// What all workers write to.
#[derive(Debug)]
pub enum Destination {
    /// A table of DynamoDB, through BatchWriteItem.
    Table(Box<TableDestination>),
    /// Files for DynamoDB's own bulk loaders.
    Import(Box<ImportDestination>),
}

impl Destination {
    /// The table that the items are for.
    pub fn table_name(&self) -> &str {
        match self {
            Self::Table(table) => table.name.as_str(),
            Self::Import(import) => import.table.as_str(),
        }
    }

    /// More workers than this would have nothing to do.
    pub(super) fn max_workers(&self) -> usize {
        match self {
            Self::Table(table) => table.options.in_flight.max(1),
            Self::Import(_) => usize::MAX,
        }
    }
}

impl fmt::Display for Destination {
    /// `http://127.0.0.1:8000`, `DynamoDB in us-east-1`, `import files in DIR`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => table.connection.fmt(f),
            Self::Import(import) => write!(f, "import files in {}", import.target.name()),
        }
    }
}

/// What the sinks of one destination share.
#[derive(Debug, Clone)]
pub(super) enum Sinks {
    Table(Box<TableSinks>),
    Import(ImportSinks),
}

impl Sinks {
    /// # Errors
    /// The destination cannot be used, or its key differs from the items'.
    pub(super) async fn open(destination: &Destination, mapping: &Mapping) -> Result<Self, LoadError> {
        match destination {
            Destination::Table(table) => TableSinks::open(table, mapping).await.map(Box::new).map(Self::Table),
            Destination::Import(import) => ImportSinks::open(import, mapping).await.map(Self::Import),
        }
    }

    /// The sink of worker `number` of `workers`.
    pub(super) fn sink(&self, number: usize, workers: usize) -> WorkerSink {
        match self {
            Self::Table(sinks) => WorkerSink::Table(Box::new(sinks.sink(number, workers))),
            Self::Import(sinks) => WorkerSink::Import(Box::new(sinks.sink(number, workers))),
        }
    }

    /// The load's mapping, with what is known of the table.
    pub(super) fn mapping(&self) -> Mapping {
        match self {
            Self::Table(sinks) => sinks.mapping.clone(),
            Self::Import(sinks) => sinks.mapping(),
        }
    }

    /// Those of a table.
    pub(super) fn of_table(&self) -> Option<&TableSinks> {
        match self {
            Self::Table(sinks) => Some(sinks),
            Self::Import(_) => None,
        }
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.of_table().map(|sinks| sinks.traffic.with(|traffic| traffic.clone())).unwrap_or_default()
    }

    /// Completes the destination when all workers are done. Returns lines for the user.
    ///
    /// # Errors
    /// It cannot be completed.
    pub(super) fn finish(&self) -> Result<Vec<String>, LoadError> {
        match self {
            Self::Table(_) => Ok(Vec::new()),
            Self::Import(sinks) => sinks.finish(),
        }
    }

    /// Discards what a failed load has written, if possible. Returns whether nothing is left of it.
    pub(super) fn abandon(&self) -> bool {
        match self {
            Self::Table(_) => false,
            Self::Import(sinks) => {
                sinks.abandon();
                true
            }
        }
    }
}

/// Writes one worker's requests, and reports each of them as settled. A sink that stops leaves the others unwritten.
///
/// All requests for one key go to the same sink, in order, and the last one must win.
pub(super) trait Sink {
    /// Whether more requests may be pushed. That bounds the memory.
    fn has_room(&self) -> bool;

    /// Takes requests. Ask [`has_room`](Self::has_room) first.
    fn push_all(&mut self, requests: Vec<Request>);

    /// No more requests will come: write everything, then end with [`Turn::Done`].
    fn close(&mut self);

    /// Start nothing new: finish what is in flight, then end with [`Turn::Stopped`].
    fn stop(&mut self);

    /// Does what can be done and waits for the next event. Other futures of the worker's runtime can run meanwhile. May
    /// be dropped at any time without loss.
    fn turn(&mut self) -> impl Future<Output = Turn>;

    /// What was settled since this was last called.
    fn take_settled(&mut self) -> Vec<Settled<Arc<Origin>>>;

    /// Why it ended with [`Turn::Stopped`].
    fn take_error(&mut self) -> Option<LoadError>;
}

/// A sink of any destination.
pub(super) enum WorkerSink {
    Table(Box<TableSink>),
    Import(Box<ImportSink>),
}

impl Sink for WorkerSink {
    fn has_room(&self) -> bool {
        match self {
            Self::Table(sink) => sink.has_room(),
            Self::Import(sink) => sink.has_room(),
        }
    }

    fn push_all(&mut self, requests: Vec<Request>) {
        match self {
            Self::Table(sink) => sink.push_all(requests),
            Self::Import(sink) => sink.push_all(requests),
        }
    }

    fn close(&mut self) {
        match self {
            Self::Table(sink) => sink.close(),
            Self::Import(sink) => sink.close(),
        }
    }

    fn stop(&mut self) {
        match self {
            Self::Table(sink) => sink.stop(),
            Self::Import(sink) => sink.stop(),
        }
    }

    async fn turn(&mut self) -> Turn {
        match self {
            Self::Table(sink) => sink.turn().await,
            Self::Import(sink) => sink.turn().await,
        }
    }

    fn take_settled(&mut self) -> Vec<Settled<Arc<Origin>>> {
        match self {
            Self::Table(sink) => sink.take_settled(),
            Self::Import(sink) => sink.take_settled(),
        }
    }

    fn take_error(&mut self) -> Option<LoadError> {
        match self {
            Self::Table(sink) => sink.take_error(),
            Self::Import(sink) => sink.take_error(),
        }
    }
}
