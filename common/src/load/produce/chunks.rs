//! Requests on their way to the workers.

use std::sync::Arc;

use bytes::BytesMut;

use super::Stopped;
use crate::batch_writer::{ItemJson, Key, MissingKey, SharedJson, WriteRequest};
use crate::load::channel::ChunkSender;
use crate::load::request::{Origin, Request};

/// A chunk is handed over when it has so many requests or bytes of JSON. Four batches at once, because each hand-over may wake a
/// thread; few bytes, because items can be large and memory is to stay small.
const CHUNK_REQUESTS: usize = 100;
const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes of JSON whose memory is allocated together: of a chunk's requests, most often.
const BUFFER: usize = 12 * 1024;

/// Requests on their way to one worker.
struct Chunk {
    requests: Vec<Request>,
    /// Length of their JSON, what they share counted once.
    bytes: usize,
    /// The memory of their own JSON. Of this chunk only: threads that count who still uses a piece of memory wait for each other.
    buffer: BytesMut,
    /// What the copies of the current record share, and its origin, likewise of this chunk only.
    shared: Option<(SharedJson, Arc<Origin>)>,
}

impl Chunk {
    fn new() -> Self {
        let (requests, buffer) = (Vec::with_capacity(CHUNK_REQUESTS), BytesMut::with_capacity(BUFFER));
        Self { requests, bytes: 0, buffer, shared: None }
    }
}

/// A chunk for each worker.
pub(super) struct Chunks {
    workers: Vec<ChunkSender<Vec<Request>>>,
    chunks: Vec<Chunk>,
}

impl Chunks {
    pub(super) fn new(workers: Vec<ChunkSender<Vec<Request>>>) -> Self {
        let chunks = workers.iter().map(|_| Chunk::new()).collect();
        Self { workers, chunks }
    }

    /// The requests that follow are the copies of another record.
    pub(super) fn begin_record(&mut self) {
        self.chunks.iter_mut().for_each(|chunk| chunk.shared = None);
    }

    /// Adds a request, and sends the chunk that it is in if that is full.
    pub(super) fn push(&mut self, key: Key, own: &ItemJson, shared: &ItemJson, origin: &Origin) -> Result<(), Stopped> {
        let worker = self.worker_of(key);
        let chunk = &mut self.chunks[worker];
        let (shared, origin) = chunk.shared.get_or_insert_with(|| {
            chunk.bytes += shared.json().len();
            (shared.share(), Arc::new(origin.clone()))
        });
        let request = WriteRequest::put_in(&mut chunk.buffer, own, shared, Arc::clone(origin));
        let request = request.map_err(|MissingKey| Stopped)?;
        chunk.bytes += own.json().len();
        chunk.requests.push(request);
        if chunk.requests.len() >= CHUNK_REQUESTS || chunk.bytes >= CHUNK_BYTES { self.send(worker) } else { Ok(()) }
    }

    /// A key always goes to the same worker, which keeps the order of its requests.
    fn worker_of(&self, key: Key) -> usize {
        // Of the upper half, because a worker distinguishes its keys by the lower one.
        ((key.hash() >> 32) % self.chunks.len() as u64) as usize
    }

    /// Sends all that is there.
    pub(super) fn flush(&mut self) -> Result<(), Stopped> {
        (0..self.chunks.len()).try_for_each(|worker| self.send(worker))
    }

    fn send(&mut self, worker: usize) -> Result<(), Stopped> {
        if self.chunks[worker].requests.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunks[worker], Chunk::new());
        self.workers[worker].send(chunk.requests).map_err(|_| Stopped)
    }
}
