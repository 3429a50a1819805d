//! The duration of a load on a table as it is, and the capacity for a given duration.

use std::time::Duration;

use super::index::Index;
use super::load_totals::{Demand, LoadTotals};
use super::meter::Meter;
use super::table::Table;
use super::throttle::Resource;
use super::token_bucket::TokenBucket;

/// The duration of a load that is sent as fast as it is admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadEstimate {
    /// Until the last write is admitted. `None` if that never happens: a rate is 0.
    pub duration: Option<Duration>,
    /// The resource that limits the load; `None` if everything is admitted at once.
    pub bottleneck: Option<Resource>,
    /// Until the indexes have written everything, within one write. They continue after the load. `None` if never.
    pub indexes_caught_up: Option<Duration>,
}

/// The write capacity that a resource needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredCapacity {
    /// The table, or one of its indexes.
    pub resource: Resource,
    /// Its provisioned WCU.
    pub provisioned: u64,
    /// The smallest WCU with which it allows the requested duration. `None` if there is none: only a larger balance
    /// could serve the load in that time.
    pub required: Option<u64>,
}

impl Table {
    /// The duration of the load from `now` on, with the current balances and backlogs.
    ///
    /// A closed form on sums, which agrees with the model driven write by write: to a nanosecond per write if all cost
    /// the same, and to the time of a few writes if costs are mixed evenly. A load whose first half uses the table and
    /// whose second half uses an index takes up to twice as long. The limit on single partition keys is not considered:
    /// sums contain no keys.
    pub fn estimate_load(&mut self, now: Duration, load: &LoadTotals) -> LoadEstimate {
        let now = self.advance(now);
        // Until the first write is admitted nothing is consumed, and full buckets overflow. From then on the effective
        // rates only fall.
        let (first_obstacle, wait) = self.slowest(now, &load.one());
        let Some(wait) = wait else {
            return LoadEstimate { duration: None, bottleneck: Some(first_obstacle), indexes_caught_up: None };
        };
        let mut table = self.clone();
        let start = table.advance(now.saturating_add(wait));
        let from_now = |time: Option<Duration>| time.map(|time| time.saturating_add(start - now));

        let (resource, time) = table.slowest(start, load);
        let obstacle = if time == Some(Duration::ZERO) { first_obstacle } else { resource };
        let duration = from_now(time);
        let caught_up = table.indexes.iter().map(|index| from_now(load.time_to_drain(start, index)));
        LoadEstimate {
            duration,
            bottleneck: (duration != Some(Duration::ZERO)).then_some(obstacle),
            indexes_caught_up: caught_up.fold(duration, |latest, time| Some(latest?.max(time?))),
        }
    }

    /// The resource that limits the load most, and until when. A time of `None` is never.
    fn slowest(&self, now: Duration, load: &LoadTotals) -> (Resource, Option<Duration>) {
        let mut slowest = (Resource::Table, load.table.time_in_table(now, self.write.provisioned()));
        for index in &self.indexes {
            let time = load.time_in_index(now, index, index.write.provisioned());
            if (time.is_none(), time) > (slowest.1.is_none(), slowest.1) {
                slowest = (Resource::Index(index.name.clone()), time);
            }
        }
        slowest
    }

    /// The WCU that the table and each index would need from `now` on for the load to take at most `duration`. Balances
    /// stay as they are: raised capacity does not fill the burst. On-demand resources are not listed.
    ///
    /// Each resource is considered separately. If the first write has to wait for a debt or a full backlog, capacity
    /// that the others gain meanwhile may overflow, and the load takes longer by up to that amount.
    pub fn capacity_for_load(&mut self, now: Duration, load: &LoadTotals, duration: Duration) -> Vec<RequiredCapacity> {
        let now = self.advance(now);
        let in_table = |bucket: &TokenBucket| load.table.time_in_table(now, Some(bucket));
        let table = required(now, Resource::Table, &self.write, duration, in_table);
        let indexes = self.indexes.iter().filter_map(|index| {
            let in_index = |bucket: &TokenBucket| load.time_in_index(now, index, Some(bucket));
            required(now, Resource::Index(index.name.clone()), &index.write, duration, in_index)
        });
        table.into_iter().chain(indexes).collect()
    }
}

impl Demand {
    /// Until the last write is admitted by the table's own bucket.
    fn time_in_table(self, now: Duration, bucket: Option<&TokenBucket>) -> Option<Duration> {
        let (Some(bucket), 1..) = (bucket, self.writes) else { return Some(Duration::ZERO) };
        let last = self.units_of(1);
        Some(bucket.available_after(now, self.units.saturating_sub(last), last)? - now)
    }
}

impl LoadTotals {
    /// Until the last write is admitted as far as an index is concerned: until enough index writes are drained that its
    /// backlog is not full.
    fn time_in_index(&self, now: Duration, index: &Index, bucket: Option<&TokenBucket>) -> Option<Duration> {
        if self.table.writes == 0 {
            return Some(Duration::ZERO);
        }
        let demand = self.index(&index.name);
        let of_last_write = (demand.writes / self.table.writes).max(demand.writes.min(1));
        let before_last = (index.backlog.writes() as u64).saturating_add(demand.writes).saturating_sub(of_last_write);
        let room = (index.backlog.capacity().max(1) - 1) as u64;
        demand.time_to_drain(now, index, bucket, before_last.saturating_sub(room))
    }

    /// Until an index has written everything.
    fn time_to_drain(&self, now: Duration, index: &Index) -> Option<Duration> {
        let demand = self.index(&index.name);
        let all = (index.backlog.writes() as u64).saturating_add(demand.writes);
        demand.time_to_drain(now, index, index.write.provisioned(), all)
    }
}

impl Demand {
    /// Until an index has written the first `writes` of its backlog and of the load after it.
    fn time_to_drain(
        self,
        now: Duration,
        index: &Index,
        bucket: Option<&TokenBucket>,
        writes: u64,
    ) -> Option<Duration> {
        let (Some(bucket), 1..) = (bucket, writes) else { return Some(Duration::ZERO) };
        let units_of_first = |writes: u64| {
            let (waiting, units) = index.backlog.first(writes);
            units + self.units_of(writes - waiting)
        };
        let (all, others) = (units_of_first(writes), units_of_first(writes - 1));
        Some(bucket.available_after(now, others, all.saturating_sub(others))? - now)
    }
}

/// Searches for the smallest rate with which `time` is short enough. A higher rate never makes it longer.
fn required(
    now: Duration,
    resource: Resource,
    meter: &Meter,
    duration: Duration,
    time: impl Fn(&TokenBucket) -> Option<Duration>,
) -> Option<RequiredCapacity> {
    const HIGHEST: u64 = 1 << 40; // WCU, far above any account's quota
    let bucket = meter.provisioned()?;
    let suffices = |rate: u64| {
        let mut changed = bucket.clone();
        changed.set_rate(now, rate);
        time(&changed).is_some_and(|time| time <= duration)
    };
    let (mut too_few, mut enough) = (0, HIGHEST);
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if suffices(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    let required = suffices(enough).then_some(enough);
    Some(RequiredCapacity { resource, provisioned: bucket.rate(), required })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{CapacityUnits, IndexWrite, PartitionKey, Settings, Throughput, Write, WriteCost};
    use super::*;

    const START: Duration = Duration::ZERO;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn provisioned(write: u64) -> Throughput {
        Throughput::Provisioned { read: 1, write }
    }

    fn lab_table(table_units: u64, index_units: u64) -> Table {
        let mut table = Table::new(START, provisioned(table_units), Settings::default());
        table.add_index(START, "GSI_1", provisioned(index_units));
        table
    }

    /// Writes with these table units, each with this many index writes of these units.
    fn cost(table_units: u64, index_writes: u64, index_units: u64) -> WriteCost {
        let write = IndexWrite {
            index: "GSI_1".into(),
            key: PartitionKey::new(b"one"),
            units: CapacityUnits::new(index_units),
        };
        WriteCost { table: CapacityUnits::new(table_units), indexes: vec![write; index_writes as usize] }
    }

    fn load(writes: u64, cost: &WriteCost) -> LoadTotals {
        let mut load = LoadTotals::default();
        load.add(cost);
        load.repeated(writes)
    }

    /// Sends the writes as fast as they are admitted, each with a different key, and returns when the last one was.
    fn drive<'a>(table: &mut Table, now: Duration, costs: impl IntoIterator<Item = &'a WriteCost>) -> Duration {
        let mut at = now;
        for (n, cost) in costs.into_iter().enumerate() {
            let mut cost = cost.clone();
            let key = PartitionKey::new(&n.to_be_bytes());
            cost.indexes.iter_mut().for_each(|write| write.key = key);
            while let Err(throttle) = table.admit_write(at, Write { key, cost: cost.clone() }) {
                at = throttle.retry_at.expect("no rate is 0");
            }
        }
        at - now
    }

    #[test]
    fn the_labs_loads() {
        let estimate = lab_table(5, 5).estimate_load(START, &load(2500, &cost(1, 1, 1)));
        assert_eq!((estimate.duration, estimate.bottleneck), (Some(secs(200)), Some(Resource::Table)));

        let estimate = lab_table(100, 100).estimate_load(START, &load(2000, &cost(1, 1, 1)));
        assert_eq!((estimate.duration, estimate.bottleneck), (Some(START), None));

        let estimate = lab_table(1000, 1).estimate_load(START, &load(1_000_000, &cost(1, 1, 1)));
        assert_eq!(estimate.duration, Some(secs(1_000_000 - 300 - 20_000)), "11 days");
        assert_eq!(estimate.bottleneck, Some(Resource::Index("GSI_1".into())));
        assert_eq!(estimate.indexes_caught_up, Some(secs(1_000_000 - 300)));

        let estimate = lab_table(5000, 5000).estimate_load(START, &load(1_000_000, &cost(1, 1, 1)));
        assert_eq!(estimate.duration, Some(START));
    }

    #[test]
    fn what_a_load_needs_to_take_a_minute() {
        let needed = |table: &mut Table, writes| {
            let needed = table.capacity_for_load(START, &load(writes, &cost(1, 1, 1)), secs(60));
            needed.into_iter().map(|each| (each.provisioned, each.required)).collect::<Vec<_>>()
        };
        // 1,000,000 rows less the 1,500 that are kept, in 60 s; the index also has 20,000 places to wait in.
        assert_eq!(needed(&mut lab_table(5, 5), 1_000_000), [(5, Some(16_642)), (5, Some(16_309))]);
        // As little as this would take less away from the balance than 2,000 rows ask for: 6 × 300 + 6 × 60 = 2,160.
        assert_eq!(needed(&mut lab_table(1000, 1), 2000), [(1000, Some(6)), (1, Some(1))]);
    }

    #[test]
    fn no_capacity_makes_up_for_a_missing_balance_at_once() {
        let mut table = Table::new(START, provisioned(5), Settings { starting_burst: START, ..Settings::default() });
        let needed = table.capacity_for_load(START, &load(10, &cost(1, 0, 0)), START);
        assert_eq!(needed, [RequiredCapacity { resource: Resource::Table, provisioned: 5, required: None }]);
    }

    #[test]
    fn without_limits_or_rows_there_is_nothing_to_wait_for() {
        let mut on_demand = Table::new(START, Throughput::OnDemand, Settings::default());
        on_demand.add_index(START, "GSI_1", Throughput::OnDemand);
        let estimate = on_demand.estimate_load(START, &load(u64::MAX, &cost(400, 1, 1)));
        assert_eq!((estimate.duration, estimate.indexes_caught_up), (Some(START), Some(START)));
        assert!(on_demand.capacity_for_load(START, &load(10, &cost(1, 1, 1)), secs(1)).is_empty());
        assert_eq!(lab_table(1, 1).estimate_load(START, &LoadTotals::default()).duration, Some(START));
    }

    #[test]
    fn a_rate_of_nothing_never_ends() {
        let mut table = lab_table(5, 0);
        let estimate = table.estimate_load(START, &load(30_000, &cost(1, 1, 1)));
        assert_eq!((estimate.duration, estimate.indexes_caught_up), (None, None));
        assert_eq!(estimate.bottleneck, Some(Resource::Index("GSI_1".into())));
        let estimate = table.estimate_load(START, &load(10, &cost(1, 1, 1)));
        assert_eq!((estimate.duration, estimate.indexes_caught_up), (Some(START), None));
    }

    /// A table in use: such writes were made, and some time has passed since. `least` is the minimum burst in seconds,
    /// and the minimum space in the backlog.
    fn used_table(cost: WriteCost, least: u64) -> impl Strategy<Value = (Table, Duration, WriteCost)> {
        (1..200_u64, 1..200_u64, 0..30_u64, 0..40_u64, 0..100_usize, 0..20_000_u64).prop_map(
            move |(table_units, index_units, backlog, burst, writes, idle)| {
                let burst = secs(least + burst);
                let index_backlog = (least + backlog) as usize;
                let settings = Settings { burst, starting_burst: burst, index_backlog, ..Settings::default() };
                let mut table = Table::new(START, provisioned(table_units), settings);
                table.add_index(START, "GSI_1", provisioned(index_units));
                let end = drive(&mut table, START, &vec![cost.clone(); writes]);
                (table, end + Duration::from_millis(idle), cost.clone())
            },
        )
    }

    fn any_cost() -> impl Strategy<Value = WriteCost> {
        (1..20_u64, 0..3_u64, 1..20_u64).prop_map(|(table, writes, index)| cost(table, writes, index))
    }

    /// A write that waits for a full bucket comes up to a nanosecond after it was full, and that nanosecond is lost;
    /// here less than a thousand times.
    const ROUNDING: Duration = Duration::from_micros(1);

    proptest! {
        #[test]
        fn it_is_what_the_model_does_when_driven(
            (mut table, now, cost) in prop_oneof![9 => any_cost(), 1 => Just(cost(400, 1, 400))]
                .prop_flat_map(|cost| used_table(cost, 0)),
            writes in 1..300_u64,
        ) {
            let estimate = table.estimate_load(now, &load(writes, &cost));
            let driven = drive(&mut table, now, &vec![cost.clone(); writes as usize]);
            let duration = estimate.duration.expect("no rate is 0");
            prop_assert!(duration.abs_diff(driven) <= ROUNDING, "{:?}, driven {:?}", duration, driven);
            let caught_up = estimate.indexes_caught_up.expect("no rate is 0");
            prop_assert!(table.state(now + caught_up + ROUNDING).indexes[0].backlog <= cost.indexes.len());
        }

        #[test]
        fn mixed_evenly_it_is_close(
            (mut table, now, _) in any_cost().prop_flat_map(|cost| used_table(cost, 30)),
            pattern in prop::collection::vec(any_cost(), 1..6),
            repetitions in 20..60_u64,
        ) {
            let mut totals = LoadTotals::default();
            pattern.iter().for_each(|cost| totals.add(cost));
            let totals = totals.repeated(repetitions);
            let estimate = table.estimate_load(now, &totals).duration.expect("no rate is 0").as_secs_f64();
            let state = table.state(now);
            let rates = [state.write.provisioned, state.indexes[0].write.provisioned].map(|rate| rate.unwrap_or(1));
            let writes = pattern.iter().cycle().take(pattern.len() * repetitions as usize);
            let driven = drive(&mut table, now, writes).as_secs_f64();
            // One round of the pattern in the slower resource.
            let round: u64 = pattern.iter().map(|cost| {
                (cost.table.rounded_up() / rates[0]).max(cost.of_index("GSI_1").rounded_up() / rates[1]) + 1
            }).sum();
            prop_assert!((estimate - driven).abs() <= 2.0 * round as f64, "{estimate} s, driven {driven} s, {round}");
        }

        #[test]
        fn with_the_capacity_that_it_names_the_load_takes_the_time_asked_for(
            (table, now, cost) in any_cost().prop_flat_map(|cost| used_table(cost, 0)),
            writes in 1..300_u64,
            seconds in 1..60_u64,
        ) {
            let needed = table.clone().capacity_for_load(now, &load(writes, &cost), secs(seconds));
            let rates: Vec<_> = needed.iter().map(|each| each.required.expect("there is time")).collect();
            let time_at = |table_units, index_units, writes: u64| {
                let mut table = table.clone();
                table.set_throughput(now, provisioned(table_units));
                table.set_index_throughput(now, "GSI_1", provisioned(index_units));
                drive(&mut table, now, &vec![cost.clone(); writes as usize])
            };
            let first = time_at(rates[0], rates[1], 1);
            prop_assert!(time_at(rates[0], rates[1], writes) <= secs(seconds) + first + ROUNDING);
            for (rate, fewer) in [(rates[0], [rates[0] - 1, rates[1]]), (rates[1], [rates[0], rates[1] - 1])] {
                prop_assert!(rate == 1 || time_at(fewer[0], fewer[1], writes) > secs(seconds));
            }
        }
    }
}
