//! DynamoDB on this machine: the engine of [dynoxide](https://docs.rs/dynoxide-rs) behind an HTTP server of our own.
//!
//! The way of a request: `server` reads it and guards against web pages, `operation` makes a typed request of it,
//! `admission` lets it in, `engine` runs it on SQLite, `wire_error` writes what went wrong as DynamoDB does.
//!
//! Admission works on two pure parts: `demand` tells from a request what it asks of which table, the `ledger` keeps
//! the tables' capacity (the model is `capacity`) and their `metrics`. `partial` splits batches that get in
//! in part, `consumed` reads what the engine says was consumed, `refusal` words refusals, `provisioning` is what
//! UpdateTable changes, and when. All of them go by one `clock`. `cloudwatch` answers questions about the metrics, on
//! the same port, and `monitor` is a page that shows them.
//!
//! ```no_run
//! let server = local_dynamodb::LocalDynamoDb::start(&local_dynamodb::Options::default())?;
//! println!("AWS_ENDPOINT_URL={}", server.url());
//! server.stop();
//! # Ok::<(), local_dynamodb::StartError>(())
//! ```

mod admission;
mod clock;
mod cloudwatch;
mod consumed;
mod demand;
mod engine;
mod index_throughput;
mod key_condition;
mod ledger;
mod malformed;
mod metrics;
mod metrics_report;
mod monitor;
mod names;
mod operation;
mod origin;
mod page;
mod partial;
mod provisioning;
mod refusal;
mod request_shape;
mod server;
mod snapshot;
mod statement;
mod table_definition;
mod wire_error;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use capacity::Settings;

use crate::admission::{Enforcement, Gate};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::server::Server;

/// Where a server listens, where it keeps its data, and how patient it is.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on: an IP address, or a name that resolves to one. Default `127.0.0.1`.
    pub host: String,
    /// The port to listen on; 0 (the default) takes a free one.
    pub port: u16,
    /// The SQLite file that keeps the data; `None` (the default) keeps it in memory until the server stops.
    pub db_path: Option<PathBuf>,
    /// Whether provisioned capacity is enforced, and requests are counted. Default `true`.
    pub throttle: bool,
    /// What capacity is taken to be where DynamoDB publishes nothing.
    pub capacity: Settings,
    /// How many seconds of the server's clock pass in a second: of buckets, backlogs, changes of status and metrics.
    /// Default 1.
    pub speed: NonZeroU32,
    /// How long a client may take over the headers of a request, which is also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// How long a client may take to send the body of a request.
    pub body_timeout: Duration,
    /// How long [`LocalDynamoDb::stop`] waits for running requests.
    pub stop_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: 0,
            db_path: None,
            throttle: true,
            capacity: Settings::default(),
            speed: NonZeroU32::MIN,
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(5),
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, the address is not this machine's, the name does not resolve.
    #[error("cannot listen on {host}:{port}: {source}")]
    Listen {
        /// The address asked for.
        host: String,
        /// The port asked for.
        port: u16,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The database file cannot be opened or is not one.
    #[error("cannot open the database file {}: {reason}", path.display())]
    Database {
        /// The file asked for.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system gave no thread or no event queue.
    #[error("cannot start the server: {0}")]
    System(#[from] std::io::Error),
}

impl StartError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
                Some("stop the other program, or choose another port with --port (0 takes a free one)")
            }
            Self::Database { .. } => {
                Some("choose another file with --db-path, or leave it out to keep the data in memory")
            }
            _ => None,
        }
    }
}

/// A running server. It has a thread and a runtime of its own, so it can be used from programs and tests of any kind.
/// Dropping it stops it.
#[derive(Debug)]
pub struct LocalDynamoDb {
    gate: Arc<Gate>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LocalDynamoDb {
    /// Opens the data and listens. When this returns, the server answers.
    ///
    /// # Errors
    /// The address cannot be listened on, or the database file cannot be opened.
    pub fn start(options: &Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind((options.host.as_str(), options.port))
            .map_err(|source| StartError::Listen { host: options.host.clone(), port: options.port, source })?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let engine = Engine::open(options.db_path.as_deref())?;
        let enforcement = if options.throttle { Enforcement::On } else { Enforcement::Off };
        let gate = Arc::new(Gate::new(engine, Clock::start(options.speed), enforcement, options.capacity.clone()));
        let runtime = server::runtime()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new(Arc::clone(&gate), options);
        let thread = std::thread::Builder::new().name("local_dynamodb".into()).spawn(move || {
            server.run(runtime, listener, async {
                // A dropped handle asks for the same as a call of `stop`.
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
            IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// What was consumed and refused, by table, index, operation and minute, as JSON: what `GET /metrics.json` answers.
    pub fn metrics(&self) -> serde_json::Value {
        // Text, numbers and lists can be written as JSON.
        self.gate.snapshot(|snapshot| serde_json::to_value(metrics_report::of(snapshot))).unwrap_or_default()
    }

    /// Stops listening, lets running requests finish (no longer than [`Options::stop_timeout`]) and closes the data.
    pub fn stop(mut self) {
        self.stop_and_join();
    }

    /// As [`stop`](Self::stop); answers the metrics at the end, as [`metrics`](Self::metrics).
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
