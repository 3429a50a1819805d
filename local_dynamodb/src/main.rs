//! DynamoDB on this machine: `local_dynamodb --help`.

mod http_client;

use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use capacity::Settings;
use clap::Parser;
use cli::{ErrorWithAdvice, Exit};
use local_dynamodb::{LocalDynamoDb, Options, StartError};

const PROGRAM: &str = "local_dynamodb";

const EXAMPLES: &str = "\
Examples:
  local_dynamodb
      in memory, on http://127.0.0.1:8000
  local_dynamodb --db-path lab.db
      the data is kept in the file lab.db
  local_dynamodb --port 0
      on a free port, which is in the first line on stdout
  local_dynamodb --speed 60
      the clock runs 60 times as fast: a minute per second
  local_dynamodb --print-metrics http://127.0.0.1:8000
      the server's metrics: totals over the last day of its clock;
      for each minute, as JSON, they are at http://127.0.0.1:8000/metrics.json
  local_dynamodb --health http://127.0.0.1:8000
      for a container's health check: status 0 if the server responds, 1 if not
  http://127.0.0.1:8000 in a browser
      shows capacity and throttling of each table and index, live
  AWS_ENDPOINT_URL=http://127.0.0.1:8000 aws dynamodb list-tables
      works with any DynamoDB client; all regions and access keys are accepted

Provisioned capacity is enforced: a table, and each global index, keeps up to
300 s of unused capacity for bursts; requests beyond that are refused, as by
DynamoDB. On-demand tables have DynamoDB's limits. With --db-path, everything
that clients have set is kept, but not balances and metrics.

Exit status: 0 after SIGINT or SIGTERM, 1 if it cannot start, 2 if the arguments are wrong.
RUST_LOG=local_dynamodb=debug logs to stderr.";

/// DynamoDB on this machine.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Port to listen on; 0 chooses a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,

    /// Address to listen on; any address except loopback gives other machines access without authentication
    #[arg(long, default_value = "127.0.0.1")]
    host: String,

    /// Host name that requests may use for this server; can be repeated. Not needed with a --host that is not loopback
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,

    /// Keep the data in this SQLite file, which is created if necessary [default: in memory, lost at the end]
    #[arg(long, value_name = "FILE")]
    db_path: Option<PathBuf>,

    /// Enforce no capacity, and collect no metrics
    #[arg(long)]
    no_throttle: bool,

    /// Speed of the server's clock, for capacity, changes of status and metrics
    #[arg(long, value_name = "N", default_value_t = NonZeroU32::MIN)]
    speed: NonZeroU32,

    /// Burst capacity of a new table or index, in seconds of its capacity; 300 is the maximum that it can hold
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    starting_burst: u32,

    /// Maximum index writes in the queue between a table and an index; when it is full, the table refuses all writes
    #[arg(long, value_name = "WRITES", default_value_t = 20_000)]
    index_backlog: usize,

    /// Quota of a table or index, in RCU and in WCU; 40,000 on AWS by default
    #[arg(long, value_name = "UNITS", default_value_t = Settings::default().table_quota)]
    table_quota: u64,

    /// Quota of the account for all tables and indexes together, in RCU and in WCU; 80,000 on AWS by default
    #[arg(long, value_name = "UNITS", default_value_t = Settings::default().account_quota)]
    account_quota: u64,

    /// Time from UpdateTable until the capacity changes, in seconds of the server's clock
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    update_time: u32,

    /// Time from an item's expiry until its deletion (time to live), in seconds of the server's clock
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    ttl_delay: u32,

    /// Write the metrics to this file at the end, and on each SIGUSR1
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,

    /// Exit with 0 if the server at URL responds
    #[arg(long, value_name = "URL", exclusive = true)]
    health: Option<String>,

    /// Print the metrics of the server at URL as text
    #[arg(long, value_name = "URL", exclusive = true)]
    print_metrics: Option<String>,
}

fn main() -> ExitCode {
    cli::init_logging(PROGRAM);
    match run(cli::parse::<Arguments>()) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            cli::print_error(PROGRAM, error.as_ref());
            Exit::Failed.into()
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Some(url) = &arguments.health {
        http_client::get(url, "/health").with_context(|| format!("no healthy server at {url}"))?;
        return Ok(());
    }
    if let Some(url) = &arguments.print_metrics {
        let text =
            http_client::get(url, "/metrics.txt").with_context(|| format!("cannot read the metrics at {url}"))?;
        return Ok(std::io::stdout().write_all(text.as_bytes())?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        // Before the first line on stdout: its reader may send a signal at once.
        let mut signals = Signals::new().context("cannot listen for signals")?;
        let metrics_file = arguments.metrics_file.clone();
        if let Some(file) = &metrics_file {
            check_metrics_file(file)?;
        }
        let server = LocalDynamoDb::start(&options(arguments)).map_err(advised)?;
        announce(&server);
        while signals.next().await == Signal::WriteMetrics {
            if let Some(file) = &metrics_file
                && let Err(error) = write_metrics(file, &server.metrics())
            {
                log::error!("{error:#}");
            }
        }
        let metrics = server.stop_with_metrics();
        metrics_file.map_or(Ok(()), |file| write_metrics(&file, &metrics))
    })
}

fn options(arguments: Arguments) -> Options {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Options {
        host: arguments.host,
        allowed_hosts: arguments.allow_host,
        port: arguments.port,
        db_path: arguments.db_path,
        throttle: !arguments.no_throttle,
        speed: arguments.speed,
        ttl_delay: seconds(arguments.ttl_delay),
        capacity: Settings {
            starting_burst: seconds(arguments.starting_burst),
            index_backlog: arguments.index_backlog,
            update_time: seconds(arguments.update_time),
            table_quota: arguments.table_quota,
            account_quota: arguments.account_quota,
            ..Settings::default()
        },
        ..Options::default()
    }
}

/// A load may run for hours before the file is written, so a file that cannot be written is an error at the start.
fn check_metrics_file(file: &Path) -> anyhow::Result<()> {
    let advised = |reason: String| {
        let message = format!("cannot write the metrics to {}: {reason}", file.display());
        ErrorWithAdvice::new(message, "choose another file with --metrics-file")
    };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(advised(format!("the folder {} does not exist", folder.display())).into());
    }
    if file.is_dir() {
        return Err(advised("it is a directory".into()).into());
    }
    let unfinished = unfinished(file);
    let created = std::fs::write(&unfinished, "").and_then(|()| std::fs::remove_file(&unfinished));
    created.map_err(|error| advised(error.to_string()).into())
}

/// The file is written under this name first, so that a reader never finds half of it.
fn unfinished(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

fn write_metrics(file: &Path, metrics: &serde_json::Value) -> anyhow::Result<()> {
    let unfinished = unfinished(file);
    std::fs::write(&unfinished, format!("{metrics:#}\n"))
        .and_then(|()| std::fs::rename(&unfinished, file))
        .with_context(|| format!("cannot write the metrics to {}", file.display()))
}

fn advised(error: StartError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => ErrorWithAdvice::new(error.to_string(), hint).into(),
        None => error.into(),
    }
}

/// Prints where the server listens. A closed stdout is no reason to stop.
fn announce(server: &LocalDynamoDb) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "local_dynamodb listening on {}", server.url());
    let _ = stdout.flush();
}

/// What a signal asks for.
#[derive(PartialEq, Eq)]
enum Signal {
    Stop,
    WriteMetrics,
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::user_defined1())?,
        ]))
    }

    async fn next(&mut self) -> Signal {
        let [interrupt, terminate, user] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => Signal::Stop,
            _ = terminate.recv() => Signal::Stop,
            _ = user.recv() => Signal::WriteMetrics,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        // An error means that signals cannot be received; then only the end of the process stops the server.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Stop
    }
}
