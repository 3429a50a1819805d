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
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
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
    /// When the first request's head had arrived.
    first_request: Option<SystemTime>,
}

impl Figures {
    fn count(&mut self, body: &Body) {
        self.requests += 1;
        self.bytes += body.length as u64;
        self.rows += body.rows;
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
    answers: [String; 2],
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

impl Endpoint {
    fn new(delay: Duration) -> Self {
        Self {
            late: Late { delay, held_back: RefCell::default(), first: Notify::new() },
            answers: [answer(ANSWER), answer(CONSUMING_ANSWER)],
            figures: RefCell::default(),
            scratch: RefCell::new(vec![0; 64 * 1024]),
            put_request: Finder::new(PUT_REQUEST),
        }
    }

    /// One connection, request after request.
    async fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let (mut head, mut body) = (Vec::new(), Body::default());
        while self.read_head(&mut connection, &mut head, &mut body).await? {
            if head.starts_with(b"GET /figures ") {
                let text = self.figures.take().describe();
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
                return connection.write_all(format!("{head}{text}").as_bytes()).await;
            }
            self.figures.borrow_mut().first_request.get_or_insert_with(now);
            let (length, expects_continue) = length_and_expectation(&head);
            if expects_continue {
                connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            }
            while body.length < length {
                self.read_some(&mut connection, |bytes| body.add(bytes, &self.put_request)).await?;
            }
            self.figures.borrow_mut().count(&body);
            self.late.wait().await;
            let [plain, consuming] = &self.answers;
            let answer = if body.asks_for_consumed_capacity() { consuming } else { plain };
            connection.write_all(answer.as_bytes()).await?;
        }
        Ok(())
    }

    /// Reads a request's head, and what has come of its body with it. False when the client has closed the connection.
    async fn read_head(&self, connection: &mut TcpStream, head: &mut Vec<u8>, body: &mut Body) -> io::Result<bool> {
        head.clear();
        body.clear();
        let mut is_whole = false;
        while !is_whole {
            let read = self.read_some(connection, |bytes| {
                let before = head.len();
                // What is of the body already is not kept.
                let known = before.saturating_sub(HEAD_END.len() - 1);
                head.extend_from_slice(&bytes[..bytes.len().min(LONGEST_HEAD)]);
                if let Some(at) = memmem::find(&head[known..], HEAD_END) {
                    let end = known + at + HEAD_END.len();
                    head.truncate(end);
                    body.add(&bytes[end - before..], &self.put_request);
                    is_whole = true;
                }
            });
            match read.await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && head.is_empty() => return Ok(false),
                other => other?,
            }
            if !is_whole && head.len() > LONGEST_HEAD {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(true)
    }

    async fn read_some(&self, connection: &mut TcpStream, take: impl FnOnce(&[u8])) -> io::Result<()> {
        let mut take = Some(take);
        poll_fn(|context| {
            let mut scratch = self.scratch.borrow_mut();
            let mut buffer = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut *connection).poll_read(context, &mut buffer))?;
            match (buffer.filled(), take.take()) {
                ([], _) | (_, None) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                (bytes, Some(take)) => {
                    take(bytes);
                    Poll::Ready(Ok(()))
                }
            }
        })
        .await
    }
}

/// Holds answers back, all equally long: the first to come is the first to go, and one timer serves all.
struct Late {
    delay: Duration,
    held_back: RefCell<VecDeque<(Instant, oneshot::Sender<()>)>>,
    /// One is held back, and none was.
    first: Notify,
}

impl Late {
    async fn wait(&self) {
        if self.delay.is_zero() {
            return;
        }
        let (goes_on, waits) = oneshot::channel();
        let due = Instant::now() + self.delay;
        self.held_back.borrow_mut().push_back((due, goes_on));
        self.first.notify_one();
        // It always goes on: the sender is dropped at the program's end only.
        let _ = waits.await;
    }

    /// Lets each go on at its time, for ever.
    async fn keep(&self) {
        loop {
            let first = self.held_back.borrow().front().map(|(due, _)| *due);
            match first {
                None => self.first.notified().await,
                Some(due) => tokio::time::sleep_until(due).await,
            }
            let now = Instant::now();
            let mut held_back = self.held_back.borrow_mut();
            while let Some((_, goes_on)) = held_back.pop_front_if(|(due, _)| *due <= now) {
                let _ = goes_on.send(());
            }
        }
    }
}

const PUT_REQUEST: &[u8] = b"\"PutRequest\"";
const HEAD_END: &[u8] = b"\r\n\r\n";
const LONGEST_HEAD: usize = 4096;

/// What is to be known of a body that is not kept.
#[derive(Debug, Default)]
struct Body {
    length: usize,
    rows: u64,
    /// The first bytes.
    start: Vec<u8>,
    /// The last bytes.
    end: Vec<u8>,
}

impl Body {
    /// Bytes at either end in which a client may ask for the capacity consumed.
    const ENDS: usize = 100;

    fn clear(&mut self) {
        (self.length, self.rows) = (0, 0);
        self.start.clear();
        self.end.clear();
    }

    fn add(&mut self, bytes: &[u8], put_request: &Finder<'_>) {
        if !self.end.is_empty() {
            // One that is cut in two: as much of either side as has no whole one.
            let most = PUT_REQUEST.len() - 1;
            let mut cut = self.end[self.end.len().saturating_sub(most)..].to_vec();
            cut.extend_from_slice(&bytes[..bytes.len().min(most)]);
            self.rows += u64::from(put_request.find(&cut).is_some());
        }
        self.length += bytes.len();
        let to_start = bytes.len().min(Self::ENDS - self.start.len());
        self.start.extend_from_slice(&bytes[..to_start]);
        self.rows += put_request.find_iter(bytes).count() as u64;
        self.end.extend_from_slice(&bytes[bytes.len().saturating_sub(Self::ENDS)..]);
        self.end.drain(..self.end.len().saturating_sub(Self::ENDS));
    }

    /// In front of the requests, or by the SDK behind them.
    fn asks_for_consumed_capacity(&self) -> bool {
        let asks = |part: &[u8]| memmem::find(part, b"\"ReturnConsumedCapacity\":\"INDEXES\"").is_some();
        asks(&self.start) || asks(&self.end)
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
