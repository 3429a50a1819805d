//! The position up to which a source is settled without a gap.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Tally;

/// Consecutive records of a source that are settled: all their rows are written or rejected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledRange<P> {
    /// Number of the first record, from 0.
    pub first: u64,
    /// Number of the record after the last.
    pub end: u64,
    /// The end of the last record in the source.
    pub position: P,
    /// Rows written; copies count.
    pub written: u64,
    pub rejected: u64,
}

impl<P: Copy> SettledRange<P> {
    fn extend(&mut self, record: &Record<P>) {
        self.end += 1;
        self.position = record.position;
        self.written += record.written;
        self.rejected += record.rejected;
    }
}

impl<P> SettledRange<P> {
    fn tally(&self) -> Tally {
        Tally { read: self.written + self.rejected, written: self.written, rejected: self.rejected }
    }
}

/// The settled records of a source, from which a load can resume: everything up to the first gap, and ranges after it.
/// If one request waits long for its response, rows written meanwhile need not be written again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint<P> {
    /// Starts at the first record; initially empty.
    pub prefix: SettledRange<P>,
    /// After the prefix, in order.
    pub ranges: Vec<SettledRange<P>>,
}

impl<P> ResumePoint<P> {
    /// The rows of all settled records.
    pub fn tally(&self) -> Tally {
        let mut tally = self.prefix.tally();
        self.ranges.iter().for_each(|range| tally += range.tally());
        tally
    }
}

/// The maximum number of ranges in a resume point; the longest are kept. If responses arrive out of order, there may be
/// as many ranges as requests in flight, and short ones save little.
const MAX_RANGES: usize = 64;

#[derive(Debug, Clone, Default)]
struct Record<P> {
    position: P,
    /// The number of its rows; `None` while the record is unknown.
    rows: Option<u64>,
    written: u64,
    rejected: u64,
}

impl<P> Record<P> {
    fn is_settled(&self) -> bool {
        self.rows.is_some_and(|rows| self.written + self.rejected >= rows)
    }
}

/// A record of a source, as it is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRows<P> {
    /// Its number, from 0, among the source's records that this load writes.
    pub number: u64,
    /// The number of its rows.
    pub rows: u64,
    /// Its end in the source.
    pub end: P,
}

/// Tracks the records of one source, which are settled in any order, copy by copy. `P` is a position in the source.
#[derive(Debug, Clone)]
pub struct Watermark<P> {
    prefix: SettledRange<P>,
    /// The records from the first unsettled one on.
    open: VecDeque<Record<P>>,
}

impl<P: Copy + Default> Watermark<P> {
    /// Starts from what an earlier run has settled.
    pub fn new(resume: &ResumePoint<P>) -> Self {
        let mut watermark = Self { prefix: resume.prefix, open: VecDeque::new() };
        for range in &resume.ranges {
            for number in range.first..range.end {
                *watermark.record(number) = Record { position: range.position, rows: Some(0), written: 0, rejected: 0 };
            }
            // Only the sums and the last position are known, and nothing else is needed.
            let first = watermark.record(range.first);
            (first.written, first.rejected) = (range.written, range.rejected);
        }
        watermark.advance();
        watermark
    }

    /// Everything up to the first record that is not settled.
    pub fn prefix(&self) -> SettledRange<P> {
        self.prefix
    }

    /// Where a later run may resume.
    pub fn resume_point(&self) -> ResumePoint<P> {
        let mut ranges: Vec<SettledRange<P>> = Vec::new();
        for (number, record) in (self.prefix.end..).zip(&self.open).filter(|(_, record)| record.is_settled()) {
            match ranges.last_mut() {
                Some(last) if last.end == number => last.extend(record),
                _ => {
                    let mut range = SettledRange { first: number, end: number, ..SettledRange::default() };
                    range.extend(record);
                    ranges.push(range);
                }
            }
        }
        ranges.sort_unstable_by_key(|range| std::cmp::Reverse(range.end - range.first));
        ranges.truncate(MAX_RANGES);
        ranges.sort_unstable_by_key(|range| range.first);
        ResumePoint { prefix: self.prefix, ranges }
    }

    /// Rows of a record were written.
    pub fn written(&mut self, record: &RecordRows<P>, rows: u64) {
        self.known(record).written += rows;
        self.advance();
    }

    /// Rows of a record were rejected.
    pub fn rejected(&mut self, record: &RecordRows<P>, rows: u64) {
        self.known(record).rejected += rows;
        self.advance();
    }

    fn known(&mut self, &RecordRows { number, rows, end }: &RecordRows<P>) -> &mut Record<P> {
        let record = self.record(number);
        (record.position, record.rows) = (end, Some(rows));
        record
    }

    fn record(&mut self, number: u64) -> &mut Record<P> {
        // Records of the prefix have no open rows, so none of them is settled again.
        let index = usize::try_from(number.saturating_sub(self.prefix.end)).unwrap_or(usize::MAX - 1);
        if index >= self.open.len() {
            self.open.resize_with(index + 1, Record::default);
        }
        &mut self.open[index]
    }

    fn advance(&mut self) {
        while let Some(first) = self.open.front()
            && first.is_settled()
        {
            self.prefix.extend(first);
            self.open.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn watermark() -> Watermark<u64> {
        Watermark::new(&ResumePoint::default())
    }

    fn record(number: u64, end: u64, rows: u64) -> RecordRows<u64> {
        RecordRows { number, rows, end }
    }

    fn prefix(end: u64, position: u64, written: u64, rejected: u64) -> SettledRange<u64> {
        SettledRange { first: 0, end, position, written, rejected }
    }

    #[test]
    fn the_prefix_ends_before_the_first_record_that_is_not_settled() {
        let mut mark = watermark();
        mark.written(&record(1, 20, 2), 2);
        mark.written(&record(0, 10, 2), 1);
        assert_eq!(mark.prefix().end, 0);
        mark.written(&record(0, 10, 2), 1);
        assert_eq!(mark.prefix(), prefix(2, 20, 4, 0));
        mark.rejected(&record(2, 30, 2), 2);
        assert_eq!(mark.prefix(), prefix(3, 30, 4, 2));
        // A part of a load may have fewer copies of a record than there are.
        mark.written(&record(3, 40, 1), 1);
        assert_eq!(mark.prefix(), prefix(4, 40, 5, 2));
    }

    #[test]
    fn a_later_run_resumes_the_counts() {
        let mut mark = Watermark::new(&ResumePoint { prefix: prefix(100, 1000, 99, 1), ranges: Vec::new() });
        mark.written(&record(100, 1010, 1), 1);
        assert_eq!(mark.prefix(), prefix(101, 1010, 100, 1));
    }

    #[test]
    fn records_settled_behind_a_gap_are_known_to_the_next_run() {
        let mut mark = watermark();
        (1..5).for_each(|number| mark.written(&record(number, number * 10, 2), 2));
        mark.rejected(&record(5, 50, 2), 2);
        mark.written(&record(6, 60, 2), 1);
        mark.written(&record(7, 70, 2), 2);
        let point = mark.resume_point();
        let ranges = vec![
            SettledRange { first: 1, end: 6, position: 50, written: 8, rejected: 2 },
            SettledRange { first: 7, end: 8, position: 70, written: 2, rejected: 0 },
        ];
        assert_eq!(point, ResumePoint { prefix: prefix(0, 0, 0, 0), ranges });
        assert_eq!(point.tally(), Tally { read: 12, written: 10, rejected: 2 });

        let mut again = Watermark::new(&point);
        assert_eq!(again.resume_point(), point);
        again.written(&record(0, 5, 2), 2);
        assert_eq!(again.prefix(), prefix(6, 50, 10, 2));
        again.written(&record(6, 60, 2), 2);
        assert_eq!(again.resume_point(), ResumePoint { prefix: prefix(8, 70, 14, 2), ranges: Vec::new() });
    }

    #[test]
    fn a_resume_point_does_not_grow_with_the_requests_in_flight() {
        let mut mark = watermark();
        (1..10_000).step_by(2).for_each(|number| mark.written(&record(number, number, 1), 1));
        (20_000..30_000).for_each(|number| mark.written(&record(number, number, 1), 1));
        let ranges = mark.resume_point().ranges;
        assert_eq!(ranges.len(), MAX_RANGES);
        assert_eq!(ranges.last().map(|last| (last.first, last.end)), Some((20_000, 30_000)));
    }

    proptest! {
        /// In any order of settling: never past a gap, and complete in the end.
        #[test]
        fn any_order(order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle(), copies in 1..4_u64) {
            let mut mark = watermark();
            let mut seen = std::collections::HashMap::new();
            for row in order.iter().filter(|row| **row < 10 * copies) {
                let number = row / copies;
                *seen.entry(number).or_insert(0) += 1;
                mark.written(&record(number, number, copies), 1);
                let expected = (0..10).take_while(|number| seen.get(number) == Some(&copies)).count() as u64;
                prop_assert_eq!(mark.prefix().end, expected);
            }
            prop_assert_eq!(mark.prefix().written, 10 * copies);
            prop_assert!(mark.open.is_empty());
        }
    }
}
