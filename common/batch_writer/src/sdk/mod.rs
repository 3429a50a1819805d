//! DynamoDB through the AWS SDK.

pub mod client;
mod fast_path;
mod table;

pub use self::table::Table;
