//! The complete model, driven as a client drives a table.

use proptest::prelude::*;

use super::super::limits::MAX_PAGE_SIZE;
use super::super::{Consistency, IndexWrite, Limit, PartitionKey, WriteCost, read_units};
use super::*;

const START: Duration = Duration::ZERO;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn units(units: u64) -> CapacityUnits {
    CapacityUnits::new(units)
}

fn provisioned(units: u64) -> Throughput {
    Throughput::Provisioned { read: units, write: units }
}

fn key(n: u64) -> PartitionKey {
    PartitionKey::new(&n.to_be_bytes())
}

fn table(table_units: u64) -> Table {
    Table::new(START, provisioned(table_units), Settings::default())
}

fn table_with_index(table_units: u64, index_units: u64) -> Table {
    let mut table = table(table_units);
    table.add_index(START, "GSI_1", provisioned(index_units));
    table
}

/// A write that does not enter the index.
fn write(n: u64, table_units: u64) -> Write {
    Write { key: key(n), cost: WriteCost::of_table(units(table_units)) }
}

/// A write with an entry in the index.
fn indexed_write(n: u64, table_units: u64, index_units: u64) -> Write {
    let mut write = write(n, table_units);
    write.cost.indexes.push(IndexWrite { index: "GSI_1".into(), key: key(n), units: units(index_units) });
    write
}

/// The result of a load.
#[derive(Default)]
struct Drive {
    last: Duration,
    refused: Vec<Throttle>,
}

/// Sends writes one after the other. A refused one is repeated at the time in its refusal.
fn drive(table: &mut Table, from: Duration, writes: impl IntoIterator<Item = Write>) -> Drive {
    let mut drive = Drive { last: from, refused: Vec::new() };
    for write in writes {
        while let Err(throttle) = table.admit_write(drive.last, write.clone()) {
            let retry_at = throttle.retry_at.expect("the rate is not 0");
            assert!(retry_at > drive.last, "{throttle} at {:?} until {retry_at:?}", drive.last);
            drive.last = retry_at;
            drive.refused.push(throttle);
        }
    }
    drive
}

fn reasons(drive: &Drive) -> Vec<&'static str> {
    let mut reasons: Vec<_> = drive.refused.iter().map(Throttle::reason).collect();
    reasons.dedup();
    reasons
}

#[test]
fn the_lab_on_5_wcu_500_rows_from_the_burst_then_2000_at_the_rate() {
    let mut table = table_with_index(5, 5);
    let small = drive(&mut table, START, (0..500).map(|n| indexed_write(n, 1, 1)));
    assert_eq!((small.last, small.refused.len()), (START, 0));
    assert_eq!(table.state(START).write.balance, Some(1000));
    let medium = drive(&mut table, START, (0..2000).map(|n| indexed_write(n, 1, 1)));
    assert_eq!(medium.last, secs(200));
    assert_eq!(reasons(&medium), ["TableWriteProvisionedThroughputExceeded"]);
    assert_eq!(table.state(secs(200)).indexes[0].backlog, 0, "the index has kept up");
}

#[test]
fn the_lab_after_a_minute_between_its_steps() {
    let mut table = table_with_index(5, 5);
    drive(&mut table, START, (0..500).map(|n| indexed_write(n, 1, 1)));
    // 60 s refill 300 of the 500: 1,300 rows are there, the other 700 take 140 s.
    assert_eq!(drive(&mut table, secs(60), (0..2000).map(|n| indexed_write(n, 1, 1))).last, secs(60 + 140));
    table.set_throughput(secs(260), provisioned(100));
    table.set_index_throughput(secs(260), "GSI_1", provisioned(100));
    assert_eq!(table.state(secs(260)).write.balance, Some(300), "the balance is kept: 60 s at 5 WCU");
    let raised = drive(&mut table, secs(320), (0..2000).map(|n| indexed_write(n, 1, 1)));
    assert_eq!((raised.last, raised.refused.len()), (secs(320), 0));
}

#[test]
fn loads_take_what_the_arithmetic_says() {
    for (rate, rows, row_units, seconds) in
        [(5, 2500, 1, 200), (100, 50_000, 1, 200), (100, 10_000, 4, 100), (100, 100, 400, 100), (5, 5, 400, 100)]
    {
        let load = drive(&mut table(rate), START, (0..rows).map(|n| write(n, row_units)));
        assert_eq!(load.last, secs(seconds), "{rows} rows of {row_units} WCU at {rate} WCU");
    }
}

#[test]
fn items_above_the_ceiling_pass_one_at_a_time() {
    // 400 WCU each, with 300 kept at the most: the first at once, each other when the bucket is full again.
    let load = drive(&mut table(1), START, (0..3).map(|n| write(n, 400)));
    assert_eq!(load.last, secs(800));
}

#[test]
fn an_index_of_1_wcu_stops_a_table_of_1000() {
    let mut table = table_with_index(1000, 1);
    let burst = drive(&mut table, START, (0..20_300).map(|n| indexed_write(n, 1, 1)));
    assert_eq!((burst.last, burst.refused.len()), (START, 0), "the index's burst, and then its backlog");
    let state = table.state(START);
    assert_eq!((state.indexes[0].backlog, state.indexes[0].write.consumed), (20_000, units(20_300)));

    let refused = table.admit_write(START, write(1, 1)).expect_err("also what does not enter the index");
    assert_eq!(refused.to_string(), "IndexWriteProvisionedThroughputExceeded on GSI_1");
    assert_eq!((refused.resource, refused.retry_at), (Resource::Index("GSI_1".into()), Some(secs(1))));

    let rest = drive(&mut table, START, (0..100).map(|n| indexed_write(n, 1, 1)));
    assert_eq!(rest.last, secs(100), "a write a second, as the index lets them");
    assert_eq!(reasons(&rest), ["IndexWriteProvisionedThroughputExceeded"]);
    assert!(table.state(secs(100)).write.balance.is_some_and(|balance| balance > 270_000));
}

#[test]
fn raising_the_index_opens_the_table_again() {
    let mut table = table_with_index(1000, 1);
    drive(&mut table, START, (0..20_300).map(|n| indexed_write(n, 1, 1)));
    table.set_index_throughput(secs(1), "GSI_1", provisioned(1000));
    // One was written in the first second; the other 19,999 take 20 s.
    assert_eq!(table.state(secs(11)).indexes[0].backlog, 9_999);
    assert_eq!(table.state(secs(21)).indexes[0].backlog, 0);
    assert!(table.admit_write(secs(1), write(1, 1)).is_ok());
}

#[test]
fn an_index_with_the_rate_of_its_table_is_never_the_cause() {
    for (rate, rows) in [(5, 5_000), (100, 60_000)] {
        let mut table = table_with_index(rate, rate);
        let load = drive(&mut table, START, (0..rows).map(|n| indexed_write(n, 1, 1)));
        assert_eq!(reasons(&load), ["TableWriteProvisionedThroughputExceeded"]);
        assert_eq!(table.state(load.last).indexes[0].backlog, 0);
    }
}

#[test]
fn one_partition_key_gets_1000_wcu_and_3000_rcu() {
    let mut table = table_with_index(40_000, 40_000);
    let hot = drive(&mut table, START, (0..5000).map(|_| write(7, 1)));
    assert_eq!((hot.last, reasons(&hot)), (secs(4), vec!["TableWriteKeyRangeThroughputExceeded"]));
    assert!(table.admit_write(secs(4), write(8, 1)).is_ok());

    for (index, reason) in
        [(None, "TableReadKeyRangeThroughputExceeded"), (Some("GSI_1".into()), "IndexReadKeyRangeThroughputExceeded")]
    {
        let read = Read { index, key: Some(key(7)), units: units(100) };
        for _ in 0..30 {
            assert!(table.admit_read(secs(4), read.clone()).is_ok());
        }
        let refused = table.admit_read(secs(4), read).expect_err("3,000 have been read");
        assert_eq!((refused.reason(), refused.limit), (reason, Limit::KeyRange));
        assert_eq!(refused.retry_at, Some(secs(4) + Duration::from_nanos(33_333_334)));
    }
}

#[test]
fn a_hot_key_in_the_index_presses_back_too() {
    let settings = Settings { index_backlog: 100, ..Settings::default() };
    let mut table = Table::new(START, provisioned(5000), settings);
    table.add_index(START, "GSI_1", provisioned(5000));
    let hot = (0..1200).map(|n| {
        let mut write = indexed_write(n, 1, 1);
        write.cost.indexes[0].key = key(0);
        write
    });
    let load = drive(&mut table, START, hot);
    assert_eq!(reasons(&load), ["IndexWriteKeyRangeThroughputExceeded"]);
    assert_eq!(load.last, Duration::from_millis(100));
}

fn on_demand() -> Table {
    let mut table = Table::new(START, Throughput::OnDemand, Settings::default());
    table.add_index(START, "GSI_1", Throughput::OnDemand);
    table
}

/// When writes of a unit to different keys are done, each as soon as it is admitted.
fn time_of_writes(table: &mut Table, from: Duration, writes: u64) -> (Duration, Vec<&'static str>) {
    let load = drive(table, from, (0..writes).map(|n| indexed_write(n, 1, 1)));
    (load.last - from, reasons(&load))
}

#[test]
fn a_new_table_on_demand_takes_4000_writes_and_12000_reads_a_second() {
    let mut table = on_demand();
    let (time, refused_by) = time_of_writes(&mut table, START, 12_000);
    assert_eq!((time, refused_by), (secs(2), vec!["TableWriteKeyRangeThroughputExceeded"]));
    let mut reads = 0;
    while table.admit_read(secs(2), Read { index: None, key: Some(key(reads)), units: units(1) }).is_ok() {
        reads += 1;
    }
    assert_eq!(reads, 12_000);
    let state = table.state(secs(2));
    assert_eq!((state.write.provisioned, state.write.balance, state.write.warm), (None, None, 4_000));
    assert_eq!((state.write.consumed, state.indexes[0].write.consumed), (units(12_000), units(12_000)));

    table.set_throughput(secs(3), provisioned(5));
    assert_eq!(table.state(secs(3)).write.balance, Some(1500), "as a new table");
}

#[test]
fn one_key_on_demand_gets_1000_wcu() {
    let load = drive(&mut on_demand(), START, (0..3_000).map(|_| write(1, 1)));
    assert_eq!((load.last, reasons(&load)), (secs(2), vec!["TableWriteKeyRangeThroughputExceeded"]));
}

#[test]
fn a_maximum_on_demand_is_kept_by_the_table_and_its_index() {
    let mut table = on_demand();
    table.set_on_demand_maximum(START, Some(5), Some(10));
    let (time, refused_by) = time_of_writes(&mut table, START, 100);
    assert_eq!((time, refused_by), (secs(9), vec!["TableWriteMaxOnDemandThroughputExceeded"]));
    let read = Read { index: None, key: None, units: units(6) };
    assert!(table.admit_read(secs(9), read.clone()).is_ok(), "above the ceiling, when full");
    let throttle = table.admit_read(secs(9), read).unwrap_err();
    assert_eq!(
        (throttle.reason(), throttle.retry_at),
        ("TableReadMaxOnDemandThroughputExceeded", Some(secs(10) + secs(1) / 5))
    );

    let mut table = on_demand();
    table.set_index_on_demand_maximum(START, "GSI_1", None, Some(1));
    let load = drive(&mut table, START, (0..20_100).map(|n| indexed_write(n, 1, 1)));
    assert!(reasons(&load).contains(&"IndexWriteMaxOnDemandThroughputExceeded"), "{:?}", reasons(&load));
    assert_eq!(load.last, secs(99), "the backlog holds 20,000");
    table.set_index_on_demand_maximum(secs(99), "GSI_1", None, None);
    assert_eq!(table.state(secs(105)).indexes[0].backlog, 0);
}

#[test]
fn a_table_on_demand_scales_to_twice_its_peak_and_at_last_to_the_quota() {
    let mut table = on_demand();
    let mut now = START;
    for expected in [4_000, 8_000, 16_000, 32_000, 40_000, 40_000] {
        assert_eq!(table.state(now).write.warm, expected);
        // As much as gets in for two minutes, in steps of a second.
        for _ in 0..120 {
            while table.admit_write(now, write(now.as_nanos() as u64, 500)).is_ok() {
                now += Duration::from_nanos(1);
            }
            now = Duration::from_secs(now.as_secs() + 1);
        }
        now = Duration::from_secs((now.as_secs() / 1_800 + 1) * 1_800);
    }
    for n in 0..80 {
        let Err(throttle) = table.admit_write(now, write(n, 1_000)) else { continue };
        return assert_eq!(throttle.reason(), "TableWriteAccountLimitExceeded");
    }
    panic!("80,000 units within a second");
}

#[test]
fn a_new_index_is_filled_from_what_its_writes_leave() {
    let mut table = table_with_index(1_000, 10);
    assert_eq!(table.fill_allowance(START, "GSI_1"), 3_000);
    table.fill_index(START, "GSI_1", units(3_005));
    assert_eq!((table.fill_allowance(START, "GSI_1"), table.fill_allowance(secs(1), "GSI_1")), (0, 5));
    assert_eq!(table.state(secs(1)).indexes[0].write.consumed, units(0));
    assert!(table.admit_write(secs(1), indexed_write(1, 1, 20)).is_ok());
    assert_eq!(table.fill_allowance(secs(2), "GSI_1"), 0, "a write waits");
    assert_eq!(table.fill_allowance(secs(3), "GSI_1"), 5);
    assert_eq!(table.fill_allowance(secs(3), "GSI_2"), 0);
}

#[test]
fn warm_throughput_is_used_on_demand_and_follows_what_was_provisioned() {
    let mut table = on_demand();
    table.raise_warm_throughput(START, 15_000, 6_000);
    table.raise_warm_throughput(START, 0, 5_000);
    let state = table.state(START);
    assert_eq!((state.read.warm, state.write.warm), (15_000, 6_000));
    assert_eq!(time_of_writes(&mut table, START, 12_000).0, secs(1), "6,000 are there at once, 6,000 a second come");

    let mut table = table_with_index(5, 5);
    assert_eq!(table.state(START).write.warm, 5);
    table.set_throughput(START, provisioned(9_000));
    table.set_throughput(START, provisioned(7));
    assert_eq!(table.state(START).write.warm, 9_000);
    table.set_throughput(START, Throughput::OnDemand);
    let state = table.state(START);
    assert_eq!((state.write.warm, state.read.warm), (9_000, 12_000));
}

#[test]
fn what_a_write_really_cost_is_settled() {
    let mut table = table_with_index(5, 5);
    let admission = table.admit_write(START, indexed_write(1, 1, 1)).expect("it is full");
    let mut actual = indexed_write(1, 3, 1).cost; // the old item had 3 KB, and its index key was another
    actual.indexes.push(IndexWrite { index: "GSI_1".into(), key: key(2), units: units(2) });
    table.settle_write(START, &admission, &actual);
    let state = table.state(START);
    assert_eq!((state.write.consumed, state.write.balance), (units(3), Some(1497)));
    assert_eq!((state.indexes[0].write.consumed, state.indexes[0].write.balance), (units(3), Some(1497)));

    let admission = table.admit_write(START, indexed_write(1, 4, 2)).expect("there is enough");
    table.settle_write(START, &admission, &WriteCost::default());
    assert_eq!(table.state(START), state, "a write that was not made costs nothing");
}

#[test]
fn an_index_write_that_waits_is_taken_back_by_settling() {
    let mut table = table_with_index(1000, 1);
    drive(&mut table, START, (0..300).map(|n| indexed_write(n, 1, 1)));
    let admission = table.admit_write(START, indexed_write(1, 1, 2)).expect("it waits in the backlog");
    assert_eq!(table.state(START).indexes[0].backlog_units, units(2));
    table.settle_write(START, &admission, &write(1, 1).cost); // nothing that the index holds has changed
    let index = &table.state(START).indexes[0];
    assert_eq!((index.backlog, index.backlog_units, index.write.consumed), (0, units(0), units(300)));
}

#[test]
fn a_batch_is_decided_item_by_item_and_settled_as_one() {
    let mut table = table(5);
    drive(&mut table, START, (0..1490).map(|n| write(n, 1)));
    let mut batch = WriteAdmission::default();
    let mut unprocessed = 0;
    for n in 0..25 {
        match table.admit_write(START, write(n, 1)) {
            Ok(admission) => batch.join(admission),
            Err(_) => unprocessed += 1,
        }
    }
    assert_eq!((unprocessed, batch.cost().table), (15, units(10)));
    table.settle_write(START, &batch, &WriteCost::of_table(units(12)));
    let state = table.state(START);
    assert_eq!((state.write.consumed, state.write.balance), (units(1502), Some(-2)));
    assert_eq!(table.admit_write(START, write(0, 1)).expect_err("a debt").retry_at, Some(Duration::from_millis(600)));
}

#[test]
fn a_transaction_gets_in_whole_or_not_at_all() {
    let mut table = table(5);
    drive(&mut table, START, (0..1480).map(|n| write(n, 1)));
    let before = table.state(START);
    let writes: Vec<_> = (0..30).map(|n| write(n, 2)).collect();
    let refused = table.admit_writes(START, writes.clone()).expect_err("20 are left, and 60 asked for");
    assert_eq!((refused.position, refused.throttle.retry_at), (10, Some(Duration::from_millis(400))));
    assert_eq!(table.state(START), before);
    assert_eq!(table.admit_writes(secs(8), writes).map(|admission| admission.cost().table), Ok(units(60)));

    let one_key = vec![write(1, 400), write(2, 300), write(1, 300)];
    let mut table = table_with_index(40_000, 40_000);
    drive(&mut table, START, [write(1, 500)]);
    let refused = table.admit_writes(START, one_key).expect_err("1,200 from one key");
    assert_eq!((refused.position, refused.throttle.reason()), (2, "TableWriteKeyRangeThroughputExceeded"));
    let reads = vec![Read { index: None, key: Some(key(1)), units: units(2) }; 3];
    assert_eq!(table.admit_reads(secs(8), reads).map(|admissions| admissions.len()), Ok(3));
}

#[test]
fn a_scan_is_paid_when_it_has_been_read() {
    let mut table = table(1);
    let page = read_units(MAX_PAGE_SIZE, Consistency::Strong);
    let scan = Read { index: None, key: None, units: CapacityUnits::from_halves(1) };
    for _ in 0..2 {
        let admission = table.admit_read(START, scan.clone()).expect("there is a balance");
        table.settle_read(START, &admission, page);
    }
    assert_eq!(table.state(START).read.balance, Some(300 - 512));
    let refused = table.admit_read(START, scan.clone()).expect_err("a debt");
    assert_eq!(refused.to_string(), "TableReadProvisionedThroughputExceeded");
    assert_eq!(refused.retry_at, Some(Duration::from_millis(212_500)));
    let admission = table.admit_read(Duration::from_millis(212_500), scan).expect("the debt is paid");
    table.settle_read(Duration::from_millis(212_500), &admission, CapacityUnits::ZERO);
    assert_eq!(table.state(secs(213)).read.consumed, units(512));
}

#[test]
fn reads_of_an_index_are_its_own_and_those_of_a_local_index_the_tables() {
    let mut table = table_with_index(5, 10);
    for (index, reason) in
        [("GSI_1", "IndexReadProvisionedThroughputExceeded"), ("local", "TableReadProvisionedThroughputExceeded")]
    {
        let read = Read { index: Some(index.into()), key: None, units: units(3001) };
        let admission = table.admit_read(START, read.clone()).expect("it is full");
        assert_eq!(table.admit_read(START, read).expect_err("a debt").reason(), reason);
        table.settle_read(START, &admission, CapacityUnits::ZERO);
    }
    assert_eq!(table.state(START).read.balance, Some(1500));
}

#[test]
fn a_removed_index_presses_back_no_more() {
    let mut table = table_with_index(1000, 1);
    drive(&mut table, START, (0..20_300).map(|n| indexed_write(n, 1, 1)));
    assert!(table.admit_write(START, write(1, 1)).is_err());
    table.remove_index("GSI_1");
    assert!(table.admit_write(START, indexed_write(1, 1, 1)).is_ok());
    table.add_index(START, "GSI_1", provisioned(1));
    assert_eq!(table.state(START).indexes[0].backlog, 0);
}

/// Events of a table, each with the time since the previous one.
#[derive(Clone, Debug)]
enum Event {
    Write { key: u64, units: u64, index_units: Option<u64>, settled: Option<u64> },
    Read { of_index: bool, key: Option<u64>, halves: u64, settled: u64 },
    Throughput { units: u64, of_index: bool },
}

fn events() -> impl Strategy<Value = Vec<(Duration, Event)>> {
    let write = (0..20_u64, 1..30_u64, prop::option::of(1..30_u64), prop::option::of(0..30_u64))
        .prop_map(|(key, units, index_units, settled)| Event::Write { key, units, index_units, settled });
    let read = (any::<bool>(), prop::option::of(0..20_u64), 1..60_u64, 0..600_u64)
        .prop_map(|(of_index, key, halves, settled)| Event::Read { of_index, key, halves, settled });
    let throughput = (1..50_u64, any::<bool>()).prop_map(|(units, of_index)| Event::Throughput { units, of_index });
    let wait = prop_oneof![8 => 0..300_000_000_u64, 1 => 0..60_000_000_000_u64].prop_map(Duration::from_nanos);
    prop::collection::vec((wait, prop_oneof![12 => write, 3 => read, 1 => throughput]), 1..120)
}

/// A small table, so that a few events reach all limits.
fn small_table() -> Table {
    let settings = Settings {
        burst: secs(3),
        starting_burst: secs(2),
        index_backlog: 10,
        partition_write_units: 20,
        partition_read_units: 30,
        ..Settings::default()
    };
    let mut table = Table::new(START, provisioned(30), settings);
    table.add_index(START, "GSI_1", provisioned(10));
    table
}

/// The refusal of an event; `None` if it was admitted.
fn apply(table: &mut Table, now: Duration, event: &Event) -> Option<Throttle> {
    match *event {
        Event::Write { key, units, index_units, settled } => {
            let write = match index_units {
                Some(index_units) => indexed_write(key, units, index_units),
                None => write(key, units),
            };
            let admitted = table.admit_write(now, write);
            if let (Ok(admission), Some(settled)) = (&admitted, settled) {
                table.settle_write(now, admission, &indexed_write(key, settled, settled).cost);
            }
            admitted.err()
        }
        Event::Read { of_index, key: read_key, halves, settled } => {
            let index = of_index.then(|| "GSI_1".into());
            let read = Read { index, key: read_key.map(key), units: CapacityUnits::from_halves(halves) };
            let admitted = table.admit_read(now, read);
            if let Ok(admission) = &admitted {
                table.settle_read(now, admission, CapacityUnits::from_halves(settled));
            }
            admitted.err()
        }
        Event::Throughput { units, of_index: true } => {
            table.set_index_throughput(now, "GSI_1", provisioned(units));
            None
        }
        Event::Throughput { units, of_index: false } => {
            table.set_throughput(now, provisioned(units));
            None
        }
    }
}

proptest! {
    #[test]
    fn looking_more_often_changes_nothing(events in events(), looks in 1..10_u32) {
        let (mut seldom, mut often) = (small_table(), small_table());
        let mut now = START;
        for (wait, event) in events {
            for look in 1..looks {
                often.state(now + wait * look / looks);
            }
            now += wait;
            prop_assert_eq!(apply(&mut seldom, now, &event), apply(&mut often, now, &event));
            prop_assert_eq!(seldom.state(now), often.state(now));
        }
    }

    #[test]
    fn a_refusal_changes_nothing_and_its_time_is_right(events in events()) {
        let mut table = small_table();
        let mut now = START;
        for (wait, event) in events {
            now += wait;
            let before = table.state(now);
            let Some(throttle) = apply(&mut table, now, &event) else { continue };
            prop_assert_eq!(&table.state(now), &before);
            let retry_at = throttle.retry_at.expect("no rate is 0");
            prop_assert!(retry_at > now);
            let again = apply(&mut table.clone(), retry_at, &event);
            let refused_by = (throttle.resource, throttle.limit);
            let same_limit = again.is_some_and(|again| (again.resource, again.limit) == refused_by);
            let overfilled = before.indexes[0].backlog > before.indexes[0].backlog_limit;
            prop_assert!(!same_limit || overfilled);
            let sooner = apply(&mut table.clone(), retry_at - Duration::from_nanos(1), &event);
            prop_assert!(sooner.is_some(), "{:?} would have got in before", event);
        }
    }

    #[test]
    fn every_bound_holds(events in events()) {
        let mut table = small_table();
        let mut now = START;
        for (wait, event) in events {
            now += wait;
            apply(&mut table, now, &event);
            let state = table.state(now);
            // Its capacity less one, and the event's own index write and that of its settlement.
            prop_assert!(state.indexes[0].backlog <= 10 - 1 + 2);
            let capacities = [&state.write, &state.read, &state.indexes[0].write, &state.indexes[0].read];
            for capacity in capacities {
                prop_assert!(capacity.balance <= capacity.ceiling.map(|ceiling| ceiling as i64));
            }
        }
    }

    /// The table's consumption is bounded by its own rate, that of a key by the key's, that of the index by the
    /// index's.
    #[test]
    fn over_any_interval_no_more_gets_in_than_rates_and_bursts_allow(
        table_rate in 1..60_u64,
        index_rate in 1..60_u64,
        requests in prop::collection::vec((0..400_u64, 0..3_u64, 1..15_u64, prop::option::of(1..15_u64)), 1..150),
    ) {
        let settings = Settings {
            burst: secs(2), starting_burst: secs(2), index_backlog: 10, partition_write_units: 20, ..Settings::default()
        };
        let mut table = Table::new(START, provisioned(table_rate), settings);
        table.add_index(START, "GSI_1", provisioned(index_rate));
        let mut now = START;
        let mut admitted = Vec::new();
        for (wait, n, units, index_units) in requests {
            now += Duration::from_millis(wait);
            let write = index_units.map_or_else(|| write(n, units), |index_units| indexed_write(n, units, index_units));
            if table.admit_write(now, write).is_ok() {
                admitted.push((now.as_millis() as u64, n, units, index_units.unwrap_or(0)));
            }
        }
        // In thousandths of a unit. A single cost above a ceiling (15 at most) takes the place of the burst.
        let within =
            |charged: u64, rate: u64, millis: u64, kept: u64| charged * 1000 <= rate * millis + kept.max(15) * 1000;
        for (first, &(from, ..)) in admitted.iter().enumerate() {
            let (mut of_table, mut of_keys, mut of_index) = (0, [0; 3], 0);
            for &(at, n, units, index_units) in &admitted[first..] {
                of_table += units;
                of_keys[n as usize] += units;
                of_index += index_units;
                prop_assert!(within(of_table, table_rate, at - from, 2 * table_rate));
                prop_assert!(within(of_keys[n as usize], 20, at - from, 20));
                // In addition to the burst, the backlog holds ten entries of 15 units and the one that overfills it.
                prop_assert!(within(of_index, index_rate, at - from, (2 * index_rate).max(15) + 11 * 15));
            }
        }
    }

    #[test]
    fn years_at_40000_wcu_do_not_overflow(
        days in prop::collection::vec(0..3_650_u64, 1..20),
        item_units in 1..u64::MAX,
    ) {
        let mut table = table_with_index(40_000, 40_000);
        let mut now = START;
        for day in days {
            now += secs(day * 24 * 3600);
            if let Ok(admission) = table.admit_write(now, indexed_write(day, item_units, item_units)) {
                table.settle_write(now, &admission, &indexed_write(day, u64::MAX, u64::MAX).cost);
            }
            let state = table.state(now);
            prop_assert!(state.write.balance <= Some(12_000_000));
            prop_assert!(state.indexes[0].write.balance <= Some(12_000_000));
        }
        prop_assert!(table.admit_write(Duration::MAX, write(0, 1)).is_ok() || table.state(now).write.balance < Some(0));
    }
}
