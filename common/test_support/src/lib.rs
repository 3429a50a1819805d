//! Support for the end-to-end tests: the engine on a free port, runs of binaries, reading tables back, a server with
//! canned responses, a proxy that injects faults, log files, and the expected contents of tables.
//!
//! Everything here panics on errors, which fails the test.

#![expect(clippy::unwrap_used, reason = "only tests use this")]
#![allow(missing_docs, reason = "an internal crate: names say most of it")]

pub mod canned;
pub mod capacity;
pub mod contract;
pub mod fault;
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

/// An empty engine, in memory, on a free port. It stops when the value is dropped. It does not enforce capacity, so
/// that other tests need not wait.
pub fn engine() -> LocalDynamoDb {
    LocalDynamoDb::start(&Options { throttle: false, ..Options::default() }).unwrap()
}
