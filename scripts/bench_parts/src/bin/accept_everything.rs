//! An endpoint that accepts every BatchWriteItem at once, or after a while, and does nothing else: what a client costs is then its own.
//!
//! It parses no JSON and checks no signature. It counts the rows, so that a loader that does not send them all is found out. It shares
//! the machine with the loader, so it is made to cost little, with hundreds of connections, too.
//! `GET /figures` answers with what came in since it was last asked.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use memchr::memmem::{self, Finder};
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::LocalSet;
use tokio::time::Instant;

const ANSWER: &str = r#"{"UnprocessedItems":{}}"#;

/// For a client that asks what its batch consumed, as DynamoDB tells it of a full batch of small items in a table with an index.
const CONSUMING_ANSWER: &str = r#"{"ConsumedCapacity":[{"CapacityUnits":50.0,"GlobalSecondaryIndexes":{"GSI_1":{"CapacityUnits":25.0}},"Table":{"CapacityUnits":25.0},"TableName":"logfile_scan"}],"UnprocessedItems":{}}"#;

/// Accept every BatchWriteItem, on a free port of 127.0.0.1 that is printed on standard output.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long to hold back each answer, in milliseconds
    #[arg(long, default_value_t = 0)]
    delay: u64,
}

/// What came in.
#[derive(Debug, Default)]
struct Figures {
    requests: u64,
    rows: u64,
    bytes: u64,
    /// When the first request had arrived.
    first_request: Option<SystemTime>,
}

impl Figures {
    fn count(&mut self, request: &Request<'_>, put_request: &Finder<'_>) {
        self.first_request.get_or_insert_with(now);
        self.requests += 1;
        self.bytes += request.body.len() as u64;
        self.rows += put_request.find_iter(request.body).count() as u64;
    }

    /// As assignments of a shell: `requests=1 rows=25 bytes=12345 first_request_us=1700000000000000`.
    fn describe(&self) -> String {
        let since_epoch = self.first_request.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let first = since_epoch.map_or(0, |time| time.as_micros());
        let Self { requests, rows, bytes, .. } = self;
        format!("requests={requests} rows={rows} bytes={bytes} first_request_us={first}\n")
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the address is this program's output")]
async fn main() -> anyhow::Result<()> {
    let delay = Duration::from_millis(Arguments::parse().delay);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let endpoint = Rc::new(Endpoint::new(delay));
    let accept = async {
        loop {
            let (connection, _) = listener.accept().await?;
            let endpoint = Rc::clone(&endpoint);
            tokio::task::spawn_local(async move {
                // A client that goes away is its own affair; rows that it did not send are missing in the figures.
                let _ = endpoint.serve(connection).await;
            });
        }
    };
    LocalSet::new()
        .run_until(async { tokio::select!(ended = accept => ended, () = endpoint.late.keep() => Ok(())) })
        .await
}

/// What all connections have in common.
struct Endpoint {
    late: Late,
    answers: [Rc<str>; 2],
    figures: RefCell<Figures>,
    /// All connections read into the same memory, so that hundreds of them cost hardly more than a few do.
    scratch: RefCell<Vec<u8>>,
    put_request: Finder<'static>,
}

/// Head and body, with the headers that DynamoDB sends.
fn answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nserver: Server\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\
         connection: keep-alive\r\nx-amzn-requestid: 4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n\
         x-amz-crc32: {}\r\n\r\n{body}",
        body.len(),
        crc32fast::hash(body.as_bytes()),
    )
}

/// After it the connection is closed.
fn last_answer(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}", text.len())
}

impl Endpoint {
    fn new(delay: Duration) -> Self {
        Self {
            late: Late { delay, held_back: RefCell::default(), first: Notify::new() },
            answers: [answer(ANSWER).into(), answer(CONSUMING_ANSWER).into()],
            figures: RefCell::default(),
            scratch: RefCell::new(vec![0; LARGEST_REQUEST]),
            put_request: Finder::new(PUT_REQUEST),
        }
    }

    /// One connection, request after request.
    async fn serve(&self, connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let (mut requests, answers) = connection.into_split();
        let answers = Rc::new(answers);
        // What has come of a request that did not come at once.
        let mut begun = Vec::new();
        let mut has_continued = false;
        poll_fn(|context| {
            loop {
                let mut scratch = self.scratch.borrow_mut();
                let mut buffer = ReadBuf::new(&mut scratch);
                ready!(Pin::new(&mut requests).poll_read(context, &mut buffer))?;
                let read = buffer.filled();
                if read.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                if !begun.is_empty() {
                    begun.extend_from_slice(read);
                }
                let bytes = if begun.is_empty() { read } else { &begun };
                match Request::of(bytes) {
                    Some(request) if request.asks_for_figures() => {
                        return Poll::Ready(write(&answers, &last_answer(&self.figures.take().describe())));
                    }
                    Some(request) if request.is_whole() => {
                        self.accept(&request, &answers)?;
                        begun.clear();
                        has_continued = false;
                    }
                    _ if bytes.len() > LARGEST_REQUEST => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                    beginning => {
                        if beginning.is_some_and(|request| request.expects_continue) && !has_continued {
                            write(&answers, "HTTP/1.1 100 Continue\r\n\r\n")?;
                            has_continued = true;
                        }
                        if begun.is_empty() {
                            begun.extend_from_slice(read);
                        }
                    }
                }
            }
        })
        .await
    }

    fn accept(&self, request: &Request<'_>, answers: &Rc<OwnedWriteHalf>) -> io::Result<()> {
        self.figures.borrow_mut().count(request, &self.put_request);
        let [plain, consuming] = &self.answers;
        self.late.answer(answers, if request.asks_for_consumed_capacity() { consuming } else { plain })
    }
}

/// At once: a client that waits for an answer leaves room for it.
fn write(connection: &OwnedWriteHalf, answer: &str) -> io::Result<()> {
    match connection.try_write(answer.as_bytes())? {
        written if written == answer.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// Holds answers back, all equally long: the first to come is the first to go, and one timer serves all.
struct Late {
    delay: Duration,
    held_back: RefCell<VecDeque<HeldBack>>,
    /// One is held back, and none was.
    first: Notify,
}

struct HeldBack {
    due: Instant,
    connection: Rc<OwnedWriteHalf>,
    answer: Rc<str>,
}

impl Late {
    fn answer(&self, connection: &Rc<OwnedWriteHalf>, answer: &Rc<str>) -> io::Result<()> {
        if self.delay.is_zero() {
            return write(connection, answer);
        }
        let (connection, answer) = (Rc::clone(connection), Rc::clone(answer));
        self.held_back.borrow_mut().push_back(HeldBack { due: Instant::now() + self.delay, connection, answer });
        self.first.notify_one();
        Ok(())
    }

    /// Lets each go at its time, for ever.
    async fn keep(&self) {
        loop {
            let first = self.held_back.borrow().front().map(|first| first.due);
            match first {
                None => self.first.notified().await,
                Some(due) => tokio::time::sleep_until(due).await,
            }
            let now = Instant::now();
            let mut held_back = self.held_back.borrow_mut();
            while let Some(HeldBack { connection, answer, .. }) = held_back.pop_front_if(|first| first.due <= now) {
                // A client that has gone away is its own affair.
                let _ = write(&connection, &answer);
            }
        }
    }
}

const PUT_REQUEST: &[u8] = b"\"PutRequest\"";
const HEAD_END: &[u8] = b"\r\n\r\n";
/// More than 25 rows of a log need.
const LARGEST_REQUEST: usize = 256 * 1024;

/// A request, or the beginning of one.
struct Request<'a> {
    head: &'a [u8],
    /// As much of it as has come.
    body: &'a [u8],
    length: usize,
    expects_continue: bool,
}

impl<'a> Request<'a> {
    /// Bytes at either end of the body in which a client may ask for the capacity consumed.
    const ENDS: usize = 100;

    /// `None` while the head has not come.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (head, body) = bytes.split_at(memmem::find(bytes, HEAD_END)? + HEAD_END.len());
        let (length, expects_continue) = length_and_expectation(head);
        Some(Self { head, body, length, expects_continue })
    }

    fn asks_for_figures(&self) -> bool {
        self.head.starts_with(b"GET /figures ")
    }

    fn is_whole(&self) -> bool {
        self.body.len() >= self.length
    }

    /// In front of the requests, or by the SDK behind them.
    fn asks_for_consumed_capacity(&self) -> bool {
        let asks = |part: &[u8]| memmem::find(part, b"\"ReturnConsumedCapacity\":\"INDEXES\"").is_some();
        asks(&self.body[..self.body.len().min(Self::ENDS)])
            || asks(&self.body[self.body.len().saturating_sub(Self::ENDS)..])
    }
}

/// How long the body is, and whether the client asks before it sends it, as boto3 does with a large one.
fn length_and_expectation(head: &[u8]) -> (usize, bool) {
    let (mut length, mut expects_continue) = (0, false);
    for line in head.split(|&byte| byte == b'\n') {
        let value = |name: &[u8]| line.get(..name.len())?.eq_ignore_ascii_case(name).then_some(&line[name.len()..]);
        if let Some(value) = value(b"content-length:") {
            length = std::str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok()).unwrap_or(0);
        } else if let Some(value) = value(b"expect:") {
            expects_continue = value.trim_ascii().eq_ignore_ascii_case(b"100-continue");
        }
    }
    (length, expects_continue)
}

#[expect(clippy::disallowed_methods, reason = "compared with the time at which another process was started")]
fn now() -> SystemTime {
    SystemTime::now()
}
