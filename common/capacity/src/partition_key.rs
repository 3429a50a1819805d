//! The limit on a single value of a partition key.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::token_bucket::TokenBucket;
use super::units::CapacityUnits;

/// A value of a partition key, identified by its hash, so that memory does not depend on the length of keys. Two values
/// in 2^64 that share a hash share their capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey(u64);

impl PartitionKey {
    /// The value with these bytes. A number must have the same bytes however it is written. Values of different types
    /// need not differ: a key attribute has one type.
    pub fn new(value: &[u8]) -> Self {
        Self::composite([value])
    }

    /// Several values as one key, for an index whose partition key has several attributes.
    pub fn composite<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        // Its seeds are fixed, so that simulations are reproducible.
        let mut hasher = DefaultHasher::new();
        for value in values {
            value.hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

/// With fewer keys than this, a sweep for idle ones is not worthwhile.
const SMALLEST_SWEEP: usize = 1024;

/// A bucket for each partition key that is in use.
///
/// A key whose bucket is full again is equivalent to an unused one, and is removed: with the default settings, a write
/// of 1 WCU is forgotten after a millisecond. The memory is therefore that of the keys used within a second, times two
/// for the sweep.
#[derive(Clone, Debug)]
pub(super) struct KeyBuckets {
    rate: u64,
    burst: Duration,
    buckets: HashMap<PartitionKey, TokenBucket>,
    sweep_at: usize,
}

impl KeyBuckets {
    /// Each key gets `rate` units per second, and keeps those of `burst` when it is idle.
    pub(super) fn new(rate: u64, burst: Duration) -> Self {
        Self { rate, burst, buckets: HashMap::new(), sweep_at: SMALLEST_SWEEP }
    }

    /// Whether `cost` is admitted for `key` at `now`.
    pub(super) fn covers(&self, now: Duration, key: PartitionKey, cost: CapacityUnits) -> bool {
        self.buckets.get(&key).is_none_or(|bucket| bucket.covers(now, cost))
    }

    /// The first time from `now` on at which `cost` is admitted for `key`. `None` if never.
    pub(super) fn available_at(&self, now: Duration, key: PartitionKey, cost: CapacityUnits) -> Option<Duration> {
        match self.buckets.get(&key) {
            Some(bucket) => bucket.available_at(now, cost),
            None => Some(now),
        }
    }

    /// Charges `cost` to `key`, whatever its balance.
    pub(super) fn charge(&mut self, now: Duration, key: PartitionKey, cost: CapacityUnits) {
        if cost.is_zero() {
            return;
        }
        if self.buckets.len() >= self.sweep_at {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            self.sweep_at = SMALLEST_SWEEP.max(2 * self.buckets.len());
        }
        let (rate, burst) = (self.rate, self.burst);
        let bucket = self.buckets.entry(key).or_insert_with(|| TokenBucket::new(now, rate, burst, burst));
        bucket.charge(now, cost);
    }

    /// Refunds to `key` what was charged and not consumed.
    pub(super) fn refund(&mut self, now: Duration, key: PartitionKey, cost: CapacityUnits) {
        if let Some(bucket) = self.buckets.get_mut(&key) {
            bucket.refund(now, cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::ZERO;

    fn units(units: u64) -> CapacityUnits {
        CapacityUnits::new(units)
    }

    #[test]
    fn a_key_gets_its_rate_and_other_keys_are_not_affected() {
        let mut keys = KeyBuckets::new(1000, Duration::from_secs(1));
        let (hot, cold) = (PartitionKey::new(b"hot"), PartitionKey::new(b"cold"));
        keys.charge(START, hot, units(1000));
        assert_eq!(keys.available_at(START, hot, units(1)), Some(Duration::from_millis(1)));
        assert_eq!(keys.available_at(START, hot, units(800)), Some(Duration::from_millis(800)));
        assert_eq!(keys.available_at(START, cold, units(1000)), Some(START));
        keys.refund(START, hot, units(400));
        assert_eq!(keys.available_at(START, hot, units(400)), Some(START));
    }

    #[test]
    fn composite_keys_differ_where_their_parts_do() {
        assert_ne!(PartitionKey::composite([&b"ab"[..], b"c"]), PartitionKey::composite([&b"a"[..], b"bc"]));
        assert_eq!(PartitionKey::composite([&b"a"[..]]), PartitionKey::new(b"a"));
    }

    #[test]
    fn idle_keys_are_forgotten_and_busy_ones_are_not() {
        let mut keys = KeyBuckets::new(1000, Duration::from_secs(1));
        let hot = PartitionKey::new(b"hot");
        keys.charge(START, hot, units(1_000_000));
        for n in 0..1_000_000_u32 {
            keys.charge(Duration::from_micros(100) * n, PartitionKey::new(&n.to_be_bytes()), units(1));
            assert!(keys.buckets.len() <= SMALLEST_SWEEP, "a key is used every 100 µs and forgotten after 1 ms");
        }
        let end = Duration::from_secs(100);
        assert_eq!(keys.available_at(end, hot, units(1)), Some(Duration::from_millis(999_001)));
    }
}
