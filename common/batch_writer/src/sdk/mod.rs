//! DynamoDB through the AWS SDK.

pub mod client;
mod connection_error;
mod credentials;
mod endpoint;
mod fast_path;
mod http_client;
mod schema_mismatch;
mod settings;
mod table;

pub use self::table::Table;
