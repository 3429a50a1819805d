//! The batch writer's example, run against the engine.

#![expect(clippy::unwrap_used, reason = "a helper of tests")]

#[allow(dead_code, reason = "its `main` is for users")]
#[path = "../../batch_writer/examples/write_items.rs"]
mod write_items;

use common::batch_writer::Summary;
use common::batch_writer::client::Settings;
use test_support::{engine, table};

use self::write_items::write_items;

fn run(url: &str, table: &str, items: u64) -> Summary<u64> {
    let settings = Settings { endpoint_url: Some(url.to_owned()), ..Settings::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(write_items(&settings, table, items)).unwrap()
}

#[test]
fn every_item_is_in_the_table_afterwards() {
    let engine = engine();
    table::create_plain(&engine.url(), "readings", "PK");
    let summary = run(&engine.url(), "readings", 1234);
    assert_eq!((summary.pushed, summary.written, summary.not_written()), (1234, 1234, 0));
    let items = table::items(&engine.url(), "readings");
    assert_eq!(items.len(), 1234);
    assert_eq!(items["reading#77"]["celsius"].as_n().unwrap(), "37.5");
}

#[test]
fn without_a_table_it_says_so_and_counts_what_is_not_written() {
    let engine = engine();
    let summary = run(&engine.url(), "nowhere", 100);
    // The number pushed by then depends on when the first response arrives.
    assert_eq!((summary.written, summary.not_written()), (0, summary.pushed));
    assert!((1..=100).contains(&summary.pushed), "{summary:?}");
    assert!(summary.stop.is_some_and(|reason| reason.to_string().contains("not found")), "the reason names the table");
}
