//! Where the items go: the only thing that a worker drives. A table today; each other destination is a file in this folder, a
//! [`Destination`], and a [`Sink`] for each worker.

mod table;

use std::fmt;
use std::sync::Arc;

pub use self::table::TableDestination;
pub(super) use self::table::{TableSinks, check_table};
use super::request::{Origin, Request};
use crate::batch_writer::{Settled, Stop, Turn};

/// What all workers write to.
#[derive(Debug)]
pub enum Destination {
    /// A table of DynamoDB, through BatchWriteItem.
    Table(TableDestination),
}

impl Destination {
    /// The table that the items are for.
    pub fn table_name(&self) -> &str {
        match self {
            Self::Table(table) => table.name.as_str(),
        }
    }

    /// More workers than this would have nothing to do.
    pub(super) fn max_workers(&self) -> usize {
        match self {
            Self::Table(table) => table.options.in_flight.max(1),
        }
    }
}

impl fmt::Display for Destination {
    /// `http://127.0.0.1:8000`, `DynamoDB in us-east-1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => table.connection.fmt(f),
        }
    }
}

/// Takes one worker's requests, and says of each what became of it: settled, or not written if the sink stops.
///
/// The requests for one key come to one sink, in order, and the last one must win.
pub(super) trait Sink {
    /// Whether more requests may be pushed. That bounds the memory.
    fn has_room(&self) -> bool;

    /// Takes requests. Ask [`has_room`](Self::has_room) first.
    fn push_all(&mut self, requests: Vec<Request>);

    /// No more requests will come: write everything, then end with [`Turn::Done`].
    fn close(&mut self);

    /// Start nothing more: finish what is under way, then end with [`Turn::Stopped`].
    fn stop(&mut self);

    /// Does what can be done and waits for the next thing to happen, in which other futures of the worker's runtime can run. May be
    /// dropped at any time without loss.
    fn turn(&mut self) -> impl Future<Output = Turn>;

    /// What was settled since this was last called.
    fn take_settled(&mut self) -> Vec<Settled<Arc<Origin>>>;

    /// Why it ended with [`Turn::Stopped`].
    fn stop_reason(&self) -> Option<Stop>;
}
