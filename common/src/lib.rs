//! What the binaries of this workspace share.
