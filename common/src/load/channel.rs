//! The bounded channel from a producer's thread to a worker's runtime.
//!
//! The producer blocks when the channel is full, which bounds the memory; the worker must not block, because its
//! responses arrive on the same thread, so it is woken through its runtime instead.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use tokio::sync::Notify;

/// The producers' end.
#[derive(Debug)]
pub(super) struct ChunkSender<C> {
    // `None` only during drop: the worker must be woken after the sender has been dropped.
    chunks: Option<Sender<C>>,
    wake: Arc<Notify>,
}

/// The worker's end.
#[derive(Debug)]
pub(super) struct ChunkReceiver<C> {
    chunks: Receiver<C>,
    wake: Arc<Notify>,
}

/// The worker has stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disconnected;

/// The result of [`ChunkReceiver::try_receive`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received<C> {
    Chunk(C),
    NothingYet,
    /// All producers have finished and everything has been received.
    Finished,
}

/// A channel that holds at most `chunks` chunks.
pub(super) fn channel<C>(chunks: usize) -> (ChunkSender<C>, ChunkReceiver<C>) {
    let (sender, receiver) = bounded(chunks);
    let wake = Arc::new(Notify::new());
    (ChunkSender { chunks: Some(sender), wake: Arc::clone(&wake) }, ChunkReceiver { chunks: receiver, wake })
}

impl<C> ChunkSender<C> {
    /// Hands over a chunk, waiting while the channel is full.
    pub(super) fn send(&self, chunk: C) -> Result<(), Disconnected> {
        self.chunks.as_ref().ok_or(Disconnected)?.send(chunk).map_err(|_| Disconnected)?;
        self.wake();
        Ok(())
    }

    /// Wakes the worker, which then checks the channel.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }
}

impl<C> Clone for ChunkSender<C> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone(), wake: Arc::clone(&self.wake) }
    }
}

impl<C> Drop for ChunkSender<C> {
    fn drop(&mut self) {
        self.chunks = None;
        self.wake.notify_one();
    }
}

impl<C> ChunkReceiver<C> {
    /// The next chunk, if there is one now.
    pub(super) fn try_receive(&self) -> Received<C> {
        match self.chunks.try_recv() {
            Ok(chunk) => Received::Chunk(chunk),
            Err(TryRecvError::Empty) => Received::NothingYet,
            Err(TryRecvError::Disconnected) => Received::Finished,
        }
    }

    /// Waits until there may be something new. A wake-up that came before is not lost.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[tokio::test]
    async fn everything_sent_is_received_and_the_end_is_seen() {
        let (sender, receiver) = channel(2);
        let producers: Vec<_> = (0..3)
            .map(|producer| {
                let sender = sender.clone();
                thread::spawn(move || (0..100).for_each(|n| sender.send(producer * 100 + n).unwrap()))
            })
            .collect();
        drop(sender);
        let mut received = Vec::new();
        loop {
            match receiver.try_receive() {
                Received::Chunk(chunk) => received.push(chunk),
                Received::NothingYet => receiver.woken().await,
                Received::Finished => break,
            }
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        received.sort_unstable();
        assert_eq!(received, (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn a_producer_gets_an_error_when_the_worker_has_stopped() {
        let (sender, receiver) = channel(1);
        sender.send(1).unwrap();
        let blocked = thread::spawn(move || sender.send(2));
        drop(receiver);
        assert_eq!(blocked.join().unwrap(), Err(Disconnected));
    }
}
