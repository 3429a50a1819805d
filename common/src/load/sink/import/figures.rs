//! The contents of import files, the cost of importing them, and the cost of writing the same rows through the table.

use std::collections::HashMap;
use std::fmt;
use std::ops::AddAssign;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use crate::capacity::{
    BOOLEAN_SIZE, CapacityUnits, IndexDefinition, Isolation, Item, NULL_SIZE, list_size, map_size, number_size,
    write_cost,
};
use crate::human;

/// AWS's list prices in US dollars, us-east-1, as of 2026-11: "Amazon DynamoDB pricing", Standard table class. The free tier is not
/// counted.
pub const PRICES: Prices = Prices { import_gb: 0.15, wcu_hour: 0.000_65, million_writes: 0.625 };

/// The source of [`PRICES`], for messages.
const SOURCE: &str = "list prices of us-east-1, November 2026";

/// Prices in US dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// An import from S3, for each 10⁹ bytes before compression.
    pub import_gb: f64,
    /// A unit of provisioned write capacity for an hour.
    pub wcu_hour: f64,
    /// A million write request units on demand.
    pub million_writes: f64,
}

/// One price by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    name: &'static str,
    dollars: f64,
}

const NAMES: [&str; 3] = ["import-gb", "wcu-hour", "million-writes"];

impl FromStr for Price {
    type Err = String;

    /// `import-gb=0.15`
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected NAME=DOLLARS, with one of the names {}", NAMES.join(", "));
        let (name, dollars) = text.split_once('=').ok_or_else(expected)?;
        let name = NAMES.into_iter().find(|known| *known == name).ok_or_else(expected)?;
        let dollars = dollars.parse().ok().filter(|dollars: &f64| dollars.is_finite() && *dollars >= 0.0);
        Ok(Self { name, dollars: dollars.ok_or_else(expected)? })
    }
}

impl Prices {
    /// With these prices instead.
    #[must_use]
    pub fn with(mut self, prices: &[Price]) -> Self {
        for Price { name, dollars } in prices {
            match *name {
                "import-gb" => self.import_gb = *dollars,
                "wcu-hour" => self.wcu_hour = *dollars,
                _ => self.million_writes = *dollars,
            }
        }
        self
    }
}

/// Rows of which each one is measured for the indexes; after that, one in [`MEASURED_THEN`] is.
const MEASURED: u64 = 1000;
const MEASURED_THEN: u64 = 64;

/// What was written, and what the rows would cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    pub(super) rows: u64,
    pub(super) items: u64,
    pub(super) objects: u64,
    /// Before compression.
    pub(super) bytes: u64,
    /// Of the table.
    pub(super) table_units: u64,
    /// Of all indexes together, of the rows that were measured.
    pub(super) index_units: CapacityUnits,
    pub(super) measured: u64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.items += other.items;
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.table_units += other.table_units;
        self.index_units += other.index_units;
        self.measured += other.measured;
    }
}

impl Figures {
    /// Counts a row, whose item is of that size and has this JSON.
    pub(super) fn add_row(&mut self, size: usize, json: &[u8], indexes: &[IndexDefinition]) {
        self.table_units += size.div_ceil(1024).max(1) as u64;
        if !indexes.is_empty() && (self.rows < MEASURED || self.rows.is_multiple_of(MEASURED_THEN)) {
            if let Ok(Line { item }) = serde_json::from_slice(json) {
                let cost = write_cost(indexes, None, Some(&JsonItem(item)), Isolation::Standard);
                cost.indexes.into_iter().for_each(|write| self.index_units += write.units);
            }
            self.measured += 1;
        }
        self.rows += 1;
    }

    /// Write units of the table and its indexes for all rows.
    fn units(&self) -> f64 {
        let of_indexes = self.index_units.as_f64() * self.rows as f64 / self.measured.max(1) as f64;
        self.table_units as f64 + of_indexes
    }

    /// Lines for people.
    pub(super) fn lines(&self, prices: Prices, knows_indexes: bool) -> Vec<String> {
        let import = self.bytes as f64 / 1e9 * prices.import_gb;
        let on_demand = self.units() / 1e6 * prices.million_writes;
        let provisioned = self.units() / 3600.0 * prices.wcu_hour;
        let source = if prices == PRICES { SOURCE } else { "with the prices of --price" };
        let about = if self.measured < self.rows && self.measured > 0 { "about " } else { "" };
        let units = human::count(self.units().round() as u64);
        let mut writing = format!(
            "writing the rows through the table would take {about}{units} WCU: {} on demand, {} provisioned and fully used",
            Dollars(on_demand),
            Dollars(provisioned)
        );
        if !knows_indexes {
            writing.push_str("; its indexes are not known and not counted");
        }
        vec![
            format!(
                "import-table costs {} for {:.3} GB before compression ({source})",
                Dollars(import),
                self.bytes as f64 / 1e9
            ),
            writing,
        ]
    }
}

/// In cents, and where that is too coarse with two digits.
struct Dollars(f64);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0.0 => f.write_str("$0"),
            dollars if dollars >= 1.0 => write!(f, "${dollars:.2}"),
            dollars if dollars >= 0.0001 => write!(f, "${dollars:.4}"),
            _ => f.write_str("less than $0.0001"),
        }
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "Item")]
    item: HashMap<String, Value>,
}

/// An item in DynamoDB JSON.
struct JsonItem(HashMap<String, Value>);

impl Item for JsonItem {
    fn attribute_sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(name, value)| (name.as_str(), size(value)))
    }

    fn key_bytes(&self, name: &str) -> Option<&[u8]> {
        let (kind, value) = typed(self.0.get(name)?)?;
        matches!(kind, "S" | "N" | "B").then(|| value.as_str().map(str::as_bytes)).flatten()
    }

    fn same_value(&self, other: &Self, name: &str) -> bool {
        self.0.get(name) == other.0.get(name)
    }
}

/// `{"S":"text"}`
fn typed(value: &Value) -> Option<(&str, &Value)> {
    value.as_object()?.iter().next().map(|(kind, value)| (kind.as_str(), value))
}

fn size(value: &Value) -> usize {
    let Some((kind, value)) = typed(value) else { return 0 };
    let text = |value: &Value| value.as_str().map_or(0, str::len);
    let number = |value: &Value| value.as_str().map_or(0, number_size);
    let binary = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.trim_end_matches('=').len() * 3 / 4
    };
    let all = |of: &dyn Fn(&Value) -> usize| value.as_array().into_iter().flatten().map(of).sum();
    match kind {
        "S" => text(value),
        "N" => number(value),
        "B" => binary(value),
        "BOOL" => BOOLEAN_SIZE,
        "NULL" => NULL_SIZE,
        "SS" => all(&text),
        "NS" => all(&number),
        "BS" => all(&binary),
        "L" => list_size(value.as_array().into_iter().flatten().map(size)),
        "M" => map_size(value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), size(value)))),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::{IndexScope, Projection};

    #[test]
    fn a_billion_rows_cost_what_the_price_list_says() {
        let figures =
            Figures { rows: 1_000_000_000, bytes: 457_000_000_000, table_units: 1_000_000_000, ..Figures::default() };
        let both = Figures { index_units: CapacityUnits::new(1000), measured: 1000, ..figures };
        assert_eq!(
            both.lines(PRICES, true),
            [
                "import-table costs $68.55 for 457.000 GB before compression (list prices of us-east-1, November 2026)",
                "writing the rows through the table would take about 2,000,000,000 WCU: $1250.00 on demand, $361.11 provisioned and fully used",
            ]
        );
        let prices = PRICES.with(&["import-gb=0.3".parse().unwrap(), "million-writes=1".parse().unwrap()]);
        let lines = figures.lines(prices, false);
        assert!(lines[0].starts_with("import-table costs $137.10") && lines[0].contains("--price"), "{lines:?}");
        assert!(
            lines[1].contains("1,000,000,000 WCU: $1000.00 on demand") && lines[1].contains("not counted"),
            "{lines:?}"
        );
        for wrong in ["import-gb", "import=1", "import-gb=-1", "wcu-hour=x", ""] {
            assert!(wrong.parse::<Price>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_cost_their_size_and_enter_the_indexes_whose_key_they_have() {
        let index = IndexDefinition {
            name: "GSI_1".into(),
            scope: IndexScope::Global,
            partition_key: vec!["G".to_owned()],
            sort_key: Vec::new(),
            table_key: vec!["PK".to_owned()],
            projection: Projection::KeysOnly,
        };
        let mut figures = Figures::default();
        figures.add_row(1500, br#"{"Item":{"PK":{"S":"a"},"G":{"S":"b"}}}"#, std::slice::from_ref(&index));
        figures.add_row(10, br#"{"Item":{"PK":{"S":"a"}}}"#, &[index]);
        assert_eq!((figures.table_units, figures.index_units, figures.units()), (3, CapacityUnits::new(1), 4.0));
    }
}
