use super::super::item_json::ItemJson;
use super::super::keyed;
use super::*;
use crate::core::batch_response::{BatchResponse, BatchResult};
use crate::service_error::ServiceError;

const SECOND: Duration = Duration::from_secs(1);
const ROUND_TRIP: Duration = Duration::from_millis(10);

/// A dispatcher with its pacer, at a time of its own. Rows are their numbers.
struct Bench {
    dispatcher: Dispatcher<usize>,
    pacer: Pacer,
    now: Duration,
}

impl Bench {
    fn new(in_flight: usize) -> Self {
        let dispatcher = Dispatcher::new(in_flight, Backoff::default());
        Self { dispatcher, pacer: Pacer::default(), now: Duration::ZERO }
    }

    /// With `rows` rows in hand, and no more to come.
    fn with_rows(in_flight: usize, rows: usize) -> Self {
        let mut bench = Self::new(in_flight);
        (0..rows).for_each(|row| bench.push(row, row));
        bench.dispatcher.close();
        bench
    }

    fn push(&mut self, key: usize, row: usize) {
        self.dispatcher.push(WriteRequest::put(&[&keyed(&key.to_string())], row).unwrap(), self.now);
    }

    /// The next batch, as soon as one may be sent; `None` if none may be sent before a response.
    fn send(&mut self) -> Option<InFlight<usize>> {
        loop {
            match self.dispatcher.step(self.now, &mut self.pacer) {
                Step::Send(sent) => return Some(sent),
                Step::Wait(Some(until)) => {
                    assert!(until > self.now, "a wait for a time that has passed");
                    self.now = until;
                }
                Step::Wait(None) | Step::Done | Step::Stopped => return None,
            }
        }
    }

    fn answer(&mut self, sent: InFlight<usize>, answer: BatchResult) {
        self.now += ROUND_TRIP;
        self.dispatcher.responded(sent, answer, self.now, &mut self.pacer, 1.0);
    }

    /// Sends one batch, and answers it as `answer` says, which gets the rows in it.
    fn exchange(&mut self, answer: impl FnOnce(&[usize]) -> BatchResult) -> Vec<usize> {
        let sent = self.send().expect("a batch to send");
        let rows = rows(&sent);
        self.answer(sent, answer(&rows));
        rows
    }

    fn written(&mut self) -> Vec<usize> {
        let written = self.dispatcher.take_settled().into_iter().map(|settled| match settled {
            Settled::Written(row) => row,
            Settled::Rejected(row, error) => panic!("row {row} is rejected: {error}"),
        });
        let mut written: Vec<_> = written.collect();
        written.sort_unstable();
        written
    }

    fn is_done(&mut self) -> bool {
        self.dispatcher.in_hand() == 0 && matches!(self.dispatcher.step(self.now, &mut self.pacer), Step::Done)
    }
}

fn rows(sent: &InFlight<usize>) -> Vec<usize> {
    sent.batch.requests().iter().map(|request| request.tag).collect()
}

fn all_accepted(_: &[usize]) -> BatchResult {
    Ok(BatchResponse::default())
}

fn unprocessed(places: impl IntoIterator<Item = usize>) -> BatchResult {
    Ok(BatchResponse { unprocessed: places.into_iter().collect(), consumed: None })
}

fn throttled() -> ServiceError {
    ServiceError::from_response(400, Some("ProvisionedThroughputExceededException"), None)
}

fn server_error() -> ServiceError {
    ServiceError::from_response(500, Some("InternalServerError"), None)
}

fn access_denied() -> ServiceError {
    ServiceError::from_response(400, Some("AccessDeniedException"), None)
}

#[test]
fn requests_that_all_come_back_unprocessed_are_sent_again_until_they_are_accepted() {
    let mut bench = Bench::with_rows(4, 25);
    for _ in 0..100 {
        let rows = bench.exchange(|rows| unprocessed(0..rows.len()));
        assert!(!rows.is_empty());
        assert_eq!((bench.written(), bench.dispatcher.in_hand()), (vec![], 25));
    }
    assert!(bench.now > SECOND * 60, "a hundred refusals in a row take minutes, not {:?}", bench.now);
    let mut written = Vec::new();
    while !bench.is_done() {
        bench.exchange(all_accepted);
        written.append(&mut bench.written());
    }
    written.sort_unstable();
    assert_eq!(written, Vec::from_iter(0..25));
}

#[test]
fn unprocessed_requests_join_the_next_batch_in_front_of_others() {
    let mut bench = Bench::with_rows(4, 40);
    bench.exchange(|_| unprocessed([20, 3, 7]));
    assert_eq!(bench.written(), Vec::from_iter((0..25).filter(|row| ![3, 7, 20].contains(row))));
    let rows = bench.exchange(all_accepted);
    assert_eq!(rows, Vec::from_iter([3, 7, 20].into_iter().chain(25..40)));
    assert_eq!(bench.written(), rows);
    assert!(bench.is_done());
}

#[test]
fn throttling_alone_never_makes_it_give_up_and_causes_no_storm() {
    let mut bench = Bench::with_rows(32, 500);
    let mut requests = 0;
    while bench.now < SECOND * 86_400 {
        bench.exchange(|_| Err(throttled()));
        requests += 1;
    }
    assert!(requests < 86_400 / 15, "{requests} requests in a day");
    assert_eq!((bench.dispatcher.stopped(), bench.dispatcher.in_hand()), (None, 500));
    let free_at = bench.now;
    while !bench.is_done() {
        bench.exchange(all_accepted);
    }
    assert_eq!(bench.written(), Vec::from_iter(0..500));
    assert!(bench.now < free_at + SECOND * 120, "500 rows took {:?} once the table was free", bench.now - free_at);
}

#[test]
fn request_limits_of_an_account_are_throttling_too() {
    let mut bench = Bench::with_rows(4, 1);
    for code in ["RequestLimitExceeded", "ThrottlingException"] {
        (0..50).for_each(|_| drop(bench.exchange(|_| Err(ServiceError::from_response(400, Some(code), None)))));
    }
    bench.exchange(all_accepted);
    assert_eq!(bench.written(), [0]);
}

#[test]
fn one_bad_row_never_takes_the_others_of_its_batch_with_it() {
    for bad in 0..25 {
        let mut bench = Bench::with_rows(4, 25);
        let mut requests = 0;
        while !bench.is_done() {
            bench.exchange(|rows| {
                let refusal = ServiceError::from_response(400, Some("ValidationException"), Some("bad"));
                if rows.contains(&bad) { Err(refusal) } else { Ok(BatchResponse::default()) }
            });
            requests += 1;
        }
        let (mut written, mut rejected) = (Vec::new(), Vec::new());
        for settled in bench.dispatcher.take_settled() {
            match settled {
                Settled::Written(row) => written.push(row),
                Settled::Rejected(row, error) => rejected.push((row, error.message)),
            }
        }
        written.sort_unstable();
        assert_eq!(written, Vec::from_iter((0..25).filter(|row| *row != bad)));
        assert_eq!(rejected, [(bad, "bad".to_owned())]);
        assert!(requests <= 11, "{requests} requests to find row {bad}");
    }
}

#[test]
fn a_server_in_trouble_is_asked_as_often_as_allowed_and_then_given_up() {
    let mut bench = Bench::with_rows(4, 25);
    let mut sent_at = Vec::new();
    while bench.dispatcher.stopped().is_none() {
        let sent = bench.send().expect("a batch to send");
        sent_at.push(bench.now);
        bench.answer(sent, Err(server_error()));
    }
    let waits: Vec<_> = sent_at.windows(2).map(|pair| (pair[1] - pair[0] - ROUND_TRIP).as_millis()).collect();
    assert_eq!(waits, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    assert_eq!(bench.dispatcher.stopped(), Some(&Stop::GaveUp { attempts: 10, last: server_error() }));
    assert_eq!((bench.written(), bench.dispatcher.in_hand()), (vec![], 25));
    assert!(bench.send().is_none());
}

#[test]
fn trouble_that_ends_in_time_costs_nothing_but_time() {
    let mut bench = Bench::with_rows(4, 50);
    for _ in 0..20 {
        (0..9).for_each(|_| drop(bench.exchange(|_| Err(server_error()))));
        // One request of the batch is accepted: the others start over.
        bench.exchange(|rows| unprocessed(1..rows.len()));
    }
    assert_eq!(bench.dispatcher.stopped(), None);
    while !bench.is_done() {
        bench.exchange(all_accepted);
    }
    assert_eq!(bench.written(), Vec::from_iter(0..50));
}

#[test]
fn batches_that_fail_together_are_one_failure() {
    let mut bench = Bench::with_rows(64, 200);
    let flights: Vec<_> = std::iter::from_fn(|| bench.send()).collect();
    assert_eq!(flights.len(), 4);
    let failed_at = bench.now + ROUND_TRIP;
    flights.into_iter().for_each(|sent| bench.answer(sent, Err(server_error())));
    let sent = bench.send().expect("a batch to send");
    assert_eq!(bench.now, failed_at + Duration::from_millis(50));
    bench.answer(sent, Ok(BatchResponse::default()));
}

#[test]
fn what_cannot_succeed_stops_at_once_and_what_is_in_flight_still_counts() {
    let mut bench = Bench::with_rows(64, 200);
    let mut flights: Vec<_> = std::iter::from_fn(|| bench.send()).collect();
    let (first, second, third) = (flights.remove(0), flights.remove(0), flights.remove(0));
    bench.answer(first, Err(access_denied()));
    assert_eq!(bench.dispatcher.stopped(), Some(&Stop::Service(access_denied())));
    assert!(bench.send().is_none());
    let expected = [&rows(&second), &rows(&third)[1..]].concat();
    bench.answer(second, Ok(BatchResponse::default()));
    bench.answer(third, unprocessed([0]));
    assert_eq!(bench.written(), expected);
    bench.answer(flights.remove(0), Err(server_error()));
    assert_eq!(bench.dispatcher.stopped(), Some(&Stop::Service(access_denied())), "the first reason counts");
    assert_eq!(bench.dispatcher.in_hand(), 200 - expected.len());
}

#[test]
fn it_gives_up_when_nothing_was_accepted_for_as_long_as_the_user_wants_to_wait() {
    let mut bench = Bench::with_rows(4, 50);
    bench.pacer.set_give_up_after(Some(SECOND * 60));
    for _ in 0..20 {
        bench.exchange(|_| Err(throttled()));
        bench.exchange(|rows| unprocessed(1..rows.len()));
    }
    assert_eq!(bench.dispatcher.stopped(), None, "something is accepted again and again");
    let refused_from = bench.now;
    while let Some(sent) = bench.send() {
        bench.answer(sent, Err(throttled()));
    }
    let Some(Stop::Stalled { waited, last }) = bench.dispatcher.stopped() else {
        panic!("{:?}", bench.dispatcher.stopped());
    };
    assert_eq!((*waited, last), (SECOND * 60, &throttled()));
    assert!(bench.now - refused_from >= SECOND * 60);
    assert_eq!((bench.written().len(), bench.dispatcher.in_hand()), (20, 30));
}

#[test]
fn a_request_waits_for_an_earlier_one_for_its_key() {
    let mut bench = Bench::new(4);
    for (key, row) in [(7, 0), (7, 1), (8, 2), (7, 3)] {
        bench.push(key, row);
    }
    bench.dispatcher.close();
    assert_eq!(bench.exchange(|_| unprocessed([0])), [0, 2]);
    assert_eq!(bench.exchange(|_| Err(server_error())), [0]);
    assert_eq!(bench.exchange(all_accepted), [0]);
    assert_eq!(bench.exchange(all_accepted), [1]);
    assert_eq!(bench.exchange(all_accepted), [3]);
    assert!(bench.is_done());
}

#[test]
fn a_batch_that_is_not_full_waits_a_little_for_more() {
    let mut bench = Bench::new(4);
    bench.push(0, 0);
    let Step::Wait(Some(until)) = bench.dispatcher.step(bench.now, &mut bench.pacer) else {
        panic!("it was sent at once")
    };
    assert_eq!(until, LINGER);
    bench.now = LINGER / 2;
    bench.push(1, 1);
    assert_eq!(bench.exchange(all_accepted), [0, 1]);
    (2..27).for_each(|row| bench.push(row, row));
    let before = bench.now;
    assert_eq!(bench.exchange(all_accepted).len(), 25);
    assert_eq!(bench.now, before + ROUND_TRIP, "a full batch does not wait");
}

#[test]
fn it_has_no_room_beyond_what_it_can_have_in_hand() {
    let mut bench = Bench::new(2);
    let mut row = 0;
    while bench.dispatcher.has_room() {
        bench.push(0, row); // one key: all but the first wait
        row += 1;
    }
    assert_eq!(row, 3 * MAX_BATCH_WRITE_REQUESTS);
    bench.exchange(all_accepted);
    assert!(bench.dispatcher.has_room());
}

#[test]
fn large_items_do_not_fill_the_memory() {
    let mut bench = Bench::new(400);
    let mut item = ItemJson::new();
    item.string("payload", &[&"x".repeat(400_000)]);
    (0..500).for_each(|row: usize| {
        bench.dispatcher.push(WriteRequest::put(&[&keyed(&row.to_string()), &item], row).unwrap(), bench.now);
    });
    bench.dispatcher.close();
    let (mut most, mut written) = (0, 0);
    while written < 500 {
        let flights: Vec<_> = std::iter::from_fn(|| bench.send()).collect();
        most = most.max(flights.iter().map(|sent| sent.batch.json_len()).sum());
        flights.into_iter().for_each(|sent| bench.answer(sent, Ok(BatchResponse::default())));
        written += bench.written().len();
    }
    assert!((IN_FLIGHT_BYTES..2 * IN_FLIGHT_BYTES).contains(&most), "{most}");
    assert!(bench.is_done());
}
