//! What the binaries of this workspace share.

#![allow(missing_docs, reason = "an internal crate: names say most of it")]

pub mod cli;
pub mod input;
pub mod load;
pub mod mapping;
pub mod report;
pub mod s3;
pub mod tables;

pub use ::cli::{human, screen};
pub use {batch_writer, capacity};
