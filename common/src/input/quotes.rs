//! Quotes in delimited text, as Python reads them: where one is open, and what stands after a closing one.

use super::format::Dialect;

/// The offset of the quote that is open at the end of the bytes, which begin with a record.
pub(super) fn open_quote(bytes: &[u8], dialect: Dialect) -> Option<usize> {
    /// What came last.
    enum State {
        Delimiter,
        Unquoted,
        Quoted(usize),
        QuoteInQuoted(usize),
    }
    let Dialect { delimiter, quote, .. } = dialect;
    let mut state = State::Delimiter;
    for (at, &byte) in bytes.iter().enumerate() {
        let is_end = byte == delimiter || byte == b'\n' || byte == b'\r';
        state = match state {
            State::Delimiter if byte == quote => State::Quoted(at),
            State::Quoted(open) if byte == quote => State::QuoteInQuoted(open),
            State::QuoteInQuoted(open) if byte == quote => State::Quoted(open),
            quoted @ State::Quoted(_) => quoted,
            _ if is_end => State::Delimiter,
            _ => State::Unquoted,
        };
    }
    match state {
        State::Quoted(open) => Some(open),
        _ => None,
    }
}

/// Whether something other than a delimiter follows a closing quote.
pub(super) fn has_text_behind_quote(raw: &[u8], dialect: Dialect) -> bool {
    let Dialect { delimiter, quote, .. } = dialect;
    let mut at = 0;
    while let Some(found) = memchr::memchr(quote, &raw[at..]) {
        let open = at + found;
        at = open + 1;
        if open > 0 && raw[open - 1] != delimiter {
            continue; // a quote like any other character
        }
        loop {
            let Some(found) = memchr::memchr(quote, &raw[at..]) else { return false };
            at += found + 1;
            match raw.get(at) {
                Some(next) if *next == quote => at += 1,
                Some(next) if *next == delimiter => break,
                Some(_) => return true,
                None => return false,
            }
        }
    }
    false
}
