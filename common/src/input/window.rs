//! The bytes of the record being read.

use std::io::{self, Read};

use thiserror::Error;

/// Bytes of one record beyond which its end is not looked for any more: ten times DynamoDB's largest item, so only a quote that was
/// never closed gets there. Without it such a quote would take the rest of the file into memory.
pub(super) const MAX_RECORD: usize = 4 * 1024 * 1024;

pub(super) const BUFFER: usize = 64 * 1024;

/// How much of the beginning of an input is kept, to recognise what it is.
pub(super) const HEAD: usize = 4096;

/// The record does not end.
#[derive(Debug, Error)]
#[error("record too long")]
pub(super) struct TooLong;

/// A part of the input, from the record being read on.
pub(super) struct Window<R> {
    input: R,
    /// The bytes kept, from `offset` of the input on.
    bytes: Vec<u8>,
    offset: u64,
    ended: bool,
    /// Behind the last line end of the bytes kept.
    line_end: u64,
    /// No NUL is in the bytes from here on. Text hardly ever has one, so that this is all there is to ask for most records.
    nul_end: u64,
    /// The first bytes of the input, if it is read from its beginning.
    head: Vec<u8>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(input: R, offset: u64) -> Self {
        Self {
            input,
            bytes: Vec::with_capacity(2 * BUFFER),
            offset,
            ended: false,
            line_end: 0,
            nul_end: 0,
            head: Vec::new(),
        }
    }

    /// Reads more, unless the input has ended. False if there is no more.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.bytes.len() > MAX_RECORD + 2 * BUFFER {
            return Err(io::Error::other(TooLong));
        }
        let length = self.bytes.len();
        self.bytes.resize(length + BUFFER, 0);
        let read = loop {
            match self.input.read(&mut self.bytes[length..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.bytes.truncate(length + read.as_ref().map_or(0, |read| *read));
        self.ended = read? == 0;
        let begin = self.offset + length as u64;
        let read = &self.bytes[length..];
        if let Some(at) = memchr::memrchr(b'\n', read) {
            self.line_end = begin + at as u64 + 1;
        }
        if memchr::memchr(0, read).is_some() {
            self.nul_end = begin + read.len() as u64;
        }
        if self.offset == 0 && self.head.len() < HEAD {
            self.head = self.bytes[..self.bytes.len().min(HEAD)].to_vec();
        }
        Ok(!self.ended)
    }
}

impl<R> Window<R> {
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    fn index(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.offset)).map_or(self.bytes.len(), |at| at.min(self.bytes.len()))
    }

    pub(super) fn from(&self, begin: u64) -> &[u8] {
        &self.bytes[self.index(begin)..]
    }

    pub(super) fn between(&self, begin: u64, end: u64) -> &[u8] {
        &self.bytes[self.index(begin)..self.index(end)]
    }

    /// Whether a line that begins at this offset has been read to its end.
    pub(super) fn has_line(&self, begin: u64) -> bool {
        self.ended || begin < self.line_end
    }

    /// Whether there is a NUL among these bytes.
    pub(super) fn has_nul(&self, begin: u64, end: u64) -> bool {
        begin < self.nul_end && memchr::memchr(0, self.between(begin, end)).is_some()
    }

    /// Forgets what lies before `offset`, once that is worth moving the rest.
    pub(super) fn keep_from(&mut self, offset: u64) {
        let done = self.index(offset);
        if done >= BUFFER {
            self.bytes.drain(..done);
            self.offset += done as u64;
        }
    }
}
