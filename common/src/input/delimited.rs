//! CSV and TSV, read as Python's `csv.reader` reads them, with what Python does not give: an error where a quote is never closed,
//! and a word about rows that look wrong.

use std::io;

use csv_core::ReadRecordResult;

use super::fields::Fields;
use super::format::{Dialect, InputFormat};
use super::found::{Content, Found};
use super::lines::count_lines;
use super::oddity::{Oddities, Oddity};
use super::quotes::{has_text_behind_quote, open_quote};
use super::record::{QuotePosition, RecordError, shortened};
use super::window::Window;

/// What is read behind the end of the input. If the input ended where a record may end, this is one more record of one field; if it
/// ended inside quotes, it is swallowed by the last field. The csv crate itself does not distinguish the two.
const END: &[u8] = b"\n\x1eend of input\x1e\n";
const END_FIELD: &[u8] = b"\x1eend of input\x1e\n";

/// Divides delimited text into records.
pub(super) struct Delimited {
    core: csv_core::Reader,
    dialect: Dialect,
    /// Rows still to be skipped.
    skip_rows: u64,
    /// Whether the next row is the header.
    header: bool,
    columns: usize,
    slots: Vec<Box<str>>,
    required: Vec<usize>,
    keeps_others: bool,
    /// The texts of the record, one after another, and the end of each; both are larger than the record needs.
    output: Vec<u8>,
    ends: Vec<usize>,
}

/// What was read of the input and into the output.
struct Read {
    /// The offset behind the record.
    next: u64,
    length: usize,
    columns: usize,
    /// Whether its last quote is closed.
    closed: bool,
}

impl Delimited {
    /// `is_begun` if the rows that are skipped, and the header, lie before the first record.
    pub(super) fn new(format: &InputFormat, fields: &mut Fields, is_begun: bool) -> Self {
        let dialect = format.dialect;
        let core = csv_core::ReaderBuilder::new().delimiter(dialect.delimiter).quote(dialect.quote).build();
        *fields = match dialect.header {
            true => Fields::by_name(format.slots.len()),
            false => Fields::in_order(format.columns, format.slots.len()),
        };
        Self {
            core,
            dialect,
            skip_rows: if is_begun { 0 } else { dialect.skip_rows },
            header: dialect.header,
            columns: format.columns,
            slots: format.slots.clone(),
            required: format.required.clone(),
            keeps_others: format.keeps_others,
            output: vec![0; 1024],
            ends: vec![0; 32],
        }
    }

    pub(super) fn comment(&self) -> Option<u8> {
        self.dialect.comment
    }

    /// Whether a record is the names of the columns, although no header is expected. Where all columns are text, nothing else shows it.
    pub(super) fn is_header(&self, fields: &Fields) -> bool {
        let names = &self.slots[..self.columns.min(self.slots.len())];
        !self.dialect.header
            && names.len() > 1
            && names.iter().enumerate().all(|(index, name)| fields.nth(index) == Some(name))
    }

    /// The record that begins at `start`.
    pub(super) fn next<R: io::Read>(
        &mut self,
        window: &mut Window<R>,
        start: u64,
        fields: &mut Fields,
    ) -> io::Result<Found> {
        let Read { next, length, columns, closed } = self.read(window, start)?;
        let raw = trim_line_end(window.between(start, next));
        let end = start + raw.len() as u64;
        let output = &self.output[..length];
        let has_line_breaks = memchr::memchr2(b'\n', b'\r', output).is_some();
        let problem = set_texts(fields, output, &self.ends[..columns], has_line_breaks).err();
        // Only quotes are left out of the output.
        let is_quoted = length + columns.saturating_sub(1) < raw.len();
        let (content, oddities) = match problem {
            _ if !closed => (Content::Record(Err(self.unclosed(raw, columns))), Oddities::default()),
            // A line of blanks only is a blank line.
            None if columns == 1 && fields.nth(0).is_some_and(|text| text.trim_ascii().is_empty()) => {
                (Content::Nothing, Oddities::default())
            }
            problem if self.skip_rows > 0 => {
                drop(problem);
                self.skip_rows -= 1;
                (Content::Nothing, Oddities::default())
            }
            Some(problem) => (Content::Record(Err(problem)), Oddities::default()),
            None if self.header => (self.read_header(fields), Oddities::default()),
            None => self.check(raw, fields, is_quoted, has_line_breaks),
        };
        Ok(Found { end, next, content, oddities })
    }

    /// Reads the fields of a record into the output.
    fn read<R: io::Read>(&mut self, window: &mut Window<R>, start: u64) -> io::Result<Read> {
        self.core.reset();
        let (mut next, mut length, mut columns) = (start, 0, 0);
        let mut end: &[u8] = END;
        loop {
            let input = window.from(next);
            let at_end = input.is_empty() && window.has_ended();
            let input = if at_end { end } else { input };
            if input.is_empty() && !at_end {
                window.fill()?;
                continue;
            }
            let (result, read, written, ended) =
                self.core.read_record(input, &mut self.output[length..], &mut self.ends[columns..]);
            length += written;
            columns += ended;
            match at_end {
                true => end = &end[read..],
                false => next += read as u64,
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        // The record takes more than the line's end only in quotes.
        Ok(Read { next, length, columns, closed: end.len() >= END_FIELD.len() })
    }

    fn unclosed(&self, raw: &[u8], column: usize) -> RecordError {
        let position = self.open_quote(raw).unwrap_or(QuotePosition { line: 1, character: 1 });
        let lines = (count_lines(raw, None) + 1).saturating_sub(position.line);
        RecordError::UnclosedQuote { column, position, lines }
    }

    /// The quote that is open where a record has been read up to; its line is counted from the record's first, which is 1.
    pub(super) fn open_quote(&self, raw: &[u8]) -> Option<QuotePosition> {
        let before = &raw[..open_quote(raw, self.dialect)?];
        let begin = memchr::memrchr2(b'\n', b'\r', before).map_or(0, |at| at + 1);
        let character = String::from_utf8_lossy(&before[begin..]).chars().count() + 1;
        Some(QuotePosition { line: count_lines(before, Some(&self.dialect.quote)) + 1, character })
    }

    fn read_header(&mut self, fields: &mut Fields) -> Content {
        self.header = false;
        let names: Vec<String> =
            (0..fields.len()).map(|index| fields.nth(index).unwrap_or_default().to_owned()).collect();
        if let Some(twice) = (1..names.len()).find(|index| names[..*index].contains(&names[*index])) {
            return Content::BadHeader(format!(
                "the header names the column {:?} twice; rename one of them",
                names[twice]
            ));
        }
        let missing =
            self.required.iter().map(|slot| &*self.slots[*slot]).find(|name| !names.iter().any(|each| each == name));
        if let Some(missing) = missing {
            let names = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
            return Content::BadHeader(format!(
                "the header has no column {missing:?}, which the mapping uses; it has {}",
                shortened(&names)
            ));
        }
        self.columns = names.len();
        fields.bind(&self.slots, self.keeps_others, names.iter().map(String::as_str));
        Content::Nothing
    }

    fn check(&self, raw: &[u8], fields: &Fields, is_quoted: bool, has_line_breaks: bool) -> (Content, Oddities) {
        let mut oddities = Oddities::default();
        let found = fields.len();
        if found < self.columns {
            let names = self.slots[..self.columns.min(self.slots.len())].join(", ");
            let error = RecordError::TooFewColumns { found, expected: self.columns, names };
            return (Content::Record(Err(error)), oddities);
        }
        if found > self.columns
            && (self.columns..found).any(|index| fields.nth(index).is_some_and(|text| !text.is_empty()))
        {
            oddities.insert(Oddity::ExtraColumns);
        }
        if has_line_breaks {
            oddities.insert(Oddity::LineBreakInQuotes);
        }
        if is_quoted && has_text_behind_quote(raw, self.dialect) {
            oddities.insert(Oddity::TextBehindQuote);
        }
        (Content::Record(Ok(())), oddities)
    }
}

/// The fields as text. Python opens the file in text mode, so every CRLF and lone CR becomes LF, inside quotes too.
fn set_texts(fields: &mut Fields, bytes: &[u8], ends: &[usize], has_line_breaks: bool) -> Result<(), RecordError> {
    if has_line_breaks {
        let (bytes, ends) = unix_line_ends(bytes, ends);
        return set_texts(fields, &bytes, &ends, false);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if fields.set(text, ends) => Ok(()),
        _ => Err(invalid_utf8(bytes, ends)),
    }
}

fn invalid_utf8(bytes: &[u8], ends: &[usize]) -> RecordError {
    let mut begin = 0;
    for (index, end) in ends.iter().enumerate() {
        let column = &bytes[begin..*end];
        if let Err(error) = std::str::from_utf8(column) {
            let byte = error.valid_up_to();
            // Show what stands around the bad byte, not the beginning of a long column.
            let around = String::from_utf8_lossy(&column[byte.saturating_sub(20)..]);
            let value = shortened(around.trim_start_matches('\u{fffd}'));
            return RecordError::InvalidUtf8 { column: index + 1, byte: byte + 1, value };
        }
        begin = *end;
    }
    RecordError::InvalidUtf8 { column: ends.len(), byte: 1, value: String::new() }
}

fn unix_line_ends(bytes: &[u8], ends: &[usize]) -> (Vec<u8>, Vec<usize>) {
    let (mut text, mut new_ends) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(ends.len()));
    let mut begin = 0;
    for end in ends {
        let mut field = bytes[begin..*end].iter().copied().peekable();
        while let Some(byte) = field.next() {
            if byte == b'\r' {
                field.next_if_eq(&b'\n');
                text.push(b'\n');
            } else {
                text.push(byte);
            }
        }
        new_ends.push(text.len());
        begin = *end;
    }
    (text, new_ends)
}

fn trim_line_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b != b'\r' && b != b'\n').map_or(0, |last| last + 1);
    &bytes[..end]
}
