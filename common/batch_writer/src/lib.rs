//! Writing to DynamoDB in batches, exactly: what is not written is known, and why. Nothing in here knows of log files.
//!
//! A [`BatchWriter`] takes [`WriteRequest`]s for one table, sends them 25 at a time with some batches in flight, and settles each:
//! [`Settled::Written`] when DynamoDB has acknowledged it, [`Settled::Rejected`] when it will not have this one. What comes back
//! unprocessed goes into the next batch; throttling is waited for, and slows the writer down until it fits; failures are retried
//! after a while that grows ([`Backoff`]). The last request for a key wins. What no waiting mends (no such table, no permission)
//! stops the writer: then [`BatchWriter::stopped`] says why, and what is not settled is not written.
//!
//! It drives itself as far as it can in each [`turn`](BatchWriter::turn) and starts no task or thread of its own. Several writers of
//! a table, on threads of their own, share a [`SharedPacer`], which also takes a limit on the units consumed. The last request for a
//! key wins only within one writer, so give a key to the same writer always.
//!
//! [`Table`] is a table of DynamoDB; whatever else implements [`BatchWriteItem`] can be written to, such as this one, which
//! takes most of what it is given:
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::Mutex;
//!
//! use batch_writer::{
//!     Answer, BatchWriteItem, BatchWriter, KeySchema, Options, Settled, SharedPacer, Taken, Turn, WriteBatch, WriteRequest,
//! };
//! use aws_sdk_dynamodb::types::AttributeValue;
//!
//! /// Counts its calls.
//! #[derive(Default)]
//! struct Counting(Mutex<usize>);
//!
//! impl BatchWriteItem<u32> for Counting {
//!     async fn batch_write_item(&self, batch: &WriteBatch<u32>) -> Answer {
//!         let mut calls = self.0.lock().unwrap();
//!         *calls += 1;
//!         // The last request of every second batch comes back, as it does from a table that is short of capacity.
//!         let unprocessed = if *calls % 2 == 0 { vec![batch.len() - 1] } else { Vec::new() };
//!         Ok(Taken { unprocessed, consumed: None })
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let schema = KeySchema::partition("PK");
//! let mut writer = BatchWriter::new(Counting::default(), Options::default(), SharedPacer::new());
//! let mut requests = (0..100_u32).map(|number| {
//!     let item = HashMap::from([("PK".to_owned(), AttributeValue::S(format!("item#{number}")))]);
//!     WriteRequest::put_item(&schema, &item, number).expect("the item has its key")
//! });
//! let mut written = Vec::new();
//! loop {
//!     while writer.has_room() {
//!         match requests.next() {
//!             Some(request) => writer.push(request),
//!             None => {
//!                 writer.close();
//!                 break;
//!             }
//!         }
//!     }
//!     let turn = writer.turn().await;
//!     for settled in writer.take_settled() {
//!         match settled {
//!             Settled::Written(number) => written.push(number),
//!             Settled::Rejected(number, error) => println!("item {number}: {error}"),
//!         }
//!     }
//!     match turn {
//!         Turn::Progress | Turn::NeedsInput => {}
//!         Turn::Done => break,
//!         Turn::Stopped => panic!("{}", writer.stopped().unwrap()),
//!     }
//! }
//! written.sort();
//! assert_eq!(written, (0..100).collect::<Vec<_>>());
//! # });
//! ```
//!
//! `common/batch_writer/examples/write_items.rs` does the same with a table of DynamoDB.

mod core;
mod latencies;
mod sdk;
pub mod service_error;
mod throttle_cause;
mod traffic;
mod writer;

pub use self::core::answer::{Answer, Consumed, Settled, Stop, Taken};
pub use self::core::backoff::Backoff;
pub use self::core::dispatcher::{Dispatcher, InFlight, Step};
pub use self::core::item_json::{ItemJson, SharedJson};
pub use self::core::limit::WriteLimit;
pub use self::core::pacer::Pacer;
pub use self::core::table_rate::Attempt;
pub use self::core::write_batch::{Full, WriteBatch};
pub use self::core::write_request::{Key, KeySchema, WriteRequest};
pub use self::latencies::Latencies;
pub use self::sdk::{Table, client};
pub use self::throttle_cause::{ThrottleCause, ThrottleLimit, ThrottledResource};
pub use self::traffic::{SharedTraffic, Traffic};
pub use self::writer::{BatchWriteItem, BatchWriter, Options, SharedPacer, Turn};
