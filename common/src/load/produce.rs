//! From a source to the workers: read, map, serialise, and send each request to the worker that its key belongs to.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;

use bytes::BytesMut;
use crossbeam_channel::Sender;

use super::LoadError;
use super::channel::ChunkSender;
use super::collect::Event;
use super::numbering::Numbering;
use super::phase::{Phase, SharedPhase};
use super::rejects::RejectedRow;
use super::request::{Origin, Request};
use crate::batch_writer::{ItemJson, Key, KeySchema, MissingKey, SharedJson, WriteRequest};
use crate::capacity::limits::{MAX_ITEM_SIZE, MAX_NUMBER_DIGITS};
use crate::logfile::{
    AttributeSink, ItemLayout, LogReader, LogRecord, PARTITION_KEY, Position, RecordError, ResumeError, Row,
    format_integer,
};
use crate::report::{ResumePoint, RowCounts, SettledRange};

/// A chunk is handed over when it has so many requests or bytes of JSON. Four batches at once, because each hand-over may wake a
/// thread; few bytes, because items can be large and memory is to stay small.
const CHUNK_REQUESTS: usize = 100;
const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes of JSON whose memory is allocated together: of a chunk's requests, most often.
const BUFFER: usize = 12 * 1024;

impl AttributeSink for ItemJson {
    fn string(&mut self, name: &'static str, parts: &[&str]) {
        ItemJson::string(self, name, parts);
    }

    fn number(&mut self, name: &'static str, value: i128) {
        ItemJson::number(self, name, format_integer(&mut itoa::Buffer::new(), value));
    }
}

/// What all producers of a load share.
#[derive(Debug, Clone)]
pub(super) struct Production {
    pub(super) layout: ItemLayout,
    pub(super) numbering: Numbering,
    /// Whether rejected rows are collected; otherwise the first one ends the load.
    pub(super) collects_rejects: bool,
    pub(super) workers: Vec<ChunkSender<Vec<Request>>>,
    pub(super) events: Sender<Event>,
    pub(super) phase: SharedPhase,
    pub(super) counts: Arc<RowCounts>,
}

/// Reads one source to its end, or until something stops the load.
pub(super) struct Producer {
    production: Production,
    source: usize,
    name: String,
    /// Number of the next record, from 0.
    record: u64,
    /// Records that an earlier run has settled.
    settled: VecDeque<SettledRange<Position>>,
    chunks: Vec<Chunk>,
    shared: ItemJson,
    own: ItemJson,
}

/// Requests on their way to one worker.
struct Chunk {
    requests: Vec<Request>,
    /// Length of their JSON, what they share counted once.
    bytes: usize,
    /// The memory of their own JSON. Of this chunk only: threads that count who still uses a piece of memory wait for each other.
    buffer: BytesMut,
    /// What the copies of the present row share, and where they come from, likewise of this chunk only.
    shared: Option<(SharedJson, Arc<Origin>)>,
}

impl Chunk {
    fn new() -> Self {
        let (requests, buffer) = (Vec::with_capacity(CHUNK_REQUESTS), BytesMut::with_capacity(BUFFER));
        Self { requests, bytes: 0, buffer, shared: None }
    }
}

/// The load is being stopped; why is known elsewhere.
struct Stopped;

impl Producer {
    /// The reader begins behind the settled prefix.
    pub(super) fn new(production: Production, source: usize, name: &str, resume: ResumePoint<Position>) -> Self {
        let chunks = production.workers.iter().map(|_| Chunk::new()).collect();
        let (shared, own) = (ItemJson::new(), ItemJson::keyed(KeySchema::partition(PARTITION_KEY)));
        let (record, settled) = (resume.prefix.end, resume.ranges.into());
        Self { production, source, name: name.to_owned(), record, settled, chunks, shared, own }
    }

    /// Produces everything. Whatever ends it early is told to the collector.
    pub(super) fn run(mut self, mut reader: LogReader<impl Read>) {
        // Even a producer that panics has then ended for the others.
        let _ended = Ended { phase: self.production.phase.clone(), source: self.source };
        if let Err(error) = self.produce(&mut reader) {
            self.tell(Event::Failed(error));
        }
        // What was read before a bad row is still written, as Python has written it by then.
        let _ = self.flush();
        self.tell(Event::ProducerEnded);
    }

    fn produce(&mut self, reader: &mut LogReader<impl Read>) -> Result<(), LoadError> {
        while !self.is_stopped() {
            let waits = !reader.is_row_buffered();
            // Somebody may be typing, or a pipe be slow: what there is goes out before the next row is waited for.
            if waits && self.begin_waiting().is_err() {
                break;
            }
            let row = reader.next_row();
            if waits {
                self.production.phase.set_waiting(self.source, false);
                if self.is_stopped() {
                    break; // and the workers may have gone: this row counts as not read
                }
            }
            let Some(row) = row else {
                return self.settled.front().map_or(Ok(()), |missing| Err(self.changed(missing)));
            };
            let row = row.map_err(|error| LoadError::Unreadable { source_name: self.name.clone(), error })?;
            if self.is_settled(row.end)? {
                self.record += 1;
                continue;
            }
            self.production.counts.add_read(self.source, u64::from(self.production.numbering.copies()));
            if self.row(row).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Whether an earlier run has settled the next record, which ends at `end`.
    fn is_settled(&mut self, end: Position) -> Result<bool, LoadError> {
        let Some(range) = self.settled.front().filter(|range| range.first <= self.record) else {
            return Ok(false);
        };
        if self.record + 1 == range.end {
            if end != range.position {
                return Err(self.changed(range));
            }
            self.settled.pop_front();
        }
        Ok(true)
    }

    fn changed(&self, range: &SettledRange<Position>) -> LoadError {
        let error = ResumeError::Different(range.position.offset);
        LoadError::Changed { source_name: self.name.clone(), error }
    }

    fn is_stopped(&self) -> bool {
        self.production.phase.get() > Phase::Running
    }

    fn begin_waiting(&mut self) -> Result<(), Stopped> {
        self.flush()?;
        self.production.phase.set_waiting(self.source, true);
        for worker in &self.production.workers {
            worker.wake();
        }
        if self.is_stopped() { Err(Stopped) } else { Ok(()) }
    }

    fn row(&mut self, row: Row<'_>) -> Result<(), Stopped> {
        let Row { line, raw, record, end } = row;
        let number = self.record;
        self.record += 1;
        let (collects_rejects, source) = (self.production.collects_rejects, self.source as u32);
        let checked = record.and_then(|record| self.check(&record).map(|()| record));
        match checked {
            Ok(record) => {
                let raw = collects_rejects.then(|| Arc::from(raw));
                self.copies(&record, &Origin { source, record: number, line, end, raw })
            }
            Err(reason) => {
                let row = RejectedRow { source: self.name.clone(), line, raw: raw.into(), reason };
                let origin = Origin { source, record: number, line, end, raw: None };
                let rows = u64::from(self.production.numbering.copies());
                self.tell(Event::Rejected { row, origin, rows });
                if collects_rejects { Ok(()) } else { Err(Stopped) }
            }
        }
    }

    fn tell(&self, event: Event) {
        // When the collector has gone, the program is about to end.
        let _ = self.production.events.send(event);
    }

    /// Serialises what the copies of a row have in common, and finds out before the first of them is sent whether all can be written.
    fn check(&mut self, record: &LogRecord<'_>) -> Result<(), RecordError> {
        let Production { layout, numbering, .. } = &self.production;
        layout.check_keys(record)?;
        self.shared.clear();
        layout.shared_attributes(record, &mut self.shared);
        // Ids only rise or fall from copy to copy, so the longest are at the ends.
        for copy in [0, numbering.copies().saturating_sub(1)] {
            let id = numbering.request_id(self.source, copy, record.request_id);
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

    fn copies(&mut self, record: &LogRecord<'_>, origin: &Origin) -> Result<(), Stopped> {
        self.chunks.iter_mut().for_each(|chunk| chunk.shared = None);
        for copy in 0..self.production.numbering.copies() {
            let id = self.production.numbering.request_id(self.source, copy, record.request_id);
            self.own.clear();
            self.production.layout.own_attributes(id, &mut self.own);
            let Some(key) = self.own.key() else {
                self.tell(Event::Failed(LoadError::Internal("an item without a key".to_owned())));
                return Err(Stopped);
            };
            let worker = self.worker_of(key);
            let chunk = &mut self.chunks[worker];
            let (shared, origin) = chunk.shared.get_or_insert_with(|| {
                chunk.bytes += self.shared.json().len();
                (self.shared.share(), Arc::new(origin.clone()))
            });
            let request = WriteRequest::put_in(&mut chunk.buffer, &self.own, shared, Arc::clone(origin));
            let request = request.map_err(|MissingKey| Stopped)?;
            chunk.bytes += self.own.json().len();
            chunk.requests.push(request);
            if chunk.requests.len() >= CHUNK_REQUESTS || chunk.bytes >= CHUNK_BYTES {
                self.send(worker)?;
            }
        }
        Ok(())
    }

    /// A key always goes to the same worker, which keeps the order of its requests.
    fn worker_of(&self, key: Key) -> usize {
        // Of the upper half, so that the lower one, by which a worker tells its keys apart, is left as it is.
        ((key.hash() >> 32) % self.chunks.len() as u64) as usize
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        (0..self.chunks.len()).try_for_each(|worker| self.send(worker))
    }

    fn send(&mut self, worker: usize) -> Result<(), Stopped> {
        if self.chunks[worker].requests.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunks[worker], Chunk::new());
        self.production.workers[worker].send(chunk.requests).map_err(|_| Stopped)
    }
}

/// Marks a producer as ended when it is dropped.
struct Ended {
    phase: SharedPhase,
    source: usize,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.phase.producer_ended(self.source);
    }
}
