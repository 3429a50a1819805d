//! Runs a command and prints what it took.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::Parser;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// Run a command without its standard output, and print as JSON: when it started, how long it ran, its CPU time (user and system) and
/// its peak memory.
#[derive(Debug, Parser)]
struct Arguments {
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

#[expect(clippy::print_stdout, reason = "the figures are this program's output")]
fn main() -> anyhow::Result<ExitCode> {
    let Arguments { command } = Arguments::parse();
    let (started, start) = now();
    let status = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {}", command[0]))?;
    let seconds = start.elapsed().as_secs_f64();
    // Of all children that have ended: there was one.
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let figures = serde_json::json!({
        "started": started.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64(),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds(usage.user_time()) + cpu_seconds(usage.system_time()),
        "peak_bytes": peak_bytes(&usage),
    });
    println!("{figures}");
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::disallowed_methods, reason = "measuring time is what this program is for")]
fn now() -> (SystemTime, Instant) {
    (SystemTime::now(), Instant::now())
}

fn cpu_seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

/// The most memory that was resident at once. Linux counts it in KiB, macOS in bytes.
fn peak_bytes(usage: &Usage) -> i64 {
    usage.max_rss() * if cfg!(target_os = "macos") { 1 } else { 1024 }
}
