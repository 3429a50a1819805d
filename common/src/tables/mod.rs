//! Tables: the workshop's definitions, and what DescribeTable says of any table.

mod definition;
mod description;
mod name;

pub use definition::{
    IndexDefinition, InvalidThroughput, Projection, ProvisionedThroughput, TABLES, TAG, TableDefinition, table,
};
pub use description::{IndexDescription, KeyElement, TableDescription, key_text, provisioned, throughput_text};
pub use name::{InvalidTableName, TableName};
