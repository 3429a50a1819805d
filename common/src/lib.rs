//! What the binaries of this workspace share.

pub mod capacity;
