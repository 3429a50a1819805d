//! Rows with the key of an earlier row, which they replace in the table.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::AddAssign;

use crate::batch_writer::Key;

/// The number of keys that all counters of a load hold together, in about 1 MB. With fewer distinct keys, the count is
/// exact.
pub const KEYS: usize = 100_000;

/// Rows that replaced an earlier row of the same key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplacedRows {
    /// How many.
    pub rows: u64,
    /// Whether there were too many keys for an exact count.
    pub is_estimate: bool,
}

impl AddAssign for ReplacedRows {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.is_estimate |= other.is_estimate;
    }
}

/// Counts rows with the key of an earlier row. When it holds too many keys, it keeps half of them, chosen by their
/// hashes, and so on. Within that sample the count stays exact, so the estimate is 0 if no row replaces another.
#[derive(Debug)]
pub struct KeyCounter {
    max_keys: usize,
    /// One in 2 to the power of `level` keys is in the sample.
    level: u32,
    keys: HashSet<u64, BuildHasherDefault<HashOfKey>>,
    /// Repeated rows by key.
    repeated: HashMap<u64, u64, BuildHasherDefault<HashOfKey>>,
}

impl KeyCounter {
    /// A counter that holds at most `max_keys`.
    pub fn new(max_keys: usize) -> Self {
        // Allocated at its full size: growing would hold the old and the new table at the same time.
        let keys = HashSet::with_capacity_and_hasher(max_keys + 1, BuildHasherDefault::default());
        Self { max_keys, level: 0, keys, repeated: HashMap::default() }
    }

    /// Counts a row.
    pub fn add(&mut self, key: Key) {
        let hash = key.hash();
        if !is_in_sample(hash, self.level) {
            return;
        }
        if !self.keys.insert(hash) {
            *self.repeated.entry(hash).or_default() += 1;
        }
        while self.keys.len() > self.max_keys {
            self.level += 1;
            self.keys.retain(|&hash| is_in_sample(hash, self.level));
            self.repeated.retain(|&hash, _| is_in_sample(hash, self.level));
        }
    }

    /// The rows that replaced an earlier one so far.
    pub fn replaced(&self) -> ReplacedRows {
        let sampled: u64 = self.repeated.values().sum();
        ReplacedRows { rows: sampled << self.level, is_estimate: self.level > 0 }
    }
}

/// Uses bits of the hash that determine neither the worker of a key nor its position in a hash table.
fn is_in_sample(hash: u64, level: u32) -> bool {
    (hash >> 40) & ((1 << level) - 1) == 0
}

/// A key is a hash already.
#[derive(Debug, Default)]
struct HashOfKey(u64);

impl Hasher for HashOfKey {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::types::AttributeValue;
    use proptest::prelude::*;

    use super::*;
    use crate::batch_writer::KeySchema;

    fn key(number: u64) -> Key {
        let item = HashMap::from([("id".to_owned(), AttributeValue::N(number.to_string()))]);
        KeySchema::partition("id").key_of(&item).unwrap()
    }

    fn count(max_keys: usize, keys: impl IntoIterator<Item = u64>) -> ReplacedRows {
        let mut counter = KeyCounter::new(max_keys);
        keys.into_iter().for_each(|number| counter.add(key(number)));
        counter.replaced()
    }

    #[test]
    fn without_repetition_an_estimate_is_zero_too() {
        assert_eq!(count(1000, 0..50_000), ReplacedRows { rows: 0, is_estimate: true });
    }

    #[test]
    fn an_estimate_is_close() {
        // Every key twice, and then a third of them again.
        let keys = (0..30_000).chain(0..30_000).chain((0..30_000).step_by(3));
        let ReplacedRows { rows, is_estimate } = count(2000, keys);
        assert!(is_estimate && rows.abs_diff(40_000) < 4_000, "{rows}");
    }

    proptest! {
        #[test]
        fn while_all_keys_are_held_the_count_is_exact(keys in prop::collection::vec(0_u64..200, 0..500)) {
            let different: HashSet<_> = keys.iter().collect();
            let expected = (keys.len() - different.len()) as u64;
            prop_assert_eq!(count(200, keys), ReplacedRows { rows: expected, is_estimate: false });
        }
    }
}
