//! DynamoDB Streams on the records that the engine writes.
//!
//! The engine knows one stream of a table, and forgets it when it is disabled. Here a stream is a row of a table of our own
//! with the sequence numbers that belong to it: disabled streams can be read to their end, and a table can have several. The
//! engine always records both images. So a write that changed nothing is seen and its record deleted, and a reader gets
//! the images of the stream's view type.

mod operations;
mod store;

pub(crate) use self::operations::{
    DescribedStream, describe_stream, get_records, get_shard_iterator, is_expired_iterator, list_streams,
};
pub(super) use self::store::{TABLE, check_update, check_view_type, complete, drop_unchanged, follow, prepare, trim};
