//! Compressed and encoded inputs, detected by their first bytes.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use bzip2::read::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

use super::utf16::Utf16Reader;

type Input = Box<dyn Read + Send>;

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
const BZIP2: &[u8] = b"BZh";
const XZ: &[u8] = b"\xfd7zXZ\0";
const UTF16_LITTLE: &[u8] = b"\xff\xfe";
const UTF16_BIG: &[u8] = b"\xfe\xff";

/// Unpacks what begins as gzip, zstd, bzip2 or xz data do, and decodes UTF-16 that begins with a byte-order mark.
///
/// # Errors
/// The first bytes cannot be read.
pub(super) fn unpack(input: Input) -> io::Result<Input> {
    let (input, magic) = peek(input, &[GZIP, ZSTD, BZIP2, XZ])?;
    let unpacked: Input = match magic {
        Some(GZIP) => Box::new(Unpacked { format: "gzip", input: GzipMembers::new(input) }),
        Some(ZSTD) => Box::new(Unpacked { format: "zstd", input: ZstdFrames::new(input) }),
        Some(BZIP2) => Box::new(Unpacked { format: "bzip2", input: MultiBzDecoder::new(input) }),
        Some(_) => Box::new(Unpacked { format: "xz", input: XzReader::new(input, true) }),
        None => input,
    };
    let (text, mark) = peek(unpacked, &[UTF16_LITTLE, UTF16_BIG])?;
    Ok(match mark {
        Some(mark) => Box::new(Utf16Reader::new(text, mark == UTF16_BIG)),
        None => text,
    })
}

/// Unpacked data, with the same two errors for all formats: `UnexpectedEof` where the compressed data is cut off, `InvalidData` where
/// it is damaged.
struct Unpacked<R> {
    format: &'static str,
    input: R,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let format = self.format;
        self.input.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), format!("the {format} data is cut off")),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                invalid(&format!("the {format} data is damaged: {error}"))
            }
            _ => error,
        })
    }
}

/// Whether [`unpack`] would change what it reads.
///
/// # Errors
/// The first bytes cannot be read.
pub(super) fn is_packed(input: Input) -> io::Result<bool> {
    Ok(peek(input, &[GZIP, ZSTD, BZIP2, XZ, UTF16_LITTLE, UTF16_BIG])?.1.is_some())
}

/// Which of these the input begins with. No more is read than necessary: someone may be typing.
fn peek<'m>(mut input: Input, magics: &[&'m [u8]]) -> io::Result<(Input, Option<&'m [u8]>)> {
    let mut begin = Vec::new();
    let found = loop {
        if let Some(found) = magics.iter().find(|magic| begin.starts_with(magic)) {
            break Some(*found);
        }
        if !magics.iter().any(|magic| magic.starts_with(&begin)) {
            break None;
        }
        let mut byte = [0];
        match input.read(&mut byte) {
            Ok(0) => break None,
            Ok(_) => begin.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    };
    Ok((Box::new(Cursor::new(begin).chain(input)), found))
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// The members of a gzip file, one after another. Zero bytes after the last are padding, as for `gzip -t`.
struct GzipMembers<R: Read> {
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> GzipMembers<R> {
    fn new(input: R) -> Self {
        Self { member: Some(GzDecoder::new(BufReader::new(input))) }
    }
}

impl<R: Read> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(buffer)? {
                0 if buffer.is_empty() => return Ok(0),
                0 => {
                    let Some(mut input) = self.member.take().map(GzDecoder::into_inner) else { break };
                    if is_at_end(&mut input)? {
                        break;
                    }
                    self.member = Some(GzDecoder::new(input));
                }
                read => return Ok(read),
            }
        }
        Ok(0)
    }
}

/// Whether nothing but zero bytes follows. What is no member is an error: it may be the rest of a damaged file.
fn is_at_end(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        match bytes.iter().position(|byte| *byte != 0) {
            None if bytes.is_empty() => return Ok(true),
            None => {
                let zeros = bytes.len();
                input.consume(zeros);
            }
            Some(0) => return Ok(false),
            Some(_) => {
                return Err(invalid("there is data after the zero bytes at its end"));
            }
        }
    }
}

/// The frames of a zstd file, one after another, skippable ones left out.
struct ZstdFrames<R> {
    input: BufReader<R>,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: Read> ZstdFrames<R> {
    fn new(input: R) -> Self {
        Self { input: BufReader::new(input), decoder: FrameDecoder::new(), in_frame: false }
    }

    fn begin_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.input) {
                Ok(()) => {
                    self.in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let skipped = io::copy(&mut self.input.by_ref().take(length.into()), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(zstd_error(&error)),
            }
        }
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(invalid("the checksum does not match"));
        }
        Ok(())
    }
}

/// An error of the decoder. The end of the input is somewhere among its causes.
fn zstd_error(error: &(dyn Error + 'static)) -> io::Error {
    let mut causes = std::iter::successors(Some(error), |&cause| cause.source());
    let io_error = causes.find_map(|cause| cause.downcast_ref::<io::Error>());
    match io_error.map(io::Error::kind) {
        Some(io::ErrorKind::UnexpectedEof) => io::ErrorKind::UnexpectedEof.into(),
        _ => invalid(&error.to_string()),
    }
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame && !self.begin_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let strategy = ruzstd::decoding::BlockDecodingStrategy::UptoBytes(buffer.len().max(1));
                let decoded = self.decoder.decode_blocks(&mut self.input, strategy);
                decoded.map_err(|error| zstd_error(&error))?;
            }
            match self.decoder.read(buffer)? {
                0 if !buffer.is_empty() => self.end_frame()?,
                read => return Ok(read),
            }
        }
    }
}
