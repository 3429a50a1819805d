//! A limit on the consumed write units that a user sets, so that others have the rest of a table's capacity.
//!
//! It is not a token bucket. A bucket counts a batch when it is sent, and the table may consume the capacity at any time until its response:
//! what is sent within fourteen seconds can be consumed within ten of them where a response takes four. No rate and no burst of a bucket keep
//! the promise for every latency, so what was consumed is remembered for ten seconds instead.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU64;
use std::time::Duration;

use super::batch_response::Consumed;
use capacity::CapacityUnits;

/// The limit holds over any period of this length.
const PERIOD: Duration = Duration::from_secs(10);

/// What was consumed within so short a time is remembered as one amount: a hundred of them in a period.
const GRAIN: Duration = Duration::from_millis(100);

/// How late a batch may be sent without making the next one later, too.
const SLACK: Duration = Duration::from_millis(50);

/// Write units that a table and its global indexes may consume each second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteLimit {
    /// By the table itself.
    pub wcu: NonZeroU64,
    /// By global indexes, with their names; by those that are not named as much as by the table.
    pub index_wcu: BTreeMap<String, NonZeroU64>,
}

impl WriteLimit {
    /// As much for each index as for the table.
    pub fn each(wcu: NonZeroU64) -> Self {
        Self { wcu, index_wcu: BTreeMap::new() }
    }

    /// What was consumed, in units of the table: where an index may consume less than the table, its units count for more.
    fn counted(&self, consumed: &Consumed) -> u64 {
        let of_index = |(name, units): &(String, CapacityUnits)| {
            let wcu = self.index_wcu.get(name).unwrap_or(&self.wcu);
            let halves = u128::from(units.halves()) * u128::from(self.wcu.get());
            u64::try_from(halves.div_ceil(2 * u128::from(wcu.get()))).unwrap_or(u64::MAX)
        };
        consumed.indexes.iter().map(of_index).max().unwrap_or_default().max(consumed.table.rounded_up())
    }
}

/// Lets as many units be consumed in any ten seconds as N a second allow, and spreads them evenly.
///
/// A batch counts from when it is sent until ten seconds after its response, because the table may consume the capacity at any time in
/// between. Before the response, it counts as the sizes of its items, times the ratio by which responses have exceeded that: a write that
/// replaces a larger item, and a change of an index's key, cost more than the new item. The first of these cannot be foreseen.
///
/// A single item that costs more than ten seconds' worth is sent when nothing else counts, and paid for afterwards.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    allowed: WriteLimit,
    /// No batch is sent before this: batches are spread evenly.
    not_before: Duration,
    /// What was consumed within the last period, and until when.
    consumed: VecDeque<(Duration, u64)>,
    in_flight: u64,
    /// What was consumed, in hundredths of what the items' sizes suggest.
    ratio: u64,
}

impl Limit {
    pub(super) fn new(allowed: WriteLimit) -> Self {
        Self { allowed, not_before: Duration::ZERO, consumed: VecDeque::new(), in_flight: 0, ratio: 100 }
    }

    /// Changes the limit; the batch that waits now waits longer or shorter accordingly.
    pub(super) fn set(&mut self, now: Duration, allowed: WriteLimit) {
        let (before, after) = (u128::from(self.wcu()), u128::from(allowed.wcu.get()));
        let wait = self.not_before.saturating_sub(now).as_nanos() * before / after;
        self.not_before = now + Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX));
        self.allowed = allowed;
    }

    fn wcu(&self) -> u64 {
        self.allowed.wcu.get()
    }

    /// The most units a batch should have, by its items' sizes: a tenth of a second's worth, so that what does not quite fit into ten
    /// seconds is at most 1 %. A single request may have more.
    pub(super) fn batch_limit(&self) -> u64 {
        (self.wcu().saturating_mul(10) / self.ratio).max(1)
    }

    /// When a batch of `units` may be sent; then it is time to ask again.
    pub(super) fn ready_at(&mut self, now: Duration, units: u64) -> Duration {
        while self.consumed.front().is_some_and(|(at, _)| *at + PERIOD < now) {
            self.consumed.pop_front();
        }
        let consumed: u64 = self.consumed.iter().map(|(_, units)| units).sum();
        let allowed = self.wcu().saturating_mul(PERIOD.as_secs());
        let counted = consumed + self.in_flight;
        if counted == 0 || counted + self.estimate(units) <= allowed {
            return self.not_before;
        }
        // Without anything consumed, only responses make room.
        let next = self.consumed.front().map_or(now, |(at, _)| *at) + PERIOD + Duration::from_nanos(1);
        self.not_before.max(next)
    }

    /// A batch is sent. Returns what it counts as, for [`responded`](Self::responded).
    pub(super) fn sent(&mut self, now: Duration, units: u64) -> u64 {
        let counted = self.estimate(units);
        self.in_flight += counted;
        self.not_before = self.not_before.max(now.saturating_sub(SLACK)) + self.time_for(counted);
        counted
    }

    /// A batch has its response, or is lost. `accepted` is by the items' sizes, and `consumed` is what the response has.
    pub(super) fn responded(&mut self, now: Duration, counted: u64, accepted: u64, consumed: Option<&Consumed>) {
        let known = consumed.map(|consumed| self.allowed.counted(consumed));
        self.in_flight = self.in_flight.saturating_sub(counted);
        let consumed = known.unwrap_or_else(|| self.estimate(accepted));
        if let Some(known) = known.filter(|_| accepted > 0) {
            let ratio = known.saturating_mul(100).div_ceil(accepted);
            self.ratio = ratio.max((self.ratio * 7 + ratio) / 8).max(100); // up at once, down slowly
        }
        match self.consumed.back_mut() {
            Some((until, units)) if now.as_millis() / GRAIN.as_millis() == until.as_millis() / GRAIN.as_millis() => {
                (*until, *units) = (now.max(*until), *units + consumed);
            }
            _ if consumed > 0 => self.consumed.push_back((now, consumed)),
            _ => {}
        }
        if consumed > counted {
            self.not_before += self.time_for(consumed - counted);
        } else {
            self.not_before = self.not_before.saturating_sub(self.time_for(counted - consumed));
        }
    }

    fn estimate(&self, units: u64) -> u64 {
        units.saturating_mul(self.ratio).div_ceil(100)
    }

    fn time_for(&self, units: u64) -> Duration {
        let nanos = u128::from(units) * 1_000_000_000 / u128::from(self.wcu());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wcu(units: u64) -> NonZeroU64 {
        NonZeroU64::new(units).unwrap()
    }

    #[test]
    fn the_resource_that_is_nearest_to_its_limit_counts() {
        let consumed = Consumed {
            table: CapacityUnits::new(25),
            indexes: vec![("GSI_1".to_owned(), CapacityUnits::new(2)), ("GSI_2".to_owned(), CapacityUnits::new(30))],
        };
        assert_eq!(WriteLimit::each(wcu(100)).counted(&consumed), 30);
        let index_wcu = BTreeMap::from([("GSI_1".to_owned(), wcu(1)), ("GSI_2".to_owned(), wcu(200))]);
        assert_eq!(WriteLimit { wcu: wcu(100), index_wcu }.counted(&consumed), 200);
    }

    #[test]
    fn nothing_overflows() {
        let most = CapacityUnits::from_halves(u64::MAX);
        let consumed = Consumed { table: most, indexes: vec![("GSI_1".to_owned(), most)] };
        let index_wcu = BTreeMap::from([("GSI_1".to_owned(), wcu(1))]);
        assert_eq!(WriteLimit { wcu: wcu(u64::MAX), index_wcu }.counted(&consumed), u64::MAX);
    }
}
