use std::sync::Arc;

use capacity::{CapacityUnits, IndexState};

use super::wording::seconds;
use super::*;
use crate::monitor::situation::Activity;

fn capacity(provisioned: u64, balance: i64) -> CapacityState {
    CapacityState {
        provisioned: Some(provisioned),
        balance: Some(balance),
        ceiling: Some(300 * provisioned),
        maximum: None,
        warm: provisioned,
        consumed: CapacityUnits::ZERO,
    }
}

fn index_state(provisioned: u64, backlog: usize) -> IndexState {
    IndexState {
        name: Arc::from("GSI_1"),
        write: capacity(provisioned, 0),
        read: capacity(provisioned, 0),
        backlog,
        backlog_units: CapacityUnits::new(backlog as u64),
        backlog_limit: 20_000,
    }
}

fn events(throughput: f64) -> Events {
    Events { throughput, ..Events::default() }
}

/// How busy a table with `own` WCU is, and its index if it has one; what each takes and refuses.
struct Case {
    table: CapacityState,
    rate: f64,
    refused: Events,
    index: Option<(IndexState, f64, Events)>,
    read_refused: Events,
    /// Of the index.
    creation: Option<CreationPhase>,
}

impl Case {
    fn new(table: CapacityState, rate: f64) -> Self {
        Self { table, rate, refused: Events::default(), index: None, read_refused: Events::default(), creation: None }
    }

    fn explain(&self) -> Explanation {
        let idle =
            |state| Activity { capacity: Some(state), rate: 0.0, recent: Events::default(), all: Events::default() };
        let writes = |state, rate, refused| Activity { capacity: Some(state), rate, recent: refused, all: refused };
        let mut table = Resource {
            index: None,
            write: writes(&self.table, self.rate, self.refused),
            read: idle(&self.table),
            backlog: None,
            creation: None,
        };
        table.read.recent = self.read_refused;
        let index = self.index.as_ref().map(|(state, rate, refused)| Resource {
            index: Some("GSI_1"),
            write: writes(&state.write, *rate, *refused),
            read: idle(&state.read),
            backlog: Some(state),
            creation: self.creation,
        });
        let resources = std::iter::once(table).chain(index).collect();
        of(&Situation { table: "logfile", exists: true, resources })
    }
}

#[test]
fn a_table_without_capacity_and_an_index_that_waits() {
    let case = Case {
        refused: events(1204.0),
        index: Some((index_state(5, 12), 5.0, Events::default())),
        ..Case::new(capacity(5, 0), 5.0)
    };
    assert_eq!(
        case.explain(),
        Explanation {
            status: Status::Throttled,
            headline: "logfile: writes are refused because of its own capacity".into(),
            now: "logfile has 5 WCU a second. The burst that it had saved up is spent, so whatever is asked for beyond that is \
                refused at once, and has to be sent again later. Its index GSI_1 refuses nothing: a table refuses at once, but \
                an index lets up to 20,000 writes wait for it (12 do now), and gets no more of them than the table takes."
                .into(),
            past: "Write throttle events in the minutes kept: 1,204 on the table, none on GSI_1.".into(),
        }
    );
}

#[test]
fn an_index_that_holds_up_a_table_with_capacity_to_spare() {
    let case = Case {
        index: Some((index_state(1, 20_000), 333.0, events(1220.0))),
        ..Case::new(capacity(1000, 200_000), 333.0)
    };
    assert_eq!(
        case.explain(),
        Explanation {
            status: Status::Throttled,
            headline: "logfile: writes are refused because of its index GSI_1".into(),
            now: "All writes to logfile wait for its index GSI_1. The index has 1 WCU a second and is asked for more: 20,000 of \
                its writes wait between the table and the index, of at most 20,000. While no more fit in, every write to the \
                table is refused, also one that would not enter the index. What waits takes the index 5 h. The table itself is \
                not the reason: it takes 333 of its 1,000 WCU."
                .into(),
            past: "Write throttle events in the minutes kept: none on the table, 1,220 on GSI_1.".into(),
        }
    );
}

#[test]
fn one_partition_key_that_is_asked_for_too_much() {
    let refused = Events { throughput: 1.0, partition_key: 50.0, ..Events::default() };
    let explained = Case { refused, ..Case::new(capacity(5000, 900_000), 1000.0) }.explain();
    assert_eq!(explained.headline, "logfile: writes are refused because of one partition key");
    assert!(explained.now.contains("gives: 1,000 WCU a second"), "{}", explained.now);
}

#[test]
fn reads_have_their_own_capacity() {
    let explained = Case { read_refused: events(3.0), ..Case::new(capacity(5, 1500), 0.0) }.explain();
    assert_eq!(explained.headline, "logfile: reads are refused because of its own capacity");
    assert!(explained.now.starts_with("logfile has 5 RCU a second."), "{}", explained.now);
}

#[test]
fn what_will_not_last_is_said_before_it_ends() {
    let burst = Case::new(capacity(5, 900), 82.6).explain();
    assert_eq!((burst.status, burst.past.as_str()), (Status::Busy, ""));
    assert_eq!(
        burst.now,
        "The table has taken 83 WCU a second in the last minute and has 5: the rest came from the burst that it saved up while \
         it was not used, of which 900 of 1,500 are left. At that rate it lasts for another 12 s."
    );
    let behind = Case {
        index: Some((index_state(1, 400), 33.0, Events::default())),
        ..Case::new(capacity(1000, 300_000), 33.0)
    };
    assert_eq!(
        behind.explain().now,
        "400 writes wait for the index GSI_1, which takes 1 WCU a second: that is 7 min of work. Nothing is refused now; when \
         20,000 wait, the table will refuse every write."
    );
}

#[test]
fn an_index_that_is_created() {
    let explain = |creation| {
        let index = Some((index_state(5, 0), 0.0, Events::default()));
        Case { index, creation: Some(creation), ..Case::new(capacity(5, 1500), 0.0) }.explain()
    };
    let allocated = explain(CreationPhase::Allocation);
    assert_eq!(
        (allocated.status, allocated.headline.as_str()),
        (Status::Calm, "logfile: its new index GSI_1 is being created")
    );
    assert!(allocated.now.contains("Resources are allocated for it first"), "{}", allocated.now);
    let filled = explain(CreationPhase::Backfilling { progress: 42.0, is_throttled: true }).now;
    assert_eq!(
        filled,
        "UpdateTable is adding the index GSI_1 to the table. 42 % of the table's items have been read to fill it. What goes in \
         is paid by the index, from its 5 WCU a second. It is waiting for that capacity now: with more of it, the index would \
         be filled sooner. It takes new writes already, and can be read when it is ACTIVE."
    );
    let unthrottled = explain(CreationPhase::Backfilling { progress: 42.0, is_throttled: false }).now;
    assert!(!unthrottled.contains("waiting"), "{unthrottled}");
}

fn on_demand() -> CapacityState {
    CapacityState { provisioned: None, balance: None, ceiling: None, warm: 4_000, ..capacity(0, 0) }
}

#[test]
fn a_table_on_demand_refuses_for_reasons_of_its_own() {
    let explain = |maximum, refused| {
        let table = CapacityState { maximum, ..on_demand() };
        Case { refused, ..Case::new(table, 900.0) }.explain()
    };
    let by_maximum = explain(Some(50), Events { maximum: 7.0, ..Events::default() });
    assert_eq!(by_maximum.headline, "logfile: writes are refused because of its maximum");
    assert!(by_maximum.now.contains("has a maximum of 50 WCU a second"), "{}", by_maximum.now);
    let by_partitions = explain(None, Events { partition_key: 7.0, ..Events::default() });
    assert_eq!(by_partitions.headline, "logfile: writes are refused because of its partitions");
    assert!(by_partitions.now.contains("serve 4,000 WCU a second"), "{}", by_partitions.now);
    let by_quota = explain(None, Events { quota: 7.0, ..Events::default() });
    assert_eq!(by_quota.headline, "logfile: writes are refused because of the quota of a table");
}

#[test]
fn calm_tables() {
    let full = Case::new(capacity(5, 1500), 0.0).explain();
    assert_eq!((full.status, full.headline.as_str()), (Status::Calm, "logfile: nothing is refused"));
    assert_eq!(full.now, "The table takes 0 of its 5 WCU a second. Its burst is full: 1,500 WCU.");
    let refills = Case::new(capacity(5, -3), 2.25).explain();
    assert_eq!(
        refills.now,
        "The table takes 2.3 of its 5 WCU a second. Its burst fills up again while it takes less: 0 of 1,500 WCU."
    );
    let on_demand = on_demand();
    assert_eq!(
        Case::new(on_demand.clone(), 900.0).explain().now,
        "The table is on demand: it serves 4,000 WCU and 4,000 RCU a second at once, and grows with its load."
    );
    let limited = CapacityState { maximum: Some(50), ..on_demand };
    assert_eq!(
        Case::new(limited, 9.0).explain().now,
        "The table is on demand: it serves 4,000 WCU (at most 50 as it is set) and 4,000 RCU (at most 50 as it is set) a \
         second at once, and grows with its load."
    );
}

#[test]
fn a_deleted_table() {
    let gone = Activity { capacity: None, rate: 0.0, recent: Events::default(), all: events(7.0) };
    let idle = Activity { capacity: None, rate: 0.0, recent: Events::default(), all: Events::default() };
    let resources = vec![Resource { index: None, write: gone, read: idle, backlog: None, creation: None }];
    let explained = of(&Situation { table: "logfile", exists: false, resources });
    assert_eq!((explained.status, explained.headline.as_str()), (Status::Deleted, "logfile was deleted"));
    assert_eq!(explained.past, "Write throttle events in the minutes kept: 7 on the table.");
}

#[test]
fn numbers_and_times_are_easy_to_read() {
    let numbers = [0.0, 0.04, 0.5, 9.96, 10.4, 999.6, 1000.0, 1_234_567.0, -1.0].map(count);
    assert_eq!(numbers, ["0", "0", "0.5", "10", "10", "1,000", "1,000", "1,234,567", "0"]);
    let times =
        [(0.5, 1.0), (119.0, 1.0), (121.0, 1.0), (20_000.0, 1.0), (1e6, 1.0)].map(|(units, rate)| seconds(units, rate));
    assert_eq!(times.map(Option::unwrap), ["1 s", "119 s", "3 min", "5 h", "11 days"]);
    assert_eq!(seconds(1.0, 0.0), None);
}
