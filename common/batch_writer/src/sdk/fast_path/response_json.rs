//! The most frequent response, parsed quickly: everything was written, with this capacity consumed.

use std::borrow::Cow;
use std::fmt;
use std::ops::Add;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

use crate::core::batch_response::Consumed;
use capacity::CapacityUnits;

/// The capacity consumed by a batch that was written completely. `None` for any other response, which the SDK's slower
/// parser handles.
pub(super) fn all_written(body: &[u8]) -> Option<Option<Consumed>> {
    let response: Response<'_> = serde_json::from_slice(body).ok()?;
    Some(response.consumed.first().and_then(ConsumedCapacity::consumed))
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(rename = "UnprocessedItems")]
    _unprocessed: Nothing,
    #[serde(borrow, default, rename = "ConsumedCapacity")]
    consumed: Vec<ConsumedCapacity<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConsumedCapacity<'a> {
    capacity_units: Option<f64>,
    table: Option<Capacity>,
    #[serde(default)]
    local_secondary_indexes: Indexes<'a>,
    #[serde(borrow, default)]
    global_secondary_indexes: Indexes<'a>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "PascalCase")]
struct Capacity {
    capacity_units: Option<f64>,
    write_capacity_units: Option<f64>,
}

impl Capacity {
    fn units(self) -> CapacityUnits {
        CapacityUnits::from_f64(self.write_capacity_units.or(self.capacity_units).unwrap_or_default())
    }
}

impl ConsumedCapacity<'_> {
    /// The equivalent of `consumed` in `table.rs`, which is for the SDK's types.
    fn consumed(&self) -> Option<Consumed> {
        let local = self.local_secondary_indexes.0.iter().map(|(_, capacity)| capacity.units());
        let table = match self.table {
            Some(table) => local.fold(table.units(), Add::add),
            None => CapacityUnits::from_f64(self.capacity_units?),
        };
        let global = self.global_secondary_indexes.0.iter();
        Some(Consumed {
            table,
            indexes: global.map(|(name, capacity)| ((**name).to_owned(), capacity.units())).collect(),
        })
    }
}

/// A small map.
#[derive(Default)]
struct Indexes<'a>(Vec<(Cow<'a, str>, Capacity)>);

impl<'de: 'a, 'a> Deserialize<'de> for Indexes<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Indexes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of capacities")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Indexes<'de>, A::Error> {
                let mut indexes = Vec::new();
                while let Some((Name(name), capacity)) = map.next_entry()? {
                    indexes.push((name, capacity));
                }
                Ok(Indexes(indexes))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_was_written_completely() {
        assert_eq!(all_written(br#"{"UnprocessedItems":{}}"#), Some(None));
        let body = br#"{"ConsumedCapacity":[{"CapacityUnits":50.0,"GlobalSecondaryIndexes":{"GSI_1":{"CapacityUnits":24.5}},
            "LocalSecondaryIndexes":{"L":{"CapacityUnits":2}},"Table":{"CapacityUnits":25.0},"TableName":"logfile_scan"}],
            "UnprocessedItems":{}}"#;
        let indexes = vec![("GSI_1".to_owned(), CapacityUnits::from_halves(49))];
        assert_eq!(all_written(body), Some(Some(Consumed { table: CapacityUnits::new(27), indexes })));
        let sum = br#"{"UnprocessedItems": {}, "ConsumedCapacity": [{"CapacityUnits": 3.0, "TableName": "a"}]}"#;
        assert_eq!(all_written(sum), Some(Some(Consumed { table: CapacityUnits::new(3), indexes: vec![] })));
    }

    #[test]
    fn every_other_response_is_left_to_the_sdk() {
        for body in [
            "",
            "{}",
            "It works!",
            r#"{"UnprocessedItems":null}"#,
            r#"{"UnprocessedItems":{"logfile":[]}}"#,
            r#"{"UnprocessedItems":{}} "#.trim_end_matches("} "),
            r#"{"UnprocessedItems":{}}}"#,
            r#"{"UnprocessedItems":{},"ConsumedCapacity":{}}"#,
        ] {
            assert_eq!(all_written(body.as_bytes()), None, "{body}");
        }
    }
}
