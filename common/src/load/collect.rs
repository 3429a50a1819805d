//! The one place where a load's rows are counted, from what producers and workers tell.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use tokio::time::Instant;

use super::control::{Control, Phase};
use super::progress::SourceProgress;
use super::rejects::{RejectedRow, Rejects};
use super::{LoadError, Origin, Signal};
use crate::batch_writer::{Settled, Stop};
use crate::logfile::{Position, RecordError};
use batch_writer::SharedTraffic;

use crate::outcome::{Checkpoint, ParallelLines, Progress, SequentialLines, SetAside, Tally, Watermark};

/// How often a checkpoint is saved: what is written in between is written again after a crash.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// How long events gather when all of them have been dealt with: who waits for each of them has to be woken by a worker for each, at
/// full speed ten thousand times a second.
const GATHER: Duration = Duration::from_millis(1);

/// What happens in a load.
#[derive(Debug)]
pub(super) enum Event {
    /// Rows are written, or refused by the service.
    Settled(Vec<Settled<Arc<Origin>>>),
    /// A row is none; `rows` with its copies.
    Rejected {
        row: RejectedRow,
        origin: Origin,
        rows: u64,
    },
    /// A producer cannot go on.
    Failed(LoadError),
    /// A worker has stopped before its requests were settled.
    Stopped(Stop),
    /// A signal came.
    Signal(Signal),
    ProducerEnded,
    WorkerEnded,
}

/// The lines on standard output.
#[derive(Debug)]
pub(super) enum Lines<W> {
    Sequential(SequentialLines<W>),
    Parallel(ParallelLines<W>),
}

/// Counts, sets rejected rows aside, prints the lines about written ones, and saves how far the load is.
pub(super) struct Collector<W> {
    pub(super) lines: Lines<W>,
    pub(super) rejects: Option<Rejects>,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) watermarks: Vec<Watermark<Position>>,
    pub(super) names: Vec<String>,
    pub(super) table: String,
    pub(super) tally: Tally,
    /// Records set aside that the checkpoint's watermark has not passed.
    pub(super) set_aside: HashSet<(u32, u64)>,
    /// The first thing that ended the load early.
    pub(super) error: Option<LoadError>,
    pub(super) control: Control,
    pub(super) traffic: SharedTraffic,
    pub(super) progress: Vec<Arc<SourceProgress>>,
    pub(super) start: Instant,
}

impl<W: Write> Collector<W> {
    /// Until the last worker and producer have gone, or a second signal comes.
    pub(super) fn collect(&mut self, events: &Receiver<Event>, mut workers: usize, mut producers: usize) {
        let mut save_at = self.start + SAVE_INTERVAL;
        while workers > 0 || producers > 0 && self.control.phase() == Phase::Running {
            match self.next(events, save_at) {
                Ok(Event::Settled(settled)) => self.settled(settled),
                Ok(Event::Rejected { row, origin, rows }) => self.rejected(&row, &origin, rows),
                Ok(Event::Failed(error)) => self.fail(error),
                Ok(Event::Stopped(stop)) => self.fail(LoadError::Table { table: self.table.clone(), stop }),
                Ok(Event::Signal(signal)) if matches!(self.error, Some(LoadError::Signal { .. })) => {
                    log::debug!("{signal:?} again: not waiting for what is in flight");
                    break;
                }
                Ok(Event::Signal(signal)) => {
                    // Somebody wants it to end now, whatever else it was about to end for.
                    self.error = None;
                    self.fail(LoadError::Signal { signal });
                }
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
        // What was told before the end counts, too.
        for event in events.try_iter() {
            if let Event::Settled(settled) = event {
                self.settled(settled);
            }
        }
    }

    /// The next event, or a time-out when it is time to save.
    fn next(&self, events: &Receiver<Event>, save_at: Instant) -> Result<Event, RecvTimeoutError> {
        if let Ok(event) = events.try_recv() {
            return Ok(event);
        }
        thread::sleep(GATHER);
        // Without a checkpoint there is nothing to do before the next event.
        let wait = match self.checkpoint {
            Some(_) => save_at.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        events.recv_timeout(wait)
    }

    /// The load is to end; only the first reason counts.
    pub(super) fn fail(&mut self, error: LoadError) {
        self.control.advance(if error.lets_drain() { Phase::Draining } else { Phase::Stopping });
        self.error.get_or_insert(error);
    }

    /// Saves how far the load is, if it keeps a checkpoint.
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

    fn progress(&mut self) -> Result<Progress, LoadError> {
        let sources: Vec<_> = self.watermarks.iter().map(Watermark::settled).collect();
        self.set_aside.retain(|(source, record)| *record >= sources[*source as usize].records);
        // What the watermark has passed must be on the disk before the checkpoint is.
        let (rows_length, reasons_length) = self.rejects.as_ref().map_or(Ok((0, 0)), Rejects::synced_lengths)?;
        let mut beyond: Vec<_> = self.set_aside.iter().copied().collect();
        beyond.sort_unstable();
        let stretches = self.watermarks.iter().map(Watermark::beyond).collect();
        Ok(Progress { sources, beyond: stretches, rejects: SetAside { rows_length, reasons_length, beyond } })
    }

    fn settled(&mut self, settled: Vec<Settled<Arc<Origin>>>) {
        let now = self.start.elapsed();
        // Rows of one source come in runs, and one line of output covers many rows.
        let mut run: Option<(u32, u64)> = None;
        for settled in settled {
            match settled {
                Settled::Written(origin) => {
                    self.watermarks[origin.source as usize].written(origin.record, origin.end, 1);
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
            progress.settled.store(watermark.settled().position.offset, Ordering::Relaxed);
        }
    }

    fn written(&mut self, run: Option<(u32, u64)>, now: Duration) {
        let Some((source, rows)) = run else { return };
        self.tally.written += rows;
        self.progress[source as usize].written.fetch_add(rows, Ordering::Relaxed);
        match &mut self.lines {
            Lines::Sequential(lines) => lines.written(rows, now),
            Lines::Parallel(lines) => lines.written(source as usize, rows, now),
        }
    }

    fn rejected(&mut self, row: &RejectedRow, origin: &Origin, rows: u64) {
        self.tally.rejected += rows;
        let Some(rejects) = &mut self.rejects else {
            return self.fail(LoadError::BadRow(Box::new(row.clone())));
        };
        // Of a record whose copies are refused one by one, or that an earlier run has set aside, the row is there once.
        let record = (origin.source, origin.record);
        if !self.set_aside.contains(&record) {
            if let Err(error) = rejects.add(row) {
                return self.fail(error.into());
            }
            self.set_aside.insert(record);
        }
        self.watermarks[origin.source as usize].rejected(origin.record, origin.end, rows);
    }
}
