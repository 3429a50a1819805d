//! How DynamoDB counts and limits capacity, as arithmetic: what an item costs, and when a request for it gets in.
//!
//! Everything here is pure: no clock, no threads, no input or output. Amounts are integers, and time is an argument.
//!
//! Statements about DynamoDB carry their kind: *documented* (AWS's own text; "Developer Guide" is the Amazon DynamoDB
//! Developer Guide), *measured* (on the real service) or *assumed* (not published: a choice of this model).

mod index;
mod index_backlog;
mod item_size;
pub mod limits;
mod meter;
mod partition_key;
mod request;
mod settings;
mod state;
mod table;
mod throttle;
mod throughput;
mod token_bucket;
mod units;
mod write_cost;

pub use item_size::{
    BOOLEAN_SIZE, Consistency, NULL_SIZE, attribute_size, list_size, map_size, number_size, read_units,
    transactional_write_units, write_units,
};
pub use partition_key::PartitionKey;
pub use request::{Read, ReadAdmission, Write, WriteAdmission};
pub use settings::Settings;
pub use state::{CapacityState, IndexState, TableState};
pub use table::Table;
pub use throttle::{Access, Limit, RefusedGroup, Resource, Throttle};
pub use throughput::Throughput;
pub use token_bucket::TokenBucket;
pub use units::CapacityUnits;
pub use write_cost::{
    IndexDefinition, IndexScope, IndexWrite, Isolation, Item, Projection, WriteCost, failed_condition_cost, write_cost,
};
