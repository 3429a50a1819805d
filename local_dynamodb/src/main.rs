//! DynamoDB on this machine: `local_dynamodb --help`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use common::command_line::{self, Advised, Exit};
use local_dynamodb::{LocalDynamoDb, Options, StartError};

const PROGRAM: &str = "local_dynamodb";

const EXAMPLES: &str = "\
Examples:
  local_dynamodb
      in memory, on http://127.0.0.1:8000
  local_dynamodb --db-path lab.db
      the data stays in the file lab.db
  local_dynamodb --port 0
      on a free port; the first line on stdout says which
  AWS_ENDPOINT_URL=http://127.0.0.1:8000 aws dynamodb list-tables
      any client of DynamoDB can use it; every region and every key are accepted

Exit status: 0 after SIGINT or SIGTERM, 1 if it cannot start, 2 if the arguments are wrong.
RUST_LOG=local_dynamodb=debug writes to stderr what it does.";

/// DynamoDB on this machine.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,

    /// Address to listen on; anything but loopback lets other machines in, and nobody has to log in
    #[arg(long, default_value = "127.0.0.1")]
    host: String,

    /// Keep the data in this SQLite file, made if it is not there [default: in memory, gone at the end]
    #[arg(long, value_name = "FILE")]
    db_path: Option<PathBuf>,
}

fn main() -> ExitCode {
    command_line::init_logging(PROGRAM);
    match run(Arguments::parse()) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            command_line::print_error(PROGRAM, error.as_ref());
            Exit::Failed.into()
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        // Before the first line on stdout: who reads it may send a signal at once.
        let signals = Signals::new().context("cannot listen for signals")?;
        let Arguments { port, host, db_path } = arguments;
        let server = LocalDynamoDb::start(&Options { host, port, db_path, ..Options::default() }).map_err(advised)?;
        announce(&server);
        signals.received().await;
        server.stop();
        Ok(())
    })
}

fn advised(error: StartError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => Advised::new(error.to_string(), hint).into(),
        None => error.into(),
    }
}

/// Says where the server listens. That nobody may be reading stdout is no reason to stop.
fn announce(server: &LocalDynamoDb) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "local_dynamodb listening on {}", server.url());
    let _ = stdout.flush();
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    async fn received(self) {
        let [mut interrupt, mut terminate] = self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
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

    async fn received(self) {
        // An error means that there is no way to be interrupted: then only the end of the process stops the server.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
