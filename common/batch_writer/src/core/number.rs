//! Numbers as parts of keys.

use std::borrow::Cow;

/// A number in the one form that all numbers equal to it have: without an exponent, a plus sign, zeros before the first
/// digit, and zeros after the last digit of the fraction. `1.50` and `15E-1` are the same key.
///
/// A text that is not a number, or far outside the range of DynamoDB's numbers, is kept unchanged.
pub fn plain_number(text: &str) -> Cow<'_, str> {
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !text.is_empty() && is_decimal(text) && !text.starts_with('0') {
        return Cow::Borrowed(text);
    }
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (coefficient, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = coefficient.split_once('.').unwrap_or((coefficient, ""));
    let all = [whole, fraction].concat();
    if all.is_empty() || !is_decimal(&all) {
        return Cow::Borrowed(text);
    }
    let significant = all.trim_start_matches('0');
    let zeros = all.len() - significant.len();
    let digits = significant.trim_end_matches('0');
    if digits.is_empty() {
        return Cow::Borrowed("0");
    }
    // Digits before the point, which may be before the first or after the last of them.
    let point =
        exponent.parse::<i64>().ok().and_then(|exponent| exponent.checked_add(whole.len() as i64 - zeros as i64));
    let Some(point) = point.filter(|point| point.unsigned_abs() < 1000) else { return Cow::Borrowed(text) };
    let before = usize::try_from(point).unwrap_or_default();
    Cow::Owned(if before >= digits.len() {
        format!("{sign}{digits:0<before$}")
    } else if before > 0 {
        format!("{sign}{}.{}", &digits[..before], &digits[before..])
    } else {
        format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_has_one_form(text in "[-+]?[0-9.eEéx+-]{0,12}") {
            let plain = plain_number(&text).into_owned();
            prop_assert_eq!(plain_number(&plain), plain.as_str());
        }
    }

    #[test]
    fn what_is_no_number_stays_as_it_is() {
        for text in ["", "-", "+", ".", "abc", "ééE-1", "1E", "1e5000", "00.01E-9223372036854775808"] {
            assert_eq!(plain_number(text), text);
        }
        assert_eq!(plain_number("0E5000"), "0");
    }
}
