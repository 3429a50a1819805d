//! What admission must know about a table: its key, its indexes and its throughput.

use std::collections::HashMap;
use std::sync::Arc;

use capacity::{IndexDefinition, IndexScope, Item, PartitionKey, Projection, Throughput};
use dynoxide::AttributeValue;
use dynoxide::actions::{TableDescription, TableProvisionedThroughputDescription};
use dynoxide::types::{self, KeySchemaElement, KeyType, OnDemandThroughput, ProjectionType};

/// An item, or a key, as requests carry it.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// A table, read from its description.
#[derive(Debug)]
pub(crate) struct TableDefinition {
    pub(crate) name: Arc<str>,
    pub(crate) arn: String,
    pub(crate) partition_key: String,
    sort_key: Option<String>,
    pub(crate) indexes: Vec<IndexDefinition>,
    pub(crate) throughput: Throughput,
    /// The most RCU and WCU that the table serves on demand, if that is limited.
    pub(crate) on_demand_maximum: (Option<u64>, Option<u64>),
    /// One for each global secondary index.
    pub(crate) index_throughputs: Vec<(Arc<str>, Throughput)>,
}

impl TableDefinition {
    /// A global index without throughput in a provisioned table, as the engine describes an index added to a table, gets
    /// the table's throughput.
    pub(crate) fn of(table: &TableDescription) -> Self {
        let (mut partition_key, sort_key) = key_names(&table.key_schema);
        let on_demand = table.billing_mode_summary.as_ref().is_some_and(|mode| mode.billing_mode == "PAY_PER_REQUEST");
        let throughput = match table.provisioned_throughput.as_ref().filter(|_| !on_demand) {
            Some(provisioned) => provisioned_throughput(provisioned),
            None => Throughput::OnDemand,
        };
        let table_key: Vec<_> = partition_key.iter().chain(&sort_key).cloned().collect();
        let define = |name: &str, key_schema: &[_], projection: &_, scope| {
            let (partition_key, sort_key) = key_names(key_schema);
            let (name, projection, table_key) = (name.into(), projection_of(projection), table_key.clone());
            IndexDefinition { name, scope, partition_key, sort_key, table_key, projection }
        };
        let global = table.global_secondary_indexes.iter().flatten();
        let local = table.local_secondary_indexes.iter().flatten();
        let index_throughputs = global.clone().map(|index| {
            let own = index.provisioned_throughput.as_ref().filter(|own| own.write_capacity_units > 0);
            let own = own.filter(|_| throughput != Throughput::OnDemand).map(provisioned_throughput);
            (Arc::from(&*index.index_name), own.unwrap_or(throughput))
        });
        Self {
            name: table.table_name.as_str().into(),
            arn: table.table_arn.clone(),
            index_throughputs: index_throughputs.collect(),
            indexes: global
                .map(|index| define(&index.index_name, &index.key_schema, &index.projection, IndexScope::Global))
                .chain(
                    local.map(|index| {
                        define(&index.index_name, &index.key_schema, &index.projection, IndexScope::Local)
                    }),
                )
                .collect(),
            partition_key: if partition_key.is_empty() { String::new() } else { partition_key.swap_remove(0) },
            sort_key: sort_key.into_iter().next(),
            throughput,
            on_demand_maximum: table.on_demand_throughput.as_ref().map(on_demand_maximum).unwrap_or_default(),
        }
    }

    /// The value of the partition key in an item or a key; `None` if it is missing, which the engine will refuse.
    pub(crate) fn partition_key_of(&self, attributes: &Attributes) -> Option<PartitionKey> {
        partition_key(attributes.get(&self.partition_key)?)
    }

    /// The attributes of an item that are its key.
    pub(crate) fn key_attributes(&self, item: &Attributes) -> Attributes {
        let names = std::iter::once(&self.partition_key).chain(&self.sort_key);
        names.filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()
    }

    /// The complete key of an item or key, in canonical form.
    pub(crate) fn key_of(&self, attributes: &Attributes) -> Option<(String, Option<String>)> {
        let partition_key = attributes.get(&self.partition_key)?.to_key_string()?;
        match &self.sort_key {
            Some(name) => Some((partition_key, Some(attributes.get(name)?.to_key_string()?))),
            None => Some((partition_key, None)),
        }
    }

    /// The table's own copy of the name of a global index.
    pub(crate) fn global_index(&self, name: &str) -> Option<Arc<str>> {
        self.index_throughputs.iter().map(|(each, _)| each).find(|each| &***each == name).cloned()
    }

    /// The name of the partition key attribute of the table, or of one of its indexes.
    pub(crate) fn partition_key_name(&self, index: Option<&str>) -> Option<&str> {
        match index {
            None => Some(&self.partition_key),
            Some(name) => {
                let index = self.indexes.iter().find(|index| &*index.name == name)?;
                index.partition_key.first().map(String::as_str)
            }
        }
    }
}

/// The partition key with this value; `None` if no key can have such a value.
pub(crate) fn partition_key(value: &AttributeValue) -> Option<PartitionKey> {
    match value {
        AttributeValue::S(text) => Some(PartitionKey::new(text.as_bytes())),
        AttributeValue::B(bytes) => Some(PartitionKey::new(bytes)),
        AttributeValue::N(_) => value.to_key_string().map(|text| PartitionKey::new(text.as_bytes())),
        _ => None,
    }
}

fn key_names(key_schema: &[KeySchemaElement]) -> (Vec<String>, Vec<String>) {
    let of_kind = |kind: KeyType| {
        let elements = key_schema.iter().filter(move |element| element.key_type == kind);
        elements.map(|element| element.attribute_name.clone()).collect()
    };
    (of_kind(KeyType::HASH), of_kind(KeyType::RANGE))
}

fn projection_of(projection: &types::Projection) -> Projection {
    match projection.projection_type {
        Some(ProjectionType::ALL) | None => Projection::All,
        Some(ProjectionType::KEYS_ONLY) => Projection::KeysOnly,
        Some(ProjectionType::INCLUDE) => Projection::Include(projection.non_key_attributes.clone().unwrap_or_default()),
    }
}

/// The maximum RCU and WCU on demand. Values that are not positive mean no maximum.
pub(crate) fn on_demand_maximum(throughput: &OnDemandThroughput) -> (Option<u64>, Option<u64>) {
    let units = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok()).filter(|units| *units > 0);
    (units(throughput.max_read_request_units), units(throughput.max_write_request_units))
}

fn provisioned_throughput(provisioned: &TableProvisionedThroughputDescription) -> Throughput {
    Throughput::Provisioned { read: provisioned.read_capacity_units, write: provisioned.write_capacity_units }
}

/// An item of the engine, as the capacity model looks at it.
pub(crate) struct EngineItem<'a> {
    attributes: &'a Attributes,
    /// Numbers among the key attributes of the table's indexes, in canonical form.
    numbers: Vec<(&'a str, String)>,
}

impl<'a> EngineItem<'a> {
    pub(crate) fn new(attributes: &'a Attributes, table: &'a TableDefinition) -> Self {
        let keys = table.indexes.iter().flat_map(|index| index.partition_key.iter().chain(&index.sort_key));
        let numbers = keys.filter_map(|name| match attributes.get(name)? {
            number @ AttributeValue::N(_) => Some((name.as_str(), number.to_key_string()?)),
            _ => None,
        });
        Self { attributes, numbers: numbers.collect() }
    }
}

impl Item for EngineItem<'_> {
    fn attribute_sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.size()))
    }

    fn key_bytes(&self, name: &str) -> Option<&[u8]> {
        match self.attributes.get(name)? {
            AttributeValue::S(text) => Some(text.as_bytes()),
            AttributeValue::B(bytes) => Some(bytes),
            AttributeValue::N(_) => {
                self.numbers.iter().find(|(each, _)| *each == name).map(|(_, number)| number.as_bytes())
            }
            _ => None,
        }
    }

    fn same_value(&self, other: &Self, name: &str) -> bool {
        self.attributes.get(name) == other.attributes.get(name)
    }
}
