//! As signed_floor, with many requests in flight: what late answers cost those who keep nothing for a request but its connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::bail;
use bench_parts::Rows;
use bench_parts::signed::{Bodies, Requests};
use clap::Parser;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

/// Send bodies of 25 rows of table logfile_scan until there have been enough, each connection the next one when it has its answer.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many requests are in flight, of both threads together
    #[arg(long)]
    in_flight: usize,
    #[command(flatten)]
    rows: Rows,
}

const THREADS: usize = 2;

fn main() -> anyhow::Result<()> {
    let Arguments { in_flight, rows } = Arguments::parse();
    let bodies = Bodies::build(&rows)?;
    let next = AtomicUsize::new(0);
    let connections = in_flight.div_ceil(THREADS);
    thread::scope(|scope| {
        let senders: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| send(&rows.address, connections, &bodies, &next))).collect();
        senders.into_iter().try_for_each(|sender| sender.join().unwrap_or_else(|_| bail!("a sender panicked")))
    })
}

/// Sends every batch that no other connection has taken.
fn send(address: &str, connections: usize, bodies: &Bodies, next: &AtomicUsize) -> anyhow::Result<()> {
    let mut requests = Requests::to(address);
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut open = Vec::with_capacity(connections);
    let mut in_flight = 0;
    let mut send_next = |connection: &mut TcpStream| -> anyhow::Result<bool> {
        let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) else { return Ok(false) };
        connection.write_all(requests.with_body(body)?)?;
        Ok(true)
    };
    for number in 0..connections {
        let mut connection = TcpStream::connect(address)?;
        connection.set_nodelay(true)?;
        poll.registry().register(&mut SourceFd(&connection.as_raw_fd()), Token(number), Interest::READABLE)?;
        in_flight += usize::from(send_next(&mut connection)?);
        open.push(connection);
    }
    while in_flight > 0 {
        poll.poll(&mut events, None)?;
        for event in &events {
            let connection = &mut open[event.token().0];
            read_answer(connection)?;
            in_flight -= usize::from(!send_next(connection)?);
        }
    }
    Ok(())
}

/// An answer is so short that it comes in one piece.
fn read_answer(connection: &mut TcpStream) -> anyhow::Result<()> {
    let mut answer = [0; 4096];
    let length = connection.read(&mut answer)?;
    if !answer[..length].starts_with(b"HTTP/1.1 200 ") {
        bail!("not accepted: {:?}", String::from_utf8_lossy(&answer[..length]));
    }
    Ok(())
}
