//! The pure core: which requests go into which batch, when it is sent, and what its response means. Time and randomness are
//! arguments; nothing here waits, sends or prints.

pub(crate) mod answer;
pub(crate) mod backoff;
pub(crate) mod dispatcher;
pub(crate) mod item_json;
pub(crate) mod limit;
pub(crate) mod pacer;
mod patience;
#[cfg(test)]
mod simulation;
pub(crate) mod table_rate;
mod window;
pub(crate) mod write_batch;
pub(crate) mod write_request;
