//! The writer's core in simulated time: real dispatchers and a real pacer, which share a simulated service.
//!
//! [`workers`] moves time from one event to the next. [`faults`] loads a table through a service that fails by a seeded script, stops and
//! resumes included, and compares with a sequential load. [`calm`] loads tables of the capacity model, and
//! [`limited`] loads under a limit of the user's.

mod calm;
mod faults;
mod faulty_table;
mod limited;
mod shape_models;
mod shapes;
mod workers;
