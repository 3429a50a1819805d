//! What went over the wire: requests, throttling, capacity consumed, latencies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::latencies::Latencies;
use crate::throttle_cause::ThrottleCause;
use capacity::CapacityUnits;

/// Counts of BatchWriteItem requests and of the write requests in them (rows, to a loader).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent, the first time or again.
    pub requests: u64,
    /// Those of them without an answer yet.
    pub in_flight: u64,
    /// Those that were refused whole for lack of capacity, as CloudWatch's ThrottledRequests counts them.
    pub throttled_requests: u64,
    /// Those that failed for another reason that may pass: no answer, or one that says the server is in trouble.
    pub failed_requests: u64,
    /// Write requests that were throttled, as CloudWatch's WriteThrottleEvents counts them: by cause. One that the answer gives two causes
    /// for counts for both.
    pub throttle_events: BTreeMap<ThrottleCause, u64>,
    /// Write requests that came back unwritten to be sent again.
    pub sent_again: u64,
    /// Write requests acknowledged.
    pub written: u64,
    /// Those of them whose answer did not tell what was consumed.
    pub written_untold: u64,
    /// Write units that the table itself consumed, its local indexes included, as the answers told.
    pub consumed_by_table: CapacityUnits,
    /// Write units that each global index consumed, as the answers told.
    pub consumed_by_index: BTreeMap<String, CapacityUnits>,
    /// Of requests that were not refused whole.
    pub latencies: Latencies,
}

impl Traffic {
    /// Write requests that were throttled.
    pub fn throttled(&self) -> u64 {
        self.throttle_events.values().sum()
    }

    /// Whether the answers told what was consumed, for all that was written.
    pub fn tells_consumed(&self) -> bool {
        self.written_untold == 0
    }

    /// A request is sent.
    pub fn sent(&mut self) {
        self.requests += 1;
        self.in_flight += 1;
    }

    /// A request with so many write requests was taken, all but `unprocessed` of them.
    pub fn taken(&mut self, requests: u64, unprocessed: u64, latency: Duration) {
        self.in_flight -= 1;
        self.written += requests - unprocessed;
        self.sent_again += unprocessed;
        if unprocessed > 0 {
            self.throttle(&[ThrottleCause::NOT_TOLD], unprocessed);
        }
        if unprocessed == requests {
            self.throttled_requests += 1;
        } else {
            self.latencies.add(latency);
        }
    }

    /// A request with so many write requests was refused whole for these causes.
    pub fn throttled_whole(&mut self, requests: u64, causes: &[ThrottleCause]) {
        self.in_flight -= 1;
        self.throttled_requests += 1;
        self.sent_again += requests;
        self.throttle(causes, requests);
    }

    /// A request with so many write requests failed, and is sent again.
    pub fn failed(&mut self, requests: u64) {
        self.in_flight -= 1;
        self.failed_requests += 1;
        self.sent_again += requests;
    }

    /// A request was refused for what it is.
    pub fn refused(&mut self) {
        self.in_flight -= 1;
    }

    /// What an answer told about the table.
    pub fn consumed_by_table(&mut self, units: CapacityUnits) {
        self.consumed_by_table += units;
    }

    /// What an answer told about a global index.
    pub fn consumed_by_index(&mut self, name: &str, units: CapacityUnits) {
        match self.consumed_by_index.get_mut(name) {
            Some(sum) => *sum += units,
            None => {
                self.consumed_by_index.insert(name.to_owned(), units);
            }
        }
    }

    fn throttle(&mut self, causes: &[ThrottleCause], events: u64) {
        let causes = if causes.is_empty() { &[ThrottleCause::NOT_TOLD] } else { causes };
        for cause in causes {
            match self.throttle_events.get_mut(cause) {
                Some(sum) => *sum += events,
                None => {
                    self.throttle_events.insert(cause.clone(), events);
                }
            }
        }
    }
}

/// The traffic of all the writers of a load.
#[derive(Debug, Clone, Default)]
pub struct SharedTraffic(Arc<Mutex<Traffic>>);

impl SharedTraffic {
    /// Looks at it or adds to it. Everybody else waits meanwhile.
    pub fn with<R>(&self, act: impl FnOnce(&mut Traffic) -> R) -> R {
        // Counts are valid whatever a panicking thread left in them.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
