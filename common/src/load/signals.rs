//! SIGINT and SIGTERM, told to the collector.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::Sender;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::Notify;

use super::Signal;
use super::collect::Event;
use super::control::is_ignored;

/// Listens until it is dropped. SIGHUP is left as it is: ignored under nohup, the end otherwise.
pub(super) struct Signals {
    done: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Signals {
    /// # Errors
    /// The system gives no thread, runtime or signal handler.
    pub(super) fn listen(events: Sender<Event>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (mut interrupt, mut terminate) = {
            let _entered = runtime.enter();
            (open(Signal::Interrupt)?, open(Signal::Terminate)?)
        };
        let done = Arc::new(Notify::new());
        let ended = Arc::clone(&done);
        let listen = async move {
            loop {
                let signal = tokio::select! {
                    () = next(&mut interrupt) => Signal::Interrupt,
                    () = next(&mut terminate) => Signal::Terminate,
                    () = ended.notified() => return,
                };
                if events.send(Event::Signal(signal)).is_err() {
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
