//! SIGINT and SIGTERM, told to the collector.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::Signal;
use super::collect::Event;
use super::control::is_ignored;

/// How often the collector is told again when it had no room.
const TELL_AGAIN: Duration = Duration::from_millis(50);

/// How long after the second signal the collector may take. It is held up for ever by a standard output that is open and that nobody
/// reads; then the process ends without a summary.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Listens until it is dropped. SIGHUP is left as it is: ignored under nohup, the end otherwise.
pub(super) struct Signals {
    done: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    /// # Errors
    /// The system gives no thread, runtime or signal handler.
    pub(super) fn listen(events: Sender<Event>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate) = {
            let _entered = runtime.enter();
            (open(Signal::Interrupt)?, open(Signal::Terminate)?)
        };
        let done = Arc::new(Notify::new());
        let ended = Arc::clone(&done);
        let listen = async move {
            let mut untold = VecDeque::new();
            let mut signals = 0;
            let mut end_at = None;
            loop {
                let signal = tokio::select! {
                    () = next(&mut interrupt) => Signal::Interrupt,
                    () = next(&mut terminate) => Signal::Terminate,
                    () = sleep(TELL_AGAIN), if !untold.is_empty() => {
                        if tell(&events, &mut untold) { continue } else { return }
                    }
                    Some(code) = at(end_at) => std::process::exit(code),
                    () = ended.notified() => return,
                };
                signals += 1;
                if signals == 2 {
                    end_at = Some((Instant::now() + LAST_WORDS, 128 + i32::from(signal.number())));
                }
                untold.push_back(signal);
                if !tell(&events, &mut untold) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(listen))?;
        Ok(Self { done, thread: Some(thread) })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.done.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
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
