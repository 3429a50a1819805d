//! A load from its start to its end.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::Sender;
use tokio::time::Instant;

use super::LoadError;
use super::channel::{ChunkSender, channel};
use super::collect::Collector;
use super::control::Control;
use super::event::Event;
use super::job::Job;
use super::loaded::Loaded;
use super::phase::SharedPhase;
use super::produce::{Producer, Production};
use super::rejects::Rejects;
use super::request::Request;
use super::resume::{OpenSource, open_sources};
use super::sink::Sinks;
use super::worker::Worker;
use crate::input::{OddityCounts, SourceProgress};
use crate::report::{
    Checkpoint, InputTotals, KEYS, KeyCounter, LoadFigures, PythonLines, RecordEnd, ReplacedRows, ResumePoint,
    RowCounts, SavedProgress, SavedRejects, Script, Tally, Watermark,
};

/// Chunks of requests that can wait for one worker: enough to keep it busy, and few enough to need little memory.
const CHUNKS_PER_WORKER: usize = 4;

/// Events that can wait for the collector. When standard output is blocked (Ctrl-S), so is the load.
const EVENTS: usize = 256;

/// Loads everything. Returns when every thread that has work to do has ended, whatever ended it.
///
/// `stdout` gets Python's lines, as they happen; the last one when [`Loaded::print_last_line`] is called.
///
/// # Errors
/// Nothing was written: an input cannot be opened, the checkpoint or the rejects file cannot be used, or the table's
/// key differs from the items'. Later errors are in [`Loaded`].
pub fn load<W: Write>(job: &Job, stdout: W) -> Result<Loaded<W>, LoadError> {
    let start = Instant::now();
    let (checkpoint, empties_rejects) = open_checkpoint(job)?;
    let saved = checkpoint.as_ref().and_then(Checkpoint::saved).cloned();
    let resume_points = match &saved {
        Some(progress) => progress.sources.clone(),
        None => vec![ResumePoint::default(); job.sources.len()],
    };
    let progress: Vec<Arc<SourceProgress>> = job.sources.iter().map(|_| Arc::default()).collect();
    let readers = open_sources(job, &resume_points, &progress)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LoadError::Thread)?;
    let sinks = runtime.block_on(Sinks::open(&job.destination, &job.mapping))?;
    let rejects = open_rejects(job, saved.as_ref(), empties_rejects)?;
    let counts = Arc::new(RowCounts::new(resume_points.iter().map(ResumePoint::tally)));
    let resumed = counts.total();
    let names: Vec<_> = job.sources.iter().map(|source| source.name().to_owned()).collect();
    let mut collector = Collector {
        lines: PythonLines::new(job.script, stdout, names.iter().map(String::as_str)),
        rejects,
        checkpoint,
        copies: job.numbering.copies().into(),
        max_errors: job.max_errors,
        watermarks: resume_points.iter().map(Watermark::new).collect(),
        ends: vec![None; job.sources.len()],
        names,
        counts: Arc::clone(&counts),
        oddities: OddityCounts::default(),
        collected: saved.map(|progress| progress.rejects.records.into_iter().collect()).unwrap_or_default(),
        errors: Vec::new(),
        phase: SharedPhase::new(job.sources.len()),
        progress: progress.clone(),
        start,
    };
    // Saved before the first row is rejected: otherwise a load that is killed after that would find rows in the file
    // that might belong to another load. An error here also ends the load before anything is written.
    collector.save();
    if let Some(error) = collector.errors.pop() {
        collector.rejects.into_iter().for_each(Rejects::finish);
        return Err(error);
    }
    let (events, collected) = crossbeam_channel::bounded(EVENTS);
    let control = Control::start(runtime, job, &sinks, &counts, &progress, events.clone(), start)?;
    let (workers, threads) = start_workers(job, &sinks, &events, &collector.phase)?;
    let production = Production {
        mapping: sinks.mapping(),
        table: job.destination.table_name().into(),
        is_table_right: Arc::new(AtomicBool::new(resumed.written > 0)),
        numbering: job.numbering,
        part: job.part,
        collects_rejects: job.rejects.is_some(),
        workers,
        events,
        phase: collector.phase.clone(),
        counts,
    };
    start_producers(production, job, readers, resume_points)?;
    collector.collect(&collected, threads.len(), job.sources.len());
    drop(collected);
    let replaced = join(threads, &mut collector);
    drop(control);
    Ok(finish(job, collector, &sinks, replaced, resumed))
}

/// The checkpoint, and whether the rejects files hold rows of an earlier run that this load reads again.
fn open_checkpoint(job: &Job) -> Result<(Option<Checkpoint>, bool), LoadError> {
    let Some(path) = job.checkpoint.as_deref() else { return Ok((None, false)) };
    if job.fresh {
        let (checkpoint, had_rejects) = Checkpoint::start_over(path, job.identity())?;
        return Ok((Some(checkpoint), had_rejects));
    }
    Ok((Some(Checkpoint::open(path, job.identity())?), false))
}

/// The files for rejected rows: those of an earlier run as its checkpoint has them, emptied, or new ones.
fn open_rejects(job: &Job, saved: Option<&SavedProgress>, empties: bool) -> Result<Option<Rejects>, LoadError> {
    let Some(path) = &job.rejects else { return Ok(None) };
    Ok(Some(match saved {
        Some(progress) => Rejects::resume(path, &progress.rejects)?,
        None if empties => Rejects::resume(path, &SavedRejects::default())?,
        None => Rejects::create(path)?,
    }))
}

type Senders = Vec<ChunkSender<Vec<Request>>>;
type Threads = Vec<thread::JoinHandle<io::Result<ReplacedRows>>>;

fn start_workers(
    job: &Job,
    sinks: &Sinks,
    events: &Sender<Event>,
    phase: &SharedPhase,
) -> Result<(Senders, Threads), LoadError> {
    let (mut senders, mut threads) = (Vec::new(), Vec::new());
    let workers = job.workers.clamp(1, job.destination.max_workers());
    for number in 0..workers {
        let (sender, chunks) = channel(CHUNKS_PER_WORKER);
        let keys = KeyCounter::new(KEYS / workers);
        let worker = Worker { chunks, events: events.clone(), phase: phase.clone(), keys };
        let sinks = sinks.clone();
        let run = move || worker.run(|| sinks.sink(number, workers));
        let thread = thread::Builder::new().name(format!("worker {number}")).spawn(run);
        threads.push(thread.map_err(LoadError::Thread)?);
        senders.push(sender);
    }
    Ok((senders, threads))
}

/// One producer for each source, as Python has a thread for each file, but no more at once than the machine has cores. The workers'
/// channels end with the last of them.
#[expect(clippy::needless_pass_by_value, reason = "no sender may outlive the producers")]
fn start_producers(
    production: Production,
    job: &Job,
    readers: Vec<OpenSource>,
    resume_points: Vec<ResumePoint<RecordEnd>>,
) -> Result<(), LoadError> {
    let events = production.events.clone();
    // One after another, so that a later file's rows win. The parts of a load are parallel enough.
    let has_order = job.script == Script::Sequential || job.part.is_some();
    let cores = if has_order { 1 } else { thread::available_parallelism().map_or(2, usize::from) };
    let threads = cores.min(readers.len()).max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .panic_handler(move |_| {
            let _ = events.send(Event::Failed(LoadError::Internal("a producer ended unexpectedly".to_owned())));
        })
        .build()
        .map_err(|error| LoadError::Thread(io::Error::other(error)))?;
    for (index, ((reader, source), resume)) in readers.into_iter().zip(&job.sources).zip(resume_points).enumerate() {
        let producer = Producer::new(production.clone(), index, source.name(), resume);
        // Not joined: a producer may wait for input forever, and must not keep the program from ending.
        pool.spawn_fifo(move || producer.run(reader));
    }
    Ok(())
}

/// Waits for the workers; after a signal only for those that have ended already.
fn join<W: Write>(threads: Threads, collector: &mut Collector<W>) -> ReplacedRows {
    let mut replaced = ReplacedRows::default();
    let stopped = collector.is_stopped_by_signal();
    for thread in threads.into_iter().filter(|thread| !stopped || thread.is_finished()) {
        match thread.join() {
            Ok(Ok(of_worker)) => replaced += of_worker,
            Ok(Err(error)) => collector.fail(LoadError::Thread(error)),
            Err(_) => collector.fail(LoadError::Internal("a worker ended unexpectedly".to_owned())),
        }
    }
    replaced
}

/// Completes the checkpoint and the rejects files, and sums up the load.
fn finish<W: Write>(
    job: &Job,
    mut collector: Collector<W>,
    sinks: &Sinks,
    replaced: ReplacedRows,
    resumed: Tally,
) -> Loaded<W> {
    collector.check_errors(true);
    let mut tally = collector.counts.total();
    if collector.errors.is_empty() && !tally.is_complete() {
        collector.fail(LoadError::Internal(format!("rows are unaccounted for ({tally})")));
    }
    let ends: Option<Vec<RecordEnd>> = collector.ends.iter().copied().collect();
    let stored_bytes = collector.progress.iter().map(|progress| progress.stored_read.load(Ordering::Relaxed)).sum();
    if collector.errors.is_empty() {
        let records = ends.iter().flatten().map(|end| end.records).sum();
        if let Err(error) = job.expected.check(records, stored_bytes) {
            collector.fail(error);
        }
    }
    let mut notes = Vec::new();
    if collector.errors.is_empty() {
        match sinks.finish() {
            Ok(lines) => notes = lines,
            Err(error) => collector.fail(error),
        }
    }
    if !collector.errors.is_empty() && sinks.abandon() {
        tally.written = 0;
    }
    collector.save();
    // A load that did nothing, perhaps because of a mistyped name, leaves no checkpoint.
    if !collector.errors.is_empty()
        && tally.written + tally.rejected == 0
        && let Some(checkpoint) = collector.checkpoint.take()
        && let Err(error) = checkpoint.remove()
    {
        collector.fail(error.into());
    }
    let Collector { errors, rejects, checkpoint, lines, oddities, start, .. } = collector;
    if let Some(rejects) = rejects {
        rejects.finish();
    }
    let input = ends.as_ref().map(|ends| InputTotals::new(ends, job.numbering.copies().into()));
    let figures =
        LoadFigures { tally, resumed, input, traffic: sinks.traffic(), oddities, replaced, elapsed: start.elapsed() };
    Loaded { figures, errors, notes, lines, checkpoint, ends, stored_bytes }
}
