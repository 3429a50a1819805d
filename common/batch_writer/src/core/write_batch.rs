//! The requests of one BatchWriteItem call, which cannot be put together wrongly.

use super::write_request::{WriteRequest, body};
use capacity::limits::{MAX_BATCH_WRITE_REQUESTS, MAX_BATCH_WRITE_SIZE};

/// Space for the rest of the body: the table's name (at most an ARN) and the frame.
const BODY_FRAME: usize = 4096;

/// Why a request does not go into a batch; it goes into the next one.
#[derive(Debug, PartialEq, Eq)]
pub enum Full<T> {
    /// The batch has 25 requests, or would have more than 16 MB.
    NoRoom(WriteRequest<T>),
    /// It has a request for the same key; DynamoDB refuses such a batch completely.
    SameKey(WriteRequest<T>),
}

/// 1 to 25 requests of at most 16 MB together, no two for the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteBatch<T> {
    requests: Vec<WriteRequest<T>>,
    bytes: usize,
}

impl<T> WriteBatch<T> {
    /// A batch of one request. A single request always fits: DynamoDB's largest item is 400 KB.
    pub fn new(request: WriteRequest<T>) -> Self {
        let bytes = request.json_len() + 1;
        let mut requests = Vec::with_capacity(MAX_BATCH_WRITE_REQUESTS);
        requests.push(request);
        Self { requests, bytes }
    }

    /// Adds a request.
    ///
    /// # Errors
    /// Returns the request if the batch cannot hold it.
    pub fn push(&mut self, request: WriteRequest<T>) -> Result<(), Full<T>> {
        let bytes = self.bytes + request.json_len() + 1;
        if self.requests.len() == MAX_BATCH_WRITE_REQUESTS || bytes > MAX_BATCH_WRITE_SIZE - BODY_FRAME {
            return Err(Full::NoRoom(request));
        }
        if self.requests.iter().any(|other| other.key() == request.key()) {
            return Err(Full::SameKey(request));
        }
        self.bytes = bytes;
        self.requests.push(request);
        Ok(())
    }

    /// How many requests it has: 1 to 25.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Length of its requests' JSON in bytes.
    pub fn json_len(&self) -> usize {
        self.bytes
    }

    /// The requests, in the order in which they were added.
    pub fn requests(&self) -> &[WriteRequest<T>] {
        &self.requests
    }

    /// The requests themselves.
    pub fn into_requests(self) -> Vec<WriteRequest<T>> {
        self.requests
    }

    /// The body of the BatchWriteItem call for `table`, which asks for the capacity consumed by it and its indexes or does not.
    pub fn body(&self, table: &str, return_consumed_capacity: bool) -> Vec<u8> {
        body(table, &self.requests, self.bytes, return_consumed_capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keyed;
    use super::*;

    fn request(id: usize, payload: usize) -> WriteRequest<usize> {
        let mut item = keyed(&id.to_string());
        item.string("payload", &[&"x".repeat(payload)]);
        WriteRequest::put(&[&item], id).unwrap()
    }

    #[test]
    fn it_takes_25_requests() {
        let mut batch = WriteBatch::new(request(0, 1));
        for id in 1..25 {
            batch.push(request(id, 1)).unwrap();
        }
        assert_eq!(batch.push(request(25, 1)), Err(Full::NoRoom(request(25, 1))));
        assert_eq!(batch.len(), 25);
    }

    #[test]
    fn it_takes_no_key_twice() {
        let mut batch = WriteBatch::new(request(0, 1));
        assert_eq!(batch.push(request(0, 2)), Err(Full::SameKey(request(0, 2))));
    }

    #[test]
    fn its_body_has_at_most_16_mb() {
        let mut batch = WriteBatch::new(request(0, 1_000_000));
        let mut id = 1;
        while batch.push(request(id, 1_000_000)).is_ok() {
            id += 1;
        }
        assert_eq!(id, 16);
        let longest_table_name = "t".repeat(1024);
        assert!(batch.body(&longest_table_name, true).len() <= 16 * 1024 * 1024);
    }
}
