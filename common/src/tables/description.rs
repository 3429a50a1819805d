//! A table as DescribeTable returns it. The only module that reads the SDK's description.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types as sdk;
use aws_sdk_dynamodb::types::{IndexStatus, KeyType, ScalarAttributeType, TableStatus};

use super::definition::{self, TableDefinition};
use crate::batch_writer::service_error::ServiceError;
use crate::capacity::{self, IndexScope, Projection, Settings, Table, Throughput};

/// A table that exists, in whatever state.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDescription {
    pub status: TableStatus,
    /// DynamoDB updates it about every six hours.
    pub item_count: u64,
    /// Provisioned capacity of the table itself.
    pub throughput: Throughput,
    /// Partition key, then the sort key if there is one.
    pub key: Vec<KeyElement>,
    /// Global indexes, then local ones.
    pub indexes: Vec<IndexDescription>,
}

/// A secondary index of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexDescription {
    pub name: String,
    /// Whether it has capacity of its own.
    pub scope: IndexScope,
    /// `IndexStatus`; `None` for a local index, which shares its table's state.
    pub status: Option<IndexStatus>,
    /// For a local index, the table's.
    pub throughput: Throughput,
    /// Partition key attributes, then sort key attributes.
    pub key: Vec<KeyElement>,
    /// Attributes that the index holds in addition to the keys.
    pub projection: Projection,
}

/// An attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyElement {
    pub attribute: String,
    /// `HASH` or `RANGE`.
    pub key_type: KeyType,
    /// `S`, `N` or `B`; `None` if the description lacks it.
    pub attribute_type: Option<ScalarAttributeType>,
}

impl fmt::Display for KeyElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attribute_type = self.attribute_type.as_ref().map_or("?", ScalarAttributeType::as_str);
        let range = if self.key_type == KeyType::Range { " range" } else { "" };
        write!(f, "{} ({attribute_type}){range}", self.attribute)
    }
}

/// `GSI_1_PK (S), GSI_1_SK (S) range`
pub fn key_text(key: &[KeyElement]) -> String {
    key.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `100/100`, or `on demand`.
pub fn throughput_text(throughput: Throughput) -> String {
    match throughput {
        Throughput::OnDemand => "on demand".to_owned(),
        Throughput::Provisioned { read, write } => format!("{read}/{write}"),
    }
}

/// WCU and RCU; `None` on demand.
pub fn provisioned(throughput: Throughput) -> Option<(u64, u64)> {
    match throughput {
        Throughput::OnDemand => None,
        Throughput::Provisioned { read, write } => Some((write, read)),
    }
}

impl TableDescription {
    /// Calls DescribeTable.
    ///
    /// # Errors
    /// The service's error, such as [`NoSuchTable`](crate::batch_writer::service_error::ServiceErrorKind::NoSuchTable).
    pub async fn read(client: &Client, table: &str) -> Result<Self, ServiceError> {
        let output = client.describe_table().table_name(table).send().await.map_err(ServiceError::from)?;
        // HTTP 200 with unexpected JSON.
        output.table.as_ref().map(Self::new).ok_or_else(|| {
            ServiceError::from_response(200, Some("UnknownOperationException"), Some("no table in the response"))
        })
    }

    /// From the SDK's description.
    pub fn new(table: &sdk::TableDescription) -> Self {
        let on_demand = table
            .billing_mode_summary()
            .is_some_and(|summary| summary.billing_mode() == Some(&sdk::BillingMode::PayPerRequest));
        let throughput = |of: Option<&sdk::ProvisionedThroughputDescription>| match of {
            Some(of) if !on_demand => Throughput::Provisioned {
                read: unsigned(of.read_capacity_units()),
                write: unsigned(of.write_capacity_units()),
            },
            _ => Throughput::OnDemand,
        };
        let key = |schema: &[sdk::KeySchemaElement]| key(schema, table.attribute_definitions());
        let of_table = throughput(table.provisioned_throughput());
        let global = table.global_secondary_indexes().iter().map(|index| IndexDescription {
            name: index.index_name().unwrap_or_default().to_owned(),
            scope: IndexScope::Global,
            status: index.index_status().cloned(),
            throughput: throughput(index.provisioned_throughput()),
            key: key(index.key_schema()),
            projection: projection(index.projection()),
        });
        let local = table.local_secondary_indexes().iter().map(|index| IndexDescription {
            name: index.index_name().unwrap_or_default().to_owned(),
            scope: IndexScope::Local,
            status: None,
            throughput: of_table,
            key: key(index.key_schema()),
            projection: projection(index.projection()),
        });
        Self {
            status: table.table_status().cloned().unwrap_or(TableStatus::Active),
            item_count: unsigned(table.item_count()),
            throughput: of_table,
            key: key(table.key_schema()),
            indexes: global.chain(local).collect(),
        }
    }

    /// As `create_tables` creates it.
    pub fn of_definition(table: &TableDefinition) -> Self {
        let string = |attribute: &str, key_type| KeyElement {
            attribute: attribute.to_owned(),
            key_type,
            attribute_type: Some(ScalarAttributeType::S),
        };
        let index = &table.index;
        let sort_key = index.sort_key.map(|attribute| string(attribute, KeyType::Range));
        let index = IndexDescription {
            name: index.name.to_owned(),
            scope: IndexScope::Global,
            status: Some(IndexStatus::Active),
            throughput: index.throughput.into(),
            key: std::iter::once(string(index.partition_key, KeyType::Hash)).chain(sort_key).collect(),
            projection: match index.projection {
                definition::Projection::KeysOnly => Projection::KeysOnly,
                definition::Projection::Include(names) => {
                    Projection::Include(names.iter().map(|&name| name.to_owned()).collect())
                }
            },
        };
        Self {
            status: TableStatus::Active,
            item_count: 0,
            throughput: table.throughput.into(),
            key: vec![string(table.partition_key, KeyType::Hash)],
            indexes: vec![index],
        }
    }

    /// The index of that name.
    pub fn index(&self, name: &str) -> Option<&IndexDescription> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// The indexes with capacity of their own.
    pub fn global_indexes(&self) -> impl Iterator<Item = &IndexDescription> {
        self.indexes.iter().filter(|index| index.scope == IndexScope::Global)
    }

    /// Whether the table and all its indexes are `ACTIVE`.
    pub fn is_active(&self) -> bool {
        let index_is_active = |index: &IndexDescription| matches!(index.status, None | Some(IndexStatus::Active));
        self.status == TableStatus::Active && self.indexes.iter().all(index_is_active)
    }

    /// `CREATING, GSI_1 CREATING`
    pub fn state(&self) -> String {
        let mut state = self.status.to_string();
        for index in &self.indexes {
            if let Some(status) = &index.status {
                state.push_str(&format!(", {} {status}", index.name));
            }
        }
        state
    }

    /// The properties of the indexes on which the cost of a write depends.
    pub fn index_definitions(&self) -> Vec<capacity::IndexDefinition> {
        let names = |key: &[KeyElement], key_type: &KeyType| {
            let elements = key.iter().filter(|element| element.key_type == *key_type);
            elements.map(|element| element.attribute.clone()).collect::<Vec<_>>()
        };
        let table_key: Vec<_> = self.key.iter().map(|element| element.attribute.clone()).collect();
        let definition = |index: &IndexDescription| capacity::IndexDefinition {
            name: index.name.as_str().into(),
            scope: index.scope,
            partition_key: names(&index.key, &KeyType::Hash),
            sort_key: names(&index.key, &KeyType::Range),
            table_key: table_key.clone(),
            projection: index.projection.clone(),
        };
        self.indexes.iter().map(definition).collect()
    }

    /// The capacity model of the table, with `starting_burst` of unused capacity.
    pub fn capacity_model(&self, starting_burst: Duration) -> Table {
        let settings = Settings { starting_burst, ..Settings::default() };
        let mut table = Table::new(Duration::ZERO, self.throughput, settings);
        for index in self.global_indexes() {
            table.add_index(Duration::ZERO, Arc::<str>::from(index.name.as_str()), index.throughput);
        }
        table
    }
}

fn unsigned(units: Option<i64>) -> u64 {
    units.and_then(|units| u64::try_from(units).ok()).unwrap_or_default()
}

fn key(schema: &[sdk::KeySchemaElement], attributes: &[sdk::AttributeDefinition]) -> Vec<KeyElement> {
    let element = |element: &sdk::KeySchemaElement| {
        let name = element.attribute_name();
        let definition = attributes.iter().find(|attribute| attribute.attribute_name() == name);
        KeyElement {
            attribute: name.to_owned(),
            key_type: element.key_type().clone(),
            attribute_type: definition.map(|definition| definition.attribute_type().clone()),
        }
    };
    schema.iter().map(element).collect()
}

fn projection(projection: Option<&sdk::Projection>) -> Projection {
    let Some(projection) = projection else { return Projection::All };
    match projection.projection_type() {
        Some(sdk::ProjectionType::KeysOnly) => Projection::KeysOnly,
        Some(sdk::ProjectionType::Include) => {
            let mut attributes = projection.non_key_attributes().to_vec();
            // DynamoDB does not promise to keep their order.
            attributes.sort_unstable();
            Projection::Include(attributes)
        }
        _ => Projection::All,
    }
}
