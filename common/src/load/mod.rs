//! The pipeline that both loaders run: read, map, serialise, write, count.
//!
//! ```text
//! source ─► RecordReader ─► Mapper ×copies ─► WriteRequest ─► channel ─► worker: runtime ─► sink: a table
//!           a producer for each source         (a key always goes to the same worker) │
//!                                                              settled rows ──────────┴─► collector: counts, stdout, rejects
//! ```
//!
//! Ordering: two rows of one source with the same key are written in their order, so the last one wins, as in Python. Rows with
//! different keys are not ordered. Rows of different sources are ordered where sources are read one after another: by `load_logfile`, and
//! by both loaders in a part of a load.

mod channel;
mod collect;
mod control;
mod dry_run;
mod error;
mod event;
mod expected;
mod finished;
mod job;
mod loaded;
mod max_errors;
mod numbering;
mod pace;
mod part;
mod phase;
mod produce;
mod progress;
mod rejects;
mod request;
mod resume;
mod run;
mod signal;
mod sink;
mod worker;

use std::io::Read;

use crate::input::RecordReader;

pub use self::dry_run::{DryRun, Forecast};
pub use self::error::LoadError;
pub use self::expected::ExpectedInput;
pub use self::finished::{finished_before, lock};
pub use self::job::Job;
pub use self::loaded::Loaded;
pub use self::max_errors::MaxErrors;
pub use self::numbering::{IdStride, choose_numbering};
pub use self::pace::{MaxWcu, Pace, ShareError};
pub use self::part::{PLACEHOLDER, Part};
pub use self::rejects::{RejectedRow, RejectsError};
pub use self::run::load;
pub use self::signal::Signal;
pub use self::sink::{
    Destination, ImportDestination, ImportError, ImportTarget, PRICES, Price, Prices, TableDestination,
};
pub use crate::report::Script;

type Reader = RecordReader<Box<dyn Read + Send>>;
