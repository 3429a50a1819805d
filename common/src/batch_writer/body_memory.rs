//! Memory for the bodies of requests, used again as soon as a request is sent.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

/// A full batch of small items has 10 KB or so. What is larger is rare, or costs so much otherwise that its memory does not matter.
const LARGEST_KEPT: usize = 64 * 1024;

/// Bodies are sent one after another, but for those that a connection does not take at once.
const MOST_KEPT: usize = 4;

/// The allocator would hand out other memory for each body, most of it long out of the processor's cache where hundreds of requests are
/// in flight.
///
/// Measured with `scripts/bench delay`, together with the dispatcher's memory for batches: 3 % more rows where answers take 10 ms, and
/// as many at once.
#[derive(Debug, Clone, Default)]
pub(super) struct BodyMemory(Arc<Mutex<Vec<Vec<u8>>>>);

impl BodyMemory {
    /// Some memory; what is in it may be overwritten.
    pub(super) fn take(&self) -> Vec<u8> {
        self.kept(Vec::pop).unwrap_or_default()
    }

    /// A body whose memory comes back when the last of its clones is dropped.
    pub(super) fn body(&self, json: Vec<u8>) -> SdkBody {
        SdkBody::from(Bytes::from_owner(Lent { json, memory: self.clone() }))
    }

    fn kept<R>(&self, act: impl FnOnce(&mut Vec<Vec<u8>>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Lent {
    json: Vec<u8>,
    memory: BodyMemory,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let json = std::mem::take(&mut self.json);
        self.memory.kept(|kept| {
            if json.capacity() <= LARGEST_KEPT && kept.len() < MOST_KEPT {
                kept.push(json);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_body_that_was_sent_is_used_again() {
        let memory = BodyMemory::default();
        let json = Vec::with_capacity(1000);
        let at = json.as_ptr();
        let body = memory.body(json);
        let clone = body.try_clone().unwrap();
        drop(body);
        assert_eq!(memory.take().capacity(), 0, "a clone of it may still be sent");
        drop(clone);
        let again = memory.take();
        assert_eq!((again.as_ptr(), again.capacity()), (at, 1000));
    }

    #[test]
    fn large_bodies_and_many_of_them_are_not_kept() {
        let memory = BodyMemory::default();
        drop(memory.body(Vec::with_capacity(LARGEST_KEPT + 1)));
        assert_eq!(memory.take().capacity(), 0);
        let bodies: Vec<_> = (0..MOST_KEPT + 1).map(|_| memory.body(vec![1])).collect();
        drop(bodies);
        assert_eq!(memory.kept(|kept| kept.len()), MOST_KEPT);
    }
}
