//! The three tables of the workshop, as data.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use thiserror::Error;

use crate::capacity::Throughput;

/// The tag by which the workshop's cleanup finds its tables: key and value.
pub const TAG: (&str, &str) = ("workshop-design-patterns", "targeted-for-cleanup");

/// The workshop's tables, in the order of its steps.
pub const TABLES: [TableDefinition; 3] = [
    TableDefinition {
        name: "logfile",
        partition_key: "PK",
        throughput: ProvisionedThroughput::new(5, 5),
        index: IndexDefinition {
            name: "GSI_1",
            partition_key: "GSI_1_PK",
            sort_key: None,
            projection: Projection::Include(&["bytessent"]),
            throughput: ProvisionedThroughput::new(5, 5),
        },
    },
    TableDefinition {
        name: "logfile_gsi_low",
        partition_key: "PK",
        throughput: ProvisionedThroughput::new(1000, 1000),
        index: IndexDefinition {
            name: "GSI_1",
            partition_key: "GSI_1_PK",
            sort_key: None,
            projection: Projection::Include(&["bytessent"]),
            throughput: ProvisionedThroughput::new(1, 1),
        },
    },
    TableDefinition {
        name: "logfile_scan",
        partition_key: "PK",
        throughput: ProvisionedThroughput::new(5000, 5000),
        index: IndexDefinition {
            name: "GSI_1",
            partition_key: "GSI_1_PK",
            sort_key: Some("GSI_1_SK"),
            projection: Projection::KeysOnly,
            throughput: ProvisionedThroughput::new(3000, 5000),
        },
    },
];

/// The definition of the workshop's table of that name.
pub fn table(name: &str) -> Option<&'static TableDefinition> {
    TABLES.iter().find(|table| table.name == name)
}

/// A table: one partition key, one global secondary index, provisioned capacity. All key attributes are strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableDefinition {
    pub name: &'static str,
    /// The only attribute of the table's key.
    pub partition_key: &'static str,
    /// Provisioned capacity of the table itself, without its index.
    pub throughput: ProvisionedThroughput,
    /// The only index.
    pub index: IndexDefinition,
}

/// A global secondary index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexDefinition {
    pub name: &'static str,
    /// Attribute that is the partition key.
    pub partition_key: &'static str,
    /// Attribute that is the sort key, if there is one.
    pub sort_key: Option<&'static str>,
    /// What the index holds in addition to the keys.
    pub projection: Projection,
    /// Provisioned capacity of the index.
    pub throughput: ProvisionedThroughput,
}

/// The attributes that an index holds in addition to the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projection {
    /// None.
    KeysOnly,
    /// These.
    Include(&'static [&'static str]),
}

/// Provisioned capacity in units per second; neither may be zero. Written as `100/200`: RCU, then WCU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProvisionedThroughput {
    pub read: NonZeroU32,
    pub write: NonZeroU32,
}

impl ProvisionedThroughput {
    /// `read` RCU and `write` WCU.
    ///
    /// # Panics
    /// If either is zero, which for a constant is an error of compilation.
    pub const fn new(read: u32, write: u32) -> Self {
        match (NonZeroU32::new(read), NonZeroU32::new(write)) {
            (Some(read), Some(write)) => Self { read, write },
            _ => panic!("a capacity of zero units"),
        }
    }
}

impl fmt::Display for ProvisionedThroughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.read, self.write)
    }
}

impl From<ProvisionedThroughput> for Throughput {
    fn from(throughput: ProvisionedThroughput) -> Self {
        Self::Provisioned { read: throughput.read.get().into(), write: throughput.write.get().into() }
    }
}

/// The text is not RCU/WCU.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected RCU/WCU, two whole numbers from 1 to {} with a slash between them, such as 100/100", u32::MAX)]
pub struct InvalidThroughput;

impl FromStr for ProvisionedThroughput {
    type Err = InvalidThroughput;

    fn from_str(text: &str) -> Result<Self, InvalidThroughput> {
        let (read, write) = text.split_once('/').ok_or(InvalidThroughput)?;
        let units = |text: &str| text.trim().parse().map_err(|_| InvalidThroughput);
        Ok(Self { read: units(read)?, write: units(write)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_found_by_its_exact_name() {
        assert_eq!(table("logfile_scan").map(|table| table.index.sort_key), Some(Some("GSI_1_SK")));
        assert_eq!(table("logfile_"), None);
        assert_eq!(table("LOGFILE"), None);
    }

    #[test]
    fn throughput_is_written_as_it_is_read() {
        for text in ["5/5", "3000/5000", "1/4294967295"] {
            assert_eq!(text.parse::<ProvisionedThroughput>().unwrap().to_string(), text);
        }
        for text in ["", "5", "5/", "/5", "0/5", "5/0", "-1/5", "5/5/5", "5.5/5", "4294967296/1"] {
            assert_eq!(text.parse::<ProvisionedThroughput>(), Err(InvalidThroughput), "{text:?}");
        }
    }
}
