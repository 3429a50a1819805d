//! SIGINT and SIGTERM.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until};

use crate::load::event::Event;
use crate::load::signal::Signal;

/// How often the collector is told again when it had no room.
const TELL_AGAIN: Duration = Duration::from_millis(50);

/// How long after the second signal the collector may take. It is held up for ever by a standard output that is open and that nobody
/// reads; then the process ends without a summary.
const FINAL_OUTPUT: Duration = Duration::from_secs(3);

/// Hears both signals, unless they are ignored. SIGHUP is left as it is: ignored under nohup, the end otherwise.
pub(super) struct Signals {
    interrupt: Option<Stream>,
    terminate: Option<Stream>,
}

impl Signals {
    /// Call it within a runtime.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { interrupt: open(Signal::Interrupt)?, terminate: open(Signal::Terminate)? })
    }

    /// Tells the collector of signals until it has gone.
    pub(super) async fn listen(mut self, events: Sender<Event>) {
        let mut untold = VecDeque::new();
        let mut signals = 0;
        let mut end_at = None;
        loop {
            let signal = tokio::select! {
                () = next(&mut self.interrupt) => Signal::Interrupt,
                () = next(&mut self.terminate) => Signal::Terminate,
                () = sleep(TELL_AGAIN), if !untold.is_empty() => {
                    if tell(&events, &mut untold) { continue } else { return }
                }
                Some(code) = at(end_at) => std::process::exit(code),
            };
            signals += 1;
            if signals == 2 {
                end_at = Some((Instant::now() + FINAL_OUTPUT, 128 + i32::from(signal.number())));
            }
            untold.push_back(signal);
            if !tell(&events, &mut untold) {
                return;
            }
        }
    }
}

/// Tells the collector, as far as it has room: waiting for it, a second signal would not be heard. Whether it is still there.
fn tell(events: &Sender<Event>, untold: &mut VecDeque<Signal>) -> bool {
    while let Some(signal) = untold.front() {
        match events.try_send(Event::Signal(*signal)) {
            Ok(()) => untold.pop_front(),
            Err(TrySendError::Full(_)) => return true,
            Err(TrySendError::Disconnected(_)) => return false,
        };
    }
    true
}

/// The exit code, when it is time to end.
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

/// Whether this process was started with the signal ignored, as `nohup` and a shell's `&` do it. Then it stays ignored.
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
