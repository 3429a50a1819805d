//! The pipeline that both loaders run: read, map, serialise, write, count.
//!
//! ```text
//! source ─► LogReader ─► ItemLayout ×copies ─► WriteRequest ─► channel ─► worker: runtime, batches in flight ─► DynamoDB
//!           a producer for each source         (a key always goes to the same worker)      │
//!                                                               settled rows ──────────────┴─► collector: tally, stdout, rejects
//! ```
//!
//! Ordering: two rows of one source with the same key are written in their order, so the last one wins, as in Python. Rows with
//! different keys, and rows of different sources, are not ordered.

mod channel;
mod collect;
mod control;
mod diagnosis;
mod dry_run;
mod explanation;
mod numbering;
mod pace;
mod produce;
mod progress;
mod rejects;
mod signals;
mod source;
mod table_facts;
mod watch;
mod work;

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use thiserror::Error;
use tokio::time::Instant;

use self::channel::{ChunkSender, channel};
use self::collect::{Collector, Event, Lines};
use self::control::Control;
use self::produce::{Producer, Production};
use self::progress::SourceProgress;
use self::rejects::Rejects;
use self::signals::Signals;
use self::watch::Watch;
use self::work::Worker;
use crate::batch_writer::client::{Connection, Retries};
use crate::batch_writer::service_error::ServiceErrorKind;
use crate::batch_writer::{KeySchema, Options, SharedPacer, SharedTraffic, Stop, Table, Traffic, WriteRequest};
use crate::cli::advice;
use crate::logfile::{ItemLayout, LogReader, PARTITION_KEY, Position, ReadError, ResumeError, check_positions};
use crate::outcome::{
    self, Checkpoint, CheckpointError, Identity, ParallelLines, SequentialLines, Stretch, Subject, Tally, Watermark,
    Work,
};
use crate::screen::Screen;

pub use self::dry_run::{DryRun, Forecast};
pub use self::numbering::{Collision, Ids, Numbering};
pub use self::pace::{MaxWcu, Pace, ShareError};
pub use self::rejects::{RejectedRow, RejectsError};
pub use self::source::{Source, SourceError};

/// Chunks of requests that wait for one worker: enough that it never waits for the producer, and little memory.
const CHUNKS_PER_WORKER: usize = 4;

/// Events that wait for the collector. When standard output is held up (Ctrl-S), so is the load.
const EVENTS: usize = 256;

/// Which of the two scripts the load stands for: that sets the lines on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// `load_logfile.py`
    Sequential,
    /// `load_logfile_parallel.py`
    Parallel,
}

impl Script {
    /// The program that stands for it.
    pub fn program(self) -> &'static str {
        match self {
            Self::Sequential => "load_logfile",
            Self::Parallel => "load_logfile_parallel",
        }
    }
}

/// What is to be loaded, and how.
#[derive(Debug)]
pub struct Job {
    /// Where the table is.
    pub connection: Connection,
    /// The table's name.
    pub table: String,
    /// The inputs; their places are Python's thread ids.
    pub sources: Vec<Source>,
    /// How a record becomes an item.
    pub layout: ItemLayout,
    /// How often, and with which ids.
    pub numbering: Numbering,
    /// Worker threads, at least one.
    pub workers: usize,
    /// How they write; the batches in flight are those of all workers together.
    pub options: Options,
    /// How fast they may be together, and how patient they are.
    pub pace: Pace,
    /// Where to note how far the load is, so that it can go on after any stop.
    pub checkpoint: Option<PathBuf>,
    /// Where to set bad rows aside; without it the first one ends the load.
    pub rejects: Option<PathBuf>,
    /// Whose lines are printed on standard output.
    pub script: Script,
    /// Where to show how far it is and what throttles it.
    pub screen: Screen,
    /// Whether to show it.
    pub quiet: bool,
}

impl Job {
    /// For a report.
    pub fn subject(&self) -> Subject {
        Subject {
            program: self.script.program(),
            version: env!("CARGO_PKG_VERSION"),
            destination: self.connection.to_string(),
            table: self.table.clone(),
            inputs: self.sources.iter().map(|source| source.name().to_owned()).collect(),
        }
    }

    fn identity(&self) -> Identity {
        Identity {
            program: self.script.program().to_owned(),
            destination: self.connection.to_string(),
            table: self.table.clone(),
            sources: self.sources.iter().map(|source| source.name().to_owned()).collect(),
            numbering: self.numbering.to_string(),
            rejects: self.rejects.clone(),
        }
    }
}

/// A signal that ends a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// Its number.
    pub fn number(self) -> u8 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// How a load ended.
#[derive(Debug)]
pub struct Loaded<W> {
    /// Its rows, those of the earlier runs that it goes on from included.
    pub tally: Tally,
    /// Those of earlier runs.
    pub resumed: Tally,
    /// Whether the same command goes on from here.
    pub can_resume: bool,
    /// What went over the wire in this run.
    pub traffic: Traffic,
    /// From its start to its end.
    pub elapsed: Duration,
    /// What ended it early.
    pub error: Option<LoadError>,
    lines: Lines<W>,
}

impl<W: Write> Loaded<W> {
    /// In figures.
    pub fn work(&self) -> Work {
        let Self { tally, resumed, traffic, elapsed, .. } = self;
        Work { tally: *tally, resumed: *resumed, traffic: traffic.clone(), elapsed: *elapsed }
    }

    /// Prints the last of Python's lines, which says that all is done. The caller decides when, because it may have other things to say.
    pub fn print_last_line(&mut self) {
        match &mut self.lines {
            Lines::Sequential(lines) => lines.finished(self.elapsed),
            Lines::Parallel(lines) => lines.finished(self.elapsed),
        }
    }
}

/// Why a load did not begin, or ended early.
#[derive(Debug, Error)]
pub enum LoadError {
    /// An input cannot be opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An input cannot be read on.
    #[error("{source_name}: {error}")]
    Unreadable {
        /// The input, as the user named it.
        source_name: String,
        /// Where, and what is wrong.
        error: ReadError,
    },
    /// Rows would overwrite each other.
    #[error(transparent)]
    Collision(#[from] Box<Collision>),
    /// The ids of all rows must be known beforehand, and the input can be read only once.
    #[error(
        "{source_name}: its ids must be looked through before the first row is written, and it can be read only once"
    )]
    NotRepeatable {
        /// The input, as the user named it.
        source_name: String,
    },
    /// A row that cannot be written, where none is set aside.
    #[error("{}:{}: {}", .0.source, .0.line, .0.reason)]
    BadRow(Box<RejectedRow>),
    /// Bad rows cannot be set aside.
    #[error(transparent)]
    Rejects(#[from] RejectsError),
    /// A share of the table's capacity is asked for, and cannot be had.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// The table takes no rows.
    #[error("table {table}")]
    Table {
        /// Its name.
        table: String,
        /// Why the writer stopped.
        #[source]
        stop: Stop,
    },
    /// A checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// An input is not the one that the checkpoint is about.
    #[error("{source_name}: {error}")]
    Changed {
        /// The input, as the user named it.
        source_name: String,
        /// What is wrong with it.
        error: ResumeError,
    },
    /// Somebody stopped it.
    #[error("stopped by {}", if *.signal == Signal::Interrupt { "SIGINT" } else { "SIGTERM" })]
    Signal {
        /// How.
        signal: Signal,
    },
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A defect of this program: its rows are not all accounted for.
    #[error("an internal error: {0}; please report it")]
    Internal(String),
}

impl LoadError {
    /// Whether what was read so far is still written, as Python has written everything before a bad row.
    fn lets_drain(&self) -> bool {
        matches!(self, Self::BadRow(_) | Self::Unreadable { .. } | Self::Rejects(_))
    }

    /// Whether there is no such table, or will not be in a moment.
    pub(crate) fn is_table_gone(&self) -> bool {
        let Self::Table { stop: Stop::Service(error), .. } = self else { return false };
        matches!(error.kind, ServiceErrorKind::NoSuchTable | ServiceErrorKind::TableNotReady)
    }

    /// What the user can do about it, where the message does not say it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::BadRow(_) => "mend the row, or set bad rows aside with --rejects FILE and go on",
            Self::Unreadable { error: ReadError::RecordTooLong { .. }, .. } => "close the quote, or remove it",
            Self::Unreadable { .. } => {
                "check the file; what was read before is written, and loading it again does no harm"
            }
            Self::Collision(_) => {
                "let the ids be spread so that all rows have room (--id-stride auto), or choose how far (--id-stride N)"
            }
            Self::Signal { .. } => {
                "run the same command again: what is in the table is only written again; with --checkpoint FILE it goes on from where it was"
            }
            Self::NotRepeatable { .. } => "put it into a file first, or load it alone and once (--copies 1)",
            Self::Rejects(RejectsError::Io { .. }) => "check the path, its permissions and the space on the disk",
            Self::Checkpoint(CheckpointError::Io { .. }) => "check the path, its permissions and the space on the disk",
            Self::Checkpoint(_) => "name another file with --checkpoint, or remove this one to begin anew",
            Self::Changed { .. } => {
                "the checkpoint is about another input of this name: load that one, or remove the checkpoint to begin anew"
            }
            Self::Share(error) => return error.hint(),
            Self::Table {
                stop: Stop::Service(error) | Stop::GaveUp { last: error, .. } | Stop::Stalled { last: error, .. },
                ..
            } => advice::for_service_error(error),
            _ => return None,
        })
    }
}

/// Where a request comes from.
#[derive(Debug, Clone)]
struct Origin {
    /// Place of its source.
    source: u32,
    /// Number of its record in the source, from 0.
    record: u64,
    /// The place behind its record.
    end: Position,
    /// The line on which its row begins.
    line: u64,
    /// The row itself, kept only where bad rows are set aside.
    raw: Option<Arc<[u8]>>,
}

/// Copies of a row share where they come from: what thousands of requests in hand hold does not fit into the processor's cache. It is
/// 7 % more rows in a second (`scripts/bench delay`).
type Request = WriteRequest<Arc<Origin>>;

type Reader = LogReader<Box<dyn Read + Send>>;

/// The lowest and highest id in a file. Rows that are no log records are left for the load to report.
///
/// # Errors
/// The file cannot be opened or read to its end.
pub fn find_ids(source: &Source) -> Result<Ids, LoadError> {
    let mut reader = LogReader::new(source.open()?);
    let mut ids: Ids = None;
    while let Some(row) = reader.next_row() {
        let row = row.map_err(|error| LoadError::Unreadable { source_name: source.name().to_owned(), error })?;
        if let Ok(record) = row.record {
            let id = record.request_id;
            ids = Some(ids.map_or(id..=id, |ids| id.min(*ids.start())..=id.max(*ids.end())));
        }
    }
    Ok(ids)
}

/// Loads everything. Returns when every thread that has work to do has ended, whatever ended it.
///
/// `stdout` gets Python's lines, as they happen; the last one when [`Loaded::print_last_line`] is called.
///
/// # Errors
/// Nothing was written: an input cannot be opened, or a file beside the load cannot be used. What happens later is in [`Loaded`].
pub fn load<W: Write>(job: &Job, stdout: W) -> Result<Loaded<W>, LoadError> {
    let start = Instant::now();
    let checkpoint = job.checkpoint.as_deref().map(|path| Checkpoint::open(path, job.identity())).transpose()?;
    let saved = checkpoint.as_ref().and_then(Checkpoint::saved).cloned();
    let begin = match &saved {
        Some(progress) => progress.sources.iter().zip(&progress.beyond).map(Begin::behind).collect(),
        None => vec![Begin::default(); job.sources.len()],
    };
    let progress: Vec<Arc<SourceProgress>> = job.sources.iter().map(|_| Arc::default()).collect();
    let readers = open_sources(job, &begin, &progress)?;
    let (pacer, _following) = pace::start(job)?;
    let rejects = match (&job.rejects, &saved) {
        (Some(path), Some(progress)) => Some(Rejects::resume(path, &progress.rejects)?),
        (Some(path), None) => Some(Rejects::create(path)?),
        (None, _) => None,
    };
    let mut tally = Tally::default();
    begin.iter().for_each(|begin| tally += begin.tally());
    let resumed = tally;
    let mut collector = Collector {
        lines: lines(job, stdout, &begin),
        rejects,
        checkpoint,
        watermarks: begin.iter().map(|begin| begin.watermark(job.numbering.copies().into())).collect(),
        names: job.sources.iter().map(|source| source.name().to_owned()).collect(),
        table: job.table.clone(),
        tally,
        set_aside: saved.map(|progress| progress.rejects.beyond.into_iter().collect()).unwrap_or_default(),
        error: None,
        control: Control::new(job.sources.len()),
        progress: progress.clone(),
        traffic: SharedTraffic::default(),
        start,
    };
    // Before the first row is set aside: a load that is killed after that would else find rows in the file that it cannot tell from
    // somebody else's. And a checkpoint that cannot be written is better known now.
    collector.save();
    if let Some(error) = collector.error {
        collector.rejects.into_iter().for_each(Rejects::finish);
        return Err(error);
    }
    let watch = (!job.quiet).then(|| Watch::start(job, &collector.traffic, &progress, start)).transpose()?;
    let ran = run(job, &pacer, readers, begin, &mut collector);
    drop(watch);
    ran?;
    collector.tally.read = resumed.read + collector.control.rows_read();
    Ok(end(collector, start, resumed))
}

/// What an earlier run of the load has settled of a source.
#[derive(Debug, Clone, Default)]
struct Begin {
    settled: outcome::Settled<Position>,
    beyond: Vec<Stretch<Position>>,
}

impl Begin {
    fn behind((settled, beyond): (&outcome::Settled<Position>, &Vec<Stretch<Position>>)) -> Self {
        Self { settled: *settled, beyond: beyond.clone() }
    }

    fn tally(&self) -> Tally {
        let mut tally = self.settled.tally();
        self.beyond.iter().for_each(|stretch| tally += stretch.tally());
        tally
    }

    fn watermark(&self, copies: u64) -> Watermark<Position> {
        let mut watermark = Watermark::new(copies, self.settled);
        watermark.resume(&self.beyond);
        watermark
    }
}

/// Each source, read up to where the load goes on.
fn open_sources(job: &Job, begin: &[Begin], progress: &[Arc<SourceProgress>]) -> Result<Vec<Reader>, LoadError> {
    let open = |((source, begin), progress): ((&Source, &Begin), &Arc<SourceProgress>)| {
        let not_resumed = |error| {
            let source_name = source.name().to_owned();
            match error {
                ResumeError::Io(error) => SourceError::Io { name: source_name, source: error }.into(),
                ResumeError::Different(_) => LoadError::Changed { source_name, error },
            }
        };
        // What is settled behind a gap would be missed only when its place is reached, and by then rows of another file be written.
        if !begin.beyond.is_empty() && source.is_regular_file() {
            let positions = begin.beyond.iter().map(|stretch| &stretch.position);
            check_positions(source.open()?, positions).map_err(not_resumed)?;
        }
        let input = source.open_watched(progress)?;
        progress.begin(begin.settled.position.offset, begin.tally().written);
        LogReader::resume(input, begin.settled.position).map_err(not_resumed)
    };
    job.sources.iter().zip(begin).zip(progress).map(open).collect()
}

fn lines<W: Write>(job: &Job, stdout: W, begin: &[Begin]) -> Lines<W> {
    match job.script {
        Script::Sequential => {
            let mut lines = SequentialLines::new(stdout);
            lines.resume(begin.iter().map(|begin| begin.tally().written).sum());
            Lines::Sequential(lines)
        }
        Script::Parallel => {
            let mut lines = ParallelLines::new(stdout, job.sources.iter().map(Source::name));
            begin.iter().enumerate().for_each(|(thread, begin)| lines.resume(thread, begin.tally().written));
            Lines::Parallel(lines)
        }
    }
}

/// Starts the workers and producers, collects what they tell, and waits for all of them that do not wait for input.
fn run<W: Write>(
    job: &Job,
    pacer: &SharedPacer,
    readers: Vec<Reader>,
    begin: Vec<Begin>,
    collector: &mut Collector<W>,
) -> Result<(), LoadError> {
    let (events, collected) = crossbeam_channel::bounded(EVENTS);
    let _signals = Signals::listen(events.clone()).map_err(LoadError::Thread)?;
    let (workers, threads) = start_workers(job, pacer, &events, &collector.control, &collector.traffic)?;
    let production = Production {
        layout: job.layout,
        numbering: job.numbering,
        sets_aside: job.rejects.is_some(),
        workers,
        events,
        control: collector.control.clone(),
    };
    let producers = readers.len();
    start_producers(&production, job, readers, begin)?;
    // The channels end with the producers.
    drop(production);
    collector.collect(&collected, threads.len(), producers);
    drop(collected);
    // After a second signal nobody waits for a worker.
    let stopped = matches!(collector.error, Some(LoadError::Signal { .. }));
    for thread in threads.into_iter().filter(|thread| !stopped || thread.is_finished()) {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => collector.fail(LoadError::Thread(error)),
            Err(_) => collector.fail(LoadError::Internal("a worker ended unexpectedly".to_owned())),
        }
    }
    Ok(())
}

type Workers = (Vec<ChunkSender<Vec<Request>>>, Vec<thread::JoinHandle<io::Result<()>>>);

fn start_workers(
    job: &Job,
    pacer: &SharedPacer,
    events: &Sender<Event>,
    control: &Control,
    traffic: &SharedTraffic,
) -> Result<Workers, LoadError> {
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    let workers = job.workers.max(1);
    let options = Options { in_flight: (job.options.in_flight / workers).max(1), ..job.options };
    // Made once, so that the workers judge together whether the endpoint is a DynamoDB.
    let schema = KeySchema::partition(PARTITION_KEY);
    let sink = Table::new(job.connection.client(Retries::Caller), &job.table, schema).return_consumed_capacity(true);
    for number in 0..workers {
        let (sender, chunks) = channel(CHUNKS_PER_WORKER);
        let worker = Worker {
            connection: job.connection.clone(),
            table: job.table.clone(),
            sink: sink.clone(),
            options,
            pacer: pacer.clone(),
            traffic: traffic.clone(),
            chunks,
            events: events.clone(),
            control: control.clone(),
        };
        let thread = thread::Builder::new().name(format!("worker {number}")).spawn(move || worker.run());
        threads.push(thread.map_err(LoadError::Thread)?);
        senders.push(sender);
    }
    Ok((senders, threads))
}

/// One producer for each source, as Python has a thread for each file, but no more at once than the machine has cores.
fn start_producers(
    production: &Production,
    job: &Job,
    readers: Vec<Reader>,
    begin: Vec<Begin>,
) -> Result<(), LoadError> {
    let events = production.events.clone();
    let threads = thread::available_parallelism().map_or(2, usize::from).min(readers.len()).max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .panic_handler(move |_| {
            let _ = events.send(Event::Failed(LoadError::Internal("a producer ended unexpectedly".to_owned())));
        })
        .build()
        .map_err(|error| LoadError::Thread(io::Error::other(error)))?;
    for (place, ((reader, source), begin)) in readers.into_iter().zip(&job.sources).zip(begin).enumerate() {
        let producer = Producer::new(production.clone(), place as u32, source.name(), begin);
        // A producer that waits for input for ever must not keep the program from ending, so nobody waits for it.
        pool.spawn(move || producer.run(reader));
    }
    Ok(())
}

/// Draws the line under a load.
fn end<W: Write>(mut collector: Collector<W>, start: Instant, resumed: Tally) -> Loaded<W> {
    if collector.error.is_none() && !collector.tally.is_complete() {
        let tally = collector.tally;
        collector.fail(LoadError::Internal(format!("rows are unaccounted for ({tally})")));
    }
    collector.save();
    // A load that did nothing, perhaps for a mistyped name, is begun anew.
    let is_over = collector.error.is_none() || collector.tally.written + collector.tally.rejected == 0;
    if is_over
        && let Some(checkpoint) = collector.checkpoint.take()
        && let Err(error) = checkpoint.remove()
    {
        collector.fail(error.into());
    }
    let Collector { tally, error, rejects, checkpoint, traffic, lines, .. } = collector;
    if let Some(rejects) = rejects {
        rejects.finish();
    }
    let traffic = traffic.with(|traffic| traffic.clone());
    Loaded { tally, resumed, traffic, elapsed: start.elapsed(), error, can_resume: checkpoint.is_some(), lines }
}
