//! Loads under faults of networks and services, injected by a proxy: nothing is lost, nothing is wrongly reported as
//! written, and the last row of an id wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use test_support::canned::{CannedResponse, Request};
use test_support::contract::{assert_same_items, parallel};
use test_support::fault::Fault;
use test_support::log::{Row, csv, row, rows};
use test_support::program::Counts;
use test_support::proxy::Proxy;
use test_support::trial::{Trial, survives_each, survives_random_faults};

use crate::lab;

/// Two files of 90 rows, twice; some ids of each are repeated, close together and far apart.
fn with_duplicates(threads: u16) -> Trial {
    let log = |file: i64| {
        let again = (0..50).map(|line| row(21 + line % 20).url(&format!("/again/{file}/{line}")));
        csv(&rows(1..=40).into_iter().chain(again).collect::<Vec<Row>>())
    };
    Trial::parallel(lab(), &[log(0), log(1)], 2, threads)
}

/// Two files, twice: four times as many items as rows in one of them.
fn trial(rows_each: i64) -> Trial {
    Trial::parallel(lab(), &[csv(&rows(1..=rows_each)), csv(&rows(1..=rows_each))], 2, 3)
}

#[test]
fn lost_requests_lost_responses_and_server_errors_are_survived() {
    survives_each(|| with_duplicates(3), Fault::network_faults(), &[0, 2, 3, 7]);
}

#[test]
fn responses_that_are_nonsense_or_about_other_items_are_survived() {
    // A worker whose first response is nonsense assumes a different server.
    survives_each(|| with_duplicates(1), Fault::nonsense(), &[1, 4, 5]);
}

#[test]
fn throttling_of_each_kind_is_survived() {
    survives_each(|| with_duplicates(2), Fault::throttles(), &[1]);
}

#[test]
fn a_table_that_accepts_nothing_for_a_while_is_waited_for() {
    let faults = vec![Fault::all_unprocessed(), Fault::error("ProvisionedThroughputExceededException")];
    survives_each(|| with_duplicates(2), faults, &[0, 1]);
}

#[test]
fn faults_of_all_kinds_together_are_survived() {
    survives_random_faults(|| with_duplicates(4), 100..108);
}

#[test]
fn permanent_failures_are_given_up_with_exact_counts() {
    let in_trouble = || {
        let failed = trial(300).fails(|call, _| if call < 6 { Fault::None } else { Fault::internal_server_error() });
        let text = ["table logfile_scan: gave up after 10 attempts", "InternalServerError", "what to do: "];
        failed.run.assert_error(1, &text);
        assert_eq!((failed.counts.written, failed.counts.rejected), (failed.items.len(), 0));
        assert!(failed.counts.written > 0);
    };
    let no_answer = || {
        let failed = trial(300).fails(|call, _| if call < 6 { Fault::None } else { Fault::DropAfter });
        failed.run.assert_error(1, &["gave up after 10 attempts", "check the endpoint"]);
        assert_eq!(failed.counts.rejected, 0);
        assert!(failed.counts.written > 0 && failed.counts.written < failed.items.len());
    };
    thread::scope(|scope| {
        scope.spawn(in_trouble);
        scope.spawn(no_answer);
    });
}

fn ends_at_once(exit: i32, code: &'static str, text: &str) {
    let trial = trial(500).with_args(&["--checkpoint", "progress"]);
    let fixed = Arc::new(AtomicBool::new(false));
    let is_fixed = Arc::clone(&fixed);
    let proxy = Proxy::start(&trial.lab.url(), move |call, _| {
        if call < 12 || is_fixed.load(Ordering::Relaxed) { Fault::None } else { Fault::error(code) }
    });
    let failed = trial.failed(trial.program(&proxy.url()).run(), proxy.calls());
    failed.run.assert_error(exit, &[text, code, "what to do: ", "run the same command again: it resumes from here"]);
    assert_eq!(failed.counts.written, failed.items.len());
    // The windows of the three workers are three batches wide at first, and open by one for each response, so 21 batches
    // may be in flight. Each is sent at most three times: once, again by the SDK, which may know newer credentials, and
    // again after the sources of expired credentials were read again.
    assert!(failed.calls <= 12 + 3 * (9 + 12), "{code}: {} calls", failed.calls);
    fixed.store(true, Ordering::Relaxed);
    trial.assert_done(&trial.program(&proxy.url()).run(), code);
    proxy.assert_well_behaved();
}

#[test]
fn permanent_errors_end_the_load_at_once_and_a_checkpoint_resumes_there() {
    thread::scope(|scope| {
        scope.spawn(|| ends_at_once(1, "ExpiredTokenException", "the AWS credentials are not accepted"));
        scope.spawn(|| ends_at_once(4, "AccessDeniedException", "access denied"));
    });
}

/// With fewer open files than batches in flight, connections fail; their batches are sent again on others.
#[test]
fn a_limit_on_open_files_loses_nothing() {
    let trial = Trial::parallel(lab(), &[csv(&rows(1..=1999)), csv(&rows(1..=1999))], 2, 2);
    let proxy = Proxy::start(&trial.lab.url(), |_, _| Fault::Late(Duration::from_millis(100)));
    let run = trial.program(&proxy.url()).with_open_files("-n 64").run();
    trial.assert_done(&run, "64 files");
}

/// DynamoDB rejects a whole batch for one bad item, without saying which.
fn refuses_copies_of_13(_: usize, request: &Request) -> Fault {
    match ["request#13\"", "request#2013\""].iter().any(|key| request.body.contains(key)) {
        true => {
            Fault::Respond(CannedResponse::error("ValidationException", "One or more parameter values were invalid"))
        }
        false => Fault::None,
    }
}

#[test]
fn a_row_that_only_the_service_rejects_affects_neither_its_batch_nor_other_threads() {
    let lab = lab();
    let log = csv(&rows(1..=200));
    lab.file("log.csv", &log);
    let proxy = Proxy::start(&lab.url(), refuses_copies_of_13);
    let args = ["log.csv", "--copies", "3", "--threads", "2", "--rejects", "bad.csv"];
    let run = lab.program(&args).endpoint(&proxy.url()).run();
    run.assert_code(3);
    assert_eq!(run.counts(), Counts { read: 600, written: 598, rejected: 2, not_written: 0 });
    let mut expected = parallel("logfile_scan", &[log.as_bytes()], 3, 2000, 500_000);
    for key in ["request#13", "request#2013"] {
        expected.remove(key);
    }
    assert_same_items(&lab.items(), &expected);
    assert_eq!(lab.read("bad.csv"), csv(&rows([13])), "once, though two of its copies are refused");
    let reasons = lab.read("bad.csv.reasons");
    let reason = "log.csv:13: DynamoDB rejects it: One or more parameter values were invalid";
    assert!(reasons.starts_with(reason) && reasons.lines().count() == 1, "{reasons}");
}
