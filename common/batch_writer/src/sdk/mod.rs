//! DynamoDB through the AWS SDK: the connection, a table, and the short way to send a batch.

pub mod client;
mod fast_path;
mod table;

pub use self::table::Table;
