//! An endpoint that accepts every BatchWriteItem at once, or after a while, and does nothing else: what a client costs is then its own.
//!
//! It parses no JSON and checks no signature. It counts the rows, so that a loader that does not send them all is found out. It shares
//! the machine with the loader, so it is made to cost little, with hundreds of connections, too.
//! `GET /figures` answers with what came in since it was last asked.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use memchr::memmem::Finder;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

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
    fn count(&mut self, body: &[u8], rows: usize) {
        self.first_request.get_or_insert_with(wall_clock);
        self.requests += 1;
        self.bytes += body.len() as u64;
        self.rows += rows as u64;
    }

    /// As assignments of a shell: `requests=1 rows=25 bytes=12345 first_request_us=1700000000000000`.
    fn describe(&self) -> String {
        let since_epoch = self.first_request.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let first = since_epoch.map_or(0, |time| time.as_micros());
        let Self { requests, rows, bytes, .. } = self;
        format!("requests={requests} rows={rows} bytes={bytes} first_request_us={first}\n")
    }
}

#[expect(clippy::print_stdout, reason = "the address is this program's output")]
fn main() -> anyhow::Result<()> {
    let delay = Duration::from_millis(Arguments::parse().delay);
    let poll = Poll::new()?;
    let mut listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{}", listener.local_addr()?);
    Endpoint::new(listener, poll.registry().try_clone()?, delay).serve(poll)?;
    Ok(())
}

/// Readiness is asked for so often that answers that are due do not wait for many requests.
const EVENTS: usize = 64;

const LISTENER: Token = Token(usize::MAX);

/// All connections, and what they have in common. One thread without a runtime: what is kept for a connection is little more than its
/// number, so that hundreds of them cost hardly more than a few do.
struct Endpoint {
    listener: TcpListener,
    registry: Registry,
    /// By token. The place of one that was closed stays empty, so an answer never goes to another connection than its own.
    connections: Vec<Option<Connection>>,
    late: Late,
    answers: Answers,
    figures: Figures,
    /// All connections read into the same memory.
    scratch: Vec<u8>,
    finders: Finders,
}

struct Connection {
    stream: TcpStream,
    /// What has come of a request that did not come at once.
    begun: Vec<u8>,
    has_continued: bool,
}

/// Whether a connection stays open.
#[derive(PartialEq, Eq)]
enum Then {
    Stay,
    Close,
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

struct Answers {
    plain: String,
    consuming: String,
}

impl Endpoint {
    fn new(listener: TcpListener, registry: Registry, delay: Duration) -> Self {
        Self {
            listener,
            registry,
            connections: Vec::new(),
            late: Late { delay, held_back: VecDeque::new() },
            answers: Answers { plain: answer(ANSWER), consuming: answer(CONSUMING_ANSWER) },
            figures: Figures::default(),
            scratch: vec![0; LARGEST_REQUEST],
            finders: Finders::new(),
        }
    }

    /// For ever.
    fn serve(&mut self, mut poll: Poll) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match poll.poll(&mut events, self.late.next_in()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                ended => ended?,
            }
            for token in events.iter().map(Event::token) {
                if token == LISTENER { self.accept()? } else { self.read(token) }
            }
            self.late.release(&mut self.connections, &self.answers);
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_the_client(&error) => continue,
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            self.registry.register(&mut stream, Token(self.connections.len()), Interest::READABLE)?;
            self.connections.push(Some(Connection { stream, begun: Vec::new(), has_continued: false }));
        }
    }

    /// Reads what has come on a connection.
    fn read(&mut self, token: Token) {
        let Some(place) = self.connections.get_mut(token.0) else { return };
        let Some(connection) = place else { return };
        loop {
            let read = match connection.stream.read(&mut self.scratch) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            let then = match read {
                0 => Then::Close,
                read => Receiver {
                    token,
                    late: &mut self.late,
                    answers: &self.answers,
                    figures: &mut self.figures,
                    finders: &self.finders,
                }
                .received(connection, &self.scratch[..read])
                // A client that goes away is its own affair; rows that it did not send are missing in the figures.
                .unwrap_or(Then::Close),
            };
            if then == Then::Close {
                *place = None;
                return;
            }
            if read < self.scratch.len() {
                return; // there was no more
            }
        }
    }
}

/// A client that is gone before it was accepted.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted)
}

/// Deals with what one connection has received.
struct Receiver<'a> {
    token: Token,
    late: &'a mut Late,
    answers: &'a Answers,
    figures: &'a mut Figures,
    finders: &'a Finders,
}

impl Receiver<'_> {
    fn received(&mut self, connection: &mut Connection, read: &[u8]) -> io::Result<Then> {
        let Connection { stream, begun, has_continued } = connection;
        if !begun.is_empty() {
            begun.extend_from_slice(read);
        }
        let bytes = if begun.is_empty() { read } else { begun.as_slice() };
        match Request::of(bytes, self.finders) {
            Some(request) if request.asks_for_figures() => {
                write(stream, &last_answer(&std::mem::take(self.figures).describe()))?;
                return Ok(Then::Close);
            }
            Some(request) if request.is_whole() => {
                self.figures.count(request.body, self.finders.rows(request.body));
                self.late.answer(
                    self.token,
                    stream,
                    self.finders.asks_for_consumed_capacity(request.body),
                    self.answers,
                )?;
                begun.clear();
                *has_continued = false;
            }
            _ if bytes.len() > LARGEST_REQUEST => return Ok(Then::Close),
            beginning => {
                if beginning.is_some_and(|request| request.expects_continue) && !*has_continued {
                    write(stream, "HTTP/1.1 100 Continue\r\n\r\n")?;
                    *has_continued = true;
                }
                if begun.is_empty() {
                    begun.extend_from_slice(read);
                }
            }
        }
        Ok(Then::Stay)
    }
}

/// At once: a client that waits for an answer leaves room for it.
fn write(stream: &mut TcpStream, answer: &str) -> io::Result<()> {
    match stream.write(answer.as_bytes())? {
        written if written == answer.len() => Ok(()),
        _ => Err(ErrorKind::WriteZero.into()),
    }
}

/// Holds answers back, all equally long: the first to come is the first to go.
struct Late {
    delay: Duration,
    held_back: VecDeque<HeldBack>,
}

struct HeldBack {
    due: Instant,
    token: Token,
    tells_consumed_capacity: bool,
}

impl Answers {
    fn one(&self, tells_consumed_capacity: bool) -> &str {
        if tells_consumed_capacity { &self.consuming } else { &self.plain }
    }
}

impl Late {
    fn answer(
        &mut self,
        token: Token,
        stream: &mut TcpStream,
        tells_consumed_capacity: bool,
        answers: &Answers,
    ) -> io::Result<()> {
        if self.delay.is_zero() {
            return write(stream, answers.one(tells_consumed_capacity));
        }
        self.held_back.push_back(HeldBack { due: clock() + self.delay, token, tells_consumed_capacity });
        Ok(())
    }

    /// Until the first is due, if any is held back.
    fn next_in(&self) -> Option<Duration> {
        self.held_back.front().map(|first| first.due.saturating_duration_since(clock()))
    }

    /// Lets those go that are due.
    fn release(&mut self, connections: &mut [Option<Connection>], answers: &Answers) {
        if self.held_back.is_empty() {
            return;
        }
        let now = clock();
        while let Some(HeldBack { token, tells_consumed_capacity, .. }) =
            self.held_back.pop_front_if(|first| first.due <= now)
        {
            if let Some(Connection { stream, .. }) = &mut connections[token.0] {
                // A client that has gone away is its own affair.
                let _ = write(stream, answers.one(tells_consumed_capacity));
            }
        }
    }
}

const PUT_REQUEST: &[u8] = b"\"PutRequest\"";
const CONSUMED_CAPACITY: &[u8] = b"\"ReturnConsumedCapacity\":\"INDEXES\"";
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
    /// `None` while the head has not come.
    fn of(bytes: &'a [u8], finders: &Finders) -> Option<Self> {
        let (head, body) = bytes.split_at(finders.head_end.find(bytes)? + HEAD_END.len());
        let (length, expects_continue) = length_and_expectation(head);
        Some(Self { head, body, length, expects_continue })
    }

    fn asks_for_figures(&self) -> bool {
        self.head.starts_with(b"GET /figures ")
    }

    fn is_whole(&self) -> bool {
        self.body.len() >= self.length
    }
}

/// What is looked for, made ready once.
struct Finders {
    head_end: Finder<'static>,
    put_request: Finder<'static>,
    consumed_capacity: Finder<'static>,
}

impl Finders {
    /// Bytes at either end of the body in which a client may ask for the capacity consumed.
    const ENDS: usize = 100;

    fn new() -> Self {
        Self {
            head_end: Finder::new(HEAD_END),
            put_request: Finder::new(PUT_REQUEST),
            consumed_capacity: Finder::new(CONSUMED_CAPACITY),
        }
    }

    fn rows(&self, body: &[u8]) -> usize {
        self.put_request.find_iter(body).count()
    }

    /// In front of the requests, or by the SDK behind them.
    fn asks_for_consumed_capacity(&self, body: &[u8]) -> bool {
        let asks = |part: &[u8]| self.consumed_capacity.find(part).is_some();
        asks(&body[..body.len().min(Self::ENDS)]) || asks(&body[body.len().saturating_sub(Self::ENDS)..])
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
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

#[expect(clippy::disallowed_methods, reason = "there is no runtime here whose clock could stand still")]
fn clock() -> Instant {
    Instant::now()
}
