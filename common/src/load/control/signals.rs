//! SIGINT and SIGTERM.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until};

use crate::load::event::Event;
use crate::load::signal::Signal;

/// How often a signal is offered again to a collector whose queue was full.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// How long the collector may take after the second signal. A standard output that is open but never read blocks it
/// forever; the process then exits without a summary.
const FINAL_OUTPUT: Duration = Duration::from_secs(3);

/// Receives both signals, unless they are ignored. SIGHUP keeps its disposition: ignored under nohup, fatal otherwise.
pub(super) struct Signals {
    interrupt: Option<Stream>,
    terminate: Option<Stream>,
}

impl Signals {
    /// Must be called within a runtime.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { interrupt: open(Signal::Interrupt)?, terminate: open(Signal::Terminate)? })
    }

    /// Forwards signals to the collector until it has ended.
    pub(super) async fn listen(mut self, events: Sender<Event>) {
        let mut pending = VecDeque::new();
        let mut signals = 0;
        let mut end_at = None;
        loop {
            let signal = tokio::select! {
                () = next(&mut self.interrupt) => Signal::Interrupt,
                () = next(&mut self.terminate) => Signal::Terminate,
                () = sleep(RETRY_INTERVAL), if !pending.is_empty() => {
                    if forward(&events, &mut pending) { continue } else { return }
                }
                Some(code) = at(end_at) => std::process::exit(code),
            };
            signals += 1;
            if signals == 2 {
                end_at = Some((Instant::now() + FINAL_OUTPUT, 128 + i32::from(signal.number())));
            }
            pending.push_back(signal);
            if !forward(&events, &mut pending) {
                return;
            }
        }
    }
}

/// Forwards pending signals as far as the queue has room, because a blocked thread would miss a second signal. Returns
/// whether the collector is still running.
fn forward(events: &Sender<Event>, pending: &mut VecDeque<Signal>) -> bool {
    while let Some(signal) = pending.front() {
        match events.try_send(Event::Signal(*signal)) {
            Ok(()) => pending.pop_front(),
            Err(TrySendError::Full(_)) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
        };
    }
    true
}

/// Resolves to the exit code at the time when the process must end.
async fn at(end: Option<(Instant, i32)>) -> Option<i32> {
    let (time, code) = end?;
    sleep_until(time).await;
    Some(code)
}

fn open(wanted: Signal) -> io::Result<Option<Stream>> {
    if is_ignored(wanted) {
        return Ok(None);
    }
    let kind = match wanted {
        Signal::Interrupt => SignalKind::interrupt(),
        Signal::Terminate => SignalKind::terminate(),
    };
    signal(kind).map(Some)
}

async fn next(stream: &mut Option<Stream>) {
    let received = match stream {
        Some(stream) => stream.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Whether this process was started with the signal ignored, as by `nohup` or a shell's `&`. The signal then stays
/// ignored.
fn is_ignored(signal: Signal) -> bool {
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| ignored_mask(&status));
    mask.is_some_and(|mask| mask >> (signal.number() - 1) & 1 == 1)
}

fn ignored_mask(status: &str) -> Option<u64> {
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(digits.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tcat\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000003\nSigCgt:\t0\n";
        assert_eq!(ignored_mask(status), Some(3));
        assert_eq!(ignored_mask("Name:\tcat\n"), None);
    }
}
