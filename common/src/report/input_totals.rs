//! Totals of the whole input, including rows that other parts of a load write. They show that parts belong to the same
//! load.

use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use crate::input::Position;

/// The end of a record in its source, or of the source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEnd {
    /// Records before it, those of other parts included.
    pub records: u64,
    pub position: Position,
}

/// The whole input, read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputTotals {
    /// Rows; copies count.
    pub rows: u64,
    /// Uncompressed bytes up to the end of the last record.
    pub bytes: u64,
    /// Differs if any byte differs.
    pub fingerprint: String,
}

impl InputTotals {
    /// Totals of inputs with these ends, in order.
    pub fn new(ends: &[RecordEnd], copies: u64) -> Self {
        let numbers = |end: &RecordEnd| [end.records, end.position.offset, end.position.crc().into()];
        let bytes: Vec<u8> = ends.iter().flat_map(numbers).flat_map(u64::to_le_bytes).collect();
        Self {
            rows: ends.iter().map(|end| end.records).sum::<u64>() * copies,
            bytes: ends.iter().map(|end| end.position.offset).sum(),
            fingerprint: format!("{:016x}", XxHash64::oneshot(0, &bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Format, RecordReader};
    use crate::mapping::{BuiltIn, Overrides};

    fn end(text: &str) -> RecordEnd {
        let mapping = BuiltIn::Sequential.mapping(&Overrides { format: Some(Format::Csv), ..Overrides::default() });
        let mut reader = RecordReader::new(text.as_bytes(), mapping.input());
        let mut end = RecordEnd::default();
        while let Some(record) = reader.next_record() {
            end = RecordEnd { records: end.records + 1, position: record.unwrap().end };
        }
        end
    }

    #[test]
    fn other_bytes_and_another_order_are_another_input() {
        let of = |texts: &[&str]| InputTotals::new(&texts.iter().map(|text| end(text)).collect::<Vec<_>>(), 2);
        let totals = of(&["1,a\n2,b\n", "3,c\n"]);
        assert_eq!((totals.rows, totals.bytes), (6, 12));
        assert_eq!(totals, of(&["1,a\n2,b\n", "3,c\n"]));
        for other in [&["1,a\n2,B\n", "3,c\n"][..], &["3,c\n", "1,a\n2,b\n"], &["1,a\n", "2,b\n3,c\n"], &["1,a\n2,b\n"]]
        {
            assert_ne!(totals.fingerprint, of(other).fingerprint, "{other:?}");
        }
    }
}
