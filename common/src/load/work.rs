//! A worker: a thread with a runtime and a client of its own, which writes the requests that come through its channel.

use std::io;

use crossbeam_channel::Sender;

use super::channel::{ChunkReceiver, Received};
use super::collect::Event;
use super::diagnosis::diagnose;
use super::{Origin, Request};
use crate::batch_writer::client::{Connection, Retries};
use crate::batch_writer::service_error::ServiceErrorKind;
use crate::batch_writer::{BatchWriter, KeySchema, Options, Settled, SharedPacer, Stop, Table, Turn};
use crate::logfile::PARTITION_KEY;

pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) table: String,
    pub(super) options: Options,
    pub(super) pacer: SharedPacer,
    pub(super) chunks: ChunkReceiver<Vec<Request>>,
    pub(super) events: Sender<Event>,
}

impl Worker {
    /// Works until all its requests are settled, or until the service will not have them.
    ///
    /// # Errors
    /// The system gives it no runtime.
    pub(super) fn run(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.work());
        Ok(())
    }

    async fn work(self) {
        let client = self.connection.client(Retries::Caller);
        let table = Table::new(client.clone(), self.table.clone(), KeySchema::partition(PARTITION_KEY))
            .telling_consumed_capacity(self.pacer.is_limited());
        let mut writer = BatchWriter::new(table, self.options, self.pacer.clone());
        let mut finished = false;
        let mut checked = false;
        loop {
            while !finished && writer.has_room() {
                match self.chunks.try_receive() {
                    Received::Chunk(chunk) => chunk.into_iter().for_each(|request| writer.push(request)),
                    Received::NothingYet => break,
                    Received::Finished => {
                        finished = true;
                        writer.close();
                    }
                }
            }
            let wants_input = !finished && writer.has_room();
            let turn = tokio::select! {
                turn = writer.turn() => turn,
                () = self.chunks.woken(), if wants_input => Turn::Progress,
            };
            let settled = writer.take_settled();
            // A refused row may be a bad row, or the first of all the rows of a table that is not the lab's.
            if !checked && let Some(error) = settled.iter().find_map(refusal) {
                checked = true;
                if let Some(stop) = diagnose(&client, &self.table, error).await {
                    let _ = self.events.send(Event::Stopped(Stop::Service(stop)));
                    return;
                }
            }
            if !settled.is_empty() && self.events.send(Event::Settled(settled)).is_err() {
                return;
            }
            match turn {
                Turn::Progress => {}
                Turn::NeedsInput => self.chunks.woken().await,
                Turn::Done => return,
                Turn::Stopped => break,
            }
        }
        if let Some(stop) = writer.stopped() {
            let stop = match stop {
                Stop::Service(error) if error.kind == ServiceErrorKind::NoSuchTable => {
                    Stop::Service(diagnose(&client, &self.table, error).await.unwrap_or_else(|| error.clone()))
                }
                other => other.clone(),
            };
            let _ = self.events.send(Event::Stopped(stop));
        }
    }
}

fn refusal(settled: &Settled<Origin>) -> Option<&crate::batch_writer::service_error::ServiceError> {
    match settled {
        Settled::Rejected(_, error) => Some(error),
        Settled::Written(_) => None,
    }
}
