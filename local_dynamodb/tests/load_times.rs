//! A load takes the time that its capacity asks for: what is above the burst, divided by what is provisioned.
//!
//! The time is measured with two clock readings on either side, so that a busy machine makes a measurement wide and not
//! wrong: it must always enclose the time calculated, and in one of a few runs it must do so within 2 %.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};
use support::http::Connection;
use support::json::{done, item, sum, table_with, with};

/// 200 s of its clock are 8 s.
const SPEED: u32 = 25;

/// So many runs are made to get a narrow measurement.
const RUNS: usize = 6;

/// A time of the server's clock, in seconds, that was not before the first and not after the second.
#[derive(Clone, Copy, Debug)]
struct Between(f64, f64);

fn clock(server: &LocalDynamoDb) -> f64 {
    server.metrics()["Clock"]["Seconds"].as_f64().unwrap()
}

/// What a load is made of.
#[derive(Clone, Copy, Debug)]
struct Case {
    units: u64,
    /// What is there at the beginning, in seconds of those. The bucket holds more, so that nothing runs over while the
    /// machine is busy with something else: the time counts from the table's creation.
    saved: u64,
    items: usize,
    item_size: usize,
}

impl Case {
    /// A server with the table `logfile`, and when that was created.
    fn start(self, (read, write): (u64, u64)) -> (LocalDynamoDb, Between) {
        let server = with(|options| {
            options.speed = NonZeroU32::new(SPEED).unwrap();
            options.capacity.burst = Duration::from_secs(self.saved + 3_600);
            options.capacity.starting_burst = Duration::from_secs(self.saved);
        });
        let before = clock(&server);
        table_with(&server, "logfile", (read, write), None);
        let after = clock(&server);
        (server, Between(before, after))
    }

    /// Runs `load`, which answers when the table was created, and when the last of the items got in.
    fn assert_takes(self, seconds: f64, load: impl Fn(Self) -> [Between; 2]) {
        let narrow = (0..RUNS).any(|_| {
            let [begin, end] = load(self);
            let (shortest, longest) = (end.0 - begin.1, end.1 - begin.0);
            assert!(shortest <= seconds && seconds <= longest, "{shortest}..{longest} s instead of {seconds} s");
            longest <= seconds * 1.02 && shortest >= seconds * 0.98
        });
        assert!(narrow, "{self:?}: no run was measured within 2 %");
    }
}

/// Takes steps until nothing is left of `left`; a step answers how many items got in. When the last was taken, which is not
/// before the last one was begun in which something was refused.
fn drive(server: &LocalDynamoDb, mut left: usize, mut step: impl FnMut() -> usize) -> Between {
    let mut refused_at = clock(server);
    loop {
        let before = clock(server);
        let got_in = step();
        left -= got_in;
        if left == 0 {
            return Between(refused_at, clock(server));
        }
        refused_at = before;
        if got_in == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Whether a request got in; otherwise it must have been throttled.
fn got_in((status, answer): &(u16, String)) -> bool {
    assert!(*status == 200 || answer.contains("#ProvisionedThroughputExceededException"), "{answer}");
    *status == 200
}

/// Writes small items in batches.
fn write_batches(case: Case) -> [Between; 2] {
    let (server, created) = case.start((1, case.units));
    let mut connection = Connection::open(&server.address().to_string());
    let request = |n: usize| json!({"PutRequest": {"Item": item(&format!("k{n:06}"), case.item_size, false)}});
    let mut left: Vec<_> = (0..case.items).map(request).collect();
    let end = drive(&server, case.items, || {
        let batch = left.split_off(left.len().saturating_sub(25));
        let size = batch.len();
        let body = json!({"RequestItems": {"logfile": batch}}).to_string();
        let answer = connection.call("BatchWriteItem", &body).unwrap();
        let unprocessed = if got_in(&answer) {
            let mut answer: Value = serde_json::from_str(&answer.1).unwrap();
            serde_json::from_value(answer["UnprocessedItems"]["logfile"].take()).unwrap_or_default()
        } else {
            batch
        };
        let taken = size - unprocessed.len();
        left.extend(unprocessed);
        taken
    });
    assert_eq!(sum(&server, "ConsumedWriteCapacityUnits", &["logfile"]), units(case));
    [created, end]
}

/// Writes large items one by one.
fn write_each(case: Case) -> [Between; 2] {
    let (server, created) = case.start((1, case.units));
    let mut connection = Connection::open(&server.address().to_string());
    let put = |n: usize| {
        json!({"TableName": "logfile", "Item": item(&format!("k{n:06}"), case.item_size, false)}).to_string()
    };
    let mut left: Vec<_> = (0..case.items).map(put).collect();
    let end = drive(&server, case.items, || {
        let got_in = got_in(&connection.call("PutItem", left.last().unwrap()).unwrap());
        if got_in {
            left.pop();
        }
        usize::from(got_in)
    });
    assert_eq!(sum(&server, "ConsumedWriteCapacityUnits", &["logfile"]), units(case));
    [created, end]
}

/// Reads an item again and again.
fn read(case: Case) -> [Between; 2] {
    let (server, created) = case.start((case.units, 1_000));
    done(&server, "PutItem", json!({"TableName": "logfile", "Item": item("a", case.item_size, false)}));
    let mut connection = Connection::open(&server.address().to_string());
    let get = json!({"TableName": "logfile", "Key": {"PK": {"S": "a"}}, "ConsistentRead": true}).to_string();
    let end = drive(&server, case.items, || usize::from(got_in(&connection.call("GetItem", &get).unwrap())));
    assert_eq!(sum(&server, "ConsumedReadCapacityUnits", &["logfile"]), units(case) / 4.0);
    [created, end]
}

fn units(case: Case) -> f64 {
    (case.items * case.item_size.div_ceil(1024)) as f64
}

#[test]
fn two_thousand_five_hundred_rows_on_5_wcu_take_200_s() {
    let case = Case { units: 5, saved: 300, items: 2_500, item_size: 300 };
    case.assert_takes((2_500.0 - 1_500.0) / 5.0, write_batches);
}

#[test]
fn four_kilobytes_on_10_wcu() {
    let case = Case { units: 10, saved: 60, items: 650, item_size: 4_000 };
    case.assert_takes((650.0 * 4.0 - 600.0) / 10.0, write_batches);
}

#[test]
fn the_largest_items_on_25_wcu() {
    let case = Case { units: 25, saved: 32, items: 14, item_size: 400 * 1024 };
    case.assert_takes((14.0 * 400.0 - 800.0) / 25.0, write_each);
}

/// A read is let in when the least that it may cost is there, and the next when it is paid off.
#[test]
fn reads_on_5_rcu() {
    let case = Case { units: 5, saved: 300, items: 80, item_size: 100 * 1024 };
    case.assert_takes((79.0 * 25.0 + 1.0 - 1_500.0) / 5.0, read);
}
