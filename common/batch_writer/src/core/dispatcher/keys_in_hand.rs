//! The keys in hand: queued, in flight, or waiting to be sent again. A later request for one of them waits.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use crate::core::key::Key;
use crate::core::write_request::WriteRequest;

/// Spreads half a hash.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u32(&mut self, hash: u32) {
        self.0 = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Keys by half of their hash. Two keys that share it only wait for each other.
pub(super) struct KeysInHand<T> {
    keys: HashSet<u32, BuildHasherDefault<Hashed>>,
    later: HashMap<u32, VecDeque<WriteRequest<T>>, BuildHasherDefault<Hashed>>,
    held_back: usize,
}

impl<T> KeysInHand<T> {
    pub(super) fn new() -> Self {
        Self { keys: HashSet::default(), later: HashMap::default(), held_back: 0 }
    }

    /// Requests that wait for an earlier one.
    pub(super) fn held_back(&self) -> usize {
        self.held_back
    }

    /// Returns the request if its key was free, and holds it back otherwise.
    pub(super) fn take(&mut self, request: WriteRequest<T>) -> Option<WriteRequest<T>> {
        let hash = short(request.key());
        if self.keys.insert(hash) {
            return Some(request);
        }
        self.later.entry(hash).or_default().push_back(request);
        self.held_back += 1;
        None
    }

    /// A request is settled. Returns the next one for its key, if there is one; otherwise, the key is free.
    pub(super) fn release(&mut self, key: Key) -> Option<WriteRequest<T>> {
        let hash = short(key);
        let Entry::Occupied(mut later) = self.later.entry(hash) else {
            self.keys.remove(&hash);
            return None;
        };
        let next = later.get_mut().pop_front();
        if later.get().is_empty() {
            later.remove();
        }
        self.held_back -= usize::from(next.is_some());
        next
    }
}

/// Identifies a key within the dispatcher.
fn short(key: Key) -> u32 {
    key.hash() as u32
}
