//! An endpoint that accepts every BatchWriteItem at once, or after a while, and does nothing else: what a client costs is then its own.
//!
//! It parses no JSON and checks no signature. It counts the rows, so that a loader that does not send them all is found out.
//! `GET /figures` answers with what came in since it was last asked.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use memchr::memmem;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

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
    let figures = Rc::new(RefCell::new(Figures::default()));
    let answers = Rc::new([answer(ANSWER), answer(CONSUMING_ANSWER)]);
    let scratch = Rc::new(RefCell::new(vec![0; 64 * 1024]));
    let serve = async {
        loop {
            let (connection, _) = listener.accept().await?;
            let (figures, answers, scratch) = (Rc::clone(&figures), Rc::clone(&answers), Rc::clone(&scratch));
            tokio::task::spawn_local(async move {
                // A client that goes away is its own affair; rows that it did not send are missing in the figures.
                let _ = serve(connection, &answers, delay, &figures, &scratch).await;
            });
        }
    };
    LocalSet::new().run_until(serve).await
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

/// One connection, request after request.
///
/// All connections read into the same memory, so that hundreds of them cost hardly more than a few do.
async fn serve(
    mut connection: TcpStream,
    [plain, consuming]: &[String; 2],
    delay: Duration,
    figures: &RefCell<Figures>,
    scratch: &RefCell<Vec<u8>>,
) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut head = Vec::new();
    loop {
        let mut body = Body::default();
        let Some(length) = read_head(&connection, &mut head, &mut body, scratch).await? else { return Ok(()) };
        if head.starts_with(b"GET /figures ") {
            let text = figures.take().describe();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
            return connection.write_all(format!("{head}{text}").as_bytes()).await;
        }
        figures.borrow_mut().first_request.get_or_insert_with(now);
        if expects_continue(&head) {
            connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        while body.length < length {
            read_some(&connection, scratch, |bytes| body.add(bytes)).await?;
        }
        figures.borrow_mut().count(&body);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let answer = if body.asks_for_consumed_capacity() { consuming } else { plain };
        connection.write_all(answer.as_bytes()).await?;
    }
}

/// Reads a request's head, and what has come of its body with it; gives the body's length. `None` when the client has closed the
/// connection.
async fn read_head(
    connection: &TcpStream,
    head: &mut Vec<u8>,
    body: &mut Body,
    scratch: &RefCell<Vec<u8>>,
) -> io::Result<Option<usize>> {
    head.clear();
    loop {
        match read_some(connection, scratch, |bytes| head.extend_from_slice(bytes)).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && head.is_empty() => return Ok(None),
            other => other?,
        }
        if let Some(at) = memmem::find(head, b"\r\n\r\n") {
            body.add(&head[at + 4..]);
            head.truncate(at + 4);
            return Ok(Some(content_length(head)));
        }
    }
}

async fn read_some(connection: &TcpStream, scratch: &RefCell<Vec<u8>>, take: impl FnOnce(&[u8])) -> io::Result<()> {
    loop {
        connection.readable().await?;
        let mut scratch = scratch.borrow_mut();
        match connection.try_read(&mut scratch) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                take(&scratch[..length]);
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

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

    fn add(&mut self, bytes: &[u8]) {
        const PUT: &[u8] = b"\"PutRequest\"";
        self.length += bytes.len();
        let to_start = bytes.len().min(Self::ENDS - self.start.len().min(Self::ENDS));
        self.start.extend_from_slice(&bytes[..to_start]);
        // One that is cut in two: as much of either side as has no whole one.
        let mut cut = self.end[self.end.len().saturating_sub(PUT.len() - 1)..].to_vec();
        cut.extend_from_slice(&bytes[..bytes.len().min(PUT.len() - 1)]);
        self.rows += u64::from(memmem::find(&cut, PUT).is_some());
        self.rows += memmem::find_iter(bytes, PUT).count() as u64;
        self.end.extend_from_slice(&bytes[bytes.len().saturating_sub(Self::ENDS)..]);
        self.end.drain(..self.end.len().saturating_sub(Self::ENDS));
    }

    /// In front of the requests, or by the SDK behind them.
    fn asks_for_consumed_capacity(&self) -> bool {
        let asks = |part: &[u8]| memmem::find(part, b"\"ReturnConsumedCapacity\":\"INDEXES\"").is_some();
        asks(&self.start) || asks(&self.end)
    }
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = head.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn content_length(head: &[u8]) -> usize {
    header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// boto3 asks before it sends a large body.
fn expects_continue(head: &[u8]) -> bool {
    header(head, "expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
}

#[expect(clippy::disallowed_methods, reason = "compared with the time at which another process was started")]
fn now() -> SystemTime {
    SystemTime::now()
}
