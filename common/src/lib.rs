//! What the binaries of this workspace share.

pub mod batch_writer;
pub mod capacity;
pub mod command_line;
pub mod tables;
