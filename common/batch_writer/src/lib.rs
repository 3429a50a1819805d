//! DynamoDB's BatchWriteItem done right: batching, retries, pacing, and an exact account of every item.
//!
//! A [`BatchWriter`] takes [`WriteRequest`]s for one table and sends them 25 at a time, with several batches in flight. It settles each
//! request: [`Settled::Written`] when DynamoDB has acknowledged it, [`Settled::Rejected`] when DynamoDB finds it invalid. Unprocessed
//! requests join the next batch. Throttling slows the writer down to what the table accepts. Failures are retried with exponential
//! backoff ([`Backoff`]). An error that retrying does not fix, such as a missing table, stops the writer: [`BatchWriter::stopped`]
//! returns the reason, and requests that are not settled are not written.
//!
//! The last request for a key wins, within one writer. Several writers of a table, on threads of their own, share a [`SharedPacer`],
//! which can also limit the consumed capacity. Always give the requests for one key to the same writer.
//!
//! A writer starts no task and no thread: it works within each [`turn`](BatchWriter::turn).
//!
//! [`Table`] is a table of DynamoDB. Anything else that implements [`BatchWriteItem`] can be written to as well, such as this one,
//! which leaves a request of every second batch unprocessed:
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::Mutex;
//!
//! use aws_sdk_dynamodb::types::AttributeValue;
//! use batch_writer::{
//!     BatchResponse, BatchResult, BatchWriteItem, BatchWriter, KeySchema, Options, SharedPacer, WriteBatch, WriteRequest,
//! };
//!
//! /// Counts its calls.
//! #[derive(Default)]
//! struct Counting(Mutex<usize>);
//!
//! impl BatchWriteItem<u32> for Counting {
//!     async fn batch_write_item(&self, batch: &WriteBatch<u32>) -> BatchResult {
//!         let mut calls = self.0.lock().unwrap();
//!         *calls += 1;
//!         let unprocessed = if *calls % 2 == 0 { vec![batch.len() - 1] } else { Vec::new() };
//!         Ok(BatchResponse { unprocessed, consumed: None })
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let schema = KeySchema::partition("PK");
//! let requests = (0..100_u32).map(|number| {
//!     let item = HashMap::from([("PK".to_owned(), AttributeValue::S(format!("item#{number}")))]);
//!     WriteRequest::put_item(&schema, &item, number).expect("the item has its key")
//! });
//! let writer = BatchWriter::new(Counting::default(), Options::default(), SharedPacer::new());
//! let summary = writer.write_all(requests).await;
//! assert_eq!((summary.written, summary.not_written()), (100, 0));
//! # });
//! ```
//!
//! `examples/write_items.rs` writes to a table of DynamoDB.

mod core;
mod latencies;
mod sdk;
pub mod service_error;
mod throttle_cause;
mod traffic;
mod writer;

pub use self::core::backoff::Backoff;
pub use self::core::batch_response::{BatchResponse, BatchResult, Consumed, Settled, Stop};
pub use self::core::item_json::{ItemJson, SharedJson};
pub use self::core::key::{Key, KeySchema};
pub use self::core::limit::WriteLimit;
pub use self::core::number::plain_number;
pub use self::core::write_batch::{Full, WriteBatch};
pub use self::core::write_request::{MissingKey, WriteRequest};
pub use self::latencies::Latencies;
pub use self::sdk::{Table, client};
pub use self::throttle_cause::{ThrottleCause, ThrottleLimit, ThrottledResource};
pub use self::traffic::{SharedTraffic, Traffic};
pub use self::writer::{BatchWriteItem, BatchWriter, Options, SharedPacer, Summary, Turn};
