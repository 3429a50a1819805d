//! A reader of an object: one request for the whole object and, after a lost connection, another for the rest.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::{Buf as _, Bytes};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::error::{S3Error, S3ErrorKind};
use super::list::Object;
use crate::batch_writer::Backoff;

/// The maximum size of a chunk, and the number of chunks that are read ahead: 1 MiB for each open object.
const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 16;

/// A connection that delivers nothing for this long is closed.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Backoff between consecutive failures without a byte in between: ten attempts, about 20 s on average. The SDK also
/// retries each of them.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(10), attempts: 10 };

/// Reads an object. The bytes are all of one version of it: if it changes meanwhile, reading ends with an error.
pub struct Download {
    chunks: Receiver<Result<Bytes, S3Error>>,
    rest: Bytes,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").finish_non_exhaustive()
    }
}

impl Download {
    /// Reads ahead on `runtime` until it is dropped. Must be read on a thread outside of any runtime.
    pub(super) fn start(runtime: &Handle, client: Client, object: Object, offset: u64) -> Self {
        let (sender, chunks) = channel(CHUNKS);
        runtime.spawn(Sending { client, object, offset, sender }.run());
        Self { chunks, rest: Bytes::new() }
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.rest = chunk?,
            }
        }
        let length = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// The other end of a [`Download`].
struct Sending {
    client: Client,
    object: Object,
    /// The offset of the next byte to send.
    offset: u64,
    sender: Sender<Result<Bytes, S3Error>>,
}

/// Why a response did not deliver the rest of the object.
enum Interruption {
    /// Another request may deliver it.
    Lost(S3Error),
    Failed(S3Error),
    /// The reader was dropped.
    ReaderGone,
}

impl Sending {
    async fn run(mut self) {
        let mut failures = 0;
        while self.offset < self.object.size {
            let before = self.offset;
            let error = match self.receive().await {
                Ok(()) => continue,
                Err(Interruption::ReaderGone) => return,
                Err(Interruption::Failed(error)) => return self.fail(error).await,
                Err(Interruption::Lost(error)) => error,
            };
            failures = if self.offset > before { 1 } else { failures + 1 };
            let Some(wait) = BACKOFF.wait(failures, fastrand::f64()) else { return self.fail(error).await };
            log::info!("{error}; reading resumes at byte {} in {wait:.1?}", self.offset);
            tokio::time::sleep(wait).await;
        }
    }

    async fn fail(self, error: S3Error) {
        let _ = self.sender.send(Err(error)).await;
    }

    /// One request, from the offset to the end.
    async fn receive(&mut self) -> Result<(), Interruption> {
        let Object { url, etag, .. } = &self.object;
        let range = format!("bytes={}-", self.offset);
        let request = self.client.get_object().bucket(&url.bucket).key(&url.key).range(range).if_match(etag);
        let response = request.send().await.map_err(|error| {
            let error = S3Error::of_request(url, &error);
            match error.kind {
                // Expired credentials are read again.
                S3ErrorKind::Unavailable | S3ErrorKind::Credentials => Interruption::Lost(error),
                _ => Interruption::Failed(error),
            }
        })?;
        self.check(&response)?;
        let mut body = response.body;
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(READ_TIMEOUT, body.next()) => next,
                () = self.sender.closed() => return Err(Interruption::ReaderGone),
            };
            match next {
                Err(_) => return Err(self.lost(&"nothing came for 30 s")),
                Ok(Some(Err(error))) => return Err(self.lost(&innermost(&error))),
                Ok(None) if self.offset < self.object.size => return Err(self.lost(&"the response ended early")),
                Ok(None) => return Ok(()),
                Ok(Some(Ok(bytes))) => self.pass(bytes).await?,
            }
        }
    }

    async fn pass(&mut self, mut bytes: Bytes) -> Result<(), Interruption> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(CHUNK));
            self.offset += chunk.len() as u64;
            if self.offset > self.object.size {
                return Err(self.changed("it is longer than it was"));
            }
            self.sender.send(Ok(chunk)).await.map_err(|_| Interruption::ReaderGone)?;
        }
        Ok(())
    }

    /// Checks that it is the rest of the same object. Not every server supports If-Match and Range.
    fn check(&self, response: &GetObjectOutput) -> Result<(), Interruption> {
        if response.e_tag().is_some_and(|etag| etag != self.object.etag) {
            return Err(self.changed("its ETag is different"));
        }
        let start = match response.content_range() {
            None => 0,
            Some(range) => first_byte(range).unwrap_or(u64::MAX),
        };
        if start == self.offset {
            return Ok(());
        }
        let message = format!("the server does not send the requested bytes, from {} on", self.offset);
        Err(Interruption::Failed(S3Error::new(&self.object.url, S3ErrorKind::NotS3, message)))
    }

    fn changed(&self, how: &str) -> Interruption {
        let message = format!("the object has changed since the load began: {how}");
        Interruption::Failed(S3Error::new(&self.object.url, S3ErrorKind::Changed, message))
    }

    fn lost(&self, cause: &dyn fmt::Display) -> Interruption {
        let message = format!("the connection was lost at byte {}: {cause}", self.offset);
        Interruption::Lost(S3Error::new(&self.object.url, S3ErrorKind::Unavailable, message))
    }
}

/// The first byte of a range such as `bytes 100-199/1000`.
fn first_byte(content_range: &str) -> Option<u64> {
    content_range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

/// The innermost cause of an error: the others only name layers of the SDK.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        innermost = error.to_string();
        cause = error.source();
    }
    innermost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_says_where_the_bytes_begin() {
        assert_eq!(first_byte("bytes 100-199/1000"), Some(100));
        assert_eq!(first_byte("bytes 0-0/*"), Some(0));
        assert_eq!(first_byte("bytes */1000"), None);
    }
}
