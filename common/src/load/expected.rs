//! The minimum size of the input. A pipe whose producer has crashed ends like a complete one, and the missing rows
//! would go unnoticed.

use super::LoadError;

/// The minimum that the input must contain. More is not an error: a log may have grown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpectedInput {
    /// Rows of all inputs together, copies not counted.
    pub rows: Option<u64>,
    /// Bytes of all inputs together, as read from the file or the pipe, before decompression.
    pub bytes: Option<u64>,
}

impl ExpectedInput {
    /// # Errors
    /// The input is smaller.
    pub(super) fn check(self, rows: u64, bytes: u64) -> Result<(), LoadError> {
        for (what, expected, found) in [("rows", self.rows, rows), ("bytes", self.bytes, bytes)] {
            if let Some(expected) = expected.filter(|&expected| found < expected) {
                return Err(LoadError::InputTooShort { what, expected, found });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_is_expected_is_an_error_and_more_is_not() {
        let check = |rows, bytes| ExpectedInput { rows, bytes }.check(10, 100).map_err(|error| error.to_string());
        assert_eq!(check(None, None), Ok(()));
        assert_eq!(check(Some(10), Some(100)), Ok(()));
        assert_eq!(check(Some(9), Some(1)), Ok(()));
        assert_eq!(check(Some(11), None).unwrap_err(), "the input had 10 rows, but at least 11 were expected");
        assert_eq!(check(Some(10), Some(101)).unwrap_err(), "the input had 100 bytes, but at least 101 were expected");
    }
}
