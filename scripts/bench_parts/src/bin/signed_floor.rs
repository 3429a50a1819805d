//! The least that writing rows can cost: bodies built beforehand, each signed anew as AWS's own crate signs and hashed by it, written
//! to a bare connection, and an answer that is only looked at for its status. No retries, no timeouts, no TLS, no other client would do.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bench_parts::{NumberedRow, Rows};
use clap::Parser;
use common::batch_writer::{ItemJson, Key, WriteBatch, WriteRequest};

/// Send bodies of 25 rows of table logfile_scan until there have been enough.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    rows: Rows,
}

const TABLE: &str = "logfile_scan";
const BATCH: u64 = 25;
/// Enough that no cache holds them all, as it does not hold what a loader sends.
const BODIES: u64 = 400;
const CONNECTIONS: usize = 2;

fn main() -> anyhow::Result<()> {
    let Arguments { mut rows } = Arguments::parse();
    if !rows.rows.is_multiple_of(BATCH) {
        bail!("the number of rows must be a multiple of {BATCH}");
    }
    let batches = usize::try_from(rows.rows / BATCH)?;
    rows.rows = BATCH * BODIES;
    let bodies = bodies(rows.read()?)?;
    let next = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (address, bodies, next) = (&rows.address, &bodies, Arc::clone(&next));
                scope.spawn(move || send(address, bodies, &next, batches))
            })
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().unwrap_or_else(|_| bail!("a sender panicked")))
    })
}

fn bodies(rows: impl Iterator<Item = NumberedRow>) -> anyhow::Result<Vec<Vec<u8>>> {
    let rows: Vec<NumberedRow> = rows.collect();
    let batches = rows.chunks_exact(BATCH as usize).map(|rows| {
        let mut batch: Option<WriteBatch<()>> = None;
        for row in rows {
            match &mut batch {
                None => batch = Some(WriteBatch::new(request(row))),
                Some(batch) => batch.push(request(row)).ok().context("a key occurs twice in a batch")?,
            }
        }
        Ok(batch.map(|batch| batch.body(TABLE, false)).unwrap_or_default())
    });
    batches.collect()
}

/// The same item as load_logfile_parallel's.
fn request((id, row): &NumberedRow) -> WriteRequest<()> {
    let id_text = id.to_string();
    let mut item = ItemJson::new();
    item.string("PK", &["request#", &id_text]);
    item.number("requestid", &id_text);
    item.string("GSI_1_PK", &["shard#", &(id % 10 + 1).to_string()]);
    item.string("GSI_1_SK", &[&row[7], "#", &row[2], "#", &row[3]]);
    for (name, column) in [("host", 1), ("date", 2), ("timezone", 4), ("method", 5), ("url", 6), ("useragent", 9)] {
        item.string(name, &[&row[column]]);
    }
    for (name, column) in [("hourofday", 3), ("responsecode", 7), ("bytessent", 8)] {
        item.number(name, row[column].trim_start_matches('0'));
    }
    WriteRequest::put(Key::string(&["request#", &id_text]), &[&item], ())
}

/// Sends every batch that no other connection has taken.
fn send(address: &str, bodies: &[Vec<u8>], next: &AtomicUsize, batches: usize) -> anyhow::Result<()> {
    let identity = Credentials::new("benchmark", "benchmark", None, None, "benchmark").into();
    let mut connection = BufReader::new(TcpStream::connect(address)?);
    connection.get_ref().set_nodelay(true)?;
    let uri = format!("http://{address}/");
    let mut request = Vec::with_capacity(32 * 1024);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= batches {
            return Ok(());
        }
        let body = &bodies[number % bodies.len()];
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("dynamodb")
            .time(now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [
            ("host", address),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "DynamoDB_20120810.BatchWriteItem"),
        ];
        let signable = SignableRequest::new("POST", &uri, headers.into_iter(), SignableBody::Bytes(body))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        request.clear();
        request.extend_from_slice(b"POST / HTTP/1.1\r\n");
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            write!(request, "{name}: {value}\r\n")?;
        }
        write!(request, "content-length: {}\r\n\r\n", body.len())?;
        request.extend_from_slice(body);
        connection.get_mut().write_all(&request)?;
        read_answer(&mut connection)?;
    }
}

#[expect(clippy::disallowed_methods, reason = "a signature holds the time")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn read_answer(connection: &mut BufReader<TcpStream>) -> anyhow::Result<()> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200 ") {
        bail!("not accepted: {line:?}");
    }
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some(("content-length", value)) => length = value.parse()?,
            Some(_) => {}
            None => break,
        }
    }
    io::copy(&mut connection.by_ref().take(length), &mut io::sink())?;
    Ok(())
}
