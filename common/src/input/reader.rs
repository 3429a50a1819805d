//! The records of an input in any format, each with its position, its bytes as they are in the input, and what is odd about it.

use std::error::Error;
use std::io::{self, Read};

use thiserror::Error;

use super::delimited::Delimited;
use super::fields::Fields;
use super::format::{Format, InputFormat};
use super::formats::{self, Line, LineFormat};
use super::found::{Content, Found};
use super::lines::{BYTE_ORDER_MARK, count_lines};
use super::oddity::{Oddities, Oddity};
use super::position::{Position, Prefix, ResumeError};
use super::record::{QuotePosition, Record, RecordError, shortened};
use super::window::{MAX_RECORD, TooLong, Window};
use super::wrong_format::{self, WrongFormat};

/// Reading stopped before the end of the input.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The input cannot be read, or not be unpacked.
    #[error("line {line}: {source}")]
    Io { line: u64, source: io::Error },
    /// A record without end.
    #[error(
        "line {line}: the record that begins here does not end within {} MiB{}",
        MAX_RECORD / (1024 * 1024),
        .quote.map_or_else(String::new, |quote| format!(": the quote {quote} is not closed"))
    )]
    RecordTooLong {
        /// The line on which the record begins, from 1.
        line: u64,
        /// The quote that is open.
        quote: Option<QuotePosition>,
    },
    /// It is of another format.
    #[error("{0}")]
    WrongFormat(Box<WrongFormat>),
    /// The header lacks columns that the mapping needs.
    #[error("line {line}: {reason}")]
    Header {
        /// Its line, from 1.
        line: u64,
        reason: String,
    },
}

/// Reads records one after another; memory does not depend on the length of the input.
pub struct RecordReader<R> {
    window: Window<R>,
    /// Behind the last record read.
    position: Position,
    /// Of all bytes before it.
    crc: crc32fast::Hasher,
    fields: Fields,
    splitter: Splitter,
    format: InputFormat,
    /// Records read so far; one too many when the input was resumed.
    records: u64,
}

/// Divides the input into records.
enum Splitter {
    Delimited(Box<Delimited>),
    Lines(Box<dyn LineFormat>),
}

/// A record whose fields are those of the reader.
struct Placed {
    line: u64,
    start: u64,
    end: u64,
    problem: Option<RecordError>,
    oddities: Oddities,
}

impl<R: Read> RecordReader<R> {
    /// Reads text, already unpacked. A byte-order mark at the beginning of any line is skipped.
    pub fn new(input: R, format: &InputFormat) -> Self {
        Self::starting_at(Position::default(), input, format)
    }

    /// Resumes at a position noted by an earlier reader of the same input. `input` begins at its beginning; the bytes up to the
    /// position are read to make sure that they are the same.
    ///
    /// # Errors
    /// [`ResumeError`] if they are not, or cannot be read.
    pub fn resume(mut input: R, format: &InputFormat, position: Position) -> Result<Self, ResumeError> {
        if position == Position::default() {
            return Ok(Self::new(input, format));
        }
        if !Self::has_names(format) {
            Prefix::new(&mut input).read_to(&position)?;
            return Ok(Self::starting_at(position, input, format));
        }
        // What the columns are stands in lines before the position, so these are read as lines.
        let mut reader = Self::new(input, format);
        while reader.position.offset < position.offset {
            match reader.next_record() {
                Some(Ok(_)) => {}
                Some(Err(ReadError::Io { source, .. })) => return Err(source.into()),
                Some(Err(_)) | None => break,
            }
        }
        if reader.position == position { Ok(reader) } else { Err(ResumeError::Different(position.offset)) }
    }

    /// Resumes at a position noted by an earlier reader of an input that is known to be the same: `input` begins there. `None` where what
    /// the columns are stands in the lines before it.
    pub fn resume_behind(input: R, format: &InputFormat, position: Position) -> Option<Self> {
        (!Self::has_names(format)).then(|| Self::starting_at(position, input, format))
    }

    /// Whether lines of the input name its columns.
    fn has_names(format: &InputFormat) -> bool {
        format.format == Format::W3c || format.format.is_delimited() && format.dialect.header
    }

    fn starting_at(position: Position, input: R, format: &InputFormat) -> Self {
        let crc = crc32fast::Hasher::new_with_initial_len(position.crc, position.offset);
        let mut fields = Fields::default();
        let splitter = match formats::line_format(format, &mut fields) {
            Some(lines) => Splitter::Lines(lines),
            None => Splitter::Delimited(Box::new(Delimited::new(format, &mut fields, position != Position::default()))),
        };
        let records = u64::from(position != Position::default());
        Self {
            window: Window::new(input, position.offset),
            position,
            crc,
            fields,
            splitter,
            format: format.clone(),
            records,
        }
    }

    /// Whether the next record can be had without waiting for the input: false also when that is not certain.
    pub fn is_row_buffered(&self) -> bool {
        self.window.has_line(self.position.offset)
    }

    /// What the input is, if its first record, just read, shows that it is not of the format: one message instead of a bad row for
    /// each line.
    pub fn wrong_format(&self) -> Option<WrongFormat> {
        let head = self.window.head();
        let wrong = || wrong_format::of_bytes(head).or_else(|| wrong_format::of_text(head, &self.format));
        if self.records == 1 { wrong() } else { None }
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError`] when the input cannot be read on. A line that is no record of its format is no such error: its
    /// [`fields`](Record::fields) say what is wrong with it.
    pub fn next_record(&mut self) -> Option<Result<Record<'_>, ReadError>> {
        let Placed { line, start, end, problem, oddities } = match self.advance() {
            Ok(Some(placed)) => placed,
            Ok(None) => return None,
            Err(error) => return Some(Err(error)),
        };
        let raw = self.window.between(start, end);
        let fields = match problem {
            Some(problem) => Err(problem),
            None => Ok(&self.fields),
        };
        Some(Ok(Record { line, raw, end: self.position, fields, oddities }))
    }

    /// Reads on to the end of the next record.
    fn advance(&mut self) -> Result<Option<Placed>, ReadError> {
        if self.position == Position::default() {
            // The first bytes come alone, and are too few to recognise an archive.
            while self.window.from(0).len() < 8 && self.window.fill().map_err(|error| self.read_error(0, error))? {}
            if let Some(wrong) = wrong_format::of_bytes(self.window.head()) {
                return Err(ReadError::WrongFormat(Box::new(wrong)));
            }
        }
        loop {
            let begin = self.position.offset;
            self.window.keep_from(begin);
            let (start, found) = match self.split(begin) {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.read_error(begin, error)),
            };
            let Found { end, next, content, mut oddities } = found;
            if self.window.has_nul(start, end) {
                oddities.insert(Oddity::NullCharacters);
            }
            let line = self.pass(begin, start, next);
            let problem = match content {
                Content::Nothing => continue,
                Content::BadHeader(reason) => return Err(ReadError::Header { line, reason }),
                Content::Record(Ok(())) if self.format.strict => oddities.iter().next().map(RecordError::Odd),
                Content::Record(Err(RecordError::UnclosedQuote { column, mut position, lines })) => {
                    position.line += line - 1;
                    Some(RecordError::UnclosedQuote { column, position, lines })
                }
                Content::Record(result) => result.err(),
            };
            self.records += 1;
            if self.records == 1
                && problem.is_none()
                && let Splitter::Delimited(delimited) = &self.splitter
                && delimited.is_header(&self.fields)
                && let Some(wrong) = wrong_format::of_text(self.window.head(), &self.format)
            {
                return Err(ReadError::WrongFormat(Box::new(wrong)));
            }
            return Ok(Some(Placed { line, start, end, problem, oddities }));
        }
    }

    /// The next record or whatever else there is, and where it begins.
    fn split(&mut self, begin: u64) -> io::Result<Option<(u64, Found)>> {
        let comment = match &self.splitter {
            Splitter::Delimited(delimited) => delimited.comment(),
            Splitter::Lines(_) => None,
        };
        let Some(start) = skip_blank(&mut self.window, begin, comment)? else { return Ok(None) };
        let found = match &mut self.splitter {
            Splitter::Delimited(delimited) => delimited.next(&mut self.window, start, &mut self.fields)?,
            Splitter::Lines(format) => next_line(&mut self.window, start, format.as_mut(), &mut self.fields)?,
        };
        Ok(Some((start, found)))
    }

    /// Moves the position behind what was found, and says on which line that begins.
    fn pass(&mut self, begin: u64, start: u64, next: u64) -> u64 {
        let all = self.window.between(begin, next);
        let (blank, record) = all.split_at((start - begin) as usize);
        let lines = self.position.lines + u64::from(self.position.after_cr && all.first() != Some(&b'\n'));
        let blank_lines = if blank.is_empty() { 0 } else { count_lines(blank, record.first()) };
        self.crc.update(all);
        self.position = Position {
            offset: next,
            lines: lines + blank_lines + count_lines(record, None),
            after_cr: all.last() == Some(&b'\r'),
            crc: self.crc.clone().finalize(),
        };
        lines + 1 + blank_lines
    }

    fn read_error(&self, begin: u64, error: io::Error) -> ReadError {
        let unread = self.window.from(begin);
        let blank = unread.iter().take_while(|&&b| b == b'\r' || b == b'\n').count();
        let lines = self.position.lines + 1;
        if error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<TooLong>) {
            let line = lines + count_lines(&unread[..blank], unread.get(blank));
            let quote = match &self.splitter {
                Splitter::Delimited(delimited) => delimited.open_quote(&unread[blank..]),
                Splitter::Lines(_) => None,
            };
            let quote = quote.map(|quote| QuotePosition { line: quote.line + line - 1, ..quote });
            return ReadError::RecordTooLong { line, quote };
        }
        ReadError::Io { line: lines + count_lines(unread, None), source: error }
    }
}

/// Where the next record begins: behind line ends, byte-order marks and comments. `None` at the end of the input.
fn skip_blank<R: Read>(window: &mut Window<R>, begin: u64, comment: Option<u8>) -> io::Result<Option<u64>> {
    let mut start = begin;
    loop {
        let rest = window.from(start);
        let blank = rest.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
        start += blank as u64;
        let rest = &rest[blank..];
        let skipped = match rest {
            [first, ..] if Some(*first) == comment => memchr::memchr2(b'\n', b'\r', rest),
            _ if rest.starts_with(BYTE_ORDER_MARK) => Some(BYTE_ORDER_MARK.len()),
            // Perhaps the beginning of a mark.
            _ if BYTE_ORDER_MARK.starts_with(rest) => None,
            _ => return Ok(Some(start)),
        };
        match skipped {
            Some(skipped) => start += skipped as u64,
            None if window.fill()? => {}
            // A comment, or nothing, is the last line.
            None if window.from(start).is_empty() || comment.is_some_and(|mark| window.from(start)[0] == mark) => {
                return Ok(None);
            }
            None => return Ok(Some(start)),
        }
    }
}

fn next_line<R: Read>(
    window: &mut Window<R>,
    start: u64,
    format: &mut dyn LineFormat,
    fields: &mut Fields,
) -> io::Result<Found> {
    let mut looked = 0;
    let length = loop {
        let rest = window.from(start);
        match memchr::memchr(b'\n', &rest[looked..]) {
            Some(at) => break looked + at,
            None => looked = rest.len(),
        }
        if !window.fill()? {
            break looked;
        }
    };
    let rest = window.from(start);
    let next = start + rest.len().min(length + 1) as u64;
    let line = rest[..length].strip_suffix(b"\r").unwrap_or(&rest[..length]);
    let end = start + line.len() as u64;
    let mut oddities = Oddities::default();
    let content = match std::str::from_utf8(line) {
        Ok(line) if line.trim_ascii().is_empty() => Content::Nothing,
        Ok(line) => match format.parse(line, fields) {
            Ok(Line::Record(found)) => {
                oddities = found;
                Content::Record(Ok(()))
            }
            Ok(Line::Nothing) => Content::Nothing,
            Err(error) => Content::Record(Err(error)),
        },
        Err(error) => {
            let byte = error.valid_up_to();
            let value = String::from_utf8_lossy(&line[byte.saturating_sub(20)..]).into_owned();
            let value = shortened(value.trim_start_matches('\u{fffd}'));
            Content::Record(Err(RecordError::InvalidUtf8 { column: 1, byte: byte + 1, value }))
        }
    };
    Ok(Found { end, next, content, oddities })
}

#[cfg(test)]
mod tests;
