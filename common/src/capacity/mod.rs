//! How DynamoDB counts and limits capacity, as arithmetic: what an item costs, and when a request for it gets in.
//!
//! Everything here is pure: no clock, no threads, no input or output. Amounts are integers, and time is an argument.
//!
//! Statements about DynamoDB carry their kind: *documented* (AWS's own text; "Developer Guide" is the Amazon DynamoDB
//! Developer Guide), *measured* (on the real service) or *assumed* (not published: a choice of this model).

mod item_size;
pub mod limits;
mod units;

pub use item_size::{
    BOOLEAN_SIZE, Consistency, NULL_SIZE, attribute_size, list_size, map_size, number_size, read_units,
    transactional_write_units, write_units,
};
pub use units::CapacityUnits;
