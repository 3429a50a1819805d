//! The pure core: which requests go into which batch, when it is sent, and what its response means. Time and randomness are
//! arguments; nothing here waits, sends or prints.

pub(crate) mod attempt;
pub(crate) mod backoff;
pub(crate) mod batch_response;
pub(crate) mod controller;
pub(crate) mod dispatcher;
pub(crate) mod item_json;
pub(crate) mod key;
pub(crate) mod limit;
pub(crate) mod number;
pub(crate) mod pacer;
#[cfg(test)]
mod simulation;
mod stall_timer;
mod window;
pub(crate) mod write_batch;
pub(crate) mod write_request;

/// The attributes of an item whose partition key `PK` is this string.
#[cfg(test)]
pub(crate) fn keyed(text: &str) -> item_json::ItemJson {
    static SCHEMA: std::sync::LazyLock<std::sync::Arc<key::KeySchema>> =
        std::sync::LazyLock::new(|| std::sync::Arc::new(key::KeySchema::partition("PK")));
    let mut attributes = item_json::ItemJson::keyed(std::sync::Arc::clone(&SCHEMA));
    attributes.string("PK", &[text]);
    attributes
}
