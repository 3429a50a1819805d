//! From a source to the workers: read, map, serialise, and send each request to the worker that its key belongs to.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;

use super::channel::ChunkSender;
use super::collect::Event;
use super::numbering::Numbering;
use super::rejects::RejectedRow;
use super::{LoadError, Origin, Request};
use crate::batch_writer::{ItemJson, Key, WriteRequest};
use crate::capacity::limits::{MAX_BATCH_WRITE_REQUESTS, MAX_ITEM_SIZE, MAX_NUMBER_DIGITS};
use crate::logfile::{AttributeSink, ItemLayout, LogReader, LogRecord, ReadError, RecordError, Row};

impl AttributeSink for ItemJson {
    fn string(&mut self, name: &'static str, parts: &[&str]) {
        ItemJson::string(self, name, parts);
    }

    fn number(&mut self, name: &'static str, value: i128) {
        ItemJson::number(self, name, itoa::Buffer::new().format(value));
    }
}

/// What all producers of a load share.
#[derive(Debug, Clone)]
pub(super) struct Production {
    pub(super) layout: ItemLayout,
    pub(super) numbering: Numbering,
    /// Whether bad rows are set aside; otherwise the first one ends the load.
    pub(super) sets_aside: bool,
    pub(super) workers: Vec<ChunkSender<Vec<Request>>>,
    pub(super) events: Sender<Event>,
    pub(super) stop: Arc<AtomicBool>,
}

/// Reads one source to its end, or until something stops the load.
pub(super) struct Producer {
    production: Production,
    source: u32,
    name: String,
    chunks: Vec<Vec<Request>>,
    shared: ItemJson,
    own: ItemJson,
    read: u64,
}

/// The load is being stopped; why is known elsewhere.
struct Stopped;

impl Producer {
    pub(super) fn new(production: Production, source: u32, name: &str) -> Self {
        let chunks = production.workers.iter().map(|_| Vec::with_capacity(MAX_BATCH_WRITE_REQUESTS)).collect();
        let (shared, own) = (ItemJson::new(), ItemJson::new());
        Self { production, source, name: name.to_owned(), chunks, shared, own, read: 0 }
    }

    /// Produces everything and says how many rows were read. Whatever ends it early is told to the collector.
    pub(super) fn run(mut self, input: impl Read) -> u64 {
        if let Err(error) = self.produce(input) {
            // The collector outlives the producers.
            let _ = self.production.events.send(Event::Failed(error));
        }
        // What was read before a bad row is still written, as Python has written it by then.
        let _ = self.flush();
        self.read
    }

    fn produce(&mut self, input: impl Read) -> Result<(), LoadError> {
        let mut reader = LogReader::new(input);
        while !self.production.stop.load(Ordering::Relaxed) {
            // Somebody may be typing, or a pipe be slow: what there is goes out before the next row is waited for.
            if !reader.is_row_buffered() && self.flush().is_err() {
                break;
            }
            let Some(row) = reader.next_row() else { break };
            let row = row.map_err(|error| self.unreadable(error))?;
            self.read += u64::from(self.production.numbering.copies());
            if self.row(row)?.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn row(&mut self, row: Row<'_>) -> Result<Result<(), Stopped>, LoadError> {
        let Row { line, raw, record, .. } = row;
        let checked = record.and_then(|record| self.check(&record).map(|()| record));
        match checked {
            Ok(record) => Ok(self.copies(&record, line, raw)),
            Err(reason) => {
                let row = RejectedRow { source: self.name.clone(), line, raw: raw.into(), reason };
                let rows = u64::from(self.production.numbering.copies());
                let _ = self.production.events.send(Event::Rejected { row, rows });
                Ok(if self.production.sets_aside { Ok(()) } else { Err(Stopped) })
            }
        }
    }

    /// Serialises what the copies of a row have in common, and finds out before the first of them is sent whether all can be written.
    fn check(&mut self, record: &LogRecord<'_>) -> Result<(), RecordError> {
        let Production { layout, numbering, .. } = &self.production;
        layout.check_keys(record)?;
        self.shared.clear();
        layout.shared_attributes(record, &mut self.shared);
        // Ids only rise or fall from copy to copy, so the longest are at the ends.
        for copy in [0, numbering.copies().saturating_sub(1)] {
            let id = numbering.request_id(self.source as usize, copy, record.request_id);
            if id.unsigned_abs() >= 10_u128.pow(MAX_NUMBER_DIGITS as u32) {
                return Err(RecordError::CopyIdTooLong);
            }
            self.own.clear();
            layout.own_attributes(id, &mut self.own);
            let size = self.shared.size() + self.own.size();
            if size > MAX_ITEM_SIZE {
                return Err(RecordError::ItemTooLarge { size, limit: MAX_ITEM_SIZE });
            }
        }
        Ok(())
    }

    fn copies(&mut self, record: &LogRecord<'_>, line: u64, raw: &[u8]) -> Result<(), Stopped> {
        let raw: Option<Arc<[u8]>> = self.production.sets_aside.then(|| raw.into());
        for copy in 0..self.production.numbering.copies() {
            let id = self.production.numbering.request_id(self.source as usize, copy, record.request_id);
            self.own.clear();
            self.production.layout.own_attributes(id, &mut self.own);
            let key = Key::string(&["request#", itoa::Buffer::new().format(id)]);
            let worker = self.worker_of(&key);
            let origin = Origin { source: self.source, line, raw: raw.clone() };
            self.chunks[worker].push(WriteRequest::put(key, &[&self.own, &self.shared], origin));
            if self.chunks[worker].len() == MAX_BATCH_WRITE_REQUESTS {
                self.send(worker)?;
            }
        }
        Ok(())
    }

    /// A key always goes to the same worker, which keeps the order of its requests.
    fn worker_of(&self, key: &Key) -> usize {
        let hash = key.hash(&BuildHasherDefault::<DefaultHasher>::default());
        (hash % self.chunks.len() as u64) as usize
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        (0..self.chunks.len()).try_for_each(|worker| self.send(worker))
    }

    fn send(&mut self, worker: usize) -> Result<(), Stopped> {
        if self.chunks[worker].is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunks[worker], Vec::with_capacity(MAX_BATCH_WRITE_REQUESTS));
        self.production.workers[worker].send(chunk).map_err(|_| Stopped)
    }

    fn unreadable(&self, error: ReadError) -> LoadError {
        LoadError::Unreadable { source_name: self.name.clone(), error }
    }
}
