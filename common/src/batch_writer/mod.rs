//! Writing to DynamoDB in batches. Nothing in here knows of log files.

mod answer;
mod answer_json;
mod backoff;
pub mod client;
mod dispatcher;
mod item_json;
mod limit;
mod pacer;
mod patience;
pub mod service_error;
#[cfg(test)]
mod simulation;
mod table;
mod table_rate;
mod window;
mod wire;
mod write_batch;
mod write_request;
mod writer;

pub use answer::{Answer, Consumed, Settled, Stop, Taken};
pub use backoff::Backoff;
pub use dispatcher::{Dispatcher, InFlight, Step};
pub use item_json::ItemJson;
pub use limit::WriteLimit;
pub use pacer::Pacer;
pub use table::Table;
pub use table_rate::Attempt;
pub use write_batch::{Full, WriteBatch};
pub use write_request::{Key, KeySchema, WriteRequest};
pub use writer::{BatchWriteItem, BatchWriter, Options, SharedPacer, Turn};
