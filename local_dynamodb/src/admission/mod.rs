//! Admission: what each request needs of which table, and whether it is admitted.
//!
//! Every operation passes the [`AdmissionGate`], typed, on its way to the engine, and its output, typed, on its way back.

mod consumed_capacity;
mod counting;
mod descriptions;
mod failed_condition;
mod gate;
mod key_condition;
mod partial_batch;
mod request_cost;
mod statement;
mod tables;
mod throttle_error;
mod throughput_checks;

pub(crate) use self::gate::{AdmissionGate, Enforcement, Failure};
