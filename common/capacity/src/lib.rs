//! How DynamoDB counts and limits capacity, as arithmetic: what an item costs, and when a request is admitted.
//!
//! Everything here is pure: no clock, no threads, no input or output. Amounts are integers, and time is an
//! argument, the time since an epoch of the caller's choice.
//!
//! - [`write_units`], [`read_units`] and the size functions: what an item costs.
//! - [`write_cost`]: what a write costs the table and each index, from the item before and after.
//! - [`Table`]: which writes and reads are admitted, and which limit refuses one.
//! - [`LoadTotals`]: the duration of a load, and the capacity that would make it faster.
//! - [`Settings`]: the assumptions. [`limits`]: DynamoDB's limits.
//!
//! Statements about DynamoDB carry their kind: *documented* (AWS's own text; "Developer Guide" is the Amazon
//! DynamoDB Developer Guide, "API Reference" the Amazon DynamoDB API Reference), *measured* (on the real service,
//! and published) or *assumed* (not published: a choice of this model).
//!
//! A batch is admitted item by item, with the costs known beforehand, and then settled with the capacity consumed:
//!
//! ```
//! use std::time::Duration;
//!
//! use capacity::{CapacityUnits, PartitionKey, Settings, Table, Throughput, Write, WriteAdmission, WriteCost};
//!
//! let now = Duration::ZERO;
//! let mut table = Table::new(now, Throughput::Provisioned { read: 5, write: 5 }, Settings::default());
//! let (mut batch, mut unprocessed) = (WriteAdmission::default(), 0);
//! for request in 0..1510_u32 {
//!     let cost = WriteCost::of_table(CapacityUnits::new(1));
//!     match table.admit_write(now, Write { key: PartitionKey::new(&request.to_be_bytes()), cost }) {
//!         Ok(admission) => batch.join(admission),
//!         Err(throttle) => {
//!             assert_eq!(throttle.reason(), "TableWriteProvisionedThroughputExceeded");
//!             unprocessed += 1;
//!         }
//!     }
//! } assert_eq!(unprocessed, 10); // 300 s of 5 WCU were saved
//!
//! // The old items were larger than the new ones.
//! table.settle_write(now, &batch, &WriteCost::of_table(CapacityUnits::new(1505)));
//! assert_eq!(table.state(now).write.balance, Some(-5));
//! ```

mod estimate;
mod index;
mod index_backlog;
mod item_size;
pub mod limits;
mod load_totals;
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
mod warm_throughput;
mod write_cost;

pub use estimate::{LoadEstimate, RequiredCapacity};
pub use item_size::{
    BOOLEAN_SIZE, Consistency, NULL_SIZE, attribute_size, list_size, map_size, number_size, read_units,
    transactional_write_units, write_units,
};
pub use load_totals::LoadTotals;
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
