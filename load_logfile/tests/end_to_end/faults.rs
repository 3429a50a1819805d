//! What networks and services do to a load, through a proxy that does it: nothing is lost, nothing is said to be written that is not,
//! and the last row of an id wins all the same.

use std::thread;
use std::time::Duration;

use test_support::canned::{Answer, Request};
use test_support::contract::{assert_same_items, sequential};
use test_support::lab::without_times;
use test_support::log::{Row, csv, row, rows};
use test_support::program::{Counts, Run};
use test_support::proxy::{Fault, Proxy, unknown_unprocessed};

use crate::lab;

/// 350 rows; every id of the second half is there twice or three times, near and far.
fn log_with_duplicates() -> String {
    let again = (0..150).map(|line| row(101 + line % 70).url(&format!("/again/{line}")));
    let rows: Vec<Row> = rows(1..=200).into_iter().chain(again).collect();
    csv(&rows)
}

const STDOUT_350: &str = "row: 100 in S\nrow: 200 in S\nrow: 300 in S\nRowCount: 350, Total seconds: S\n";

/// Loads through a proxy and checks that everything is there.
fn survives(what: &str, plan: impl FnMut(usize, &Request) -> Fault + Send + 'static) {
    let lab = lab();
    let log = log_with_duplicates();
    lab.file("log.csv", &log);
    let proxy = Proxy::start(&lab.url(), plan);
    let run = lab.program(&["log.csv"]).endpoint(&proxy.url()).run();
    assert_eq!(run.code, Some(0), "{what}: {run:?}");
    assert_eq!(without_times(&run.stdout), STDOUT_350, "{what}");
    assert_same_items(&lab.items(), &sequential(log.as_bytes()));
    proxy.assert_well_behaved();
}

/// As [`survives`], for each fault at once, where the calls with these numbers meet it.
fn survives_each(faults: Vec<Fault>, calls: &'static [usize]) {
    thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let what = format!("{fault:?}");
                survives(&what, move |call, _| if calls.contains(&call) { fault.clone() } else { Fault::None });
            });
        }
    });
}

#[test]
fn lost_requests_and_answers_and_a_service_in_trouble_are_survived() {
    let page = "<html><h1>Bad Gateway</h1></html>";
    let faults = vec![
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::Reset,
        Fault::HalfAnswer,
        Fault::internal_server_error(),
        Fault::AnswerAfter(Answer::http("500 Internal Server Error", "text/html", page)),
        Fault::Answer(Answer::http("503 Service Unavailable", "text/plain", "")),
        Fault::Answer(Answer::http("502 Bad Gateway", "text/html", page)),
        Fault::AnswerAfter(unknown_unprocessed()),
        Fault::Late(Duration::from_millis(50)),
        Fault::Away(Duration::from_millis(100)),
    ];
    survives_each(faults, &[0, 2, 3, 7]);
}

#[test]
fn throttling_of_each_kind_is_survived() {
    let faults = vec![
        Fault::error("ProvisionedThroughputExceededException"),
        Fault::error("ThrottlingException"),
        Fault::error("RequestLimitExceeded"),
        Fault::Answer(Answer::http("429 Too Many Requests", "text/html", "<html>slow down</html>")),
        Fault::all_unprocessed(),
        Fault::Partly(|place| place % 2 == 0),
        Fault::Partly(|place| place != 24),
    ];
    survives_each(faults, &[1]);
}

#[test]
fn faults_of_all_kinds_together_are_survived() {
    thread::scope(|scope| {
        for seed in 0..8 {
            let mut random = fastrand::Rng::with_seed(seed);
            // Throttled once only: more would teach the loader a pace that makes the test slow.
            let throttled = random.usize(..10);
            let plan = move |call, _: &Request| match call {
                _ if call == throttled => Fault::random_throttling(&mut random),
                ..25 => Fault::random(&mut random),
                _ => Fault::None,
            };
            scope.spawn(move || survives(&format!("seed {seed}"), plan));
        }
    });
}

#[test]
fn nothing_taken_for_a_while_is_waited_for() {
    survives_each(vec![Fault::all_unprocessed(), Fault::error("ProvisionedThroughputExceededException")], &[0, 1]);
}

/// Two hundred rows through a proxy, which ends badly; gives also what is in the table.
fn fails(plan: impl FnMut(usize, &Request) -> Fault + Send + 'static) -> (Run, Counts, usize) {
    let lab = lab();
    let log = csv(&rows(1..=200));
    lab.file("log.csv", &log);
    let proxy = Proxy::start(&lab.url(), plan);
    let run = lab.program(&["log.csv"]).endpoint(&proxy.url()).run();
    assert!(!run.stdout.contains("RowCount"), "{}", run.stdout);
    proxy.assert_well_behaved();
    let (items, whole) = (lab.items(), sequential(log.as_bytes()));
    assert!(items.iter().all(|(key, item)| whole[key] == *item));
    let counts = run.counts();
    (run, counts, items.len())
}

#[test]
fn a_service_in_trouble_for_good_is_given_up_with_exact_counts() {
    let (run, counts, in_table) = fails(|call, _| if call < 3 { Fault::None } else { Fault::internal_server_error() });
    run.assert_error(1, &["table logfile: gave up after 10 attempts", "InternalServerError", "what to do: "]);
    assert_eq!((counts.written, counts.rejected), (in_table, 0));
    assert_eq!(in_table, 75);
}

#[test]
fn credentials_that_expire_on_the_way_end_the_load_at_once_with_exact_counts() {
    let (run, counts, in_table) =
        fails(|call, _| if call < 4 { Fault::None } else { Fault::error("ExpiredTokenException") });
    run.assert_error(1, &["the AWS credentials are not accepted", "(ExpiredTokenException)", "renew the credentials"]);
    assert_eq!((counts.written, counts.rejected), (in_table, 0));
    assert_eq!(in_table, 100);
}

#[test]
fn an_answer_lost_for_good_is_not_counted_as_written() {
    // The first three batches are acknowledged; the fourth is written again and again, and never acknowledged.
    let (run, counts, in_table) = fails(|call, _| if call < 3 { Fault::None } else { Fault::DropAfter });
    run.assert_error(1, &["gave up after 10 attempts", "check the endpoint"]);
    assert_eq!((counts.written, counts.rejected), (75, 0));
    assert!(in_table > 75, "{in_table}");
}

/// DynamoDB refuses a batch whole for one bad item, without saying which.
fn refuses_13_and_77(_: usize, request: &Request) -> Fault {
    match ["request#13\"", "request#77\""].iter().any(|key| request.body.contains(key)) {
        true => Fault::Answer(Answer::error("ValidationException", "One or more parameter values were invalid")),
        false => Fault::None,
    }
}

#[test]
fn a_row_that_only_the_service_refuses_does_not_take_its_batch_with_it() {
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
    let mut aside: Vec<String> = lab.read("bad.csv").lines().map(str::to_owned).collect();
    aside.sort();
    assert_eq!(aside, bad.iter().map(Row::csv).collect::<Vec<_>>());
    let reasons = lab.read("bad.csv.reasons");
    let reason = "log.csv:77: DynamoDB refused it: One or more parameter values were invalid";
    assert!(reasons.lines().any(|line| line.starts_with(reason)), "{reasons}");
}

#[test]
fn a_row_that_only_the_service_refuses_ends_a_load_that_sets_none_aside() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=100)));
    let proxy = Proxy::start(&lab.url(), refuses_13_and_77);
    let run = lab.program(&["log.csv"]).endpoint(&proxy.url()).run();
    run.assert_error(1, &[": DynamoDB refused it: One or more parameter values were invalid", "--rejects FILE"]);
    let items = lab.items();
    assert_eq!(run.counts().written, items.len());
    let before: Vec<String> = (1..13).map(|id| format!("request#{id}")).collect();
    assert!(before.iter().all(|key| items.contains_key(key)), "{:?}", items.keys());
}
