//! Endpoints that throttle in different shapes, written from AWS's documents and not from the capacity model of this workspace.
//!
//! - Developer Guide, "Burst and adaptive capacity": each partition has a limit of its own, and unused capacity is kept for a while.
//! - Developer Guide, "Resolving hot partitions": one key or partition is throttled while the others are not.
//! - Developer Guide, "On-demand capacity mode": twice the previous peak at once, more later.
//! - API Reference, BatchWriteItem: a batch of which some requests are throttled returns them as UnprocessedItems; a batch of which none
//!   can be processed gets ProvisionedThroughputExceededException.

use std::time::Duration;

use super::workers::{Row, Service};
use crate::service_error::ServiceError;
use crate::{BatchResponse, BatchResult, WriteBatch};

/// What limits the endpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// Each item of each batch comes back with this probability.
    Partial(f64),
    /// Each batch is refused completely with this probability.
    Whole(f64),
    /// One bucket of this many units a second.
    Bucket(f64),
    /// One bucket; from this second on, nothing is accepted for this many seconds.
    Blackout { rate: f64, from: f64, seconds: f64 },
    /// Partitions by a hash of the key: the first of `slow` units a second, three others of `fast`.
    Partitions { slow: f64, fast: f64 },
    /// Three of ten rows share a limit of this many units a second; the others share one of `rest`.
    HotKey { hot: f64, rest: f64 },
    /// The capacity changes at this second.
    Change { from: f64, to: f64, at: f64 },
    /// One bucket, and another writer that offers this many units per second.
    SecondWriter { rate: f64, other: f64 },
    /// Random partial and complete refusals, lost responses and server errors.
    Mixed,
}

/// Capacity that flows in at a rate, of which this many seconds are kept.
#[derive(Debug, Clone, Copy)]
struct Flow {
    rate: f64,
    kept: f64,
    balance: f64,
    at: f64,
}

impl Flow {
    fn new(rate: f64, kept: f64) -> Self {
        Self { rate, kept, balance: 0.0, at: 0.0 }
    }

    fn take(&mut self, now: f64) -> bool {
        self.refill(now);
        let admitted = self.balance >= 1.0;
        self.balance -= f64::from(admitted);
        admitted
    }

    fn refill(&mut self, now: f64) {
        self.balance = (self.balance + (now - self.at).max(0.0) * self.rate).min((self.rate * self.kept).max(1.0));
        self.at = self.at.max(now);
    }
}

pub(super) struct Endpoint {
    pub(super) shape: Shape,
    latency: Duration,
    flows: Vec<Flow>,
    other_at: f64,
    random: fastrand::Rng,
    /// The number of the row that each key holds.
    pub(super) rows: Vec<Option<usize>>,
    pub(super) requests: u64,
    pub(super) refused_whole: u64,
    /// When units were accepted, in tenths of a second.
    pub(super) accepted: Vec<u64>,
    pub(super) offered: Vec<u64>,
}

impl Endpoint {
    pub(super) fn new(shape: Shape, latency: Duration, keys: usize, seed: u64) -> Self {
        // Provisioned tables keep 300 seconds. An on-demand table's partitions keep little.
        let flows = match shape {
            Shape::Bucket(rate) | Shape::Blackout { rate, .. } | Shape::SecondWriter { rate, .. } => {
                vec![Flow::new(rate, 300.0)]
            }
            Shape::Change { from, .. } => vec![Flow::new(from, 300.0)],
            Shape::Partitions { slow, fast } => [slow, fast, fast, fast].map(|rate| Flow::new(rate, 0.5)).to_vec(),
            Shape::HotKey { hot, rest } => vec![Flow::new(hot, 0.5), Flow::new(rest, 0.5)],
            Shape::Partial(_) | Shape::Whole(_) | Shape::Mixed => Vec::new(),
        };
        let random = fastrand::Rng::with_seed(seed);
        Self {
            shape,
            latency,
            flows,
            other_at: 0.0,
            random,
            rows: vec![None; keys],
            requests: 0,
            refused_whole: 0,
            accepted: Vec::new(),
            offered: Vec::new(),
        }
    }

    fn admits(&mut self, now: f64, row: Row) -> bool {
        // Spreads keys over partitions as a hash does.
        let hash = (row.key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        match self.shape {
            Shape::Partial(share) => self.random.f64() >= share,
            Shape::Whole(_) | Shape::Mixed => true,
            Shape::Bucket(_) => self.flows[0].take(now),
            Shape::Blackout { from, seconds, .. } => !(from..from + seconds).contains(&now) && self.flows[0].take(now),
            Shape::Partitions { .. } => self.flows[(hash % 4) as usize].take(now),
            Shape::HotKey { .. } => self.flows[usize::from(hash % 10 >= 3)].take(now),
            Shape::Change { to, at, .. } => {
                if now >= at {
                    self.flows[0].refill(at);
                    self.flows[0].rate = to;
                }
                self.flows[0].take(now)
            }
            Shape::SecondWriter { other, .. } => {
                while self.other_at + 1.0 / other <= now {
                    self.other_at += 1.0 / other;
                    let at = self.other_at;
                    self.flows[0].take(at);
                }
                self.flows[0].take(now)
            }
        }
    }

    /// Whether the batch is refused completely, or lost, whatever it holds.
    fn fate(&mut self) -> Option<ServiceError> {
        let whole = || ServiceError::from_response(400, Some("ProvisionedThroughputExceededException"), None);
        match self.shape {
            Shape::Whole(share) => (self.random.f64() < share).then(whole),
            Shape::Mixed => match self.random.u32(..20) {
                0..3 => Some(whole()),
                3 => Some(ServiceError::from_response(500, Some("InternalServerError"), None)),
                _ => None,
            },
            _ => None,
        }
    }
}

fn count(tenths: &mut Vec<u64>, now: f64, units: u64) {
    let tenth = (now * 10.0) as usize;
    tenths.resize(tenths.len().max(tenth + 1), 0);
    tenths[tenth] += units;
}

impl Service for Endpoint {
    fn send(&mut self, now: Duration, batch: &WriteBatch<Row>) -> (Duration, BatchResult) {
        let at = now + self.latency.mul_f64(0.9 + 0.2 * self.random.f64());
        let arrived = (now + self.latency / 2).as_secs_f64();
        if self.requests == 0 {
            // The shape's time begins with the first request, and its buckets are empty.
            self.flows.iter_mut().for_each(|flow| flow.at = arrived);
        }
        self.requests += 1;
        count(&mut self.offered, arrived, batch.len() as u64);
        if let Some(error) = self.fate() {
            self.refused_whole += u64::from(error.code.as_deref() != Some("InternalServerError"));
            return (at, Err(error));
        }
        let mut unprocessed = Vec::new();
        for (index, request) in batch.requests().iter().enumerate() {
            let by_chance = self.shape == Shape::Mixed && self.random.u32(..5) == 0;
            if by_chance || !self.admits(arrived, request.tag) {
                unprocessed.push(index);
            } else {
                self.rows[request.tag.key] = Some(request.tag.number);
            }
        }
        count(&mut self.accepted, arrived, (batch.len() - unprocessed.len()) as u64);
        if unprocessed.len() == batch.len() {
            self.refused_whole += 1;
            return (at, Err(ServiceError::from_response(400, Some("ProvisionedThroughputExceededException"), None)));
        }
        self.random.shuffle(&mut unprocessed);
        (at, Ok(BatchResponse { unprocessed, consumed: None }))
    }
}
