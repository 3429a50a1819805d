//! What the service makes of batches and of the requests in them, and what may end a writer's work.

use std::time::Duration;

use crate::service_error::ServiceError;
use capacity::CapacityUnits;

/// What a batch consumed of a table and of each of its global indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consumed {
    /// By the table itself, its local indexes included.
    pub table: CapacityUnits,
    /// By each global index, with its name.
    pub indexes: Vec<(String, CapacityUnits)>,
}

/// What the service said about a batch.
pub type Answer = Result<Taken, ServiceError>;

/// A batch that was answered, not refused: all of it was taken but these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Places in the batch of the requests that came back as UnprocessedItems.
    pub unprocessed: Vec<usize>,
    /// What the batch consumed, if the answer tells it.
    pub consumed: Option<Consumed>,
}

/// What became of the requests that need no more work.
#[derive(Debug)]
pub enum Settled<T> {
    /// DynamoDB acknowledged it.
    Written(T),
    /// DynamoDB refuses it for what it is; the others of its batch are not affected.
    Rejected(T, Box<ServiceError>),
}

/// Why a writer stopped before everything was settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The service will not take these requests, now or later.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The service was in trouble for too long.
    #[error("gave up after {attempts} attempts")]
    GaveUp {
        /// How often the request was sent.
        attempts: u32,
        /// The last failure.
        #[source]
        last: ServiceError,
    },
    /// All that was sent was refused for as long as the caller wants to wait.
    #[error("nothing was taken for {} seconds", waited.as_secs())]
    NothingTaken {
        /// How long.
        waited: Duration,
        /// The last refusal.
        #[source]
        last: ServiceError,
    },
    /// It was asked to.
    #[error("stopped")]
    Asked,
}
