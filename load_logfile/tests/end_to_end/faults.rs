//! Loads under faults of networks and services, injected by a proxy: nothing is lost, nothing is wrongly reported as
//! written, and the last row of an id wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use test_support::canned::{CannedResponse, Request};
use test_support::contract::{assert_same_items, sequential};
use test_support::fault::Fault;
use test_support::log::{Row, csv, row, rows};
use test_support::program::Counts;
use test_support::proxy::Proxy;
use test_support::trial::{Trial, survives_each, survives_random_faults};

use crate::lab;

/// 350 rows; many ids of the second half occur twice or three times, close together and far apart.
fn with_duplicates() -> Trial {
    let again = (0..150).map(|line| row(101 + line % 70).url(&format!("/again/{line}")));
    let rows: Vec<Row> = rows(1..=200).into_iter().chain(again).collect();
    Trial::sequential(lab(), &csv(&rows))
}

fn trial(last_id: i64) -> Trial {
    Trial::sequential(lab(), &csv(&rows(1..=last_id)))
}

#[test]
fn lost_requests_lost_responses_and_server_errors_are_survived() {
    survives_each(with_duplicates, Fault::network_faults(), &[0, 2, 3, 7]);
}

#[test]
fn responses_that_are_nonsense_or_about_other_items_are_survived() {
    survives_each(with_duplicates, Fault::nonsense(), &[1, 4, 5]);
}

#[test]
fn throttling_of_each_kind_is_survived() {
    survives_each(with_duplicates, Fault::throttles(), &[1]);
}

#[test]
fn a_table_that_accepts_nothing_for_a_while_is_waited_for() {
    let faults = vec![Fault::all_unprocessed(), Fault::error("ProvisionedThroughputExceededException")];
    survives_each(with_duplicates, faults, &[0, 1]);
}

#[test]
fn faults_of_all_kinds_together_are_survived() {
    survives_random_faults(with_duplicates, 0..8);
}

#[test]
fn permanent_failures_are_given_up_with_exact_counts() {
    let in_trouble = || {
        let failed = trial(200).fails(|call, _| if call < 3 { Fault::None } else { Fault::internal_server_error() });
        failed
            .run
            .assert_error(1, &["table logfile: gave up after 10 attempts", "InternalServerError", "what to do: "]);
        assert_eq!((failed.counts.written, failed.items.len(), failed.counts.rejected), (75, 75, 0));
    };
    // Three batches are acknowledged; the fourth is written again and again, and never acknowledged.
    let no_answer = || {
        let failed = trial(200).fails(|call, _| if call < 3 { Fault::None } else { Fault::DropAfter });
        failed.run.assert_error(1, &["gave up after 10 attempts", "check the endpoint"]);
        assert_eq!((failed.counts.written, failed.counts.rejected), (75, 0));
        assert!(failed.items.len() > 75);
    };
    thread::scope(|scope| {
        scope.spawn(in_trouble);
        scope.spawn(no_answer);
    });
}

fn ends_at_once(exit: i32, code: &'static str, text: &str) {
    let trial = trial(1000).with_args(&["--checkpoint", "progress"]);
    let fixed = Arc::new(AtomicBool::new(false));
    let is_fixed = Arc::clone(&fixed);
    let proxy = Proxy::start(&trial.lab.url(), move |call, _| {
        if call < 4 || is_fixed.load(Ordering::Relaxed) { Fault::None } else { Fault::error(code) }
    });
    let failed = trial.failed(trial.program(&proxy.url()).run(), proxy.calls());
    failed.run.assert_error(exit, &[text, code, "what to do: ", "run the same command again: it resumes from here"]);
    assert_eq!((failed.counts.written, failed.items.len()), (100, 100));
    // By then twelve batches may be in flight: eight at first, and one more for each response. Each is sent at most twice more: by the
    // SDK, which may have newer credentials, and after the sources of expired credentials were read again.
    assert!(failed.calls <= 4 + 3 * 12, "{code}: {} calls", failed.calls);
    fixed.store(true, Ordering::Relaxed);
    let run = trial.program(&proxy.url()).run();
    trial.assert_done(&run, code);
    assert_eq!(proxy.again(), 0, "{code}: acknowledged rows were sent again");
    proxy.assert_well_behaved();
}

#[test]
fn permanent_errors_end_the_load_at_once_and_a_checkpoint_resumes_there() {
    thread::scope(|scope| {
        scope.spawn(|| ends_at_once(1, "ExpiredTokenException", "the AWS credentials are not accepted"));
        scope.spawn(|| ends_at_once(4, "UnrecognizedClientException", "the AWS credentials are not accepted"));
        scope.spawn(|| ends_at_once(4, "AccessDeniedException", "access denied"));
    });
}

/// DynamoDB rejects a whole batch for one bad item, without saying which.
fn refuses_13_and_77(_: usize, request: &Request) -> Fault {
    match ["request#13\"", "request#77\""].iter().any(|key| request.body.contains(key)) {
        true => {
            Fault::Respond(CannedResponse::error("ValidationException", "One or more parameter values were invalid"))
        }
        false => Fault::None,
    }
}

#[test]
fn a_row_that_only_the_service_rejects_does_not_affect_its_batch() {
    let lab = lab();
    let log = csv(&rows(1..=100));
    lab.file("log.csv", &log);
    let proxy = Proxy::start(&lab.url(), refuses_13_and_77);
    let run = lab.program(&["log.csv", "--rejects", "bad.csv"]).endpoint(&proxy.url()).run();
    run.assert_code(3);
    assert_eq!(run.counts(), Counts { read: 100, written: 98, rejected: 2, not_written: 0 });
    let mut expected = sequential(log.as_bytes());
    for key in ["request#13", "request#77"] {
        expected.remove(key);
    }
    assert_same_items(&lab.items(), &expected);
    let bad = rows([13, 77]);
    let mut collected: Vec<String> = lab.read("bad.csv").lines().map(str::to_owned).collect();
    collected.sort();
    assert_eq!(collected, bad.iter().map(Row::csv).collect::<Vec<_>>());
    let reasons = lab.read("bad.csv.reasons");
    let reason = "log.csv:77: DynamoDB rejects it: One or more parameter values were invalid";
    assert!(reasons.lines().any(|line| line.starts_with(reason)), "{reasons}");
}

#[test]
fn a_row_that_only_the_service_rejects_ends_a_load_without_rejects() {
    let failed = trial(100).fails(refuses_13_and_77);
    failed.run.assert_error(1, &[": DynamoDB rejects it: One or more parameter values were invalid", "--rejects FILE"]);
    assert_eq!(failed.counts.written, failed.items.len());
    let before: Vec<String> = (1..13).map(|id| format!("request#{id}")).collect();
    assert!(before.iter().all(|key| failed.items.contains_key(key)), "{:?}", failed.items.keys());
}
