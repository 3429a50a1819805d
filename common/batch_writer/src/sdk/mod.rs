//! DynamoDB through the AWS SDK.

pub mod client;
mod credentials;
mod endpoint;
mod fast_path;
mod http_client;
mod schema_mismatch;
mod table;

pub use self::table::Table;
