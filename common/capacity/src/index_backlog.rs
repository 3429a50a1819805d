//! The queue between a table and one of its indexes: writes that the table has accepted and the index has not.

use std::collections::VecDeque;
use std::time::Duration;

use super::partition_key::{KeyBuckets, PartitionKey};
use super::token_bucket::TokenBucket;
use super::units::CapacityUnits;

/// A bounded queue of index writes, drained in order as fast as the index's capacity and the limit on its partition
/// keys allow.
///
/// An index never delays a write. When the queue is full, the table refuses all writes until the first one in the queue
/// has been written, including those that would not enter the index. Documented: Developer Guide, "Understanding Global
/// Secondary Index (GSI) write throttling and back pressure in DynamoDB", which also names the hot partition key of an
/// index as a cause. The size of the queue is assumed. One admission may overfill it by its own index writes: two for
/// an item whose index key changes, at most two hundred for a transaction.
///
/// That a hot key delays the writes after it in the queue is assumed. In the long run it makes no difference whether
/// others overtake it: writes for that key fill the queue.
#[derive(Clone, Debug)]
pub(super) struct IndexBacklog {
    capacity: usize,
    runs: VecDeque<Run>,
    writes: usize,
    units: CapacityUnits,
    /// The time until which the queue has been drained. Later writes are not written before they arrived.
    drained: Duration,
}

/// Consecutive equal writes: a load of small items fills the queue with writes of 1 WCU.
#[derive(Clone, Copy, Debug)]
struct Run {
    units: CapacityUnits,
    key: PartitionKey,
    writes: usize,
}

/// What a backlog waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The index's own capacity.
    Throughput,
    /// The limit on the partition key of the first write.
    PartitionKey,
}

impl IndexBacklog {
    /// An empty backlog for `capacity` index writes.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, runs: VecDeque::new(), writes: 0, units: CapacityUnits::ZERO, drained: Duration::ZERO }
    }

    /// Waiting index writes.
    pub(super) fn writes(&self) -> usize {
        self.writes
    }

    /// What they will cost the index.
    pub(super) fn units(&self) -> CapacityUnits {
        self.units
    }

    /// The number of the first writes, at most `writes`, and their total cost.
    pub(super) fn first(&self, writes: u64) -> (u64, CapacityUnits) {
        let (mut left, mut units) = (writes, CapacityUnits::ZERO);
        for run in &self.runs {
            let of_run = left.min(run.writes as u64);
            units += run.units * of_run;
            left -= of_run;
        }
        (writes - left, units)
    }

    /// The maximum number of index writes.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether the table must refuse.
    pub(super) fn is_full(&self) -> bool {
        self.writes >= self.capacity.max(1)
    }

    /// Adds an index write that arrived at the time until which the queue was last drained.
    pub(super) fn push(&mut self, key: PartitionKey, units: CapacityUnits) {
        self.writes += 1;
        self.units += units;
        match self.runs.back_mut() {
            Some(last) if last.units == units && last.key == key => last.writes += 1,
            _ => self.runs.push_back(Run { units, key, writes: 1 }),
        }
    }

    /// Withdraws up to `units` from the latest writes, and returns how much had already been written to the index.
    pub(super) fn withdraw(&mut self, units: CapacityUnits) -> CapacityUnits {
        let mut left = units;
        while !left.is_zero()
            && let Some(last) = self.runs.pop_back()
        {
            let withdrawn = last.units.min(left);
            left = left.saturating_sub(withdrawn);
            self.units = self.units.saturating_sub(withdrawn);
            self.writes -= 1;
            if last.writes > 1 {
                self.runs.push_back(Run { writes: last.writes - 1, ..last });
            }
            let rest = last.units.saturating_sub(withdrawn);
            if !rest.is_zero() {
                self.units = self.units.saturating_sub(rest);
                self.push(last.key, rest);
            }
        }
        left
    }

    /// Writes to the index what it accepts until `now`, each write at the moment when it is admitted.
    pub(super) fn drain(&mut self, now: Duration, bucket: &mut TokenBucket, keys: &mut KeyBuckets) {
        while let Some(first) = self.runs.front_mut() {
            let Some((at, _)) = next_write(first, self.drained, bucket, keys) else { break };
            if at > now {
                break;
            }
            bucket.charge(at, first.units);
            keys.charge(at, first.key, first.units);
            self.writes -= 1;
            self.units = self.units.saturating_sub(first.units);
            first.writes -= 1;
            if first.writes == 0 {
                self.runs.pop_front();
            }
        }
        self.drained = self.drained.max(now);
    }

    /// When the next write goes to the index, and what it waits for. `None` if nothing waits, or if it waits forever.
    pub(super) fn next(&self, bucket: &TokenBucket, keys: &KeyBuckets) -> Option<(Duration, Obstacle)> {
        next_write(self.runs.front()?, self.drained, bucket, keys)
    }
}

fn next_write(run: &Run, from: Duration, bucket: &TokenBucket, keys: &KeyBuckets) -> Option<(Duration, Obstacle)> {
    let by_throughput = bucket.available_at(from, run.units)?;
    let by_key = keys.available_at(from, run.key, run.units)?;
    Some(if by_key > by_throughput { (by_key, Obstacle::PartitionKey) } else { (by_throughput, Obstacle::Throughput) })
}

#[cfg(test)]
mod tests {
    use super::super::limits::PARTITION_WRITE_UNITS;
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn units(units: u64) -> CapacityUnits {
        CapacityUnits::new(units)
    }

    fn key(n: u64) -> PartitionKey {
        PartitionKey::new(&n.to_be_bytes())
    }

    fn keys() -> KeyBuckets {
        KeyBuckets::new(PARTITION_WRITE_UNITS, secs(1))
    }

    fn full(rate: u64) -> TokenBucket {
        TokenBucket::new(Duration::ZERO, rate, secs(300), secs(300))
    }

    #[test]
    fn it_drains_in_order_at_the_rate_of_the_index() {
        let (mut backlog, mut bucket, mut keys) = (IndexBacklog::new(20_000), full(1), keys());
        for n in 0..400 {
            backlog.push(key(n), units(1));
        }
        backlog.drain(Duration::ZERO, &mut bucket, &mut keys);
        assert_eq!(backlog.writes(), 100, "the index spends its burst of 300");
        backlog.drain(secs(10), &mut bucket, &mut keys);
        assert_eq!((backlog.writes(), backlog.units()), (90, units(90)));
        assert_eq!(backlog.next(&bucket, &keys), Some((secs(11), Obstacle::Throughput)));
        backlog.drain(secs(100), &mut bucket, &mut keys);
        assert_eq!((backlog.writes(), bucket.balance(secs(100))), (0, 0));
    }

    #[test]
    fn what_comes_late_is_not_paid_with_capacity_that_ran_over_before() {
        let (mut backlog, mut bucket, mut keys) = (IndexBacklog::new(20_000), full(1), keys());
        backlog.drain(secs(1000), &mut bucket, &mut keys);
        for n in 0..310 {
            backlog.push(key(n), units(1));
        }
        backlog.drain(secs(1005), &mut bucket, &mut keys);
        assert_eq!(backlog.writes(), 5);
    }

    #[test]
    fn a_hot_key_of_the_index_holds_it_up() {
        let (mut backlog, mut bucket, mut keys) = (IndexBacklog::new(20_000), full(5000), keys());
        for _ in 0..3000 {
            backlog.push(key(1), units(1));
        }
        backlog.drain(Duration::ZERO, &mut bucket, &mut keys);
        assert_eq!(backlog.writes(), 2000);
        assert_eq!(backlog.next(&bucket, &keys), Some((Duration::from_millis(1), Obstacle::PartitionKey)));
        backlog.drain(secs(2), &mut bucket, &mut keys);
        assert_eq!(backlog.writes(), 0);
    }

    #[test]
    fn it_is_full_at_its_capacity() {
        let mut backlog = IndexBacklog::new(3);
        for n in 0..3 {
            assert!(!backlog.is_full());
            backlog.push(key(n), units(1));
        }
        assert!(backlog.is_full());
        backlog.drain(Duration::ZERO, &mut full(1), &mut keys());
        assert!(!backlog.is_full());
    }

    #[test]
    fn withdrawing_takes_the_latest_first_and_answers_what_is_written_already() {
        let mut backlog = IndexBacklog::new(100);
        for n in [1, 4, 4, 4] {
            backlog.push(key(n), units(n));
        }
        assert_eq!(backlog.withdraw(units(6)), units(0));
        assert_eq!((backlog.writes(), backlog.units()), (3, units(7)), "1, 4 and what is left of a 4");
        assert_eq!(backlog.withdraw(units(10)), units(3));
        assert_eq!((backlog.writes(), backlog.units()), (0, units(0)));
    }
}
