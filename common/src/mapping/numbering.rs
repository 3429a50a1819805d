//! The ids of the copies of a record, and whether two records would get the same one.

use std::fmt;
use std::ops::RangeInclusive;

use thiserror::Error;

/// How a mapping numbers the copies of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copies {
    /// How many items a record becomes.
    pub count: u32,
    /// What is added to the id for each copy.
    pub per_copy: Stride,
    /// What is added to it for each file.
    pub per_file: Stride,
}

impl Default for Copies {
    fn default() -> Self {
        Self { count: 1, per_copy: Stride::Of(0), per_file: Stride::Of(0) }
    }
}

/// How far apart ids are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stride {
    /// As far as the files need, which are read once more to find out.
    Auto,
    /// This far.
    Of(i128),
}

/// Gives each copy of a row its id: file × file stride + copy × copy stride + the row's own id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbering {
    copies: u32,
    copy_stride: i128,
    file_stride: i128,
}

/// The ids found in a file, `None` if it has none.
pub type Ids = Option<RangeInclusive<i128>>;

/// Rows that would overwrite each other.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Collision {
    /// Copies of two rows of one file.
    #[error(
        "{file}: its ids run from {first} to {last}, and with {copies} copies of each row, {stride} apart, rows {stride} or more \
         apart overwrite each other's copies"
    )]
    WithinFile {
        /// The file.
        file: String,
        /// Its lowest id.
        first: i128,
        /// Its highest id.
        last: i128,
        /// Copies of each row.
        copies: u32,
        /// What is added for each copy.
        stride: i128,
    },
    /// Copies of rows of two files.
    #[error("{first} and {second}: the copies of the one get ids from {} to {}, those of the other from {} to {}, and overwrite each other", .first_ids.start(), .first_ids.end(), .second_ids.start(), .second_ids.end())]
    BetweenFiles {
        /// A file.
        first: String,
        /// Ids of its rows' copies.
        first_ids: RangeInclusive<i128>,
        /// Another file.
        second: String,
        /// Ids of its rows' copies.
        second_ids: RangeInclusive<i128>,
    },
}

impl fmt::Display for Numbering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { copies, copy_stride, file_stride } = self;
        write!(f, "{copies} x {copy_stride}, files {file_stride} apart")
    }
}

impl Numbering {
    /// Each row once, with its own id.
    pub const AS_IN_FILE: Self = Self { copies: 1, copy_stride: 0, file_stride: 0 };

    /// As the mapping says; `None` if the files must be read first.
    pub fn of_copies(copies: Copies) -> Option<Self> {
        match (copies.per_copy, copies.per_file) {
            (Stride::Of(copy_stride), Stride::Of(file_stride)) => {
                Some(Self { copies: copies.count, copy_stride, file_stride })
            }
            (Stride::Auto, _) | (_, Stride::Auto) => None,
        }
    }

    /// `stride` for each copy, and for each file what the copies of one take.
    pub fn with_stride(copies: u32, stride: i128) -> Self {
        Self { copies, copy_stride: stride, file_stride: stride.saturating_mul(i128::from(copies)) }
    }

    /// The smallest stride with which no two rows of these files overwrite each other.
    pub fn fitting<'a>(copies: u32, files: impl IntoIterator<Item = &'a Ids>) -> Self {
        let mut whole: Ids = None;
        for ids in files.into_iter().flatten() {
            let (start, end) = whole
                .as_ref()
                .map_or((*ids.start(), *ids.end()), |all| (*all.start().min(ids.start()), *all.end().max(ids.end())));
            whole = Some(start..=end);
        }
        let stride = whole.map_or(1, |ids| ids.end() - ids.start() + 1);
        Self::with_stride(copies, stride)
    }

    /// Copies of each row.
    pub fn copies(&self) -> u32 {
        self.copies
    }

    /// The id of a copy (from 0) of a row of a file (from 0). Saturates far beyond the 38 digits that DynamoDB takes.
    pub fn id(&self, file: usize, copy: u32, id: i128) -> i128 {
        let file = self.file_stride.saturating_mul(file as i128);
        let copy = self.copy_stride.saturating_mul(i128::from(copy));
        id.saturating_add(file).saturating_add(copy)
    }

    /// Whether the files must be read before the first row is written.
    pub fn may_collide(&self, files: usize) -> bool {
        self.copies > 1 || files > 1 && self.file_stride > 0
    }

    /// Looks for two rows that would get the same id; `files` are names with the ids found in them. It compares the lowest and highest ids,
    /// so files with gaps between their ids may be refused although nothing would be overwritten.
    ///
    /// # Errors
    /// The first collision.
    pub fn check(&self, files: &[(&str, Ids)]) -> Result<(), Box<Collision>> {
        let mut taken: Vec<(&str, RangeInclusive<i128>)> = Vec::new();
        for (thread_id, (file, ids)) in files.iter().enumerate() {
            let Some(ids) = ids else { continue };
            if self.copies > 1 && ids.end() - ids.start() >= self.copy_stride {
                return Err(Box::new(Collision::WithinFile {
                    file: (*file).to_owned(),
                    first: *ids.start(),
                    last: *ids.end(),
                    copies: self.copies,
                    stride: self.copy_stride,
                }));
            }
            let first = self.id(thread_id, 0, *ids.start());
            let last = self.id(thread_id, self.copies.saturating_sub(1), *ids.end());
            let overlapping = taken.iter().find(|(_, other)| first <= *other.end() && *other.start() <= last);
            if let Some((other, other_ids)) = overlapping {
                return Err(Box::new(Collision::BetweenFiles {
                    first: (*other).to_owned(),
                    first_ids: other_ids.clone(),
                    second: (*file).to_owned(),
                    second_ids: first..=last,
                }));
            }
            taken.push((file, first..=last));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const WORKSHOP: Numbering = Numbering { copies: 250, copy_stride: 2000, file_stride: 500_000 };

    #[test]
    fn ids_are_the_workshops() {
        let per = |stride| Stride::Of(stride);
        let copies = Copies { count: 250, per_copy: per(2000), per_file: per(500_000) };
        assert_eq!(Numbering::of_copies(copies), Some(WORKSHOP));
        assert_eq!(WORKSHOP.id(0, 0, 1), 1);
        assert_eq!(WORKSHOP.id(0, 249, 2000), 500_000);
        assert_eq!(WORKSHOP.id(1, 0, 2001), 502_001);
        assert_eq!(WORKSHOP.id(1, 249, 4000), 1_002_000);
        assert_eq!(Numbering::AS_IN_FILE.id(0, 0, 7), 7);
    }

    #[test]
    fn the_workshops_files_do_not_collide_in_their_order_and_do_in_the_other() {
        let (one, two) = (Some(1..=2000), Some(2001..=4000));
        assert_eq!(WORKSHOP.check(&[("m1", one.clone()), ("m2", two.clone())]), Ok(()));
        let collision = WORKSHOP.check(&[("m2", two), ("m1", one)]).unwrap_err();
        assert_eq!(
            collision.to_string(),
            "m2 and m1: the copies of the one get ids from 2001 to 502000, those of the other from 500001 to 1000000, and overwrite \
             each other"
        );
    }

    #[test]
    fn ids_past_the_stride_collide() {
        let collision = WORKSHOP.check(&[("long.csv", Some(1..=2001))]).unwrap_err();
        assert!(
            collision.to_string().starts_with("long.csv: its ids run from 1 to 2001, and with 250 copies"),
            "{collision}"
        );
        assert_eq!(
            Numbering { copies: 1, ..WORKSHOP }.check(&[("long.csv", Some(1..=1_000_000))]),
            Ok(()),
            "there are no copies"
        );
    }

    #[test]
    fn a_fitting_stride_is_found() {
        let files = [Some(5..=104), None, Some(50..=204)];
        let numbering = Numbering::fitting(3, &files);
        assert_eq!(numbering, Numbering::with_stride(3, 200));
        assert_eq!(Numbering::fitting(3, &[None]), Numbering::with_stride(3, 1));
    }

    proptest! {
        /// Where `check` finds nothing, no two rows get the same id; and what `fitting` finds passes the check.
        #[test]
        fn no_collision_is_missed(
            copies in 1_u32..6, stride in 1_i128..30,
            files in prop::collection::vec((-50_i128..50, 0_i128..40), 1..4), fit: bool,
        ) {
            let ids: Vec<Ids> = files.iter().map(|(first, more)| Some(*first..=first + more)).collect();
            let named: Vec<_> = ids.iter().map(|ids| ("f", ids.clone())).collect();
            let numbering = if fit { Numbering::fitting(copies, &ids) } else { Numbering::with_stride(copies, stride) };
            let checked = numbering.check(&named);
            prop_assert!(!fit || checked.is_ok());
            if checked.is_ok() {
                let mut seen = HashMap::new();
                for (file, range) in ids.iter().enumerate() {
                    for id in range.clone().unwrap() {
                        for copy in 0..copies {
                            let twice = seen.insert(numbering.id(file, copy, id), (file, id));
                            prop_assert_eq!(twice, None);
                        }
                    }
                }
            }
        }
    }
}
