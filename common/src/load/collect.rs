//! The thread that receives all events of a load and counts its settled rows.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use tokio::time::Instant;

use super::LoadError;
use super::event::Event;
use super::max_errors::MaxErrors;
use super::phase::{Phase, SharedPhase};
use super::rejects::{RejectedRow, Rejects};
use super::request::Origin;
use crate::batch_writer::Settled;
use crate::input::{Oddities, OddityCounts, RecordError, SourceProgress};
use crate::report::{Checkpoint, PythonLines, RecordEnd, RowCounts, SavedProgress, SavedRejects, Watermark};

/// How often the checkpoint is saved. Rows written since the last save are written again after a crash.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// How long events accumulate once the queue is empty. Waiting for each one would wake this thread for each one,
/// thousands of times a second.
const BATCH_INTERVAL: Duration = Duration::from_millis(1);

/// Counts, collects rejected rows, prints the lines about written ones, and saves the load's progress.
pub(super) struct Collector<W> {
    pub(super) lines: PythonLines<W>,
    pub(super) rejects: Option<Rejects>,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) watermarks: Vec<Watermark<RecordEnd>>,
    /// The end of each source that was read to its end.
    pub(super) ends: Vec<Option<RecordEnd>>,
    pub(super) names: Vec<String>,
    pub(super) counts: Arc<RowCounts>,
    pub(super) oddities: OddityCounts,
    pub(super) copies: u64,
    pub(super) max_errors: Option<MaxErrors>,
    /// Records in the rejects files that are not in the settled prefix, as (source, record).
    pub(super) collected: HashSet<(u32, u64)>,
    /// What ended the load early.
    pub(super) errors: Vec<LoadError>,
    pub(super) phase: SharedPhase,
    pub(super) progress: Vec<Arc<SourceProgress>>,
    pub(super) start: Instant,
}

impl<W: Write> Collector<W> {
    /// Runs until the last worker and producer have ended, or a second signal arrives.
    pub(super) fn collect(&mut self, events: &Receiver<Event>, mut workers: usize, mut producers: usize) {
        let mut save_at = self.start + SAVE_INTERVAL;
        while workers > 0 || producers > 0 && self.phase.get() == Phase::Running {
            match self.next(events, save_at) {
                Ok(Event::Settled(settled)) => self.settled(settled),
                Ok(Event::Rejected { row, origin }) => self.rejected(&row, &origin, origin.record.rows),
                Ok(Event::Odd { source, line, oddities }) => self.odd(source, line, oddities),
                Ok(Event::Failed(error)) => self.fail(error),
                Ok(Event::Signal(signal)) if self.is_stopped_by_signal() => {
                    log::debug!("{signal:?} again: not waiting for batches in flight");
                    break;
                }
                Ok(Event::Signal(signal)) => self.fail(LoadError::Signal { signal }),
                Ok(Event::SourceRead { source, end }) => self.ends[source] = Some(end),
                Ok(Event::ProducerEnded) => producers -= 1,
                Ok(Event::WorkerEnded) => workers -= 1,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.checkpoint.is_some() && Instant::now() >= save_at {
                self.save();
                save_at = Instant::now() + SAVE_INTERVAL;
            }
        }
        // Rows that were settled before the end count, too.
        for event in events.try_iter() {
            if let Event::Settled(settled) = event {
                self.settled(settled);
            }
        }
    }

    /// The next event, or a timeout when the checkpoint is due.
    fn next(&self, events: &Receiver<Event>, save_at: Instant) -> Result<Event, RecvTimeoutError> {
        if let Ok(event) = events.try_recv() {
            return Ok(event);
        }
        thread::sleep(BATCH_INTERVAL);
        // Without a checkpoint there is nothing to do before the next event.
        let wait = match self.checkpoint {
            Some(_) => save_at.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        events.recv_timeout(wait)
    }

    /// Ends the load. Of each kind of error, such as bad rows, only the first one counts: a bad row must not hide that
    /// the table refuses everything, and a thousand bad rows are one error. A signal replaces all other errors.
    pub(super) fn fail(&mut self, error: LoadError) {
        self.phase.advance(if error.lets_drain() { Phase::Draining } else { Phase::Stopping });
        if matches!(error, LoadError::Signal { .. }) {
            self.errors = vec![error];
        } else if !self.is_stopped_by_signal() && !self.errors.iter().any(|other| is_same_kind(other, &error)) {
            self.errors.push(error);
        }
    }

    pub(super) fn is_stopped_by_signal(&self) -> bool {
        matches!(self.errors[..], [LoadError::Signal { .. }])
    }

    /// Saves the load's progress, if it has a checkpoint.
    pub(super) fn save(&mut self) {
        if self.checkpoint.is_none() {
            return;
        }
        let saved = self.progress().and_then(|progress| {
            self.checkpoint.as_mut().map_or(Ok(()), |checkpoint| checkpoint.save(progress).map_err(LoadError::from))
        });
        if let Err(error) = saved {
            self.fail(error);
        }
    }

    fn progress(&mut self) -> Result<SavedProgress, LoadError> {
        let sources: Vec<_> = self.watermarks.iter().map(Watermark::resume_point).collect();
        self.collected.retain(|(source, record)| *record >= sources[*source as usize].prefix.end);
        // Rejected rows up to the watermark must be on the disk before the checkpoint is.
        let (rows_length, reasons_length) = self.rejects.as_ref().map_or(Ok((0, 0)), Rejects::synced_lengths)?;
        let mut records: Vec<_> = self.collected.iter().copied().collect();
        records.sort_unstable();
        Ok(SavedProgress { sources, rejects: SavedRejects { rows_length, reasons_length, records } })
    }

    fn settled(&mut self, settled: Vec<Settled<Arc<Origin>>>) {
        let now = self.start.elapsed();
        // Rows of one source come in runs, and one line of output covers many rows.
        let mut run: Option<(u32, u64)> = None;
        for settled in settled {
            match settled {
                Settled::Written(origin) => {
                    self.watermarks[origin.source as usize].written(&origin.record, 1);
                    match &mut run {
                        Some((source, rows)) if *source == origin.source => *rows += 1,
                        _ => self.written(run.replace((origin.source, 1)), now),
                    }
                }
                Settled::Rejected(origin, error) => {
                    let row = RejectedRow {
                        source: self.names[origin.source as usize].clone(),
                        line: origin.line,
                        raw: origin.raw.as_deref().map_or_else(Box::default, Box::from),
                        reason: RecordError::Refused(error.message),
                    };
                    self.rejected(&row, &origin, 1);
                }
            }
        }
        self.written(run, now);
        for (progress, watermark) in self.progress.iter().zip(&self.watermarks) {
            progress.set_settled(watermark.prefix().position.position.offset);
        }
    }

    fn odd(&mut self, source: u32, line: u64, oddities: Oddities) {
        let name = &self.names[source as usize];
        let known: Vec<_> = self.oddities.iter().map(|(oddity, ..)| oddity).collect();
        for oddity in oddities.iter().filter(|oddity| !known.contains(oddity)) {
            let what = oddity.describe(1);
            log::warn!(
                "{name}:{line}: the row {what}; it is loaded, and others like it are counted (--strict rejects them)"
            );
        }
        self.oddities.add(name, line, oddities);
    }

    fn written(&mut self, run: Option<(u32, u64)>, now: Duration) {
        let Some((source, rows)) = run else { return };
        self.counts.add_written(source as usize, rows);
        self.lines.written(source as usize, rows, &self.counts, now);
    }

    fn rejected(&mut self, row: &RejectedRow, origin: &Origin, rows: u64) {
        self.counts.add_rejected(origin.source as usize, rows);
        let Some(rejects) = &mut self.rejects else {
            return self.fail(LoadError::BadRow(Box::new(row.clone())));
        };
        // A record is written to the file once, even if its copies are refused one by one or an earlier run has
        // collected it.
        let record = (origin.source, origin.record.number);
        if !self.collected.contains(&record) {
            if let Err(error) = rejects.add(row) {
                return self.fail(error.into());
            }
            self.collected.insert(record);
        }
        self.watermarks[origin.source as usize].rejected(&origin.record, rows);
        self.check_errors(false);
    }

    /// Ends the load when too many rows are rejected.
    pub(super) fn check_errors(&mut self, is_at_end: bool) {
        if let Some(limit) = self.max_errors
            && let Some(rows) = limit.exceeded(self.counts.total(), self.copies, is_at_end)
        {
            let error = LoadError::TooManyErrors { rows, limit };
            // Rows that were read before the load stopped are rejected after that.
            match self.errors.iter_mut().find(|noted| is_same_kind(noted, &error)) {
                Some(noted) => *noted = error,
                None => self.fail(error),
            }
        }
    }
}

fn is_same_kind(one: &LoadError, other: &LoadError) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}
