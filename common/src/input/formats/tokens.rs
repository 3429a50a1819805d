//! The tokenizer of all log formats: fields between separators, in quotes or brackets, `-` for none.

use std::borrow::Cow;

use crate::input::fields::{Fields, Kind};
use crate::input::format::Format;
use crate::input::oddity::{Oddities, Oddity};
use crate::input::record::{RecordError, shortened};

/// One field of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `-`
    Absent,
    Text(Cow<'a, str>),
}

impl Token<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Absent => None,
            Self::Text(text) => Some(text),
        }
    }

    pub(super) fn push_to(&self, fields: &mut Fields) {
        match self.text() {
            Some(text) => fields.push(Kind::Text, text),
            None => fields.push(Kind::Absent, ""),
        }
    }
}

/// The fields of a line, one after another.
pub(super) struct Tokens<'a> {
    /// What is left of the line; `None` behind its last field.
    rest: Option<&'a str>,
    separator: char,
    oddities: Oddities,
}

/// A quote or bracket that is not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclosed(pub(super) char);

impl<'a> Tokens<'a> {
    pub(super) fn new(line: &'a str, separator: char) -> Self {
        Self { rest: Some(line), separator, oddities: Oddities::default() }
    }

    /// What is odd about the fields so far: a quote in a field that has none around it is the end of a text with quotes that were not
    /// escaped (S3 does not), cut at the first that looked like its end.
    pub(super) fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// The next field; `None` after the last.
    pub(super) fn next(&mut self) -> Option<Result<Token<'a>, Unclosed>> {
        let rest = self.rest?;
        if rest.is_empty() && self.separator == ' ' {
            return None; // a blank at the line's end
        }
        let (text, quoted, length) = match rest.as_bytes().first() {
            Some(b'"') => match self.closing(rest, '"') {
                Some(end) => (&rest[1..end], true, end + 1),
                None => return Some(Err(Unclosed('"'))),
            },
            // An IPv6 address with its port begins with a bracket, too.
            Some(b'[') if !rest.split(self.separator).next().is_some_and(|word| word.contains("]:")) => {
                match self.closing(rest, ']') {
                    Some(end) => (&rest[1..end], false, end + 1),
                    None => return Some(Err(Unclosed(']'))),
                }
            }
            _ => {
                let mut end = rest.find(self.separator).unwrap_or(rest.len());
                // nginx's formats often have names: urt="0.002, 0.004"
                let value = rest[..end].find("=\"").map(|at| at + 1);
                match value.and_then(|at| Some(at + self.closing(&rest[at..], '"')? + 1)) {
                    Some(behind) => end = behind,
                    None if rest[..end].contains('"') => self.oddities.insert(Oddity::TextBehindQuote),
                    None => {}
                }
                (&rest[..end], false, end)
            }
        };
        self.rest = rest[length..].strip_prefix(self.separator);
        Some(Ok(match text {
            "-" => Token::Absent,
            text if quoted && text.contains('\\') => Token::Text(unescaped(text)),
            text => Token::Text(Cow::Borrowed(text)),
        }))
    }

    /// Where the quote or bracket that opens at the beginning is closed: a separator or the line's end follows, so that one that was
    /// not escaped does no harm.
    fn closing(&self, rest: &str, mark: char) -> Option<usize> {
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(at, c)| {
            let was_escaped = escaped;
            escaped = *c == '\\' && !was_escaped;
            let behind = &rest[at + c.len_utf8()..];
            *c == mark && !was_escaped && (behind.is_empty() || behind.starts_with(self.separator))
        });
        end.map(|(at, _)| at)
    }
}

/// All fields of a line, of which a format knows the first `names` and needs the first `needed`; and what is odd about them.
pub(super) fn split<'a>(
    line: &'a str,
    format: Format,
    names: &[&str],
    needed: usize,
) -> Result<(Vec<Token<'a>>, Oddities), RecordError> {
    let malformed = |reason: String| RecordError::Malformed { format: format.name(), reason };
    let mut tokens = Tokens::new(line, ' ');
    let mut found = Vec::with_capacity(names.len());
    while let Some(token) = tokens.next() {
        match token {
            Ok(token) => found.push(token),
            Err(Unclosed(mark)) => {
                let name = names.get(found.len()).copied().unwrap_or("after the last known one");
                let number = found.len() + 1;
                return Err(malformed(format!(
                    "field {number} ({name}) opens and is not closed; close it with {mark}"
                )));
            }
        }
    }
    if found.len() < needed {
        let (count, line) = (found.len(), shortened(line));
        let names = names[..needed].join(", ");
        return Err(malformed(format!("{line:?} has {count} fields, and a line has at least {needed} ({names})")));
    }
    Ok((found, tokens.oddities()))
}

/// Apache writes `\"`, `\\`, `\n`, `\t` and `\x1b`, nginx `\x22`. A text whose bytes would not be UTF-8 stays as it is.
fn unescaped(text: &str) -> Cow<'_, str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let (byte, behind) = match (first, behind) {
            (b'\\', [b'x', high, low, behind @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (b'\\', &rest[1..]),
            },
            (b'\\', [mark @ (b'"' | b'\\'), behind @ ..]) => (*mark, behind),
            (b'\\', [b'n', behind @ ..]) => (b'\n', behind),
            (b'\\', [b'r', behind @ ..]) => (b'\r', behind),
            (b'\\', [b't', behind @ ..]) => (b'\t', behind),
            (b'\\', [b'v', behind @ ..]) => (0x0b, behind),
            (b'\\', [b'f', behind @ ..]) => (0x0c, behind),
            (b'\\', [b'b', behind @ ..]) => (0x08, behind),
            (other, behind) => (*other, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// `%20` and the like replaced. A text whose bytes would not be UTF-8 stays as it is.
pub(super) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (b'%', &rest[1..]),
            },
            (other, behind) => (*other, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The columns that the request line `GET /index.html HTTP/1.1` is taken apart into.
pub(super) const REQUEST_COLUMNS: [&str; 3] = ["method", "url", "protocol"];

/// Method, URL and protocol. What is no request line (port scanners send anything) is a URL as a whole, so that it is not lost.
pub(super) fn push_request(request: &Token<'_>, fields: &mut Fields) {
    let whole = request.text();
    let parts = whole.and_then(|request| {
        let (method, rest) = request.split_once(' ')?;
        // A URL may contain blanks that were not encoded.
        let (url, protocol) = match rest.rsplit_once(' ') {
            Some((url, protocol)) if protocol.starts_with("HTTP/") => (url, Some(protocol)),
            _ => (rest, None),
        };
        let is_method =
            !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_');
        is_method.then_some((Some(method), Some(url), protocol))
    });
    let (method, url, protocol) = parts.unwrap_or((None, whole, None));
    for part in [method, url, protocol] {
        match part {
            Some(text) => fields.push(Kind::Text, text),
            None => fields.push(Kind::Absent, ""),
        }
    }
}

/// An address without the port that may follow it: `10.0.0.1:2817`, `[2001:db8::1]:2817`, `example.com:80`.
pub(super) fn split_port(address: &str) -> (&str, Option<&str>) {
    let Some((host, port)) = address.rsplit_once(':') else { return (address, None) };
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) if is_port => (host, Some(port)),
        None if is_port && !host.contains(':') => (host, Some(port)),
        _ => (address, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(line: &str, separator: char) -> Vec<Option<String>> {
        let mut tokens = Tokens::new(line, separator);
        std::iter::from_fn(|| Some(tokens.next()?.unwrap().text().map(str::to_owned))).collect()
    }

    #[test]
    fn quotes_brackets_and_escapes() {
        let line = r#"a [b c] "d \"e\" \\ \x22f\x22" - "-" "" "g" h" [i]j] k"#;
        let expected = [
            Some("a"),
            Some("b c"),
            Some(r#"d "e" \ "f""#),
            None,
            None,
            Some(""),
            Some(r#"g" h"#),
            Some("i]j"),
            Some("k"),
        ];
        // The quote behind g is followed by a blank, so it closes.
        let found = texts(&line.replace(r#""g" h""#, r#""g"" h""#), ' ');
        assert_eq!(found[..6], expected[..6].iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()[..]);
        assert_eq!(texts("[i]j] k", ' '), [Some("i]j".to_owned()), Some("k".to_owned())]);
        let named = ["rt=0.1", r#"urt="0.2, 0.4""#, r#"x=""#, "y"].map(|text| Some(text.to_owned()));
        assert_eq!(texts(r#"rt=0.1 urt="0.2, 0.4" x=" y"#, ' '), named);
        assert_eq!(texts("a\t\tb\t", '\t'), ["a", "", "b", ""].map(|text| Some(text.to_owned())));
        assert_eq!(texts(r#""caf\xc3\xa9" "\xff""#, ' '), [Some("café".to_owned()), Some(r"\xff".to_owned())]);
    }

    #[test]
    fn ports_are_split_off_addresses_only() {
        for (address, host, port) in [
            ("10.0.0.1:2817", "10.0.0.1", Some("2817")),
            ("[2001:db8::1]:2817", "2001:db8::1", Some("2817")),
            ("2001:db8::1", "2001:db8::1", None),
            ("example.com", "example.com", None),
            ("example.com:80", "example.com", Some("80")),
        ] {
            assert_eq!(split_port(address), (host, port), "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_tokenizer_panic_or_loop(line in "[a \t\"\\[\\]\\\\x2é-]{0,60}", tab: bool) {
            let mut tokens = Tokens::new(&line, if tab { '\t' } else { ' ' });
            let mut count = 0;
            while let Some(Ok(_)) = tokens.next() {
                count += 1;
                prop_assert!(count <= line.len() + 1);
            }
        }
    }
}
