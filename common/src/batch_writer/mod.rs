//! Writing to DynamoDB in batches. Nothing in here knows of log files.

pub mod client;
pub mod service_error;
