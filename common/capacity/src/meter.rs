//! One kind of capacity, reads or writes, of one table or index.

use std::time::Duration;

use super::partition_key::{KeyBuckets, PartitionKey};
use super::settings::Settings;
use super::state::CapacityState;
use super::throttle::{Access, Limit};
use super::token_bucket::TokenBucket;
use super::units::CapacityUnits;

/// The bucket of the whole, those of its partition keys, and what was consumed. Without provisioned throughput
/// there is no bucket, and nothing is refused.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    pub(super) bucket: Option<TokenBucket>,
    pub(super) keys: KeyBuckets,
    consumed: CapacityUnits,
    burst: Duration,
    starting_burst: Duration,
}

impl Meter {
    pub(super) fn new(now: Duration, rate: Option<u64>, access: Access, settings: &Settings) -> Self {
        let key_rate = match access {
            Access::Read => settings.partition_read_units,
            Access::Write => settings.partition_write_units,
        };
        let mut meter = Self {
            bucket: None,
            keys: KeyBuckets::new(key_rate, settings.partition_burst),
            consumed: CapacityUnits::ZERO,
            burst: settings.burst,
            starting_burst: settings.starting_burst,
        };
        meter.set_rate(now, rate);
        meter
    }

    /// Changes the provisioned throughput; `None` is on demand. A bucket that there was none of starts as a new one.
    pub(super) fn set_rate(&mut self, now: Duration, rate: Option<u64>) {
        match (&mut self.bucket, rate) {
            (Some(bucket), Some(rate)) => bucket.set_rate(now, rate),
            (None, Some(rate)) => self.bucket = Some(TokenBucket::new(now, rate, self.burst, self.starting_burst)),
            (_, None) => self.bucket = None,
        }
    }

    /// Which limit keeps `units` out at `now`, and until when; of them, `of_key` come from one partition key.
    pub(super) fn obstacle(
        &self,
        now: Duration,
        units: CapacityUnits,
        of_key: Option<(PartitionKey, CapacityUnits)>,
    ) -> Option<(Limit, Option<Duration>)> {
        let bucket = self.bucket.as_ref()?;
        if !bucket.covers(now, units) {
            return Some((Limit::ProvisionedThroughput, bucket.available_at(now, units)));
        }
        let (key, units) = of_key?;
        (!self.keys.covers(now, key, units)).then(|| (Limit::KeyRange, self.keys.available_at(now, key, units)))
    }

    pub(super) fn charge(&mut self, now: Duration, units: CapacityUnits) {
        self.consumed += units;
        if let Some(bucket) = &mut self.bucket {
            bucket.charge(now, units);
        }
    }

    pub(super) fn refund(&mut self, now: Duration, units: CapacityUnits) {
        self.consumed = self.consumed.saturating_sub(units);
        if let Some(bucket) = &mut self.bucket {
            bucket.refund(now, units);
        }
    }

    pub(super) fn charge_key(&mut self, now: Duration, key: PartitionKey, units: CapacityUnits) {
        if self.bucket.is_some() {
            self.keys.charge(now, key, units);
        }
    }

    /// Settles the difference between what was taken and what was consumed.
    pub(super) fn settle(&mut self, now: Duration, taken: CapacityUnits, consumed: CapacityUnits) {
        self.charge(now, consumed.saturating_sub(taken));
        self.refund(now, taken.saturating_sub(consumed));
    }

    pub(super) fn settle_key(
        &mut self,
        now: Duration,
        key: PartitionKey,
        taken: CapacityUnits,
        consumed: CapacityUnits,
    ) {
        self.charge_key(now, key, consumed.saturating_sub(taken));
        self.keys.refund(now, key, taken.saturating_sub(consumed));
    }

    pub(super) fn state(&self, now: Duration) -> CapacityState {
        CapacityState {
            provisioned: self.bucket.as_ref().map(TokenBucket::rate),
            balance: self.bucket.as_ref().map(|bucket| bucket.balance(now)),
            ceiling: self.bucket.as_ref().map(TokenBucket::ceiling),
            consumed: self.consumed,
        }
    }

    /// Counts what goes another way than through the bucket at once: an index's writes, which its backlog will pay.
    pub(super) fn count(&mut self, units: CapacityUnits) {
        self.consumed += units;
    }

    /// Takes back what was counted.
    pub(super) fn discount(&mut self, units: CapacityUnits) {
        self.consumed = self.consumed.saturating_sub(units);
    }
}
