//! The one place where a load's rows are counted, from what producers and workers tell.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::Receiver;
use tokio::time::Instant;

use super::rejects::{RejectedRow, Rejects};
use super::{LoadError, Origin};
use crate::batch_writer::{Settled, Stop};
use crate::logfile::RecordError;
use crate::outcome::{ParallelLines, SequentialLines, Tally};

/// What happens in a load.
#[derive(Debug)]
pub(super) enum Event {
    /// Rows are written, or refused by the service.
    Settled(Vec<Settled<Origin>>),
    /// A row is none; `rows` with its copies.
    Rejected { row: RejectedRow, rows: u64 },
    /// A producer cannot go on.
    Failed(LoadError),
    /// A worker has stopped before its requests were settled.
    Stopped(Stop),
}

/// The lines on standard output.
pub(super) enum Lines<W> {
    Sequential(SequentialLines<W>),
    Parallel(ParallelLines<W>),
}

/// Counts, sets rejected rows aside and prints the lines about written ones.
pub(super) struct Collector<W> {
    pub(super) lines: Lines<W>,
    pub(super) rejects: Option<Rejects>,
    pub(super) names: Vec<String>,
    pub(super) table: String,
    pub(super) tally: Tally,
    /// The first thing that ended the load early.
    pub(super) error: Option<LoadError>,
    /// Stops the producers.
    pub(super) stop: Arc<AtomicBool>,
    pub(super) start: Instant,
}

impl<W: Write> Collector<W> {
    /// Until the last producer and worker have gone.
    pub(super) fn collect(&mut self, events: &Receiver<Event>) {
        for event in events {
            match event {
                Event::Settled(settled) => self.settled(settled),
                Event::Rejected { row, rows } => self.rejected(row, rows),
                Event::Failed(error) => self.fail(error),
                Event::Stopped(stop) => self.fail(LoadError::Table { table: self.table.clone(), stop }),
            }
        }
    }

    /// The load is to end; only the first reason counts.
    pub(super) fn fail(&mut self, error: LoadError) {
        self.stop.store(true, Ordering::Relaxed);
        self.error.get_or_insert(error);
    }

    /// The last line, once all is well.
    pub(super) fn finished(&mut self) {
        let now = self.start.elapsed();
        match &mut self.lines {
            Lines::Sequential(lines) => lines.finished(now),
            Lines::Parallel(lines) => lines.finished(now),
        }
    }

    fn settled(&mut self, settled: Vec<Settled<Origin>>) {
        let now = self.start.elapsed();
        // Rows of one source come in runs, and one line of output covers many rows.
        let mut run: Option<(u32, u64)> = None;
        for settled in settled {
            match settled {
                Settled::Written(origin) => match &mut run {
                    Some((source, rows)) if *source == origin.source => *rows += 1,
                    _ => self.written(run.replace((origin.source, 1)), now),
                },
                Settled::Rejected(origin, error) => {
                    let row = RejectedRow {
                        source: self.names[origin.source as usize].clone(),
                        line: origin.line,
                        raw: origin.raw.as_deref().unwrap_or_default().into(),
                        reason: RecordError::Refused(error.message),
                    };
                    self.rejected(row, 1);
                }
            }
        }
        self.written(run, now);
    }

    fn written(&mut self, run: Option<(u32, u64)>, now: Duration) {
        let Some((source, rows)) = run else { return };
        self.tally.written += rows;
        match &mut self.lines {
            Lines::Sequential(lines) => lines.written(rows, now),
            Lines::Parallel(lines) => lines.written(source as usize, rows, now),
        }
    }

    fn rejected(&mut self, row: RejectedRow, rows: u64) {
        self.tally.rejected += rows;
        match &mut self.rejects {
            None => self.fail(LoadError::BadRow(Box::new(row))),
            Some(rejects) => {
                if let Err(error) = rejects.add(&row) {
                    self.fail(LoadError::Rejects(error));
                }
            }
        }
    }
}
