//! Counts of requests, throttling, consumed capacity and latencies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::latencies::Latencies;
use crate::throttle_cause::ThrottleCause;
use capacity::CapacityUnits;

/// Counts of BatchWriteItem requests and of the write requests in them (rows, to a loader).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traffic {
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests without a response yet.
    pub in_flight: u64,
    /// Requests of which nothing was written because of throttling, as CloudWatch's ThrottledRequests counts them.
    pub throttled_requests: u64,
    /// Requests that failed for another reason that may pass: no response, or a server error.
    pub failed_requests: u64,
    /// Throttled write requests by cause, as CloudWatch's WriteThrottleEvents counts them. A request with two causes counts for both.
    pub throttle_events: BTreeMap<ThrottleCause, u64>,
    /// Write requests that were not written and are sent again.
    pub retried: u64,
    /// Write requests acknowledged.
    pub written: u64,
    /// Acknowledged write requests whose response did not have the consumed capacity.
    pub written_without_consumption: u64,
    /// Write units that the table consumed, its local indexes included, as the responses have it.
    pub consumed_by_table: CapacityUnits,
    /// Write units that each global index consumed, as the responses have it.
    pub consumed_by_index: BTreeMap<String, CapacityUnits>,
    /// Latencies of requests of which something was written.
    pub latencies: Latencies,
}

impl Traffic {
    /// Throttled write requests, whatever the cause.
    pub fn throttled(&self) -> u64 {
        self.throttle_events.values().sum()
    }

    /// Whether the consumed capacity is known for everything that was written.
    pub fn knows_consumption(&self) -> bool {
        self.written_without_consumption == 0
    }

    /// Counts a request that is sent.
    pub fn sent(&mut self) {
        self.requests += 1;
        self.in_flight += 1;
    }

    /// Counts a successful response: `requests` write requests were sent, and `unprocessed` of them came back.
    pub fn responded(&mut self, requests: u64, unprocessed: u64, latency: Duration) {
        self.in_flight -= 1;
        self.written += requests - unprocessed;
        self.retried += unprocessed;
        if unprocessed > 0 {
            self.throttle(&[ThrottleCause::UNKNOWN], unprocessed);
        }
        if unprocessed == requests {
            self.throttled_requests += 1;
        } else {
            self.latencies.add(latency);
        }
    }

    /// Counts a request that was throttled completely, with so many write requests.
    pub fn throttled_whole(&mut self, requests: u64, causes: &[ThrottleCause]) {
        self.in_flight -= 1;
        self.throttled_requests += 1;
        self.retried += requests;
        self.throttle(causes, requests);
    }

    /// Counts a request that failed and is sent again, with so many write requests.
    pub fn failed(&mut self, requests: u64) {
        self.in_flight -= 1;
        self.failed_requests += 1;
        self.retried += requests;
    }

    /// Counts a request that failed for good.
    pub fn rejected(&mut self) {
        self.in_flight -= 1;
    }

    /// Adds units that the table consumed.
    pub fn consumed_by_table(&mut self, units: CapacityUnits) {
        self.consumed_by_table += units;
    }

    /// Adds units that a global index consumed.
    pub fn consumed_by_index(&mut self, name: &str, units: CapacityUnits) {
        match self.consumed_by_index.get_mut(name) {
            Some(sum) => *sum += units,
            None => {
                self.consumed_by_index.insert(name.to_owned(), units);
            }
        }
    }

    fn throttle(&mut self, causes: &[ThrottleCause], events: u64) {
        let causes = if causes.is_empty() { &[ThrottleCause::UNKNOWN] } else { causes };
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
    /// Reads or changes the counts. Other callers wait meanwhile.
    pub fn with<R>(&self, act: impl FnOnce(&mut Traffic) -> R) -> R {
        // Counts are valid whatever a panicking thread left in them.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
