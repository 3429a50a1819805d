//! What an input really is, when it is not of the format that was asked for: one message that names it and what loads it.

mod bytes;
mod document;

use std::fmt;

pub(super) use self::bytes::of_bytes;
pub(crate) use self::document::of_document;
use super::format::{Format, InputFormat};
use super::lines::BYTE_ORDER_MARK;
use super::window::HEAD;

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

/// What a text looks like whose first record is not of `expected`.
pub(super) fn of_text(head: &[u8], expected: &InputFormat) -> Option<WrongFormat> {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let line = lines.next()?;
    if let Some((format, found)) = log_format(line).filter(|(format, _)| *format != expected.format) {
        return wrong(found, format!("load it with --format {format}"));
    }
    if let Some(wrong) = of_document(&text, line, expected.format) {
        return Some(wrong);
    }
    let is_object = line.trim_start().starts_with('{');
    match expected.format.is_delimited() {
        true => delimited(line, lines.next(), expected)
            .or_else(|| undelimited(&text, expected))
            .or_else(|| other_columns(&text, expected)),
        false if expected.format == Format::W3c && !text.lines().any(|line| line.starts_with("#Fields:")) => wrong(
            "text without the line #Fields:, which names the columns of the format w3c",
            "put the line that the server wrote at the beginning of the log before the first record",
        ),
        // A comma within a text has a blank behind it.
        false if line.split(',').skip(1).filter(|column| !column.starts_with(' ')).count() > 2 && !is_object => {
            wrong("CSV, as it seems", "load it with --format csv")
        }
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
    if is_time(words.get(3)) || is_time(words.get(4)) {
        return Some((Format::AccessLog, "an access log in Common or Combined Log Format (Apache, nginx)"));
    }
    if is_time(words.get(2)) {
        return Some((Format::S3AccessLog, "a server access log of Amazon S3"));
    }
    let is_type = words.first().is_some_and(|word| ["http", "https", "h2", "grpcs", "ws", "wss"].contains(word));
    let has_time = words.get(1).is_some_and(|word| word.contains('T') && word.ends_with('Z'));
    (is_type && has_time).then_some((Format::Alb, "an access log of an Application Load Balancer"))
}

/// Lines in none of which there is a delimiter.
fn undelimited(text: &str, expected: &InputFormat) -> Option<WrongFormat> {
    let delimiter = char::from(expected.dialect.delimiter);
    if expected.columns < 2 || text.contains(delimiter) || text.len() >= HEAD && !text.contains('\n') {
        return None;
    }
    let name = if delimiter == '\t' { "a tab".to_owned() } else { format!("{delimiter:?}") };
    wrong(
        format!("text without {name} between columns"),
        "name the delimiter (--delimiter) or the format (--format), or print a mapping to start from: \
         load_logfile --suggest-mapping FILE",
    )
}

/// Lines all of which have the same number of columns, and too few.
fn other_columns(text: &str, expected: &InputFormat) -> Option<WrongFormat> {
    let delimiter = char::from(expected.dialect.delimiter);
    // The last line may be cut off.
    let whole = &text[..text.rfind('\n')?];
    let lines = whole.lines().filter(|line| !line.trim().is_empty());
    let mut counts = lines.map(|line| line.split(delimiter).count());
    let count = counts.next().filter(|count| *count < expected.columns)?;
    let rest = counts.collect::<Vec<_>>();
    if rest.len() < 2 || rest.iter().any(|other| *other != count) {
        return None;
    }
    wrong(
        format!("text of {count} columns, and the mapping has {}", expected.columns),
        "print a mapping to start from: load_logfile --suggest-mapping FILE",
    )
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
    let is_in = |mark: char| {
        line.split(delimiter).all(|column| column.len() > 1 && column.starts_with(mark) && column.ends_with(mark))
    };
    if quote != '\'' && count(line, delimiter) > 1 && is_in('\'') {
        return wrong(
            "text in single quotes",
            "name them in a mapping file, quote = \"'\" under [input]; --print-mapping prints the mapping that is used",
        );
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
