//! The server, and the connections to it that wait for the next request.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::uri::Authority;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::Instant;

use super::PORT;

/// A connection that was not needed for so long is closed, as the SDK's client does.
const LONGEST_REST: Duration = Duration::from_secs(90);

#[derive(Debug)]
pub(super) struct Server {
    authority: Authority,
    /// Where it was reached last. Looking a name up takes a thread, and hundreds of connections may be opened in a moment.
    address: Mutex<Option<SocketAddr>>,
    /// The one used last is at the end.
    idle: Mutex<VecDeque<Resting>>,
}

#[derive(Debug)]
struct Resting {
    since: Instant,
    connection: TcpStream,
    poison: Option<Poison>,
}

impl Resting {
    fn may_be_used(&self, now: Instant) -> bool {
        let is_poisoned = self.poison.as_ref().is_some_and(Poison::has_effect);
        !is_poisoned && !self.has_rested_too_long(now) && self.is_alive()
    }

    fn has_rested_too_long(&self, now: Instant) -> bool {
        now - self.since > LONGEST_REST
    }

    /// Not if the server has closed it, or has said something that nobody asked for. Costs no call of the system while nothing has come.
    fn is_alive(&self) -> bool {
        matches!(self.connection.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

/// Says of a connection, once its answer is understood, that it is not to be used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Poison(Arc<AtomicBool>);

impl Poison {
    pub(super) fn take_effect(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_effect(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Server {
    pub(super) fn new(authority: Authority) -> Self {
        Self { authority, address: Mutex::default(), idle: Mutex::default() }
    }

    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let known = *lock(&self.address);
        let connection = match known {
            Some(address) => TcpStream::connect(address).await?,
            None => {
                let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
                let found = lookup_host((host, self.authority.port_u16().unwrap_or(PORT))).await?;
                TcpStream::connect(&*found.collect::<Vec<_>>()).await?
            }
        };
        connection.set_nodelay(true)?;
        *lock(&self.address) = Some(connection.peer_addr()?);
        Ok(connection)
    }

    /// Its name may be somewhere else the next time.
    pub(super) fn forget_address(&self) {
        lock(&self.address).take();
    }

    #[cfg(test)]
    pub(super) fn moved_to(&self, address: SocketAddr) {
        *lock(&self.address) = Some(address);
    }

    /// The connection that was used last: it is the least likely to be closed, and its memory the most likely to be in the cache.
    pub(super) fn take_idle(&self) -> Option<TcpStream> {
        let now = Instant::now();
        let mut idle = lock(&self.idle);
        while let Some(last) = idle.pop_back() {
            if last.may_be_used(now) {
                return Some(last.connection);
            }
        }
        None
    }

    /// `connection` has served its request, and may serve another.
    pub(super) fn put_idle(&self, connection: TcpStream, poison: Option<Poison>) {
        let now = Instant::now();
        let mut idle = lock(&self.idle);
        idle.push_back(Resting { since: now, connection, poison });
        while idle.pop_front_if(|first| first.has_rested_too_long(now)).is_some() {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
