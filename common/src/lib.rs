//! What the binaries of this workspace share.

pub mod cli;
pub mod load;
pub mod logfile;
pub mod outcome;
pub mod tables;

pub use ::cli::{screen, words};
pub use {batch_writer, capacity};
