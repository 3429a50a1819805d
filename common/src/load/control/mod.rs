//! The control thread of a load: it receives signals, shows the progress, explains throttling, and updates a limit that
//! is a percentage of the table's capacity.

mod display;
mod explanation;
mod share;
mod signals;

use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::display::Display;
use self::share::ShareFollower;
use self::signals::Signals;
use super::LoadError;
use super::event::Event;
use super::job::Job;
use super::sink::{Destination, Sinks};
use crate::input::SourceProgress;
use crate::report::RowCounts;

/// Runs until it is dropped, and then clears its output from the terminal.
pub(super) struct Control {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Control {
    /// Starts the thread on `runtime`.
    ///
    /// # Errors
    /// The thread or a signal handler cannot be created.
    pub(super) fn start(
        runtime: Runtime,
        job: &Job,
        sinks: &Sinks,
        counts: &Arc<RowCounts>,
        progress: &[Arc<SourceProgress>],
        events: Sender<Event>,
        start: Instant,
    ) -> Result<Self, LoadError> {
        let signals = {
            let _entered = runtime.enter();
            Signals::open().map_err(LoadError::Thread)?
        };
        let mut display = (!job.quiet).then(|| Display::new(job, sinks, counts, progress, start));
        let share = match (&job.destination, sinks.of_table()) {
            (Destination::Table(table), Some(sinks)) => ShareFollower::new(table, sinks),
            _ => None,
        };
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            runtime.block_on(async {
                let display = async {
                    if let Some(display) = &mut display {
                        display.run().await;
                    }
                };
                let share = async {
                    if let Some(share) = share {
                        share.run().await;
                    }
                };
                tokio::select! {
                    _ = stopped => {}
                    _ = async { tokio::join!(signals.listen(events), display, share) } => {}
                }
            });
        };
        let thread = thread::Builder::new().name("control".to_owned()).spawn(run).map_err(LoadError::Thread)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
