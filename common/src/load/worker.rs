//! A worker: a thread with a runtime of its own, which drives a sink with the requests that come through its channel.

use std::io;
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::sync::watch;

use super::LoadError;
use super::channel::{ChunkReceiver, Received};
use super::event::Event;
use super::phase::{Phase, SharedPhase};
use super::request::Request;
use super::sink::Sink;
use crate::batch_writer::Turn;
use crate::report::{KeyCounter, ReplacedRows};

/// How long batches in flight are waited for when the load is stopped. DynamoDB responds within milliseconds or not at all.
const FINAL_RESPONSES: Duration = Duration::from_secs(5);

/// A worker that has no sink yet.
pub(super) struct Worker {
    pub(super) chunks: ChunkReceiver<Vec<Request>>,
    pub(super) events: Sender<Event>,
    pub(super) phase: SharedPhase,
    pub(super) keys: KeyCounter,
}

impl Worker {
    /// Runs until all its requests are settled, until the sink stops, or until the load is stopped. `open` is called
    /// within the worker's runtime.
    ///
    /// # Errors
    /// Its runtime cannot be created.
    pub(super) fn run<S: Sink>(self, open: impl FnOnce() -> S) -> io::Result<ReplacedRows> {
        // Also sent when the worker panics.
        let ended = Ended(self.events.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let phase_changes = self.phase.watch();
        let (error, replaced) = runtime.block_on(async {
            let mut running = RunningWorker { worker: self, sink: open(), phase_changes, closed: false };
            (running.work().await, running.worker.keys.replaced())
        });
        if let Some(error) = error {
            let _ = ended.0.send(Event::Failed(error));
        }
        Ok(replaced)
    }
}

struct RunningWorker<S> {
    worker: Worker,
    sink: S,
    phase_changes: watch::Receiver<Phase>,
    /// No more requests will come.
    closed: bool,
}

impl<S: Sink> RunningWorker<S> {
    /// `None` when all is settled, or when the load was stopped by others.
    async fn work(&mut self) -> Option<LoadError> {
        loop {
            if *self.phase_changes.borrow_and_update() == Phase::Stopping {
                self.stop().await;
                return None;
            }
            self.receive_chunks();
            let wants_input = !self.closed && self.sink.has_room();
            let turn = tokio::select! {
                turn = self.sink.turn() => turn,
                () = self.worker.chunks.woken(), if wants_input => Turn::Progress,
                Ok(()) = self.phase_changes.changed() => Turn::Progress,
            };
            self.report_settled();
            match turn {
                Turn::Progress => {}
                Turn::NeedsInput => tokio::select! {
                    () = self.worker.chunks.woken() => {}
                    Ok(()) = self.phase_changes.changed() => {}
                },
                Turn::Done => return None,
                Turn::Stopped => return self.sink.take_error(),
            }
        }
    }

    fn receive_chunks(&mut self) {
        while !self.closed && self.sink.has_room() {
            // Checked before the channel: everything that a producer sent before it ended is then in the channel.
            let producers_are_done = self.worker.phase.producers_are_done();
            match self.worker.chunks.try_receive() {
                Received::Chunk(chunk) => {
                    chunk.iter().for_each(|request| self.worker.keys.add(request.key()));
                    self.sink.push_all(chunk);
                }
                Received::NothingYet if !producers_are_done => break,
                Received::NothingYet | Received::Finished => {
                    self.closed = true;
                    self.sink.close();
                }
            }
        }
    }

    fn report_settled(&mut self) {
        let settled = self.sink.take_settled();
        if !settled.is_empty() {
            let _ = self.worker.events.send(Event::Settled(settled));
        }
    }

    /// Starts nothing new, and waits for the responses to batches in flight.
    async fn stop(&mut self) {
        self.sink.stop();
        let _ = tokio::time::timeout(FINAL_RESPONSES, async {
            while self.sink.turn().await != Turn::Stopped {
                self.report_settled();
            }
        })
        .await;
        self.report_settled();
    }
}

/// Notifies the collector, when dropped, that the worker has ended.
struct Ended(Sender<Event>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send(Event::WorkerEnded);
    }
}
