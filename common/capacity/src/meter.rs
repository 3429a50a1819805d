//! One kind of capacity, reads or writes, of one table or index.

use std::time::Duration;

use super::partition_key::{KeyBuckets, PartitionKey};
use super::settings::Settings;
use super::state::CapacityState;
use super::throttle::{Access, Limit};
use super::token_bucket::TokenBucket;
use super::units::CapacityUnits;
use super::warm_throughput::WarmThroughput;

/// The source of the rate of a meter's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Provisioned,
    /// At most `maximum` units a second (`MaxReadRequestUnits`, `MaxWriteRequestUnits`), if that is set.
    OnDemand {
        maximum: Option<u64>,
    },
}

/// The bucket of the whole, those of its partition keys, and the consumed units.
///
/// On demand, the bucket has the rate of the warm throughput, or the maximum if that is lower, and keeps unused
/// capacity like a partition. Assumed: nothing is published about on-demand bursts.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    mode: Mode,
    pub(super) bucket: TokenBucket,
    pub(super) keys: KeyBuckets,
    warm: WarmThroughput,
    consumed: CapacityUnits,
    settings: Bursts,
}

#[derive(Clone, Copy, Debug)]
struct Bursts {
    provisioned: Duration,
    starting: Duration,
    on_demand: Duration,
}

impl Meter {
    /// `rate` is the provisioned throughput; `None` is on demand.
    pub(super) fn new(now: Duration, rate: Option<u64>, access: Access, settings: &Settings) -> Self {
        let key_rate = match access {
            Access::Read => settings.partition_read_units,
            Access::Write => settings.partition_write_units,
        };
        let bursts = Bursts {
            provisioned: settings.burst,
            starting: settings.starting_burst,
            on_demand: settings.partition_burst,
        };
        let mut meter = Self {
            mode: Mode::OnDemand { maximum: None },
            bucket: TokenBucket::new(now, 0, bursts.on_demand, bursts.on_demand),
            keys: KeyBuckets::new(key_rate, settings.partition_burst),
            warm: WarmThroughput::new(now, access, settings),
            consumed: CapacityUnits::ZERO,
            settings: bursts,
        };
        match rate {
            Some(rate) => meter.set_rate(now, Some(rate)),
            None => meter.start_on_demand(now),
        }
        meter
    }

    /// Changes the provisioned throughput; `None` is on demand. When the mode changes, the bucket starts as a new one.
    pub(super) fn set_rate(&mut self, now: Duration, rate: Option<u64>) {
        match (self.mode, rate) {
            (Mode::Provisioned, Some(rate)) => self.bucket.set_rate(now, rate),
            (Mode::OnDemand { .. }, Some(rate)) => {
                self.mode = Mode::Provisioned;
                self.bucket = TokenBucket::new(now, rate, self.settings.provisioned, self.settings.starting);
            }
            (Mode::Provisioned, None) => self.start_on_demand(now),
            (Mode::OnDemand { .. }, None) => {}
        }
        self.warm.raise(rate.unwrap_or_default());
    }

    fn start_on_demand(&mut self, now: Duration) {
        self.mode = Mode::OnDemand { maximum: None };
        self.warm.raise_to_initial();
        let burst = self.settings.on_demand;
        self.bucket = TokenBucket::new(now, self.on_demand_rate(None), burst, burst);
    }

    /// Sets the maximum on demand; `None` removes it. No effect on provisioned throughput.
    pub(super) fn set_maximum(&mut self, now: Duration, maximum: Option<u64>) {
        if let Mode::OnDemand { .. } = self.mode {
            self.mode = Mode::OnDemand { maximum };
            self.bucket.set_rate(now, self.on_demand_rate(maximum));
        }
    }

    /// Raises the warm throughput; a lower value changes nothing. On demand, a full bucket stays full: a table created
    /// with warm throughput has it at once.
    pub(super) fn raise_warm_throughput(&mut self, now: Duration, units: u64) {
        let is_full = self.bucket.is_full(now);
        self.warm.raise(units);
        self.update_rate(now);
        if is_full && matches!(self.mode, Mode::OnDemand { .. }) {
            let burst = self.settings.on_demand;
            self.bucket = TokenBucket::new(now, self.bucket.rate(), burst, burst);
        }
    }

    fn on_demand_rate(&self, maximum: Option<u64>) -> u64 {
        self.warm.units().min(self.warm.quota()).min(maximum.unwrap_or(u64::MAX))
    }

    fn update_rate(&mut self, now: Duration) {
        if let Mode::OnDemand { maximum } = self.mode {
            self.bucket.set_rate(now, self.on_demand_rate(maximum));
        }
    }

    /// When the rate changes by itself, if that is not after `now`.
    pub(super) fn due(&self, now: Duration) -> Option<Duration> {
        self.warm.due(now)
    }

    /// Changes the rate that was [`due`](Self::due) at that time.
    pub(super) fn grow(&mut self, due: Duration, now: Duration) {
        self.warm.grow(now);
        self.update_rate(due);
    }

    /// Changes the rate where nothing depends on the order of the changes.
    pub(super) fn advance(&mut self, now: Duration) {
        if let Some(due) = self.due(now) {
            self.grow(due, now);
        }
    }

    /// The bucket of provisioned throughput; `None` on demand.
    pub(super) fn provisioned(&self) -> Option<&TokenBucket> {
        (self.mode == Mode::Provisioned).then_some(&self.bucket)
    }

    /// The limit that an empty bucket represents. An on-demand table that gets more than it is scaled for has too few
    /// partitions, whose limit is the cause.
    pub(super) fn limit(&self) -> Limit {
        match self.mode {
            Mode::Provisioned => Limit::ProvisionedThroughput,
            Mode::OnDemand { maximum: Some(maximum) } if maximum <= self.on_demand_rate(None) => {
                Limit::MaxOnDemandThroughput
            }
            Mode::OnDemand { .. } if self.warm.is_at_quota() => Limit::Account,
            Mode::OnDemand { .. } => Limit::KeyRange,
        }
    }

    /// The limit that refuses `units` at `now`, and until when. Of these units, `of_key` are for one partition key.
    pub(super) fn obstacle(
        &self,
        now: Duration,
        units: CapacityUnits,
        of_key: Option<(PartitionKey, CapacityUnits)>,
    ) -> Option<(Limit, Option<Duration>)> {
        if !self.bucket.covers(now, units) {
            return Some((self.limit(), self.bucket.available_at(now, units)));
        }
        let (key, units) = of_key?;
        (!self.keys.covers(now, key, units)).then(|| (Limit::KeyRange, self.keys.available_at(now, key, units)))
    }

    pub(super) fn charge(&mut self, now: Duration, units: CapacityUnits) {
        self.count(now, units);
        self.bucket.charge(now, units);
    }

    pub(super) fn refund(&mut self, now: Duration, units: CapacityUnits) {
        self.discount(units);
        self.bucket.refund(now, units);
    }

    pub(super) fn charge_key(&mut self, now: Duration, key: PartitionKey, units: CapacityUnits) {
        self.keys.charge(now, key, units);
    }

    /// Settles the difference between the units charged and the units consumed.
    pub(super) fn settle(&mut self, now: Duration, charged: CapacityUnits, consumed: CapacityUnits) {
        self.charge(now, consumed.saturating_sub(charged));
        self.refund(now, charged.saturating_sub(consumed));
    }

    pub(super) fn settle_key(
        &mut self,
        now: Duration,
        key: PartitionKey,
        charged: CapacityUnits,
        consumed: CapacityUnits,
    ) {
        self.charge_key(now, key, consumed.saturating_sub(charged));
        self.keys.refund(now, key, charged.saturating_sub(consumed));
    }

    pub(super) fn state(&self, now: Duration) -> CapacityState {
        let provisioned = self.provisioned();
        CapacityState {
            provisioned: provisioned.map(TokenBucket::rate),
            balance: provisioned.map(|bucket| bucket.balance(now)),
            ceiling: provisioned.map(TokenBucket::ceiling),
            maximum: match self.mode {
                Mode::OnDemand { maximum } => maximum,
                Mode::Provisioned => None,
            },
            warm: self.warm.units(),
            consumed: self.consumed,
        }
    }

    /// Counts units that are not charged to the bucket at once: an index's writes, which are charged from its backlog.
    pub(super) fn count(&mut self, now: Duration, units: CapacityUnits) {
        self.consumed += units;
        self.warm.count(now, units);
    }

    /// Subtracts units that were counted.
    pub(super) fn discount(&mut self, units: CapacityUnits) {
        self.consumed = self.consumed.saturating_sub(units);
        self.warm.discount(units);
    }
}
