//! Positions in an input, and how an input is known again.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::window::BUFFER;

/// A position in the input between two records, from which reading can resume another time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Bytes before it, unpacked.
    pub offset: u64,
    /// Lines that ended before it.
    pub lines: u64,
    /// Whether the byte before it is a CR, whose line ends there unless an LF follows.
    pub(super) after_cr: bool,
    /// CRC-32 of all bytes before it. It is how an input is known again: what follows may have been fixed or have grown.
    pub(super) crc: u32,
}

impl Position {
    /// CRC-32 of all bytes before it.
    pub fn crc(&self) -> u32 {
        self.crc
    }
}

/// Why reading cannot resume at a [`Position`].
#[derive(Debug, Error)]
pub enum ResumeError {
    /// The bytes before the position cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// They are not those that were read when the position was noted.
    #[error("its first {0} bytes are not those that were loaded")]
    Different(u64),
}

/// Makes sure that an input is the one in which these positions were noted, one after another: reads it up to the last of them.
///
/// # Errors
/// [`ResumeError`] if it is not, or cannot be read.
pub fn check_positions<'a>(
    input: impl Read,
    positions: impl IntoIterator<Item = &'a Position>,
) -> Result<(), ResumeError> {
    let mut prefix = Prefix::new(input);
    positions.into_iter().try_for_each(|position| prefix.read_to(position))
}

/// The beginning of an input that is known already.
pub(super) struct Prefix<R> {
    input: R,
    buffer: Vec<u8>,
    /// Bytes read.
    offset: u64,
    /// Of these bytes.
    crc: crc32fast::Hasher,
}

impl<R: Read> Prefix<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; BUFFER], offset: 0, crc: crc32fast::Hasher::new() }
    }

    /// Reads on to a position, and makes sure that the bytes before it are those that were read when it was noted.
    pub(super) fn read_to(&mut self, position: &Position) -> Result<(), ResumeError> {
        while self.offset < position.offset {
            let left = position.offset - self.offset;
            let wanted = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
            match self.input.read(&mut self.buffer[..wanted]) {
                Ok(0) => return Err(ResumeError::Different(position.offset)),
                Ok(read) => {
                    self.crc.update(&self.buffer[..read]);
                    self.offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        match self.crc.clone().finalize() == position.crc {
            true => Ok(()),
            false => Err(ResumeError::Different(position.offset)),
        }
    }
}
