//! How far a source is settled without a gap.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Tally;

/// Records settled without a gap, from the source's first on, and the rows that they made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled<P> {
    /// Number of records, bad ones included.
    pub records: u64,
    /// The place behind the last of them.
    pub position: P,
    /// Their rows that were written: copies count.
    pub written: u64,
    /// Their rows that were rejected.
    pub rejected: u64,
}

impl<P> Settled<P> {
    /// As a tally, in which every row read is accounted for.
    pub fn tally(&self) -> Tally {
        Tally { read: self.written + self.rejected, written: self.written, rejected: self.rejected }
    }
}

/// Records one behind another that are settled, behind some that are not: when one request waits long for its answer, all the others
/// need not be written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch<P> {
    /// Number of the first of them.
    pub first: u64,
    /// Number of the one behind the last.
    pub end: u64,
    /// The place behind the last.
    pub position: P,
    /// Their rows that were written.
    pub written: u64,
    /// Their rows that were rejected.
    pub rejected: u64,
}

impl<P> Stretch<P> {
    /// As a tally, in which every row read is accounted for.
    pub fn tally(&self) -> Tally {
        Tally { read: self.written + self.rejected, written: self.written, rejected: self.rejected }
    }
}

/// A checkpoint knows so many stretches, the longest ones. Where answers come out of order there may be as many as requests in flight,
/// and those that are short save little.
const STRETCHES: usize = 64;

#[derive(Debug, Clone, Default)]
struct Record<P> {
    position: P,
    written: u64,
    rejected: u64,
}

/// Follows the records of one source, which are settled in any order, copy by copy. `P` is a place in the source.
#[derive(Debug, Clone)]
pub struct Watermark<P> {
    copies: u64,
    settled: Settled<P>,
    /// The records from the first one on that is not settled.
    open: VecDeque<Record<P>>,
}

impl<P: Copy + Default> Watermark<P> {
    /// Each record makes `copies` rows. Begins behind what an earlier load has settled.
    pub fn new(copies: u64, settled: Settled<P>) -> Self {
        Self { copies, settled, open: VecDeque::new() }
    }

    /// What is settled without a gap.
    pub fn settled(&self) -> Settled<P> {
        self.settled
    }

    /// An earlier load has settled these, too.
    pub fn resume(&mut self, stretches: &[Stretch<P>]) {
        for stretch in stretches {
            let mut rejected = stretch.rejected;
            for number in stretch.first..stretch.end {
                // Only the sums and the last place are known, and nobody asks for others.
                let of_record = rejected.min(self.copies);
                rejected -= of_record;
                *self.record(number, stretch.position) =
                    Record { position: stretch.position, written: self.copies - of_record, rejected: of_record };
            }
        }
        self.advance();
    }

    /// What is settled behind the first gap, in order: the longest stretches of it.
    pub fn beyond(&self) -> Vec<Stretch<P>> {
        let mut stretches: Vec<Stretch<P>> = Vec::new();
        for (number, record) in (self.settled.records..).zip(&self.open).filter(|(_, record)| self.is_settled(record)) {
            match stretches.last_mut() {
                Some(last) if last.end == number => {
                    last.end += 1;
                    last.position = record.position;
                    last.written += record.written;
                    last.rejected += record.rejected;
                }
                _ => stretches.push(Stretch {
                    first: number,
                    end: number + 1,
                    position: record.position,
                    written: record.written,
                    rejected: record.rejected,
                }),
            }
        }
        stretches.sort_unstable_by_key(|stretch| std::cmp::Reverse(stretch.end - stretch.first));
        stretches.truncate(STRETCHES);
        stretches.sort_unstable_by_key(|stretch| stretch.first);
        stretches
    }

    fn is_settled(&self, record: &Record<P>) -> bool {
        record.written + record.rejected >= self.copies
    }

    /// Rows of a record were written. `number` counts the source's records from 0; `position` is the place behind it.
    pub fn written(&mut self, number: u64, position: P, rows: u64) {
        self.record(number, position).written += rows;
        self.advance();
    }

    /// Rows of a record were rejected.
    pub fn rejected(&mut self, number: u64, position: P, rows: u64) {
        self.record(number, position).rejected += rows;
        self.advance();
    }

    fn record(&mut self, number: u64, position: P) -> &mut Record<P> {
        // Records before the watermark have no open rows: none of them is ever named again.
        let place = usize::try_from(number.saturating_sub(self.settled.records)).unwrap_or(usize::MAX - 1);
        if place >= self.open.len() {
            self.open.resize_with(place + 1, Record::default);
        }
        self.open[place].position = position;
        &mut self.open[place]
    }

    fn advance(&mut self) {
        while let Some(first) = self.open.front()
            && self.is_settled(first)
        {
            self.settled.records += 1;
            self.settled.position = first.position;
            self.settled.written += first.written;
            self.settled.rejected += first.rejected;
            self.open.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_stands_before_the_first_record_that_is_not_settled() {
        let mut mark = Watermark::new(2, Settled::<u64>::default());
        mark.written(1, 20, 2);
        mark.written(0, 10, 1);
        assert_eq!(mark.settled().records, 0);
        mark.written(0, 10, 1);
        assert_eq!(mark.settled(), Settled { records: 2, position: 20, written: 4, rejected: 0 });
        mark.rejected(2, 30, 2);
        assert_eq!(mark.settled(), Settled { records: 3, position: 30, written: 4, rejected: 2 });
    }

    #[test]
    fn it_goes_on_from_an_earlier_load() {
        let mut mark = Watermark::new(1, Settled { records: 100, position: 1000, written: 99, rejected: 1 });
        mark.written(100, 1010, 1);
        assert_eq!(mark.settled(), Settled { records: 101, position: 1010, written: 100, rejected: 1 });
    }

    #[test]
    fn what_is_settled_behind_a_gap_is_known_to_the_next_load() {
        let mut mark = Watermark::new(2, Settled::<u64>::default());
        (1..5).for_each(|number| mark.written(number, number * 10, 2));
        mark.rejected(5, 50, 2);
        mark.written(6, 60, 1);
        mark.written(7, 70, 2);
        let stretches = [
            Stretch { first: 1, end: 6, position: 50, written: 8, rejected: 2 },
            Stretch { first: 7, end: 8, position: 70, written: 2, rejected: 0 },
        ];
        assert_eq!((mark.settled().records, mark.beyond()), (0, stretches.to_vec()));

        let mut again = Watermark::new(2, mark.settled());
        again.resume(&stretches);
        assert_eq!(again.beyond(), stretches);
        again.written(0, 5, 2);
        assert_eq!(again.settled(), Settled { records: 6, position: 50, written: 10, rejected: 2 });
        again.written(6, 60, 2);
        assert_eq!(again.settled(), Settled { records: 8, position: 70, written: 14, rejected: 2 });
        assert_eq!(again.beyond(), []);
    }

    #[test]
    fn a_checkpoint_does_not_grow_with_the_requests_in_flight() {
        let mut mark = Watermark::new(1, Settled::<u64>::default());
        (1..10_000).step_by(2).for_each(|number| mark.written(number, number, 1));
        (20_000..30_000).for_each(|number| mark.written(number, number, 1));
        let stretches = mark.beyond();
        assert_eq!(stretches.len(), STRETCHES);
        assert_eq!(stretches.last().map(|last| (last.first, last.end)), Some((20_000, 30_000)));
    }

    proptest! {
        /// In whatever order rows are settled: never past a gap, and in the end all.
        #[test]
        fn any_order(order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle(), copies in 1..4_u64) {
            let mut mark = Watermark::new(copies, Settled::<u64>::default());
            let mut seen = std::collections::HashMap::new();
            for row in order.iter().filter(|row| **row < 10 * copies) {
                let number = row / copies;
                *seen.entry(number).or_insert(0) += 1;
                mark.written(number, number, 1);
                let expected = (0..10).take_while(|number| seen.get(number) == Some(&copies)).count() as u64;
                prop_assert_eq!(mark.settled().records, expected);
            }
            prop_assert_eq!(mark.settled().written, 10 * copies);
            prop_assert!(mark.open.is_empty());
        }
    }
}
