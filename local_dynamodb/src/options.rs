//! The options of a server, and the errors of starting with them.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use capacity::Settings;

/// Where a server listens, where it keeps its data, and its timeouts.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address to listen on: an IP address (an IPv6 address also in brackets), or a name that resolves to one. Default `127.0.0.1`.
    pub host: String,
    /// Host names that requests may use for the server, in addition to its address, names for loopback and names
    /// without a dot. A server that other machines can reach accepts any name.
    pub allowed_hosts: Vec<String>,
    /// The port to listen on; 0 (the default) chooses a free one.
    pub port: u16,
    /// The SQLite file that keeps the data; `None` (the default) keeps it in memory until the server stops.
    pub db_path: Option<PathBuf>,
    /// Whether provisioned capacity is enforced, and requests are counted. Default `true`.
    pub throttle: bool,
    /// The capacity model's values where DynamoDB publishes none.
    pub capacity: Settings,
    /// How many seconds of the server's clock pass in a second. Buckets, backlogs, status changes and metrics follow that
    /// clock. Default 1.
    pub speed: NonZeroU32,
    /// How long an item stays after it has expired, on the server's clock. DynamoDB says "within a few days"; default 10 s.
    pub ttl_delay: Duration,
    /// How long a client may take to send the headers of a request, and how long an idle connection is kept.
    pub header_timeout: Duration,
    /// How long a client may take to send the body of a request.
    pub body_timeout: Duration,
    /// How long [`LocalDynamoDb::stop`](crate::LocalDynamoDb::stop) waits for running requests.
    pub stop_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.to_string(),
            allowed_hosts: Vec::new(),
            port: 0,
            db_path: None,
            throttle: true,
            capacity: Settings::default(),
            speed: NonZeroU32::MIN,
            ttl_delay: Duration::from_secs(10),
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(5),
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is in use, the address is not this machine's, or the name does not resolve.
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
                Some("stop the other program, or choose another port with --port (0 for a free one)")
            }
            Self::Database { reason, .. } if reason.contains("has it open") => {
                Some("stop the other server, or choose another file with --db-path")
            }
            Self::Database { .. } => {
                Some("choose another file with --db-path, or leave it out to keep the data in memory")
            }
            _ => None,
        }
    }
}
