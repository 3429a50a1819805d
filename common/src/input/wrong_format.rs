//! What an input really is, when it is not of the format that was asked for: one message that names it and what loads it.

use std::fmt;

use super::format::{Format, InputFormat};
use super::reader::BYTE_ORDER_MARK;

/// An input of another format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFormat {
    /// What it looks like.
    pub found: String,
    /// The option or command that loads it.
    pub advice: String,
}

impl fmt::Display for WrongFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is {}; {}", self.found, self.advice)
    }
}

impl std::error::Error for WrongFormat {}

fn wrong(found: impl Into<String>, advice: impl Into<String>) -> Option<WrongFormat> {
    Some(WrongFormat { found: found.into(), advice: advice.into() })
}

/// What begins so, and what is to be done with it.
const MAGICS: [(&[u8], &str, &str); 11] = [
    (b"PK\x03\x04", "a zip archive", "unpack it: unzip -p FILE | load_logfile TABLE -"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it: 7z x -so FILE | load_logfile TABLE -"),
    (b"Rar!", "a rar archive", "unpack it: unrar p -inul FILE | load_logfile TABLE -"),
    (b"\x04\x22\x4d\x18", "compressed with lz4", "unpack it: lz4 -dc FILE | load_logfile TABLE -"),
    (b"\xff\x06\0\0sNaPpY", "compressed with snappy", "unpack it: snzip -dc FILE | load_logfile TABLE -"),
    (b"\x1f\x9d", "compressed with compress", "unpack it: zcat FILE | load_logfile TABLE -"),
    (b"PAR1", "a Parquet file", "convert it to CSV or JSON Lines first, with duckdb for instance"),
    (b"ORC", "an ORC file", "convert it to CSV or JSON Lines first"),
    (b"Obj\x01", "an Avro file", "convert it to JSON Lines first: avro-tools tojson FILE"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "export its table: sqlite3 -csv FILE 'SELECT …' | load_logfile TABLE -",
    ),
    (b"%PDF-", "a PDF document", "name a log file"),
];

/// Archives and other data that are no text.
pub(super) fn of_bytes(head: &[u8]) -> Option<WrongFormat> {
    if let Some((_, found, advice)) = MAGICS.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return wrong(*found, *advice);
    }
    if head.get(257..262) == Some(b"ustar") {
        return wrong("a tar archive", "unpack it: tar -xOf FILE | load_logfile TABLE -");
    }
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).take(32).filter(|byte| **byte == 0).count();
    let pairs = (head.len() / 2).min(32);
    let utf16 = |name| {
        wrong(
            format!("{name} without a byte-order mark"),
            format!("convert it: iconv -f {name} -t UTF-8 FILE | load_logfile TABLE -"),
        )
    };
    match () {
        () if pairs > 1 && !head.starts_with(b"\0\0") && zeros(1) == pairs => utf16("UTF-16LE"),
        () if pairs > 1 && !head.starts_with(b"\0\0") && zeros(0) == pairs => utf16("UTF-16BE"),
        () if head.starts_with(b"\0") => wrong(
            "a file that begins with NUL bytes",
            "it may have been written while the disk was full or the machine went down; remove them: tr -d '\\0' < FILE | load_logfile TABLE -",
        ),
        () => None,
    }
}

/// What a text looks like whose first record is not of `expected`.
pub(super) fn of_text(head: &[u8], expected: &InputFormat) -> Option<WrongFormat> {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let line = lines.next()?;
    if let Some((format, found)) = log_format(line).filter(|(format, _)| *format != expected.format) {
        return wrong(found, format!("load it with --format {format}"));
    }
    if let Some(wrong) = json(line, expected.format) {
        return Some(wrong);
    }
    if line.trim_start().starts_with('<') {
        return wrong("XML or HTML", "convert it to CSV or JSON Lines first");
    }
    match expected.format.is_delimited() {
        true => delimited(line, lines.next(), expected),
        false if line.matches(',').count() > 2 => wrong("CSV, as it seems", "load it with --format csv"),
        false => None,
    }
}

/// The format of a line, if it is one that shows.
pub(crate) fn detect_format(line: &str) -> Option<Format> {
    let is_object = line.starts_with('{') && line.trim_end().ends_with('}');
    match log_format(line) {
        Some((format, _)) => Some(format),
        None if line.starts_with("{\"Item\":") => Some(Format::DynamodbJson),
        None => is_object.then_some(Format::Jsonl),
    }
}

/// A line of a log format that loads by itself.
fn log_format(line: &str) -> Option<(Format, &'static str)> {
    if line.starts_with("#Version:") || line.starts_with("#Fields:") || line.starts_with("#Software:") {
        return Some((Format::W3c, "a log in W3C extended format (IIS, CloudFront)"));
    }
    let words: Vec<&str> = line.split(' ').take(6).collect();
    let is_time = |word: Option<&&str>| {
        word.is_some_and(|word| word.starts_with('[') && word.matches('/').count() == 2 && word.contains(':'))
    };
    if is_time(words.get(3)) {
        return Some((Format::AccessLog, "an access log in Common or Combined Log Format (Apache, nginx)"));
    }
    if is_time(words.get(2)) {
        return Some((Format::S3AccessLog, "a server access log of Amazon S3"));
    }
    let is_type = words.first().is_some_and(|word| ["http", "https", "h2", "grpcs", "ws", "wss"].contains(word));
    let has_time = words.get(1).is_some_and(|word| word.contains('T') && word.ends_with('Z'));
    (is_type && has_time).then_some((Format::Alb, "an access log of an Application Load Balancer"))
}

fn json(line: &str, expected: Format) -> Option<WrongFormat> {
    let is_json = matches!(expected, Format::Jsonl | Format::DynamodbJson);
    let line = line.trim();
    let suggest =
        "for other columns than the mapping's, print a mapping to start from: load_logfile --suggest-mapping FILE";
    match () {
        () if line.starts_with('[') && (line.len() == 1 || line[1..].trim_start().starts_with(['{', '['])) => {
            wrong("a JSON array", "make lines of it: jq -c '.[]' FILE | load_logfile TABLE - --format jsonl")
        }
        () if !is_json && line.starts_with("{\"Item\":") => {
            wrong("DynamoDB JSON, one item a line", format!("load it with --format dynamodb-json; {suggest}"))
        }
        () if !is_json && line.starts_with('{') && line.ends_with('}') => {
            wrong("JSON Lines", format!("load it with --format jsonl; {suggest}"))
        }
        () if line == "{" => wrong("a JSON document over several lines", "make lines of it: jq -c . FILE"),
        () => None,
    }
}

/// A header, or another delimiter.
fn delimited(line: &str, second: Option<&str>, expected: &InputFormat) -> Option<WrongFormat> {
    let delimiter = char::from(expected.dialect.delimiter);
    let quote = char::from(expected.dialect.quote);
    let count = |line: &str, delimiter: char| line.split(delimiter).count();
    if count(line, delimiter) < expected.columns.max(2) {
        let other = [';', '\t', '|', ','].into_iter().find(|other| {
            let columns = count(line, *other);
            *other != delimiter
                && columns >= expected.columns.max(2)
                && second.is_none_or(|second| count(second, *other) > 1)
        });
        if let Some(other) = other {
            let (name, option) = match other {
                '\t' => ("tabs".to_owned(), "--format tsv".to_owned()),
                ';' => ("semicolons".to_owned(), "--delimiter ';'".to_owned()),
                '|' => ("vertical bars".to_owned(), "--delimiter '|'".to_owned()),
                other => ("commas".to_owned(), format!("--format csv --delimiter '{other}'")),
            };
            let also = if is_header(line, other, quote) { " --header" } else { "" };
            return wrong(
                format!("text whose columns are separated by {name}"),
                format!("load it with {option}{also}"),
            );
        }
    }
    if expected.dialect.header || !is_header(line, delimiter, quote) {
        return None;
    }
    let names: Vec<&str> = line.split(delimiter).map(|name| name.trim().trim_matches(quote)).collect();
    let known = expected.slots[..expected.columns].iter().all(|slot| names.contains(&&**slot));
    let found = "a file whose first line is a header";
    match known {
        true => wrong(found, "load it with --header, which takes the columns by their names"),
        false => wrong(
            found,
            "skip it with --skip-rows 1 if the columns are those of the mapping, in their order; else print a mapping to start from: \
             load_logfile --suggest-mapping FILE",
        ),
    }
}

/// Whether a line reads like names of columns: words, all different, no number among them.
pub(crate) fn is_header(line: &str, delimiter: char, quote: char) -> bool {
    let names: Vec<&str> = line.split(delimiter).map(|name| name.trim().trim_matches(quote)).collect();
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || "_-. ()/#:".contains(c))
            && name.chars().count() <= 64
    };
    let all_differ = (1..names.len()).all(|index| !names[..index].contains(&names[index]));
    names.len() > 1 && all_differ && names.iter().all(is_name)
}
