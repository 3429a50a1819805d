//! Integers as Python's `int()` reads them, for the columns that hold numbers.

use thiserror::Error;

/// DynamoDB keeps at most 38 significant digits of a number (Developer Guide, "Supported data types": Number).
pub const MAX_DIGITS: usize = capacity::limits::MAX_NUMBER_DIGITS;

/// Why a text is not an integer that DynamoDB can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IntegerError {
    /// Not an integer by the rules of Python's `int()`.
    #[error("is not an integer")]
    NotAnInteger,
    /// An integer with more digits than DynamoDB keeps; boto3 refuses it, too.
    #[error("has {0} digits, and DynamoDB keeps at most {MAX_DIGITS}")]
    TooManyDigits(usize),
}

/// The decimal text of `value`. A division of 128 bits is much slower than one of 64, and nearly every id fits 64.
pub(crate) fn format_integer(buffer: &mut itoa::Buffer, value: i128) -> &str {
    match i64::try_from(value) {
        Ok(value) => buffer.format(value),
        Err(_) => buffer.format(value),
    }
}

/// Reads `text` as Python's `int()` does: blanks around it, one sign, leading zeros, and single underscores between digits
/// are accepted. 38 digits always fit an `i128`, so no big-number type is needed.
///
/// # Errors
/// [`IntegerError`] says whether the text is no integer or has too many digits.
pub(crate) fn parse(text: &str) -> Result<i128, IntegerError> {
    // Nearly every number in a log is a few plain digits.
    if !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(i128::from(text.bytes().fold(0_u64, |n, b| n * 10 + u64::from(b - b'0'))));
    }
    let text = text.trim_matches(is_python_space);
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = parse_digits(digits)?;
    Ok(if negative { -magnitude } else { magnitude })
}

fn parse_digits(text: &[u8]) -> Result<i128, IntegerError> {
    let mut value: i128 = 0;
    let mut significant = 0;
    let mut after_digit = false;
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                significant += usize::from(significant > 0 || byte != b'0');
                if significant <= MAX_DIGITS {
                    value = value * 10 + i128::from(byte - b'0');
                }
                after_digit = true;
            }
            b'_' if after_digit => after_digit = false,
            _ => return Err(IntegerError::NotAnInteger),
        }
    }
    match (after_digit, significant) {
        (false, _) => Err(IntegerError::NotAnInteger),
        (true, n) if n > MAX_DIGITS => Err(IntegerError::TooManyDigits(n)),
        (true, _) => Ok(value),
    }
}

/// Python's `str.isspace()` counts the four ASCII separators as blanks, which Unicode's White_Space does not.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_python_accepts_is_accepted() {
        for (text, value) in [
            ("1", 1),
            ("007", 7),
            ("+5", 5),
            ("-5", -5),
            ("-0", 0),
            (" 12\t", 12),
            ("\u{a0}12\x1f", 12),
            ("1_000", 1000),
            ("0_1", 1),
            ("00000000000000000000000000000000000000000000001", 1),
            ("99999999999999999999999999999999999999", 10_i128.pow(38) - 1),
            ("-99999999999999999999999999999999999999", -(10_i128.pow(38) - 1)),
        ] {
            assert_eq!(parse(text), Ok(value), "{text:?}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in
            ["", " ", "-", "+", "+-1", "- 1", "1.0", "1e3", "_1", "1_", "1__0", "0x10", "abc", "12a", "1 2", "²"]
        {
            assert_eq!(parse(text), Err(IntegerError::NotAnInteger), "{text:?}");
        }
    }

    #[test]
    fn more_than_38_digits_are_refused_as_boto3_does() {
        assert_eq!(parse(&"9".repeat(39)), Err(IntegerError::TooManyDigits(39)));
        assert_eq!(parse(&format!("1{}", "0".repeat(38))), Err(IntegerError::TooManyDigits(39)));
        assert_eq!(parse(&format!("-{}", "1".repeat(4000))), Err(IntegerError::TooManyDigits(4000)));
    }

    proptest! {
        #[test]
        fn every_integer_is_read_back(value in -(10_i128.pow(38) - 1)..10_i128.pow(38)) {
            let mut buffer = itoa::Buffer::new();
            prop_assert_eq!(format_integer(&mut buffer, value), value.to_string());
            prop_assert_eq!(parse(&value.to_string()), Ok(value));
        }

        #[test]
        fn short_integers_are_written_as_long_ones_are(value: i64) {
            let mut buffer = itoa::Buffer::new();
            prop_assert_eq!(format_integer(&mut buffer, value.into()), value.to_string());
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = parse(&text);
        }
    }
}
