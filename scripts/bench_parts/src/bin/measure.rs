//! Runs a command and writes down what it took: CPU, wall-clock time, memory, and when it was started.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::Parser;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// Run a command, its standard output thrown away, and write to FILE what it took:
/// cpu_us=… (user and system) wall_us=… peak_kib=… started_us=… (since 1970)
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to write the figures
    file: PathBuf,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let Arguments { file, command } = Arguments::parse();
    let (started, start) = now();
    let status = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {}", command[0]))?;
    let wall = start.elapsed();
    // Of all children that have ended: there was one.
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = micros(usage.user_time()) + micros(usage.system_time());
    let peak = peak_kib(&usage);
    let started = started.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_micros();
    let wall = wall.as_micros();
    fs::write(&file, format!("cpu_us={cpu} wall_us={wall} peak_kib={peak} started_us={started}\n"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::disallowed_methods, reason = "measuring time is what this program is for")]
fn now() -> (SystemTime, Instant) {
    (SystemTime::now(), Instant::now())
}

fn micros(time: TimeVal) -> i64 {
    time.tv_sec() * 1_000_000 + time.tv_usec()
}

/// The most memory that was resident at once. Linux counts it in KiB, macOS in bytes.
fn peak_kib(usage: &Usage) -> i64 {
    usage.max_rss() / if cfg!(target_os = "macos") { 1024 } else { 1 }
}
