//! What the end-to-end tests share: the engine on a free port, a binary's run, a table read back, a server
//! with canned answers, a proxy that does harm, log files, and what the table must hold after a load.
//!
//! Everything here panics when it does not work, which is how a test fails.

#![expect(clippy::unwrap_used, reason = "only tests use this")]
#![allow(missing_docs, reason = "an internal crate: names say most of it")]

pub mod canned;
pub mod capacity;
pub mod contract;
pub mod import;
pub mod interruptions;
pub mod lab;
pub mod log;
pub mod oracle;
pub mod program;
pub mod proxy;
pub mod s3;
pub mod table;
pub mod terminal;
pub mod trial;

use local_dynamodb::{LocalDynamoDb, Options};

/// The engine, empty, in memory, on a free port. It stops when the value is dropped. It lets everything in, at once:
/// a test that is not about capacity needs no time for it.
pub fn engine() -> LocalDynamoDb {
    LocalDynamoDb::start(&Options { throttle: false, ..Options::default() }).unwrap()
}
