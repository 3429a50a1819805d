//! Loads in parts, of several files and copies.

use std::thread;

use aws_sdk_dynamodb::types::AttributeValue;
use test_support::contract::{assert_same_items, parallel};
use test_support::interruptions::{done_in_spite_of_kills, ends_again};
use test_support::log::{csv, row, rows};

use crate::lab;

#[test]
fn parts_with_copies_that_are_killed_are_one_load() {
    let lab = lab();
    let again = (1..=40).map(|id| row(id).url(&format!("/x\n{}", row(id + 1).csv())));
    let logs = [csv(&rows(1..=120)) + &csv(&again.collect::<Vec<_>>()), csv(&rows(50..=160))];
    for (number, log) in logs.iter().enumerate() {
        lab.file(&format!("logs/{number}.csv"), log);
    }
    thread::scope(|scope| {
        let lab = &lab;
        for part in ["0/3", "1/3", "2/3"] {
            scope.spawn(move || {
                let args =
                    ["logs", "--copies", "3", "--threads", "2", "--part", part, "--checkpoint", "{part}.checkpoint"];
                let program = || lab.program(&args);
                let (run, proxy) = done_in_spite_of_kills(lab, 2, program);
                run.assert_code(0);
                ends_again(&proxy, &run, || program().endpoint(&proxy.url()));
            });
        }
    });
    assert_same_items(
        &lab.items(),
        &parallel("logfile_scan", &logs.each_ref().map(String::as_bytes), 3, 2000, 500_000),
    );
}

/// Without parts, files are read at the same time.
#[test]
fn the_files_of_a_part_have_an_order() {
    let lab = lab();
    lab.file("m.toml", "version = 1\n[input]\ncolumns = [\"PK\", \"file\"]\n[item]\nkey = [\"PK\"]\n");
    for file in 0..20 {
        let text: String = (0..200).map(|id| format!("{id},{file}\n")).collect();
        lab.file(&format!("logs/{file:02}.csv"), text);
    }
    lab.load(&["logs", "--mapping", "m.toml", "--part", "0/1"]).assert_code(0);
    let items = lab.items();
    assert_eq!(items.len(), 200);
    let last = AttributeValue::S("19".into());
    assert!(items.values().all(|item| item["file"] == last), "{items:?}");
}
