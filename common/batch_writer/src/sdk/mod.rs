//! DynamoDB through the AWS SDK.

pub mod client;
mod fast_path;
mod http_client;
mod table;

pub use self::table::Table;
