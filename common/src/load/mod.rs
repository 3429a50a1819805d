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
mod diagnosis;
mod numbering;
mod produce;
mod rejects;
mod source;
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
use self::produce::{Producer, Production};
use self::rejects::Rejects;
use self::work::Worker;
use crate::batch_writer::client::Connection;
use crate::batch_writer::{Options, SharedPacer, Stop, WriteRequest};
use crate::logfile::{ItemLayout, LogReader, ReadError};
use crate::outcome::{ParallelLines, SequentialLines, Tally};

pub use self::numbering::{Collision, Ids, Numbering};
pub use self::rejects::{RejectedRow, RejectsError};
pub use self::source::{Source, SourceError};

/// Chunks of up to 25 requests that wait for one worker: enough that it never waits for the producer, and little memory.
const CHUNKS_PER_WORKER: usize = 8;

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
    /// How each of them writes.
    pub options: Options,
    /// Where to set bad rows aside; without it the first one ends the load.
    pub rejects: Option<PathBuf>,
    /// Whose lines are printed on standard output.
    pub script: Script,
}

/// How a load ended.
#[derive(Debug)]
pub struct Loaded {
    /// Its rows.
    pub tally: Tally,
    /// From its start to its end.
    pub elapsed: Duration,
    /// What ended it early.
    pub error: Option<LoadError>,
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
    /// The table takes no rows.
    #[error("table {table}")]
    Table {
        /// Its name.
        table: String,
        /// Why the writer stopped.
        #[source]
        stop: Stop,
    },
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// A defect of this program: its rows are not all accounted for.
    #[error("an internal error: {0}; please report it")]
    Internal(String),
}

impl LoadError {
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
            Self::NotRepeatable { .. } => "put it into a file first, or load it alone and once (--copies 1)",
            Self::Rejects(RejectsError::Io { .. }) => "check the path, its permissions and the space on the disk",
            Self::Table {
                stop: Stop::Service(error) | Stop::GaveUp { last: error, .. } | Stop::NothingTaken { last: error, .. },
                ..
            } => error.hint(),
            _ => return None,
        })
    }
}

/// Where a request comes from.
#[derive(Debug, Clone)]
struct Origin {
    /// Place of its source.
    source: u32,
    /// The line on which its row begins.
    line: u64,
    /// The row itself, kept only where bad rows are set aside.
    raw: Option<Arc<[u8]>>,
}

type Request = WriteRequest<Origin>;

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

/// Loads everything. Returns when every thread has ended, whatever ended them.
///
/// `stdout` gets Python's lines, as they happen.
///
/// # Errors
/// Nothing was written: an input cannot be opened, or the rejected rows' file cannot be created. What happens later is in [`Loaded`].
pub fn load<W: Write>(job: &Job, stdout: W) -> Result<Loaded, LoadError> {
    let start = Instant::now();
    let inputs = job.sources.iter().map(Source::open).collect::<Result<Vec<_>, _>>()?;
    let rejects = job.rejects.as_deref().map(Rejects::create).transpose()?;
    let names: Vec<String> = job.sources.iter().map(|source| source.name().to_owned()).collect();
    let lines = match job.script {
        Script::Sequential => Lines::Sequential(SequentialLines::new(stdout)),
        Script::Parallel => Lines::Parallel(ParallelLines::new(stdout, names.iter().map(String::as_str))),
    };
    let mut collector = Collector {
        lines,
        rejects,
        names,
        table: job.table.clone(),
        tally: Tally::default(),
        error: None,
        stop: Arc::default(),
        start,
    };
    run(job, inputs, &mut collector)?;
    if collector.error.is_none() && !collector.tally.is_complete() {
        let tally = collector.tally;
        collector.fail(LoadError::Internal(format!("rows are unaccounted for ({tally})")));
    }
    if collector.error.is_none() {
        collector.finished();
    }
    let Collector { tally, error, rejects, .. } = collector;
    if let Some(rejects) = rejects {
        rejects.finish();
    }
    Ok(Loaded { tally, elapsed: start.elapsed(), error })
}

/// Starts the workers and producers, collects what they tell, and waits for all of them.
fn run<W: Write>(job: &Job, inputs: Vec<Box<dyn Read + Send>>, collector: &mut Collector<W>) -> Result<(), LoadError> {
    let (events, collected) = crossbeam_channel::bounded(EVENTS);
    // One thread for each source, as in Python, but never more than the machine can use.
    let threads = thread::available_parallelism().map_or(2, usize::from).min(inputs.len()).max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| LoadError::Thread(io::Error::other(error)))?;
    let (workers, threads) = start_workers(job, &events)?;
    let production = Production {
        layout: job.layout,
        numbering: job.numbering,
        sets_aside: job.rejects.is_some(),
        workers,
        events,
        stop: Arc::clone(&collector.stop),
    };
    let (reads, read) = crossbeam_channel::unbounded();
    let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.in_place_scope(|scope| {
            for (source, (input, named)) in inputs.into_iter().zip(&job.sources).enumerate() {
                let producer = Producer::new(production.clone(), source as u32, named.name());
                let reads = reads.clone();
                scope.spawn(move |_| {
                    let _ = reads.send(producer.run(input));
                });
            }
            drop((production, reads));
            collector.collect(&collected);
        });
    }));
    collector.tally.read = read.iter().sum();
    if finished.is_err() {
        collector.fail(LoadError::Internal("a producer ended unexpectedly".to_owned()));
    }
    for thread in threads {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => collector.fail(LoadError::Thread(error)),
            Err(_) => collector.fail(LoadError::Internal("a worker ended unexpectedly".to_owned())),
        }
    }
    Ok(())
}

type Workers = (Vec<ChunkSender<Vec<Request>>>, Vec<thread::JoinHandle<io::Result<()>>>);

fn start_workers(job: &Job, events: &Sender<Event>) -> Result<Workers, LoadError> {
    let pacer = SharedPacer::new();
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for number in 0..job.workers.max(1) {
        let (sender, chunks) = channel(CHUNKS_PER_WORKER);
        let worker = Worker {
            connection: job.connection.clone(),
            table: job.table.clone(),
            options: job.options,
            pacer: pacer.clone(),
            chunks,
            events: events.clone(),
        };
        let thread = thread::Builder::new().name(format!("worker {number}")).spawn(move || worker.run());
        threads.push(thread.map_err(LoadError::Thread)?);
        senders.push(sender);
    }
    Ok((senders, threads))
}
