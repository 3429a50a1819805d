//! Requests that wait to be sent, and the batch at their front.

use std::collections::VecDeque;

use crate::core::write_batch::{Full, WriteBatch};
use crate::core::write_request::WriteRequest;
use capacity::write_units;

pub(super) struct Pending<T> {
    pub(super) request: WriteRequest<T>,
    pub(super) failures: u32,
    /// How unlikely it is that it came back so often by chance: the negative logarithm of the probability.
    pub(super) returns: f32,
}

impl<T> Pending<T> {
    pub(super) fn new(request: WriteRequest<T>) -> Self {
        Self { request, failures: 0, returns: 0.0 }
    }
}

/// A batch, the most failures that a request in it has seen, and how often each has come back; empty if none has.
pub(super) struct Filled<T> {
    pub(super) batch: WriteBatch<T>,
    pub(super) failures: u32,
    pub(super) returns: Vec<f32>,
}

/// A batch from the front of a queue. `limit` is in write units; one request always goes.
pub(super) fn fill<T>(queue: &mut VecDeque<Pending<T>>, limit: Option<u64>) -> Option<Filled<T>> {
    let first = queue.pop_front()?;
    let (mut failures, mut units) = (first.failures, request_units(&first.request));
    let mut returns = vec![first.returns];
    let mut batch = WriteBatch::new(first.request);
    while let Some(next) = queue.pop_front() {
        units += request_units(&next.request);
        if limit.is_some_and(|limit| units > limit) {
            queue.push_front(next);
            break;
        }
        match batch.push(next.request) {
            Ok(()) => {
                failures = failures.max(next.failures);
                returns.push(next.returns);
            }
            Err(Full::NoRoom(request) | Full::SameKey(request)) => {
                queue.push_front(Pending { request, failures: next.failures, returns: next.returns });
                break;
            }
        }
    }
    if returns.iter().all(|returns| *returns == 0.0) {
        returns = Vec::new();
    }
    Some(Filled { batch, failures, returns })
}

pub(super) fn front_units<T>(queue: &VecDeque<Pending<T>>) -> u64 {
    queue.front().map_or(0, |pending| request_units(&pending.request))
}

pub(super) fn request_units<T>(request: &WriteRequest<T>) -> u64 {
    write_units(request.item_size()).rounded_up()
}

pub(super) fn units<T>(requests: &[WriteRequest<T>]) -> u64 {
    requests.iter().map(request_units).sum()
}
