//! What the binaries of this workspace share.

pub mod batch_writer;
pub mod capacity;
pub mod command_line;
pub mod load;
pub mod logfile;
pub mod outcome;
pub mod screen;
pub mod tables;
