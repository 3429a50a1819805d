//! The count of a load's rows. A row is one item to be written: each copy counts.

use std::fmt;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Rows of a load or of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows read from the input.
    pub read: u64,
    /// Rows acknowledged by DynamoDB.
    pub written: u64,
    /// Rows that cannot be mapped to an item, or that DynamoDB finds invalid.
    pub rejected: u64,
}

impl Tally {
    /// Rows read that were neither rejected nor acknowledged. Some may nevertheless be in the table, if the
    /// acknowledgement was lost.
    pub fn not_written(&self) -> u64 {
        self.read.saturating_sub(self.written + self.rejected)
    }

    /// Whether every row read is accounted for, and none was counted twice.
    pub fn is_complete(&self) -> bool {
        self.read == self.written + self.rejected
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.written += other.written;
        self.rejected += other.rejected;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { read, written, rejected } = self;
        let not_written = self.not_written();
        let rows = if *read == 1 { "row" } else { "rows" };
        write!(f, "{read} {rows} read = {written} written + {rejected} rejected + {not_written} not written")
    }
}

/// The rows of each source while they are loaded. The only count of them: the summary, the report, the lines on stdout and the bars
/// all read it.
#[derive(Debug)]
pub struct RowCounts(Box<[SourceCounts]>);

/// `read` is counted where the source is read, the others where rows are settled.
#[derive(Debug, Default)]
struct SourceCounts {
    read: AtomicU64,
    written: AtomicU64,
    rejected: AtomicU64,
}

impl RowCounts {
    /// Starts with the rows of earlier runs, one tally for each source.
    pub fn new(resumed: impl IntoIterator<Item = Tally>) -> Self {
        let counts = |Tally { read, written, rejected }| SourceCounts {
            read: read.into(),
            written: written.into(),
            rejected: rejected.into(),
        };
        Self(resumed.into_iter().map(counts).collect())
    }

    pub fn add_read(&self, source: usize, rows: u64) {
        self.0[source].read.fetch_add(rows, Ordering::Relaxed);
    }

    pub fn add_written(&self, source: usize, rows: u64) {
        self.0[source].written.fetch_add(rows, Ordering::Relaxed);
    }

    pub fn add_rejected(&self, source: usize, rows: u64) {
        self.0[source].rejected.fetch_add(rows, Ordering::Relaxed);
    }

    pub fn of_source(&self, source: usize) -> Tally {
        let counts = &self.0[source];
        let [written, rejected] = [&counts.written, &counts.rejected].map(|count| count.load(Ordering::Relaxed));
        Tally { read: counts.read.load(Ordering::Relaxed), written, rejected }
    }

    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        (0..self.0.len()).for_each(|source| total += self.of_source(source));
        total
    }
}
