//! Tables: the workshop's definitions, and what DescribeTable says of any table.

mod definition;
mod description;

pub use definition::{
    IndexDefinition, InvalidThroughput, Projection, ProvisionedThroughput, TABLES, TAG, TableDefinition, table,
};
pub use description::{IndexDescription, KeyElement, TableDescription, key_text, provisioned, throughput_text};
