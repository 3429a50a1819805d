//! The count of a load's rows.

use std::fmt;
use std::ops::AddAssign;

/// Rows of a load. A row is one item to be written: in the parallel loader each copy counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows read from the input.
    pub read: u64,
    /// Rows that DynamoDB acknowledged.
    pub written: u64,
    /// Rows that are no log record or that DynamoDB refuses for what they are.
    pub rejected: u64,
}

impl Tally {
    /// Rows read that were neither rejected nor acknowledged. Some may be in the table all the same, when the acknowledgement was lost.
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
        write!(f, "{read} rows read = {written} written + {rejected} rejected + {not_written} not written")
    }
}
