//! DynamoDB on this machine: the engine of [dynoxide](https://docs.rs/dynoxide-rs) behind its own HTTP server.
//!
//! The path of a request: `server` reads it, `protocol` rejects web pages and decodes it, `admission` admits it,
//! `engine` runs it on SQLite, and `protocol` writes errors as DynamoDB does.
//!
//! Admission computes from a request what it asks of which table. The `ledger` keeps the tables' capacity (the model is
//! crate `capacity`), `metrics` what CloudWatch would have counted. All of them follow one `clock`. `cloudwatch` answers
//! questions about the metrics on the same port, and `monitor` is a page that shows them. `alarms` watch the metrics,
//! and `auto_scaling` changes capacity by them; `automation` runs both, minute by minute. `upkeep` does what else time brings.
//!
//! ```no_run
//! let server = local_dynamodb::LocalDynamoDb::start(&local_dynamodb::Options::default())?;
//! println!("AWS_ENDPOINT_URL={}", server.url());
//! server.stop();
//! # Ok::<(), local_dynamodb::StartError>(())
//! ```

mod admission;
mod alarms;
mod auto_scaling;
mod automation;
mod clock;
mod cloudwatch;
mod engine;
mod identifiers;
mod ledger;
mod metrics;
mod monitor;
mod options;
mod protocol;
mod server;
mod upkeep;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::admission::{AdmissionGate, Enforcement};
use crate::clock::Clock;
use crate::engine::Engine;
pub use crate::options::{Options, StartError};
use crate::server::Server;

/// A running server with a thread and a runtime of its own, for programs and tests of any kind. Dropping it stops it.
#[derive(Debug)]
pub struct LocalDynamoDb {
    gate: Arc<AdmissionGate>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LocalDynamoDb {
    /// Opens the data and listens. When this returns, the server accepts requests.
    ///
    /// # Errors
    /// The address cannot be listened on, or the database file cannot be opened.
    pub fn start(options: &Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind((options.host.trim_start_matches('[').trim_end_matches(']'), options.port))
            .map_err(|source| StartError::Listen { host: options.host.clone(), port: options.port, source })?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let clock = Clock::start(options.speed);
        let engine = Engine::open(options.db_path.as_deref(), clock.clone())?;
        let enforcement = if options.throttle { Enforcement::On } else { Enforcement::Off };
        let gate = Arc::new(AdmissionGate::new(engine, clock, enforcement, options.capacity.clone()));
        let runtime = server::runtime()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new(Arc::clone(&gate), options, address);
        let thread = std::thread::Builder::new().name("local_dynamodb".into()).spawn(move || {
            server.run(runtime, listener, async {
                // Dropping the handle has the same effect as `stop`.
                let _ = stopped.await;
            });
        })?;
        Ok(Self { gate, address, stop: Some(stop), thread: Some(thread) })
    }

    /// The address it listens on, with the port it was given or found.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL for a client on this machine.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// What was consumed and throttled, by table, index, operation and minute, as JSON: the response to `GET
    /// /metrics.json`.
    pub fn metrics(&self) -> serde_json::Value {
        // Text, numbers and lists can be written as JSON.
        self.gate.snapshot(|snapshot| serde_json::to_value(metrics::report::of(snapshot))).unwrap_or_default()
    }

    /// Stops listening, lets running requests finish (no longer than [`Options::stop_timeout`]) and closes the data.
    pub fn stop(mut self) {
        self.stop_and_join();
    }

    /// As [`stop`](Self::stop); returns the final metrics, as [`metrics`](Self::metrics).
    pub fn stop_with_metrics(mut self) -> serde_json::Value {
        self.stop_and_join();
        self.metrics()
    }

    fn stop_and_join(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the server's thread has panicked");
        }
    }
}

impl Drop for LocalDynamoDb {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}
