//! From a source to the workers: read, map, serialise, and send each request to the worker that its key belongs to.

mod chunks;
pub(super) mod key_types;

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crossbeam_channel::Sender;

use self::chunks::Chunks;
use self::key_types::KeyTypes;
use super::LoadError;
use super::channel::ChunkSender;
use super::event::Event;
use super::part::{KeyHasher, Part};
use super::phase::{Phase, SharedPhase};
use super::rejects::RejectedRow;
use super::request::{Origin, Request};
use super::resume::OpenSource;
use crate::batch_writer::ItemJson;
use crate::capacity::limits::MAX_ITEM_SIZE;
use crate::input::{Fields, ReadError, Record, RecordError, RecordReader, ResumeError};
use crate::mapping::{Mapper, Mapping, Numbering};
use crate::report::{RecordEnd, RecordRows, ResumePoint, RowCounts, SettledRange};

/// What all producers of a load share.
#[derive(Debug, Clone)]
pub(super) struct Production {
    pub(super) mapping: Mapping,
    /// The table's name.
    pub(super) table: Arc<str>,
    /// Whether a record of the load has a key of the table's type.
    pub(super) is_table_right: Arc<AtomicBool>,
    pub(super) numbering: Numbering,
    /// Only the rows of this part are written.
    pub(super) part: Option<Part>,
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
    /// What was read so far.
    end: RecordEnd,
    /// Number of the next record that is this load's, from 0: without parts, every record is.
    next: u64,
    /// Records that an earlier run has settled.
    settled: VecDeque<SettledRange<RecordEnd>>,
    chunks: Chunks,
    mapper: Mapper,
    shared: ItemJson,
    own: ItemJson,
    /// The part whose rows are written, and which copies of the present record are in it.
    part: Option<(Part, KeyHasher)>,
    copies: Vec<u32>,
    key_types: KeyTypes,
}

/// A record is bad. `None`: another part of the load rejects it.
struct Rejection(Option<Event>);

/// The load is being stopped; why is known elsewhere.
struct Stopped;

impl Producer {
    /// The reader begins behind the settled prefix.
    pub(super) fn new(production: Production, source: usize, name: &str, resume: ResumePoint<RecordEnd>) -> Self {
        let chunks = Chunks::new(production.workers.clone());
        let schema = production.mapping.key_schema();
        let (shared, own) = (ItemJson::new(), ItemJson::keyed(schema.clone()));
        let (next, end, settled) = (resume.prefix.end, resume.prefix.position, resume.ranges.into());
        let mapper = Mapper::new(&production.mapping, production.numbering, source, name);
        let part = production.part.map(|part| (part, KeyHasher::new(schema)));
        let (name, copies) = (name.to_owned(), (0..mapper.copies()).collect());
        let key_types = KeyTypes::new(Arc::clone(&production.table), Arc::clone(&production.is_table_right));
        Self { production, source, name, end, next, settled, chunks, mapper, shared, own, part, copies, key_types }
    }

    /// Produces everything. The collector gets an event for whatever ends it early.
    pub(super) fn run(mut self, source: OpenSource) {
        // Even a producer that panics has then ended for the others.
        let _ended = Ended { phase: self.production.phase.clone(), source: self.source };
        let produced = source.reader().and_then(|mut reader| self.produce(&mut reader));
        if let Err(error) = produced {
            self.emit(Event::Failed(error));
        }
        // What was read before a bad row is still written, as Python has written it by then.
        let _ = self.chunks.flush();
        self.emit(Event::ProducerEnded);
    }

    fn produce(&mut self, reader: &mut RecordReader<impl Read>) -> Result<(), LoadError> {
        while !self.is_stopped() {
            let waits = !reader.is_row_buffered();
            // Somebody may be typing, or a pipe be slow: what there is goes out before the next row is waited for.
            if waits && self.begin_waiting().is_err() {
                break;
            }
            let record = reader.next_record();
            if waits {
                self.production.phase.set_waiting(self.source, false);
                if self.is_stopped() {
                    break; // and the workers may have gone: this row counts as not read
                }
            }
            let Some(record) = record else {
                if let Some(missing) = self.settled.front() {
                    return Err(self.changed(missing));
                }
                self.key_types.finish()?.into_iter().for_each(|event| self.emit(event));
                self.emit(Event::SourceRead { source: self.source, end: self.end });
                break;
            };
            let record = record.map_err(|error| self.unreadable(error))?;
            let rejection = match self.record(record) {
                Ok(Some(rejection)) => rejection,
                Ok(None) => continue,
                Err(Stopped) => break,
            };
            // An input of another format is not a file of bad rows.
            if let Some(wrong) = reader.wrong_format() {
                return Err(self.unreadable(ReadError::WrongFormat(Box::new(wrong))));
            }
            let Rejection(Some(event)) = rejection else { continue };
            let Some(event) = self.key_types.rejected(event)? else { continue };
            self.emit(event);
            if !self.production.collects_rejects {
                break;
            }
        }
        Ok(())
    }

    /// Rejects the records that were held, now that one has the table's key type.
    fn reject_held(&mut self) -> Result<(), Stopped> {
        for event in self.key_types.accepted() {
            self.emit(event);
            if !self.production.collects_rejects {
                return Err(Stopped);
            }
        }
        Ok(())
    }

    fn unreadable(&self, error: ReadError) -> LoadError {
        LoadError::Unreadable { source_name: self.name.clone(), error }
    }

    /// Skips the current record if an earlier run has settled it.
    fn skips_settled(&mut self) -> Result<bool, Stopped> {
        let Some(range) = self.settled.front().filter(|range| range.first <= self.next) else {
            return Ok(false);
        };
        if self.next + 1 == range.end {
            if self.end != range.position {
                let error = self.changed(range);
                return Err(self.failed(error));
            }
            self.settled.pop_front();
        }
        self.next += 1;
        Ok(true)
    }

    fn changed(&self, range: &SettledRange<RecordEnd>) -> LoadError {
        let error = ResumeError::Different(range.position.position.offset);
        LoadError::Changed { source_name: self.name.clone(), error }
    }

    fn is_stopped(&self) -> bool {
        self.production.phase.get() > Phase::Running
    }

    fn begin_waiting(&mut self) -> Result<(), Stopped> {
        self.chunks.flush()?;
        self.production.phase.set_waiting(self.source, true);
        for worker in &self.production.workers {
            worker.wake();
        }
        if self.is_stopped() { Err(Stopped) } else { Ok(()) }
    }

    /// Sends the copies of a record to the workers, or returns it as rejected. `None` also if nothing is to be done with it.
    fn record(&mut self, record: Record<'_>) -> Result<Option<Rejection>, Stopped> {
        let Record { line, raw, end, fields, oddities } = record;
        let number = self.end.records;
        self.end = RecordEnd { records: number + 1, position: end };
        // Without parts, every record is this load's, and need not be looked at.
        if self.part.is_none() && self.skips_settled()? {
            return Ok(None);
        }
        let is_first_ours = self.choose_copies(number, raw, fields.as_ref().ok().copied());
        // The first record shows of what format the input is.
        if self.copies.is_empty() && !is_first_ours && number > 0 {
            return Ok(None);
        }
        let checked = fields.and_then(|fields| self.check(number, raw, fields).map(|()| fields));
        let rows = match &checked {
            Err(_) if !is_first_ours => return Ok(Some(Rejection(None))),
            Err(_) => self.mapper.copies() as usize,
            Ok(_) if self.copies.is_empty() => return Ok(None),
            Ok(_) => self.copies.len(),
        };
        if self.part.is_some() && self.skips_settled()? {
            return Ok(None);
        }
        let (source, rows) = (self.source as u32, rows as u64);
        let record = RecordRows { number: self.next, rows, end: self.end };
        self.next += 1;
        self.production.counts.add_read(self.source, rows);
        match checked {
            Ok(fields) => {
                self.reject_held()?;
                if !oddities.is_empty() && is_first_ours {
                    self.emit(Event::Odd { source, line, oddities });
                }
                let raw = self.production.collects_rejects.then(|| Arc::from(raw));
                self.send_copies(fields, &Origin { source, record, line, raw })?;
                Ok(None)
            }
            Err(reason) => {
                let row = RejectedRow { source: self.name.clone(), line, raw: raw.into(), reason };
                let origin = Origin { source, record, line, raw: None };
                Ok(Some(Rejection(Some(Event::Rejected { row, origin }))))
            }
        }
    }

    /// Finds out which copies of a record are this part's, and whether the first one is: that part rejects the record if it is bad. Where
    /// there is no key, its position decides.
    fn choose_copies(&mut self, number: u64, raw: &[u8], fields: Option<&Fields>) -> bool {
        let Some((part, hasher)) = &mut self.part else { return true };
        self.copies.clear();
        let mut is_first_ours = part.owns_record(self.source, number);
        let Some(fields) = fields.filter(|fields| self.mapper.begin(number, raw, fields).is_ok()) else {
            return is_first_ours;
        };
        for copy in 0..self.mapper.copies() {
            hasher.clear();
            if self.mapper.write_own(fields, copy, hasher).is_err() {
                break; // and the record will be rejected
            }
            let is_ours = part.has(hasher.hash());
            if copy == 0 {
                is_first_ours = is_ours;
            }
            if is_ours {
                self.copies.push(copy);
            }
        }
        is_first_ours
    }

    fn internal(&self, reason: String) -> Stopped {
        self.failed(LoadError::Internal(reason))
    }

    fn failed(&self, error: LoadError) -> Stopped {
        self.emit(Event::Failed(error));
        Stopped
    }

    fn emit(&self, event: Event) {
        // When the collector has gone, the program is about to end.
        let _ = self.production.events.send(event);
    }

    /// Serialises what the copies of a record have in common, and finds out before the first of them is sent whether all can be
    /// written.
    fn check(&mut self, number: u64, raw: &[u8], fields: &Fields) -> Result<(), RecordError> {
        self.mapper.begin(number, raw, fields)?;
        self.shared.clear();
        self.mapper.write_shared(fields, &mut self.shared)?;
        // Ids only rise or fall from copy to copy, so the longest are at the ends.
        let last = self.mapper.copies().saturating_sub(1);
        for copy in [last, 0].into_iter().skip(usize::from(last == 0)) {
            self.own.clear();
            self.mapper.write_own(fields, copy, &mut self.own)?;
            let size = self.shared.size() + self.own.size();
            if size > MAX_ITEM_SIZE {
                return Err(RecordError::ItemTooLarge { size, limit: MAX_ITEM_SIZE });
            }
        }
        Ok(())
    }

    fn send_copies(&mut self, fields: &Fields, origin: &Origin) -> Result<(), Stopped> {
        self.chunks.begin_record();
        for index in 0..self.copies.len() {
            let copy = self.copies[index];
            // The first one is there from the check.
            if copy > 0 {
                self.own.clear();
                if let Err(error) = self.mapper.write_own(fields, copy, &mut self.own) {
                    return Err(self.internal(format!("a copy between two good ones is bad: {error}")));
                }
            }
            let Some(key) = self.own.key() else {
                return Err(self.internal("an item without a key".to_owned()));
            };
            self.chunks.push(key, &self.own, &self.shared, origin)?;
        }
        Ok(())
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

#[cfg(test)]
mod tests;
