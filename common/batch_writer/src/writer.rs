//! The batch writer: the dispatcher with a clock, randomness and a network.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::core::backoff::Backoff;
use crate::core::batch_response::{BatchResult, Settled, Stop};
use crate::core::dispatcher::{Dispatcher, InFlight, Step};
use crate::core::limit::WriteLimit;
use crate::core::pacer::Pacer;
use crate::core::write_batch::WriteBatch;
use crate::core::write_request::WriteRequest;
use crate::service_error::{ServiceError, ServiceErrorKind};
use crate::{SharedTraffic, Traffic};

/// Sends one batch, once. All that the writer needs from the outside.
pub trait BatchWriteItem<T>: Send + Sync + 'static {
    /// Sends the batch and parses the response. Must not retry: the writer does, and two layers would multiply.
    fn batch_write_item(&self, batch: &WriteBatch<T>) -> impl Future<Output = BatchResult> + Send;
}

/// Options of a writer.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The most batches in flight at once.
    pub in_flight: usize,
    /// How failures other than throttling are retried. Throttled requests are retried without end, or as long as
    /// [`SharedPacer::set_give_up_after`] allows.
    pub backoff: Backoff,
}

impl Default for Options {
    /// 128 batches in flight: 64,000 requests a second where a response takes 50 ms, more than a table's default quota of 40,000.
    fn default() -> Self {
        Self { in_flight: 128, backoff: Backoff::default() }
    }
}

/// The pace that all writers of a table share.
#[derive(Debug, Clone)]
pub struct SharedPacer {
    pacer: Arc<Mutex<Pacer>>,
    /// Wakes the writers that wait for what is now due sooner.
    due_sooner: Arc<Notify>,
    start: Instant,
}

impl SharedPacer {
    /// A pacer that knows nothing about the table yet.
    pub fn new() -> Self {
        Self { pacer: Arc::default(), due_sooner: Arc::default(), start: Instant::now() }
    }

    /// Limits the consumed capacity. In any ten seconds, neither the table nor any of its indexes consumes more than ten times its limit
    /// per second. The exceptions are a single item that costs more than that, and an item that replaces a larger one than those
    /// before. Consumption is as [returned](super::Table::return_consumed_capacity) by DynamoDB, or else computed from the items' sizes.
    ///
    /// May be changed at any time.
    pub fn set_limit(&self, allowed: Option<WriteLimit>) {
        let now = self.now();
        self.with(|pacer| pacer.set_limit(now, allowed));
    }

    /// Stops all writers when nothing at all has been written for this long, throttling included. Without it, throttled requests are
    /// retried without end, and failed ones as often as [`Options::backoff`] allows.
    pub fn set_give_up_after(&self, time: Option<Duration>) {
        self.with(|pacer| pacer.set_give_up_after(time));
    }

    /// Whether the consumed capacity is limited, so that DynamoDB should return it.
    pub fn is_limited(&self) -> bool {
        self.with(|pacer| pacer.is_limited())
    }

    /// Write units per second that the table accepts, if it has throttled.
    pub fn units_per_second(&self) -> Option<f64> {
        self.with(|pacer| pacer.units_per_second())
    }

    /// Whether some requests were throttled again and again while others were accepted, as those for a hot key are.
    pub fn throttles_some_again(&self) -> bool {
        self.with(|pacer| pacer.throttles_some_again())
    }

    /// Whether requests are throttled however slowly they are sent, so that the rate of the whole table is not the cause.
    pub fn throttles_at_any_rate(&self) -> bool {
        self.with(|pacer| pacer.throttles_at_any_rate())
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn with<R>(&self, act: impl FnOnce(&mut Pacer) -> R) -> R {
        // The state of a pacer is valid even if a thread has panicked.
        let mut pacer = self.pacer.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut pacer);
        let is_due_sooner = pacer.take_due_sooner();
        drop(pacer);
        if is_due_sooner {
            self.due_sooner.notify_waiters();
        }
        result
    }
}

impl Default for SharedPacer {
    fn default() -> Self {
        Self::new()
    }
}

/// Why [`BatchWriter::turn`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Something was sent and there is room for more, a response came, or a timer expired.
    Progress,
    /// There is nothing to do before another request is pushed, or the writer is closed.
    NeedsInput,
    /// Everything is settled after [`BatchWriter::close`].
    Done,
    /// The writer has stopped; see [`BatchWriter::stopped`].
    Stopped,
}

/// The outcome of [`BatchWriter::write_all`].
#[derive(Debug)]
pub struct Summary<T> {
    /// Requests taken from the iterator.
    pub pushed: u64,
    /// Requests that DynamoDB acknowledged.
    pub written: u64,
    /// Requests that DynamoDB rejected, and why.
    pub rejected: Vec<(T, ServiceError)>,
    /// Why the writer stopped early, if it did. The iterator may have had more requests then.
    pub stop: Option<Stop>,
}

impl<T> Summary<T> {
    /// Requests that were taken from the iterator and are neither written nor rejected. An attempt without a response may have written
    /// some of them; writing them again does no harm.
    pub fn not_written(&self) -> u64 {
        self.pushed - self.written - self.rejected.len() as u64
    }
}

type Flight<T> = Pin<Box<dyn Future<Output = (InFlight<T>, BatchResult)> + Send>>;

/// Writes requests to one table in batches, several of them in flight at once, and reports the outcome of every request.
///
/// [`write_all`](Self::write_all) writes an iterator. A program with a loop of its own alternates [`push`](Self::push),
/// [`turn`](Self::turn) and [`take_settled`](Self::take_settled).
///
/// Dropping a writer sends nothing: requests that are not settled are not written.
pub struct BatchWriter<C, T> {
    client: Arc<C>,
    dispatcher: Dispatcher<T>,
    pacer: SharedPacer,
    traffic: SharedTraffic,
    flights: FuturesUnordered<Flight<T>>,
    random: fastrand::Rng,
}

impl<C: BatchWriteItem<T>, T: Send + Sync + 'static> BatchWriter<C, T> {
    /// A writer that shares its pace with the others that have this pacer.
    pub fn new(client: C, options: Options, pacer: SharedPacer) -> Self {
        Self {
            client: Arc::new(client),
            dispatcher: Dispatcher::new(options.in_flight, options.backoff),
            pacer,
            traffic: SharedTraffic::default(),
            flights: FuturesUnordered::new(),
            random: fastrand::Rng::new(),
        }
    }

    /// Counts its requests there as well.
    pub fn counting_traffic(mut self, traffic: SharedTraffic) -> Self {
        self.traffic = traffic;
        self
    }

    /// Whether it accepts more requests now.
    pub fn has_room(&self) -> bool {
        self.dispatcher.has_room()
    }

    /// Accepts a request. Check [`has_room`](Self::has_room) first: that bounds the memory.
    pub fn push(&mut self, request: WriteRequest<T>) {
        self.dispatcher.push(request, self.pacer.now());
    }

    /// Accepts all these requests. Check [`has_room`](Self::has_room) first: that bounds the memory.
    pub fn push_all(&mut self, requests: impl IntoIterator<Item = WriteRequest<T>>) {
        let now = self.pacer.now();
        requests.into_iter().for_each(|request| self.dispatcher.push(request, now));
    }

    /// No more requests will come.
    pub fn close(&mut self) {
        self.dispatcher.close();
    }

    /// Sends nothing more. Batches in flight still settle: take turns until [`Turn::Stopped`], or drop the writer to leave at once.
    pub fn stop(&mut self) {
        self.dispatcher.stop(Stop::Asked);
    }

    /// The requests settled since the last call.
    pub fn take_settled(&mut self) -> Vec<Settled<T>> {
        self.dispatcher.take_settled()
    }

    /// Writes all requests, and returns when each of them is settled or the writer has stopped. Requests are taken from the iterator as
    /// there is room, so the memory does not depend on their number.
    pub async fn write_all(mut self, requests: impl IntoIterator<Item = WriteRequest<T>>) -> Summary<T> {
        let mut requests = requests.into_iter();
        let mut summary = Summary { pushed: 0, written: 0, rejected: Vec::new(), stop: None };
        loop {
            while self.has_room() {
                let Some(request) = requests.next() else {
                    self.close();
                    break;
                };
                summary.pushed += 1;
                self.push(request);
            }
            let turn = self.turn().await;
            for settled in self.take_settled() {
                match settled {
                    Settled::Written(_) => summary.written += 1,
                    Settled::Rejected(tag, error) => summary.rejected.push((tag, *error)),
                }
            }
            if matches!(turn, Turn::Done | Turn::Stopped) {
                summary.stop = self.dispatcher.stopped().cloned();
                return summary;
            }
        }
    }

    /// Why it stopped, if it did.
    pub fn stopped(&self) -> Option<&Stop> {
        self.dispatcher.stopped()
    }

    /// Sends what can be sent and waits for the next event. May be dropped at any time without loss.
    pub async fn turn(&mut self) -> Turn {
        let mut has_sent = false;
        let due_sooner = Arc::clone(&self.pacer.due_sooner);
        // From here on, it hears of what happens between its last step and its waiting.
        let due_sooner = due_sooner.notified();
        let until = loop {
            let now = self.pacer.now();
            match self.pacer.with(|pacer| self.dispatcher.step(now, pacer)) {
                Step::Send(sent) => {
                    self.send(sent);
                    has_sent = true;
                }
                Step::Wait(until) => break until,
                Step::Done => return Turn::Done,
                Step::Stopped if self.flights.is_empty() => return Turn::Stopped,
                Step::Stopped => break None,
            }
        };
        // Waiting for a response now would leave the window almost empty where responses take long.
        if has_sent && self.has_room() {
            return Turn::Progress;
        }
        let deadline = until.map(|until| self.pacer.start + until);
        tokio::select! {
            Some((sent, result)) = self.flights.next() => {
                self.responded(sent, result);
                // Responses that have arrived together are handled together: a turn for each costs the caller more than the response.
                while let Some(Some((sent, result))) = self.flights.next().now_or_never() {
                    self.responded(sent, result);
                }
            }
            () = sleep_until(deadline), if deadline.is_some() => {}
            () = due_sooner, if deadline.is_some() => {}
            else => return Turn::NeedsInput,
        }
        Turn::Progress
    }

    fn send(&mut self, sent: InFlight<T>) {
        let client = Arc::clone(&self.client);
        self.traffic.with(Traffic::sent);
        self.flights.push(Box::pin(async move {
            let result = client.batch_write_item(&sent.batch).await;
            (sent, result)
        }));
    }

    fn responded(&mut self, sent: InFlight<T>, result: BatchResult) {
        let (now, jitter) = (self.pacer.now(), self.random.f64());
        self.traffic.with(|traffic| count(traffic, &sent, &result, now));
        self.pacer.with(|pacer| self.dispatcher.responded(sent, result, now, pacer, jitter));
    }
}

fn count<T>(traffic: &mut Traffic, sent: &InFlight<T>, result: &BatchResult, now: Duration) {
    let requests = sent.batch.len() as u64;
    match result {
        Ok(response) => {
            let unprocessed = response.unprocessed.len() as u64;
            traffic.responded(requests, unprocessed, now.saturating_sub(sent.sent_at()));
            match &response.consumed {
                Some(consumed) => {
                    traffic.consumed_by_table(consumed.table);
                    consumed.indexes.iter().for_each(|(name, units)| traffic.consumed_by_index(name, *units));
                }
                None => traffic.written_without_consumption += requests - unprocessed,
            }
        }
        Err(error) => match error.kind {
            ServiceErrorKind::Throttled => traffic.throttled_whole(requests, &error.throttled_by),
            ServiceErrorKind::Unavailable => traffic.failed(requests),
            _ => traffic.rejected(),
        },
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::core::batch_response::BatchResponse;
    use crate::core::keyed;
    use capacity::{CapacityUnits, TokenBucket};

    const ROUND_TRIP: Duration = Duration::from_millis(5);

    /// A table of 1-WCU items in tokio's time.
    #[derive(Clone)]
    struct Bucket {
        bucket: Arc<Mutex<TokenBucket>>,
        start: Instant,
    }

    impl Bucket {
        /// Without burst to begin with.
        fn new(wcu: u64) -> Self {
            let bucket = TokenBucket::new(Duration::ZERO, wcu, Duration::from_secs(300), Duration::ZERO);
            Self { bucket: Arc::new(Mutex::new(bucket)), start: Instant::now() }
        }
    }

    impl BatchWriteItem<usize> for Bucket {
        async fn batch_write_item(&self, batch: &WriteBatch<usize>) -> BatchResult {
            tokio::time::sleep(ROUND_TRIP).await;
            let now = self.start.elapsed();
            let mut bucket = self.bucket.lock().unwrap();
            let unprocessed: Vec<usize> =
                (0..batch.len()).filter(|_| !bucket.try_take(now, CapacityUnits::new(1))).collect();
            if unprocessed.len() == batch.len() {
                return Err(ServiceError::from_response(400, Some("ProvisionedThroughputExceededException"), None));
            }
            Ok(BatchResponse { unprocessed, consumed: None })
        }
    }

    fn push(writer: &mut BatchWriter<impl BatchWriteItem<usize>, usize>, row: usize) {
        writer.push(WriteRequest::put(&[&keyed(&row.to_string())], row).unwrap());
    }

    /// Writes `rows` rows, and returns how many were written and how it ended.
    async fn write(mut writer: BatchWriter<Bucket, usize>, rows: usize) -> (usize, Turn) {
        let (mut next, mut written) = (0, 0);
        loop {
            while next < rows && writer.has_room() {
                push(&mut writer, next);
                next += 1;
            }
            if next == rows {
                writer.close();
            }
            let turn = writer.turn().await;
            written += writer.take_settled().len();
            if matches!(turn, Turn::Done | Turn::Stopped) {
                return (written, turn);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn writers_that_share_a_pace_use_the_whole_capacity_of_a_table() {
        // Batches that are due every 12.5 ms, with timers of a millisecond.
        let (table, pacer) = (Bucket::new(2000), SharedPacer::new());
        let writer = || BatchWriter::new(table.clone(), Options::default(), pacer.clone());
        let ended = tokio::join!(write(writer(), 60_000), write(writer(), 60_000));
        assert_eq!(ended, ((60_000, Turn::Done), (60_000, Turn::Done)));
        let seconds = table.start.elapsed().as_secs_f64();
        assert!((60.0..61.2).contains(&seconds), "{seconds} s instead of 60 s");
    }

    /// A table that returns every other request of a batch, and then every other batch completely.
    #[derive(Clone, Default)]
    struct EveryOther(Arc<Mutex<usize>>);

    impl BatchWriteItem<usize> for EveryOther {
        async fn batch_write_item(&self, batch: &WriteBatch<usize>) -> BatchResult {
            tokio::time::sleep(ROUND_TRIP).await;
            let mut batches = self.0.lock().unwrap();
            *batches += 1;
            if batches.is_multiple_of(3) {
                return Err(ServiceError::from_response(400, Some("ProvisionedThroughputExceededException"), None));
            }
            Ok(BatchResponse {
                unprocessed: (0..batch.len()).filter(|row| row % 2 == *batches % 2).collect(),
                consumed: None,
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_to_one_writer_wakes_the_others() {
        let (table, pacer, start) = (EveryOther::default(), SharedPacer::new(), Instant::now());
        let load = || async {
            let mut writer = BatchWriter::new(table.clone(), Options::default(), pacer.clone());
            (0..50).for_each(|row| push(&mut writer, row));
            writer.close();
            while !matches!(writer.turn().await, Turn::Done) {}
        };
        tokio::join!(load(), load(), load(), load());
        let (requests, time) = (*table.0.lock().unwrap(), start.elapsed());
        assert!(time < 3 * ROUND_TRIP * requests as u32, "{requests} requests took {time:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_holds_for_all_writers_together() {
        let (table, pacer) = (Bucket::new(100_000), SharedPacer::new());
        pacer.set_limit(NonZeroU64::new(100).map(WriteLimit::each));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let writer = || BatchWriter::new(table.clone(), Options::default(), pacer.clone());
        let ended = tokio::join!(write(writer(), 3000), write(writer(), 3000));
        assert_eq!(ended, ((3000, Turn::Done), (3000, Turn::Done)));
        let seconds = table.start.elapsed().as_secs_f64() - 1.0;
        assert!((59.0..63.0).contains(&seconds), "{seconds} s instead of 60 s");
    }

    #[tokio::test(start_paused = true)]
    async fn it_gives_up_on_a_table_that_accepts_nothing() {
        let (table, pacer) = (Bucket::new(1), SharedPacer::new());
        table.bucket.lock().unwrap().charge(Duration::ZERO, CapacityUnits::new(1_000_000));
        pacer.set_give_up_after(Some(Duration::from_secs(90)));
        let ended = write(BatchWriter::new(table.clone(), Options::default(), pacer), 100).await;
        assert_eq!(ended, (0, Turn::Stopped));
        let waited = table.start.elapsed();
        assert!((Duration::from_secs(90)..Duration::from_secs(92)).contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn when_it_is_told_to_stop_what_is_in_flight_still_gets_its_response() {
        let mut writer = BatchWriter::new(Bucket::new(100), Options::default(), SharedPacer::new());
        tokio::time::sleep(Duration::from_secs(1)).await;
        (0..50).for_each(|row| push(&mut writer, row));
        assert_eq!(writer.turn().await, Turn::Progress, "a batch is on its way, and there is room again");
        {
            // A turn that is dropped loses nothing.
            let mut turn = Box::pin(writer.turn());
            assert!(futures_util::FutureExt::now_or_never(&mut turn).is_none());
        }
        writer.stop();
        while writer.turn().await != Turn::Stopped {}
        assert_eq!(writer.take_settled().len(), 25);
        assert_eq!(writer.stopped(), Some(&Stop::Asked));
    }

    #[tokio::test(start_paused = true)]
    async fn an_iterator_is_written_to_its_end_or_until_the_writer_stops() {
        let requests = || (0..500).map(|row| WriteRequest::put(&[&keyed(&row.to_string())], row).unwrap());
        let summary =
            BatchWriter::new(Bucket::new(100), Options::default(), SharedPacer::new()).write_all(requests()).await;
        assert_eq!((summary.pushed, summary.written, summary.not_written(), &summary.stop), (500, 500, 0, &None));
        let (table, pacer) = (Bucket::new(1), SharedPacer::new());
        pacer.set_give_up_after(Some(Duration::from_secs(3)));
        table.bucket.lock().unwrap().charge(Duration::ZERO, CapacityUnits::new(1_000_000));
        let options = Options { in_flight: 1, ..Options::default() };
        let summary = BatchWriter::new(table, options, pacer).write_all(requests()).await;
        assert!(matches!(summary.stop, Some(Stop::Stalled { .. })), "{summary:?}");
        assert_eq!((summary.written, summary.not_written()), (0, summary.pushed));
        assert!(summary.pushed < 500, "no more is taken from the iterator than there is room for");
    }

    #[tokio::test(start_paused = true)]
    async fn it_asks_for_input_when_it_has_nothing_to_do() {
        let mut writer = BatchWriter::new(Bucket::new(100), Options::default(), SharedPacer::new());
        assert_eq!(writer.turn().await, Turn::NeedsInput);
        tokio::time::sleep(Duration::from_secs(1)).await;
        push(&mut writer, 0);
        let mut turns = 0;
        while writer.turn().await != Turn::NeedsInput {
            turns += 1;
            assert!(turns < 10);
        }
        assert_eq!(writer.take_settled().len(), 1);
        writer.close();
        assert_eq!(writer.turn().await, Turn::Done);
    }
}
