//! The least that writing rows can cost: bodies built beforehand, each signed anew as AWS's own crate signs and hashed by it, written
//! to a bare connection, and an answer that is only looked at for its status. No retries, no timeouts, no TLS, no other client would do.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::bail;
use bench_parts::Rows;
use bench_parts::signed::{Bodies, Requests};
use clap::Parser;

/// Send bodies of 25 rows of table logfile_scan until there have been enough.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    rows: Rows,
}

const CONNECTIONS: usize = 2;

fn main() -> anyhow::Result<()> {
    let Arguments { rows } = Arguments::parse();
    let bodies = Bodies::build(&rows)?;
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let senders: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(|| send(&rows.address, &bodies, &next))).collect();
        senders.into_iter().try_for_each(|sender| sender.join().unwrap_or_else(|_| bail!("a sender panicked")))
    })
}

/// Sends every batch that no other connection has taken.
fn send(address: &str, bodies: &Bodies, next: &AtomicUsize) -> anyhow::Result<()> {
    let mut requests = Requests::to(address);
    let mut connection = BufReader::new(TcpStream::connect(address)?);
    connection.get_ref().set_nodelay(true)?;
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        connection.get_mut().write_all(requests.with_body(body)?)?;
        read_answer(&mut connection)?;
    }
    Ok(())
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
