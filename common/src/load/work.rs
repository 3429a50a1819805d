//! A worker: a thread with a runtime and a client of its own, which writes the requests that come through its channel.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::sync::watch;

use super::Origin;
use super::Request;
use super::channel::{ChunkReceiver, Received};
use super::collect::Event;
use super::control::{Control, Phase};
use super::diagnosis::diagnose;
use crate::batch_writer::client::{Connection, Retries};
use crate::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use crate::batch_writer::{BatchWriter, Options, Settled, SharedPacer, Stop, Table, Turn};
use batch_writer::SharedTraffic;

/// How long batches in flight are waited for when the load is stopped. DynamoDB answers within milliseconds or not at all.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) table: String,
    /// The table, to be written through the worker's own client.
    pub(super) sink: Table,
    pub(super) options: Options,
    pub(super) pacer: SharedPacer,
    pub(super) traffic: SharedTraffic,
    pub(super) chunks: ChunkReceiver<Vec<Request>>,
    pub(super) events: Sender<Event>,
    pub(super) control: Control,
}

/// A worker at work.
struct Working {
    worker: Worker,
    client: aws_sdk_dynamodb::Client,
    writer: BatchWriter<Table, Arc<Origin>>,
    phase: watch::Receiver<Phase>,
    /// No more requests will come.
    finished: bool,
    /// Whether the table has been looked at after the first refusal.
    diagnosed: bool,
}

impl Worker {
    /// Works until all its requests are settled, until the service will not have them, or until the load is stopped.
    ///
    /// # Errors
    /// The system gives it no runtime.
    pub(super) fn run(self) -> io::Result<()> {
        // Also a worker that panics has ended for the collector.
        let ended = Ended(self.events.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        if let Some(stop) = runtime.block_on(async { self.start().work().await }) {
            let _ = ended.0.send(Event::Stopped(stop));
        }
        Ok(())
    }

    fn start(self) -> Working {
        let client = self.connection.client(Retries::Caller);
        let writer = BatchWriter::new(self.sink.with_client(client.clone()), self.options, self.pacer.clone())
            .counting_traffic(self.traffic.clone());
        let phase = self.control.watch();
        Working { worker: self, client, writer, phase, finished: false, diagnosed: false }
    }
}

impl Working {
    /// `None` when all is settled, or when the load was stopped by others.
    async fn work(mut self) -> Option<Stop> {
        loop {
            if *self.phase.borrow_and_update() == Phase::Stopping {
                self.stop().await;
                return None;
            }
            self.take_chunks();
            let wants_input = !self.finished && self.writer.has_room();
            let turn = tokio::select! {
                turn = self.writer.turn() => turn,
                () = self.worker.chunks.woken(), if wants_input => Turn::Progress,
                Ok(()) = self.phase.changed() => Turn::Progress,
            };
            if let Some(stop) = self.report().await {
                return Some(stop);
            }
            match turn {
                Turn::Progress => {}
                Turn::NeedsInput => tokio::select! {
                    () = self.worker.chunks.woken() => {}
                    Ok(()) = self.phase.changed() => {}
                },
                Turn::Done => return None,
                Turn::Stopped => return self.reason().await,
            }
        }
    }

    fn take_chunks(&mut self) {
        while !self.finished && self.writer.has_room() {
            // Asked for before the channel is: what a producer sent before it was done is then in the channel.
            let producers_are_done = self.worker.control.producers_are_done();
            match self.worker.chunks.try_receive() {
                Received::Chunk(chunk) => self.writer.push_all(chunk),
                Received::NothingYet if !producers_are_done => break,
                Received::NothingYet | Received::Finished => {
                    self.finished = true;
                    self.writer.close();
                }
            }
        }
    }

    /// Tells the collector what was settled. A refused row may be a bad row, or the first of all the rows of a table that is not the
    /// lab's: then that is why the load stops.
    async fn report(&mut self) -> Option<Stop> {
        let settled = self.writer.take_settled();
        if !self.diagnosed
            && let Some(error) = settled.iter().find_map(refusal)
        {
            self.diagnosed = true;
            if let Some(error) = diagnose(&self.client, &self.worker.table, error).await {
                return Some(Stop::Service(error));
            }
        }
        if !settled.is_empty() {
            let _ = self.worker.events.send(Event::Settled(settled));
        }
        None
    }

    /// Sends nothing more, and waits for the answers to what is in flight.
    async fn stop(&mut self) {
        self.writer.stop();
        let _ = tokio::time::timeout(LAST_ANSWERS, async {
            while self.writer.turn().await != Turn::Stopped {
                self.report().await;
            }
        })
        .await;
        self.report().await;
    }

    async fn reason(&self) -> Option<Stop> {
        match self.writer.stopped()? {
            Stop::Service(error) if error.kind == ServiceErrorKind::NoSuchTable => {
                let diagnosed = diagnose(&self.client, &self.worker.table, error).await;
                Some(Stop::Service(diagnosed.unwrap_or_else(|| error.clone())))
            }
            other => Some(other.clone()),
        }
    }
}

fn refusal(settled: &Settled<Arc<Origin>>) -> Option<&ServiceError> {
    match settled {
        Settled::Rejected(_, error) => Some(error),
        Settled::Written(_) => None,
    }
}

/// Tells the collector that the worker has ended, when it is dropped.
struct Ended(Sender<Event>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.send(Event::WorkerEnded);
    }
}
