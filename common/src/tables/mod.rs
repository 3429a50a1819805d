//! Tables: the workshop's definitions, and descriptions of any table by DescribeTable.

mod definition;
mod description;
mod name;

pub use definition::{
    IndexDefinition, InvalidThroughput, Projection, ProvisionedThroughput, TABLES, TAG, TableDefinition, table,
};
pub use description::{IndexDescription, KeyElement, TableDescription, key_text, provisioned, throughput_text};
pub use name::{InvalidTableName, TableName};
