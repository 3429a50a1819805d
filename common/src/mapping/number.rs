//! Decimal numbers, exact: DynamoDB's 38 digits, never a float.

use std::cmp::Ordering;

use thiserror::Error;

use super::integer::MAX_DIGITS;

/// The largest and smallest power of ten of a number's first digit (Developer Guide, "Supported data types": Number).
const MAX_EXPONENT: i64 = 125;
const MIN_EXPONENT: i64 = -130;

/// Why a text is not a number that DynamoDB can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NumberError {
    /// Not a decimal number.
    #[error("is not a number")]
    NotANumber,
    /// More digits than DynamoDB keeps.
    #[error("has {0} digits, and DynamoDB keeps at most {MAX_DIGITS}")]
    TooManyDigits(usize),
    /// Too large, or too near to zero.
    #[error("is out of the range of DynamoDB's numbers (1E-130 to 9.9…E+125)")]
    OutOfRange,
}

/// A number's parts: `0.d₁d₂… × 10^exponent` of the digits without zeros around them.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], parse_exponent(&unsigned[at + 1..])?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let any = !whole.is_empty() || !fraction.is_empty();
    (any && digits(whole) && digits(fraction)).then_some(Parts { negative, whole, fraction, exponent })
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse::<i64>().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    Some(if text.starts_with('-') { -value } else { value })
}

impl Parts<'_> {
    /// The digits, without zeros around them.
    fn digits(&self) -> impl Iterator<Item = u8> + Clone {
        let all = self.whole.bytes().chain(self.fraction.bytes());
        let length = self.whole.len() + self.fraction.len();
        let leading = all.clone().take_while(|digit| *digit == b'0').count();
        let trailing =
            self.fraction.bytes().rev().chain(self.whole.bytes().rev()).take_while(|digit| *digit == b'0').count();
        all.skip(leading).take((length - trailing).saturating_sub(leading))
    }

    /// The power of ten of the first digit; `None` of zero.
    fn magnitude(&self) -> Option<i64> {
        let mut all = self.whole.bytes().chain(self.fraction.bytes());
        let first = all.position(|digit| digit != b'0')?;
        Some(self.whole.len() as i64 - 1 - first as i64 + self.exponent)
    }
}

/// Reads a number, blanks around it left out, and appends it to `out` as DynamoDB takes it.
///
/// # Errors
/// [`NumberError`] says whether the text is no number or out of DynamoDB's range.
pub(crate) fn normalize(text: &str, out: &mut String) -> Result<(), NumberError> {
    let text = text.trim();
    let parts = parts(text).ok_or(NumberError::NotANumber)?;
    let digits = parts.digits().count();
    if digits > MAX_DIGITS {
        return Err(NumberError::TooManyDigits(digits));
    }
    match parts.magnitude() {
        Some(magnitude) if !(MIN_EXPONENT..=MAX_EXPONENT).contains(&magnitude) => return Err(NumberError::OutOfRange),
        Some(_) if parts.negative => out.push('-'),
        Some(_) => {}
        None => {
            out.push('0');
            return Ok(());
        }
    }
    let whole = parts.whole.trim_start_matches('0');
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if !parts.fraction.is_empty() {
        out.push('.');
        out.push_str(parts.fraction);
    }
    if parts.exponent != 0 {
        out.push('E');
        out.push_str(itoa::Buffer::new().format(parts.exponent));
    }
    Ok(())
}

/// Compares two numbers; `None` if one is none.
pub(crate) fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (parts(one)?, parts(other)?);
    let magnitudes = match (one.magnitude(), other.magnitude()) {
        (None, None) => return Some(Ordering::Equal),
        (None, Some(_)) => return Some(if other.negative { Ordering::Greater } else { Ordering::Less }),
        (Some(_), None) => return Some(if one.negative { Ordering::Less } else { Ordering::Greater }),
        (Some(one), Some(other)) => (one, other),
    };
    Some(match (one.negative, other.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (negative, _) => {
            let absolute = magnitudes.0.cmp(&magnitudes.1).then_with(|| one.digits().cmp(other.digits()));
            if negative { absolute.reverse() } else { absolute }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(text: &str) -> Result<String, NumberError> {
        let mut out = String::new();
        normalize(text, &mut out).map(|()| out)
    }

    #[test]
    fn decimals_and_exponents_are_kept_exactly() {
        for (text, expected) in [
            ("12.50", "12.50"),
            (" +5 ", "5"),
            ("-0.0", "0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("007", "7"),
            ("1e3", "1E3"),
            ("1.5E-10", "1.5E-10"),
            ("0.1", "0.1"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
            ("0.00000000000000000000000000000000000000000001", "0.00000000000000000000000000000000000000000001"),
            ("9.9E125", "9.9E125"),
        ] {
            assert_eq!(normal(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_dynamodb_cannot_hold_is_refused() {
        for text in ["", " ", "-", ".", "1e", "1.2.3", "abc", "0x10", "1_000", "NaN", "Infinity", "1,5", "--1"] {
            assert_eq!(normal(text), Err(NumberError::NotANumber), "{text:?}");
        }
        assert_eq!(normal(&"1".repeat(39)), Err(NumberError::TooManyDigits(39)));
        assert_eq!(normal(&format!("0.{}", "1".repeat(39))), Err(NumberError::TooManyDigits(39)));
        for text in ["1E126", "1E-131", "1E99999999999999999999", "-1E126"] {
            assert_eq!(normal(text), Err(NumberError::OutOfRange), "{text}");
        }
    }

    proptest! {
        #[test]
        fn integers_compare_as_integers_do(one: i64, other: i64) {
            prop_assert_eq!(compare(&one.to_string(), &other.to_string()), Some(one.cmp(&other)));
        }

        #[test]
        fn shifting_the_point_makes_no_difference(value in 1_i64..1_000_000, shift in 0_i64..20) {
            let shifted = format!("{value}E{shift}");
            prop_assert_eq!(compare(&shifted, &format!("{value}{}", "0".repeat(shift as usize))), Some(Ordering::Equal));
            prop_assert!(normal(&shifted).is_ok());
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = (normal(&text), compare(&text, "1"));
        }
    }
}
