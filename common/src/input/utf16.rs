//! UTF-16 as UTF-8: Excel's "Unicode text" and PowerShell's redirected output.

use std::io::{self, Read};

use super::window::BUFFER;

/// Reads UTF-16 and gives UTF-8.
pub(super) struct Utf16Reader<R> {
    input: R,
    is_big_endian: bool,
    /// Bytes that do not make a character yet.
    rest: Vec<u8>,
    /// UTF-8, of which the first `given` bytes have been read.
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Utf16Reader<R> {
    pub(super) fn new(input: R, is_big_endian: bool) -> Self {
        Self { input, is_big_endian, rest: Vec::new(), text: Vec::new(), given: 0, ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let begin = self.rest.len();
        self.rest.resize(begin + BUFFER, 0);
        let read = self.input.read(&mut self.rest[begin..]);
        self.rest.truncate(begin + read.as_ref().map_or(0, |read| *read));
        self.ended = read? == 0;
        let units: Vec<u16> = self.rest.chunks_exact(2).map(|pair| self.unit([pair[0], pair[1]])).collect();
        // The first half of a pair of surrogates waits for the second.
        let is_half = units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        let whole = if is_half && !self.ended { units.len() - 1 } else { units.len() };
        self.text.clear();
        self.given = 0;
        let mut buffer = [0; 4];
        for decoded in char::decode_utf16(units[..whole].iter().copied()) {
            let c = decoded.map_err(|_| invalid("half of a surrogate pair"))?;
            self.text.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
        self.rest.drain(..whole * 2);
        if self.ended && !self.rest.is_empty() { Err(invalid("an odd number of bytes")) } else { Ok(()) }
    }

    fn unit(&self, pair: [u8; 2]) -> u16 {
        if self.is_big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not valid UTF-16: {what}"))
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let length = buffer.len().min(self.text.len() - self.given);
        buffer[..length].copy_from_slice(&self.text[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_in_pieces_of_any_size(text in "\\PC{0,50}", big: bool, step in 1_usize..7) {
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            let mut read = String::new();
            Utf16Reader::new(Slow(&bytes, step), big).read_to_string(&mut read).unwrap();
            prop_assert_eq!(read, text);
        }
    }

    #[test]
    fn what_is_no_utf16_is_an_error() {
        for bytes in [&b"a\0b"[..], b"\x00\xd8a\0", b"\x00\xdc"] {
            let mut read = String::new();
            let error = Utf16Reader::new(bytes, false).read_to_string(&mut read).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
    }
}
