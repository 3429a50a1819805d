//! Scalable targets: what of which table or index is scaled, and within which limits.

use std::collections::BTreeMap;
use std::time::Duration;

use capacity::{Access, TableState};
use serde::{Deserialize, Serialize};

/// The read or write capacity of a table or an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(String, String)", into = "(String, String)")]
pub(crate) struct TargetId {
    pub(crate) table: String,
    pub(crate) index: Option<String>,
    pub(crate) access: Access,
}

/// Its resource id and its dimension.
impl From<TargetId> for (String, String) {
    fn from(id: TargetId) -> Self {
        (id.resource_id(), id.dimension().to_owned())
    }
}

impl TryFrom<(String, String)> for TargetId {
    type Error = String;

    fn try_from((resource_id, dimension): (String, String)) -> Result<Self, String> {
        Self::parse(&resource_id, &dimension).ok_or_else(|| format!("no scalable target: {resource_id} {dimension}"))
    }
}

impl TargetId {
    /// `None` if DynamoDB has no such resource or dimension, or they do not go together.
    pub(crate) fn parse(resource_id: &str, dimension: &str) -> Option<Self> {
        let (kind, property) = dimension.strip_prefix("dynamodb:")?.split_once(':')?;
        let access = match property {
            "ReadCapacityUnits" => Access::Read,
            "WriteCapacityUnits" => Access::Write,
            _ => return None,
        };
        let parts: Vec<_> = resource_id.split('/').collect();
        let (table, index) = match (kind, &parts[..]) {
            ("table", ["table", table]) => (*table, None),
            ("index", ["table", table, "index", index]) if !index.is_empty() => (*table, Some((*index).to_owned())),
            _ => return None,
        };
        (!table.is_empty()).then(|| Self { table: table.to_owned(), index, access })
    }

    pub(crate) fn resource_id(&self) -> String {
        match &self.index {
            None => format!("table/{}", self.table),
            Some(index) => format!("table/{}/index/{index}", self.table),
        }
    }

    pub(crate) fn dimension(&self) -> &'static str {
        match (&self.index, self.access) {
            (None, Access::Read) => "dynamodb:table:ReadCapacityUnits",
            (None, Access::Write) => "dynamodb:table:WriteCapacityUnits",
            (Some(_), Access::Read) => "dynamodb:index:ReadCapacityUnits",
            (Some(_), Access::Write) => "dynamodb:index:WriteCapacityUnits",
        }
    }

    /// The dimensions of its metrics.
    pub(super) fn metric_dimensions(&self) -> Vec<(String, String)> {
        let table = ("TableName".to_owned(), self.table.clone());
        let index = self.index.iter().map(|index| ("GlobalSecondaryIndexName".to_owned(), index.clone()));
        std::iter::once(table).chain(index).collect()
    }

    /// As in the descriptions of activities.
    pub(super) fn description(&self) -> &'static str {
        match self.access {
            Access::Read => "read capacity units",
            Access::Write => "write capacity units",
        }
    }

    /// The read and the write capacity in force; `None` if the resource does not exist or is on demand.
    pub(super) fn capacities(&self, tables: &[(std::sync::Arc<str>, TableState)]) -> Option<(u64, u64)> {
        let (_, table) = tables.iter().find(|(name, _)| **name == *self.table)?;
        let (read, write) = match &self.index {
            None => (&table.read, &table.write),
            Some(name) => {
                let index = table.indexes.iter().find(|index| *index.name == **name)?;
                (&index.read, &index.write)
            }
        };
        read.provisioned.zip(write.provisioned)
    }

    pub(super) fn capacity(&self, tables: &[(std::sync::Arc<str>, TableState)]) -> Option<u64> {
        let (read, write) = self.capacities(tables)?;
        Some(if self.access == Access::Read { read } else { write })
    }
}

/// What of scaling is suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SuspendedState {
    pub(crate) scale_in: bool,
    pub(crate) scale_out: bool,
    pub(crate) scheduled: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ScalableTarget {
    pub(crate) id: TargetId,
    pub(crate) arn: String,
    pub(crate) min: u64,
    pub(crate) max: u64,
    pub(crate) role_arn: String,
    pub(crate) created: Duration,
    pub(crate) suspended: SuspendedState,
    pub(crate) tags: BTreeMap<String, String>,
    pub(super) last_scale_out: Option<Duration>,
    pub(super) last_scale_in: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_and_dimensions_go_together() {
        for (resource, dimension) in [
            ("table/logfile", "dynamodb:table:ReadCapacityUnits"),
            ("table/logfile", "dynamodb:table:WriteCapacityUnits"),
            ("table/logfile/index/GSI_1", "dynamodb:index:WriteCapacityUnits"),
        ] {
            let id = TargetId::parse(resource, dimension).unwrap();
            assert_eq!((&*id.resource_id(), id.dimension()), (resource, dimension));
        }
        for (resource, dimension) in [
            ("table/logfile", "dynamodb:index:ReadCapacityUnits"),
            ("table/logfile/index/GSI_1", "dynamodb:table:ReadCapacityUnits"),
            ("table/", "dynamodb:table:ReadCapacityUnits"),
            ("logfile", "dynamodb:table:ReadCapacityUnits"),
            ("table/logfile", "dynamodb:table:Other"),
            ("service/a/b", "ecs:service:DesiredCount"),
        ] {
            assert_eq!(TargetId::parse(resource, dimension), None, "{resource} {dimension}");
        }
    }
}
