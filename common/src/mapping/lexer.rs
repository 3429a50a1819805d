//! Words and signs of what stands in braces and in `when`.

use std::ops::Range;

/// Something wrong in a text of the mapping, with its offsets there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) advice: String,
}

pub(super) fn syntax_error<T>(
    at: Range<usize>,
    message: impl Into<String>,
    advice: impl Into<String>,
) -> Result<T, SyntaxError> {
    Err(SyntaxError { at, message: message.into(), advice: advice.into() })
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A column, or `and`, `or`, `not`, `is`, `absent`.
    Word(String),
    /// A column whose name is in backticks.
    Name(String),
    /// Decimal digits, perhaps with a point.
    Number(String),
    /// Digits with a unit: seconds.
    Duration(i64),
    /// In single or double quotes.
    Text(String),
    /// `+ - * % ( ) == != < <= > >=`
    Sign(&'static str),
}

const SIGNS: [&str; 12] = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "%", "(", ")"];

/// The tokens of a text, each with its offsets; `base` is the offset of the text.
pub(super) fn tokens(text: &str, base: usize) -> Result<Vec<(Token, Range<usize>)>, SyntaxError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, length) = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' | '\'' | '`' => {
                let Some(end) = rest[1..].find(c) else {
                    return syntax_error(
                        base + at..base + text.len(),
                        format!("{c} is not closed"),
                        format!("close it with {c}"),
                    );
                };
                let inner = rest[1..=end].to_owned();
                (if c == '`' { Token::Name(inner) } else { Token::Text(inner) }, end + 2)
            }
            '0'..='9' => number(rest).map_or_else(
                |unit| {
                    syntax_error(
                        base + at..base + at + rest.len().min(8),
                        format!("{unit:?} is no unit of time"),
                        "write 30s, 15m, 12h, 30d or 2w",
                    )
                },
                Ok,
            )?,
            c if c.is_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => {
                    let known = "write + - * % in braces, and == != < <= > >= and, or, not, is absent in conditions; a column with \
                                 such a character in its name stands in backticks";
                    return syntax_error(
                        base + at..base + at + c.len_utf8(),
                        format!("{c:?} is not expected here"),
                        known,
                    );
                }
            },
        };
        found.push((token, base + at..base + at + length));
        at += length;
    }
    Ok(found)
}

/// A number, or a duration; the error is a unit that is none.
fn number(rest: &str) -> Result<(Token, usize), String> {
    let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    let unit_length = rest[digits..].find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len() - digits);
    let (number, unit) = (&rest[..digits], &rest[digits..digits + unit_length]);
    let seconds = match unit {
        "" => return Ok((Token::Number(number.to_owned()), digits)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(unit.to_owned()),
    };
    let duration = number.parse::<i64>().ok().and_then(|number| number.checked_mul(seconds));
    duration
        .map(|seconds| (Token::Duration(seconds), digits + unit_length))
        .ok_or_else(|| rest[..digits + unit_length].to_owned())
}
