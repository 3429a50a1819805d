//! The service's response to a batch, the outcome of each request, and why a writer may stop.

use std::time::Duration;

use crate::service_error::ServiceError;
use capacity::CapacityUnits;

/// The write capacity that a batch consumed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consumed {
    /// Of the table itself, its local indexes included.
    pub table: CapacityUnits,
    /// Of each global index, by its name.
    pub indexes: Vec<(String, CapacityUnits)>,
}

/// The result of one BatchWriteItem call.
pub type BatchResult = Result<BatchResponse, ServiceError>;

/// A successful response: every request was written except the unprocessed ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchResponse {
    /// Indexes in the batch of the requests that came back as UnprocessedItems.
    pub unprocessed: Vec<usize>,
    /// The capacity consumed, if the response has it.
    pub consumed: Option<Consumed>,
}

/// The final outcome of a request.
#[derive(Debug)]
pub enum Settled<T> {
    /// DynamoDB acknowledged the write.
    Written(T),
    /// DynamoDB finds this request invalid. The others of its batch are not affected.
    Rejected(T, Box<ServiceError>),
}

/// Why a writer stopped before every request was settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// An error that retrying does not fix.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Requests failed too often.
    #[error("gave up after {attempts} attempts")]
    GaveUp {
        /// How often a request was sent.
        attempts: u32,
        /// The last failure.
        #[source]
        last: ServiceError,
    },
    /// Nothing was written for as long as the caller is willing to wait.
    #[error("nothing was written for {} seconds", waited.as_secs())]
    Stalled {
        /// Since the first of the batches that failed was sent.
        waited: Duration,
        /// The last failure.
        #[source]
        last: ServiceError,
    },
    /// The caller stopped it.
    #[error("stopped")]
    Asked,
}
