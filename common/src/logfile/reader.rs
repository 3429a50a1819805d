//! The rows of a log file, read as Python's `csv.reader` reads them, with what Python does not give: the place of each row, its
//! bytes as they are in the file, and an error where a quote is never closed.

use std::error::Error;
use std::io::{self, Read};

use csv::{ByteRecord, StringRecord};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::record::{LogRecord, RecordError, shortened};

/// Bytes of one CSV record beyond which its end is not looked for any more: ten times DynamoDB's largest item, so only a quote
/// that was never closed gets there. Without it such a quote would take the rest of the file into memory.
const MAX_RECORD: usize = 4 * 1024 * 1024;

const BUFFER: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What [`Window`] appends to the input. If the input ended where a record may end, this is read as one more record of one field;
/// if it ended inside quotes, it is swallowed by the last field. The csv crate itself does not tell the two apart.
const END: &[u8] = b"\n\x1eend of input\x1e";
const END_FIELD: &[u8] = b"\x1eend of input\x1e";

/// Reading stopped before the end of the input.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The input cannot be read, or not be unpacked.
    #[error("line {line}: {source}")]
    Io {
        /// The line reached, from 1.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A record without end.
    #[error(
        "line {line}: the record that begins here does not end within {} MiB: is a quote (\") not closed in it?",
        MAX_RECORD / (1024 * 1024)
    )]
    RecordTooLong {
        /// The line on which the record begins, from 1.
        line: u64,
    },
}

/// A place in the input between two records, from which reading can go on another time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Bytes before it, unpacked.
    pub offset: u64,
    /// Lines that ended before it.
    pub lines: u64,
    /// Whether the byte before it is a CR, whose line ends there unless an LF follows.
    after_cr: bool,
    /// CRC-32 of all bytes before it. It is how an input is known again: what follows may have been mended or have grown.
    crc: u32,
}

/// Why reading cannot go on at a [`Position`].
#[derive(Debug, Error)]
pub enum ResumeError {
    /// The bytes before the position cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// They are not those that were read when the position was noted.
    #[error("its first {0} bytes are not those that were loaded")]
    Different(u64),
}

/// Makes sure that an input is the one in which these positions were noted, one behind another: reads it up to the last of them.
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
struct Prefix<R> {
    input: R,
    buffer: Vec<u8>,
    /// Bytes read.
    offset: u64,
    /// Of these bytes.
    crc: crc32fast::Hasher,
}

impl<R: Read> Prefix<R> {
    fn new(input: R) -> Self {
        Self { input, buffer: vec![0; BUFFER], offset: 0, crc: crc32fast::Hasher::new() }
    }

    /// Reads on to a position, and makes sure that the bytes before it are those that were read when it was noted.
    fn read_to(&mut self, position: &Position) -> Result<(), ResumeError> {
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

/// One row of the file: where it is, how it reads in the file, and what it means.
#[derive(Debug)]
pub struct Row<'a> {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its bytes in the file, without the line's end.
    pub raw: &'a [u8],
    /// The record, or what is wrong with it.
    pub record: Result<LogRecord<'a>, RecordError>,
    /// The place behind it.
    pub end: Position,
}

enum Found {
    Record(Place),
    Blank,
    End,
}

/// Where a record stands: its line, and the offsets of its first byte and behind its last.
struct Place {
    line: u64,
    start: u64,
    end: u64,
    problem: Option<RecordError>,
}

/// Reads log records one after another; memory does not depend on the length of the input.
pub struct LogReader<R> {
    csv: csv::Reader<Window<R>>,
    fields: StringRecord,
    /// The place behind the last record read.
    position: Position,
    /// Of all bytes before it.
    crc: crc32fast::Hasher,
    /// Where the csv crate began to count bytes.
    begin: u64,
}

impl<R: Read> LogReader<R> {
    /// Reads CSV text, already unpacked. A byte-order mark, CRLF, a lone CR and blank lines are tolerated.
    pub fn new(input: R) -> Self {
        Self::starting_at(Position::default(), input)
    }

    /// Goes on at a position noted by an earlier reader of the same input. `input` begins at its beginning; the bytes up to the
    /// position are read to make sure that they are the same.
    ///
    /// # Errors
    /// [`ResumeError`] if they are not, or cannot be read.
    pub fn resume(mut input: R, position: Position) -> Result<Self, ResumeError> {
        Prefix::new(&mut input).read_to(&position)?;
        Ok(Self::starting_at(position, input))
    }

    fn starting_at(position: Position, input: R) -> Self {
        let begin = position.offset;
        let window = Window { input, bytes: Vec::with_capacity(2 * BUFFER), offset: begin, ended: false };
        let csv =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(BUFFER).from_reader(window);
        let crc = crc32fast::Hasher::new_with_initial_len(position.crc, position.offset);
        Self { csv, fields: StringRecord::new(), position, crc, begin }
    }

    /// Whether the next row can be had without waiting for the input: false also when that is not certain.
    pub fn is_row_buffered(&self) -> bool {
        let window = self.csv.get_ref();
        window.ended || memchr::memchr(b'\n', window.from(self.position.offset)).is_some()
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError`] when the input cannot be read on. A row that is not a log record is no such error: it is a [`Row`].
    pub fn next_row(&mut self) -> Option<Result<Row<'_>, ReadError>> {
        let place = loop {
            match self.advance() {
                Ok(Found::Blank) => {}
                Ok(Found::Record(place)) => break place,
                Ok(Found::End) => return None,
                Err(error) => return Some(Err(error)),
            }
        };
        let raw = self.csv.get_ref().between(place.start, place.end);
        let record = match place.problem {
            Some(problem) => Err(problem),
            None => LogRecord::parse(&self.fields),
        };
        Some(Ok(Row { line: place.line, raw, record, end: self.position }))
    }

    /// Reads on to the end of the next record, and finds its place.
    fn advance(&mut self) -> Result<Found, ReadError> {
        let begin = self.position.offset;
        self.csv.get_mut().keep_from(begin);
        let mut bytes = std::mem::take(&mut self.fields).into_byte_record();
        match self.csv.read_byte_record(&mut bytes) {
            Ok(true) => {}
            Ok(false) => return Ok(Found::End),
            Err(error) => return Err(self.read_error(begin, error)),
        }
        let window = self.csv.get_ref();
        let offset = (self.begin + self.csv.position().byte()).min(window.end_of_input());
        let all = window.between(begin, offset);
        let (blank, record) = all.split_at(leading_blank(all, begin == 0));
        let start = begin + blank.len() as u64;
        let lines = self.position.lines + u64::from(self.position.after_cr && all.first() != Some(&b'\n'));
        let line = lines + 1 + count_lines(blank, record.first());
        self.crc.update(all);
        self.position = Position {
            offset,
            lines: lines + count_lines(all, None),
            after_cr: all.last() == Some(&b'\r'),
            crc: self.crc.clone().finalize(),
        };

        if window.ended && bytes.len() == 1 && &bytes[0] == END_FIELD {
            return Ok(Found::End);
        }
        let unclosed = window.ended && bytes.iter().next_back().is_some_and(|field| field.ends_with(END));
        // A line of blanks only is a blank line; the csv crate skips empty ones itself.
        if !unclosed && bytes.len() == 1 && bytes[0].iter().all(u8::is_ascii_whitespace) {
            return Ok(Found::Blank);
        }
        let raw = trim_line_end(record);
        let end = start + raw.len() as u64;
        let columns = bytes.len();
        let problem = match into_text(bytes) {
            _ if unclosed => Some(RecordError::UnclosedQuote { column: columns }),
            Ok(fields) => {
                self.fields = fields;
                None
            }
            Err(error) => Some(error),
        };
        Ok(Found::Record(Place { line, start, end, problem }))
    }

    fn read_error(&self, begin: u64, error: csv::Error) -> ReadError {
        let unread = self.csv.get_ref().from(begin);
        let blank = leading_blank(unread, begin == 0);
        let lines = self.position.lines + 1;
        let line = lines + count_lines(&unread[..blank], unread.get(blank));
        match error.into_kind() {
            csv::ErrorKind::Io(source) if source.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<TooLong>) => {
                ReadError::RecordTooLong { line }
            }
            csv::ErrorKind::Io(source) => {
                let line = lines + count_lines(unread, None);
                ReadError::Io { line, source }
            }
            kind => ReadError::Io { line, source: io::Error::other(format!("{kind:?}")) },
        }
    }
}

/// The fields as text. Python opens the file in text mode, so every CRLF and lone CR becomes LF, inside quotes too.
fn into_text(bytes: ByteRecord) -> Result<StringRecord, RecordError> {
    let bytes = if memchr::memchr(b'\r', bytes.as_slice()).is_some() {
        bytes.iter().map(unix_line_ends).collect()
    } else {
        bytes
    };
    StringRecord::from_byte_record(bytes).map_err(|error| {
        let at = error.utf8_error();
        let column = at.field();
        let byte = at.valid_up_to();
        let record = error.into_byte_record();
        // Show what stands around the bad byte, not the beginning of a long column.
        let around = &record[column][byte.saturating_sub(20)..];
        RecordError::InvalidUtf8 {
            column: column + 1,
            byte: byte + 1,
            value: shortened(String::from_utf8_lossy(around).trim_start_matches('\u{fffd}')),
        }
    })
}

fn unix_line_ends(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == b'\r' {
            rest.next_if_eq(&b'\n');
            out.push(b'\n');
        } else {
            out.push(byte);
        }
    }
    out
}

/// The length of what precedes a record and is not part of it: the byte-order mark, the rest of the line end before, empty lines.
fn leading_blank(bytes: &[u8], at_start: bool) -> usize {
    let mark = if at_start && bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    mark + bytes[mark..].iter().take_while(|&&b| b == b'\r' || b == b'\n').count()
}

fn trim_line_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b != b'\r' && b != b'\n').map_or(0, |last| last + 1);
    &bytes[..end]
}

/// Line ends in `bytes`, which `next` follows: LF, CRLF, and CR alone, as Python's text mode counts them. Of a CRLF its LF is
/// counted, so a CR at the very end is none until it is known that no LF follows.
fn count_lines(bytes: &[u8], next: Option<&u8>) -> u64 {
    let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
    let counts = |&at: &usize| bytes[at] == b'\n' || bytes.get(at + 1).or(next).is_some_and(|&next| next != b'\n');
    ends.filter(counts).count() as u64
}

/// The input, keeping the bytes of the record being read, and ending with [`END`].
struct Window<R> {
    input: R,
    /// The bytes kept, from `offset` of the input on.
    bytes: Vec<u8>,
    offset: u64,
    ended: bool,
}

#[derive(Debug, Error)]
#[error("record too long")]
struct TooLong;

impl<R> Window<R> {
    fn index(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.offset)).map_or(self.bytes.len(), |at| at.min(self.bytes.len()))
    }

    /// The offset at which the input ends, and [`END`] begins; the largest number while it is not known.
    fn end_of_input(&self) -> u64 {
        if self.ended { self.offset + (self.bytes.len() - END.len()) as u64 } else { u64::MAX }
    }

    fn from(&self, begin: u64) -> &[u8] {
        &self.bytes[self.index(begin)..]
    }

    fn between(&self, begin: u64, end: u64) -> &[u8] {
        &self.bytes[self.index(begin)..self.index(end)]
    }

    /// Forgets what lies before `offset`, once that is worth moving the rest.
    fn keep_from(&mut self, offset: u64) {
        let done = self.index(offset);
        if done >= BUFFER {
            self.bytes.drain(..done);
            self.offset += done as u64;
        }
    }
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        if self.bytes.len() > MAX_RECORD + 2 * BUFFER {
            return Err(io::Error::other(TooLong));
        }
        let mut read = self.input.read(buffer)?;
        // The csv crate looks for a byte-order mark only in the first bytes that it gets, and takes a mark with nothing behind it for
        // the whole input; a pipe may give so few at first.
        while self.offset == 0 && self.bytes.is_empty() && (1..=BYTE_ORDER_MARK.len()).contains(&read) {
            match self.input.read(&mut buffer[read..])? {
                0 => break,
                more => read += more,
            }
        }
        if read == 0 {
            self.ended = true;
            read = END.len();
            buffer[..read].copy_from_slice(END);
        }
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "1,h,2017-07-20,01,GMT,GET,/,200,5,ua";

    /// Rows as (line, raw, url or error).
    fn read(input: &[u8]) -> Vec<(u64, String, Result<String, RecordError>)> {
        let mut reader = LogReader::new(input);
        let mut rows = Vec::new();
        while let Some(row) = reader.next_row() {
            let row = row.unwrap();
            let url = row.record.map(|record| record.url.to_owned());
            rows.push((row.line, String::from_utf8_lossy(row.raw).into_owned(), url));
        }
        rows
    }

    fn lines_and_urls(input: &str) -> Vec<(u64, String)> {
        read(input.as_bytes()).into_iter().map(|(line, _, url)| (line, url.unwrap())).collect()
    }

    fn with_url(url: &str) -> String {
        GOOD.replace("/,", &format!("{url},"))
    }

    #[test]
    fn every_line_end_is_tolerated_and_counted() {
        for end in ["\n", "\r\n", "\r"] {
            let text = [with_url("/1"), with_url("/2"), String::new(), with_url("/3")].join(end);
            let expected = vec![(1, "/1".into()), (2, "/2".into()), (4, "/3".into())];
            assert_eq!(lines_and_urls(&text), expected, "{end:?}");
            assert_eq!(lines_and_urls(&format!("{text}{end}")), expected, "{end:?} at the end, too");
            assert_eq!(
                lines_and_urls(&format!("\u{feff}{text}{end}{end}  {end}")),
                expected,
                "{end:?}, BOM, blank lines"
            );
        }
    }

    #[test]
    fn a_byte_order_mark_may_come_in_pieces() {
        let text = format!("\u{feff}{}", with_url("/1"));
        for at in 1..5 {
            let (first, second) = text.as_bytes().split_at(at);
            let mut reader = LogReader::new(first.chain(second));
            assert_eq!(reader.next_row().unwrap().unwrap().record.unwrap().request_id, 1, "{at} bytes first");
        }
        assert!(LogReader::new(b"\xef".chain(&b"\xbb\xbf"[..])).next_row().is_none());
    }

    #[test]
    fn an_empty_input_has_no_rows() {
        for input in ["", "\n", "\r\n\r\n", "\u{feff}", "   \n"] {
            assert_eq!(read(input.as_bytes()), vec![], "{input:?}");
        }
    }

    #[test]
    fn quotes_hold_commas_quotes_and_line_ends_which_become_lf() {
        let text = format!("{}\n{}\n", with_url("\"/a,\"\"b\"\"\r\nc\rd\ne\""), with_url("/2"));
        assert_eq!(lines_and_urls(&text), vec![(1, "/a,\"b\"\nc\nd\ne".into()), (5, "/2".into())]);
    }

    #[test]
    fn raw_is_the_row_as_it_stands_in_the_file() {
        let quoted = with_url("\"/a\r\nb\"");
        let text = format!("\u{feff}\r\n{quoted}\r\n\r\nbad,row\r\n{GOOD}");
        let raws: Vec<_> = read(text.as_bytes()).into_iter().map(|(line, raw, _)| (line, raw)).collect();
        assert_eq!(raws, vec![(2, quoted), (5, "bad,row".into()), (6, GOOD.into())]);
    }

    #[test]
    fn an_unclosed_quote_is_an_error_with_the_line_where_its_record_begins() {
        let open = with_url("\"/never closed");
        let text = format!("{GOOD}\n\n{open}\n{GOOD}\n");
        let rows = read(text.as_bytes());
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1], (3, format!("{open}\n{GOOD}"), Err(RecordError::UnclosedQuote { column: 7 })));
    }

    #[test]
    fn a_closed_quote_at_the_very_end_is_none() {
        for url in ["\"/x\"", "\"\"\"\"", "\"/x\n\""] {
            let line = format!("1,h,2017-07-20,01,GMT,GET,/,200,5,{url}");
            let rows = read(line.as_bytes());
            assert!(rows.len() == 1 && rows[0].2.is_ok(), "{line:?}: {rows:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_an_error_of_their_row_only() {
        let mut text = with_url("/caf\u{e9}").replace('\u{e9}', "#").into_bytes();
        let at = text.iter().position(|&b| b == b'#').unwrap();
        text[at] = 0xe9;
        let mut input = text.clone();
        input.push(b'\n');
        input.extend_from_slice(GOOD.as_bytes());
        let mut reader = LogReader::new(&input[..]);
        let row = reader.next_row().unwrap().unwrap();
        assert_eq!(row.raw, text);
        assert_eq!(
            row.record.unwrap_err(),
            RecordError::InvalidUtf8 { column: 7, byte: 5, value: "/caf\u{fffd}".into() }
        );
        assert!(reader.next_row().unwrap().unwrap().record.is_ok());
        assert!(reader.next_row().is_none());
    }

    #[test]
    fn a_record_without_end_stops_the_reading_before_memory_is_full() {
        let endless = format!("{GOOD}\n\n\"").into_bytes();
        let mut reader = LogReader::new(endless.chain(io::repeat(b'x').take(1 << 30)));
        assert!(reader.next_row().unwrap().is_ok());
        let error = reader.next_row().unwrap().unwrap_err();
        assert!(matches!(error, ReadError::RecordTooLong { line: 3 }), "{error}");
        assert!(reader.csv.get_ref().bytes.capacity() < 4 * MAX_RECORD);
    }

    #[test]
    fn a_failing_input_says_where() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        let input = format!("{GOOD}\n{GOOD}\n").into_bytes();
        let mut reader = LogReader::new(input.chain(Failing));
        assert!(reader.next_row().unwrap().is_ok());
        assert!(reader.next_row().unwrap().is_ok());
        assert_eq!(reader.next_row().unwrap().unwrap_err().to_string(), "line 3: the disk is gone");
    }

    #[test]
    fn a_row_is_known_to_be_buffered_or_not() {
        let first = format!("{GOOD}\n");
        let mut reader = LogReader::new(first.as_bytes().chain(GOOD.as_bytes()));
        assert!(!reader.is_row_buffered());
        reader.next_row().unwrap().unwrap();
        assert!(!reader.is_row_buffered());
        reader.next_row().unwrap().unwrap();
        assert!(reader.is_row_buffered());
        assert!(reader.next_row().is_none());
    }

    #[test]
    fn another_input_is_not_gone_on_with() {
        let text = format!("{GOOD}\n{GOOD}\n");
        let mut reader = LogReader::new(text.as_bytes());
        let position = reader.next_row().unwrap().unwrap().end;
        assert!(LogReader::resume(text.as_bytes(), position).is_ok());
        let mended = format!("{GOOD}\nmended, and longer\n\n");
        assert!(LogReader::resume(mended.as_bytes(), position).is_ok(), "what follows may change");
        for other in [text.replace("200", "404"), text[..20].to_owned(), String::new()] {
            let error = LogReader::resume(other.as_bytes(), position).err().unwrap();
            assert_eq!(
                error.to_string(),
                format!("its first {} bytes are not those that were loaded", position.offset)
            );
        }
    }

    #[test]
    fn all_positions_of_another_input_are_checked() {
        let text = format!("{GOOD}\n").repeat(4);
        let mut reader = LogReader::new(text.as_bytes());
        let ends: Vec<Position> = std::iter::from_fn(|| Some(reader.next_row()?.unwrap().end)).collect();
        assert!(check_positions(text.as_bytes(), &ends).is_ok());
        let mended = format!("{GOOD}\n{GOOD}\n{}\n", GOOD.replace("200", "404"));
        assert!(check_positions(mended.as_bytes(), &ends[..2]).is_ok());
        let error = check_positions(mended.as_bytes(), &ends).unwrap_err().to_string();
        assert_eq!(error, format!("its first {} bytes are not those that were loaded", ends[2].offset));
    }

    proptest! {
        /// Going on at any position gives the rows that reading in one go gives, with the same places.
        #[test]
        fn reading_goes_on_where_it_stopped(text in "[a,\"\n\r 1é]{0,100}", stop in 0_usize..20) {
            let text = text.repeat(3);
            let mut whole = LogReader::new(text.as_bytes());
            let mut rows = Vec::new();
            while let Some(row) = whole.next_row() {
                let row = row.unwrap();
                rows.push((row.line, row.raw.to_vec(), row.end));
            }
            let stop = stop.min(rows.len());
            let position = if stop == 0 { Position::default() } else { rows[stop - 1].2 };
            let mut rest = LogReader::resume(text.as_bytes(), position).unwrap();
            for (line, raw, end) in &rows[stop..] {
                let row = rest.next_row().unwrap().unwrap();
                prop_assert_eq!((row.line, row.raw, row.end), (*line, &raw[..], *end));
            }
            prop_assert!(rest.next_row().is_none());
        }

        /// The rows of any text, in buffers of any size, put together again are the text's own.
        #[test]
        fn any_text_is_read_to_its_end(text in "[a,\"\n\r 1é\u{feff}]{0,200}") {
            let mut reader = LogReader::new(text.as_bytes());
            let mut previous = 0;
            while let Some(row) = reader.next_row() {
                let row = row.unwrap();
                prop_assert!(row.line > previous || row.line == previous && previous > 0);
                previous = row.line;
                prop_assert!(text.contains(std::str::from_utf8(row.raw).unwrap()));
            }
        }

        /// What is written by a CSV writer is read back, field by field, with its line.
        #[test]
        fn every_url_survives(urls in prop::collection::vec("\\PC{0,30}|[\n\",]{0,10}", 1..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for url in &urls {
                writer.write_record(["1", "h", "d", "01", "z", "GET", url, "200", "5", "ua"]).unwrap();
            }
            let text = writer.into_inner().unwrap();
            let read: Vec<String> = read(&text).into_iter().map(|(_, _, url)| url.unwrap()).collect();
            prop_assert_eq!(read, urls);
        }
    }
}
