//! The size of an item by DynamoDB's rules, and the cost of writing or reading it.
//!
//! The functions take strings and sizes instead of a value type, so that any representation of an item, such as a row
//! of a log or an engine's nested value, can be measured in place:
//!
//! ```
//! use capacity::{attribute_size, list_size, number_size, write_units};
//!
//! let item_size = attribute_size("PK", "request#1".len())
//!     + attribute_size("bytessent", number_size("5120"))
//!     + attribute_size("tags", list_size(["a".len(), "b".len()]));
//! assert_eq!((item_size, write_units(item_size).rounded_up()), (11 + 12 + 11, 1));
//! ```
//!
//! A string, a binary value and a member of a string or binary set have the size of their bytes (the bytes themselves,
//! not their Base64 text); a set has the size of its members together. An item's size is the sum of its attributes'.
//! Documented: Developer Guide, "DynamoDB item sizes and formats".

use super::units::CapacityUnits;

/// The size of a Boolean. Documented.
pub const BOOLEAN_SIZE: usize = 1;

/// The size of a null. Documented.
pub const NULL_SIZE: usize = 1;

/// The overhead of a list or map, and of each element. Documented.
const DOCUMENT_OVERHEAD: usize = 3;
const ELEMENT_OVERHEAD: usize = 1;

const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4096;

/// The consistency of a read, which determines its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consistency {
    /// `ConsistentRead` is false or missing: half a unit for each 4 KB.
    Eventual,
    /// `ConsistentRead` is true: a unit for each 4 KB.
    Strong,
    /// In a transaction: two units for each 4 KB.
    Transactional,
}

/// An attribute's share of its item's size: the bytes of the name and of the value.
pub const fn attribute_size(name: &str, value_size: usize) -> usize {
    name.len() + value_size
}

/// The size of a list with elements of these sizes.
pub fn list_size(element_sizes: impl IntoIterator<Item = usize>) -> usize {
    element_sizes.into_iter().fold(DOCUMENT_OVERHEAD, |sum, element| sum + ELEMENT_OVERHEAD + element)
}

/// The size of a map with these names and sizes of values.
pub fn map_size<'a>(elements: impl IntoIterator<Item = (&'a str, usize)>) -> usize {
    list_size(elements.into_iter().map(|(name, value_size)| attribute_size(name, value_size)))
}

/// The size of a number, from its text.
///
/// One byte, one for every two significant digits before the decimal point, one for every two after it (each side
/// rounded up), and one for a minus sign. Zeros at either end are not significant, and the way a number is written
/// (`1200`, `1.2E3`) makes no difference. Measured: dynoxide's project bisected the 400 KB limit of the real service
/// with numbers. The documentation says "approximately" one byte for every two digits and one.
///
/// A text that is not a number has no meaningful size; this then counts the digits that it has.
pub fn number_size(text: &str) -> usize {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', unsigned @ ..] => (true, unsigned),
        [b'+', unsigned @ ..] => (false, unsigned),
        unsigned => (false, unsigned),
    };
    let coefficient_end = unsigned.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let coefficient = &unsigned[..coefficient_end.unwrap_or(unsigned.len())];

    let mut digits = 0;
    let mut digits_before_point = None;
    let mut significant: Option<(usize, usize)> = None;
    for byte in coefficient {
        match byte {
            b'.' => digits_before_point = Some(digits),
            b'0' => digits += 1,
            _ => {
                let first = significant.map_or(digits, |(first, _)| first);
                significant = Some((first, digits));
                digits += 1;
            }
        }
    }
    let Some((first, last)) = significant else {
        return 1; // zero, which has no sign either
    };

    let significant_digits = last - first + 1;
    // The position of the point after the first significant digit: negative in 0.001, past the end in 1000.
    let point = (digits_before_point.unwrap_or(digits) as i64 - first as i64)
        .saturating_add(coefficient_end.map_or(0, |end| exponent(&unsigned[end + 1..])));
    let whole_digits = point.clamp(0, significant_digits as i64) as usize;
    let fraction_digits = significant_digits - whole_digits;
    1 + whole_digits.div_ceil(2) + fraction_digits.div_ceil(2) + usize::from(negative)
}

/// The value of the text after an `E`, saturating at the limits of an i64.
fn exponent(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let magnitude = digits
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .fold(0_i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    if negative { -magnitude } else { magnitude }
}

/// The cost of writing an item of this many bytes: a unit for each KB, rounded up, at least one. Documented: Developer
/// Guide, "DynamoDB read and write operations".
pub const fn write_units(item_size: usize) -> CapacityUnits {
    CapacityUnits::new(blocks(item_size, WRITE_UNIT_BYTES))
}

/// The cost of writing an item of this many bytes in a transaction: twice the standard cost. Documented.
pub const fn transactional_write_units(item_size: usize) -> CapacityUnits {
    CapacityUnits::new(2 * blocks(item_size, WRITE_UNIT_BYTES))
}

/// The cost of reading this many bytes: for each 4 KB, rounded up and at least one, half a unit, one, or two.
///
/// The bytes are one item's, its own size, in GetItem, and in each item of BatchGetItem and TransactGetItems; in Query
/// and Scan they are those of all items read for the page together, before the filter. Documented: Developer Guide,
/// "DynamoDB read and write operations".
pub const fn read_units(size: usize, consistency: Consistency) -> CapacityUnits {
    let halves_per_block = match consistency {
        Consistency::Eventual => 1,
        Consistency::Strong => 2,
        Consistency::Transactional => 4,
    };
    CapacityUnits::from_halves(halves_per_block * blocks(size, READ_UNIT_BYTES))
}

/// At least one block: a write or read of a missing item costs as much as that of the smallest item.
const fn blocks(size: usize, block: usize) -> u64 {
    let blocks = size.div_ceil(block) as u64;
    if blocks == 0 { 1 } else { blocks }
}

#[cfg(test)]
mod tests {
    use super::super::limits::MAX_ITEM_SIZE;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_the_sizes_measured_on_dynamodb() {
        let measured = [
            ("1", 2),
            ("12", 2),
            ("123", 3),
            ("1234", 3),
            ("12345", 4),
            ("123456789", 6),
            ("12345678912", 7),
            ("1234567890123456789", 11),
            ("12345678901234567890123456789012345678", 20),
            ("0042", 2),
            ("100", 2),
            ("1010", 3),
            ("0.0000001", 2),
            ("0", 1),
            ("1E125", 2),
            ("1E-100", 2),
            ("1.5", 3),
            ("1.200", 3),
            ("1.234", 4),
            ("3.14159", 5),
            ("100.5", 4),
            ("0.15", 2),
            ("-42", 3),
            ("-12345", 5),
            ("-1E125", 3),
            ("-0.15", 3),
            ("-0", 1),
        ];
        for (text, size) in measured {
            assert_eq!(number_size(text), size, "size of {text}");
        }
    }

    #[test]
    fn the_same_number_written_otherwise_has_the_same_size() {
        for same in [["1200", "1.2E3", "+0.12e+4"], ["0.5", ".5", "5e-1"], ["10.01", "1001E-2", "0010.0100"]] {
            assert!(same.iter().all(|text| number_size(text) == number_size(same[0])), "{same:?}");
        }
    }

    #[test]
    fn an_exponent_of_any_length_is_only_large() {
        assert_eq!(number_size("1E99999999999999999999"), 2);
        assert_eq!(number_size("-1E-99999999999999999999"), 3);
    }

    #[test]
    fn documents_cost_three_bytes_and_one_for_each_element() {
        assert_eq!(list_size([]), 3);
        assert_eq!(map_size([]), 3);
        assert_eq!(list_size([NULL_SIZE, BOOLEAN_SIZE, number_size("42")]), 3 + (1 + 1) + (1 + 1) + (1 + 2));
        assert_eq!(map_size([("name", 5), ("é", list_size([]))]), 3 + (1 + 4 + 5) + (1 + 2 + 3));
        assert_eq!(attribute_size("GSI_1_PK", "host#a".len()), 14);
    }

    #[test]
    fn a_write_costs_a_unit_for_each_kb() {
        let cost = |size| write_units(size).rounded_up();
        assert_eq!((cost(0), cost(1), cost(1024), cost(1025), cost(2048)), (1, 1, 1, 2, 2));
        assert_eq!(cost(MAX_ITEM_SIZE), 400);
        assert_eq!(transactional_write_units(MAX_ITEM_SIZE).rounded_up(), 800);
        assert_eq!(transactional_write_units(1025).rounded_up(), 4);
    }

    #[test]
    fn a_read_costs_by_4_kb_and_consistency() {
        let cost = |size| {
            [Consistency::Eventual, Consistency::Strong, Consistency::Transactional]
                .map(|consistency| read_units(size, consistency).as_f64())
        };
        assert_eq!(cost(0), [0.5, 1.0, 2.0]);
        assert_eq!(cost(4096), [0.5, 1.0, 2.0]);
        assert_eq!(cost(4097), [1.0, 2.0, 4.0]);
        assert_eq!(cost(10_000), [1.5, 3.0, 6.0]);
        assert_eq!(cost(MAX_ITEM_SIZE), [50.0, 100.0, 200.0]);
    }

    proptest! {
        #[test]
        fn any_text_has_a_size(text in ".{0,60}") {
            prop_assert!(number_size(&text) <= text.len() + 3);
        }

        #[test]
        fn zeros_behind_a_whole_number_cost_nothing(
            whole in "[1-9][0-9]{0,8}[1-9]",
            shift in 0_i32..100,
        ) {
            let shifted = format!("{whole}E{shift}");
            prop_assert_eq!(number_size(&shifted), number_size(&whole));
        }

        #[test]
        fn the_sign_costs_one_byte(text in "[1-9][0-9]{0,12}(\\.[0-9]{1,12})?") {
            prop_assert_eq!(number_size(&format!("-{text}")), number_size(&text) + 1);
        }
    }
}
