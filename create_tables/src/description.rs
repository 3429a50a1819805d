//! A table as DescribeTable describes it, as far as the lab's tables have it; and the same said of a definition, so that the two can be
//! compared.

use aws_sdk_dynamodb::types as sdk;
use aws_sdk_dynamodb::types::{IndexStatus, TableStatus};
use common::tables::{Projection, ProvisionedThroughput, TableDefinition};

/// A table that exists, in whatever state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Description {
    pub(crate) status: TableStatus,
    /// As DynamoDB counted it within the last six hours or so.
    pub(crate) item_count: i64,
    pub(crate) throughput: Throughput,
    key: String,
    pub(crate) indexes: Vec<IndexDescription>,
}

/// An index of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IndexDescription {
    pub(crate) name: String,
    /// `None` for a local index, which shares its table's state.
    pub(crate) status: Option<IndexStatus>,
    pub(crate) throughput: Throughput,
    key: String,
    projection: String,
}

/// Capacity in units a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Throughput {
    /// Paid by request.
    OnDemand,
    /// Read and write capacity units. DynamoDB's own types are signed, and zero for a table on demand.
    Provisioned { read: i64, write: i64 },
}

/// One property of a table: which, and its value.
pub(crate) type Fact = (String, String);

impl Description {
    pub(crate) fn new(table: &sdk::TableDescription) -> Self {
        let on_demand = table
            .billing_mode_summary()
            .is_some_and(|summary| summary.billing_mode() == Some(&sdk::BillingMode::PayPerRequest));
        let throughput = |described| if on_demand { Throughput::OnDemand } else { Throughput::described(described) };
        let key = |schema: &[sdk::KeySchemaElement]| key_text(schema, table.attribute_definitions());
        let global = table.global_secondary_indexes().iter().map(|index| IndexDescription {
            name: index.index_name().unwrap_or_default().to_owned(),
            status: index.index_status().cloned(),
            throughput: throughput(index.provisioned_throughput()),
            key: key(index.key_schema()),
            projection: projection_text(index.projection()),
        });
        let local = table.local_secondary_indexes().iter().map(|index| IndexDescription {
            name: format!("{} (local)", index.index_name().unwrap_or_default()),
            status: None,
            throughput: throughput(table.provisioned_throughput()),
            key: key(index.key_schema()),
            projection: projection_text(index.projection()),
        });
        Self {
            status: table.table_status().cloned().unwrap_or(TableStatus::Active),
            item_count: table.item_count().unwrap_or_default(),
            throughput: throughput(table.provisioned_throughput()),
            key: key(table.key_schema()),
            indexes: global.chain(local).collect(),
        }
    }

    /// The index of that name.
    pub(crate) fn index(&self, name: &str) -> Option<&IndexDescription> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// Can it be used as it is, with all its indexes?
    pub(crate) fn is_active(&self) -> bool {
        let index_is_active = |index: &IndexDescription| matches!(index.status, None | Some(IndexStatus::Active));
        self.status == TableStatus::Active && self.indexes.iter().all(index_is_active)
    }

    /// For the lines that show a wait: `CREATING, GSI_1 CREATING`.
    pub(crate) fn state(&self) -> String {
        let mut state = self.status.to_string();
        for index in &self.indexes {
            if let Some(status) = &index.status {
                state.push_str(&format!(", {} {status}", index.name));
            }
        }
        state
    }

    /// What is compared with the lab's definition.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let billing_mode = match self.throughput {
            Throughput::OnDemand => "PAY_PER_REQUEST",
            Throughput::Provisioned { .. } => "PROVISIONED",
        };
        let mut facts = vec![fact("key", &self.key), fact("billing mode", billing_mode)];
        if let Throughput::Provisioned { .. } = self.throughput {
            facts.push(fact("capacity", self.throughput.text()));
        }
        for index in &self.indexes {
            facts.push((format!("index {} key", index.name), index.key.clone()));
            facts.push((format!("index {} projection", index.name), index.projection.clone()));
            if let Throughput::Provisioned { .. } = index.throughput {
                facts.push((format!("index {} capacity", index.name), index.throughput.text()));
            }
        }
        facts
    }
}

impl Throughput {
    fn described(throughput: Option<&sdk::ProvisionedThroughputDescription>) -> Self {
        let units = |units: Option<i64>| units.unwrap_or_default();
        Self::Provisioned {
            read: units(throughput.and_then(sdk::ProvisionedThroughputDescription::read_capacity_units)),
            write: units(throughput.and_then(sdk::ProvisionedThroughputDescription::write_capacity_units)),
        }
    }

    /// `100/100`, or `on demand`.
    pub(crate) fn text(self) -> String {
        match self {
            Self::OnDemand => "on demand".to_owned(),
            Self::Provisioned { read, write } => format!("{read}/{write}"),
        }
    }
}

impl From<ProvisionedThroughput> for Throughput {
    fn from(throughput: ProvisionedThroughput) -> Self {
        Self::Provisioned { read: throughput.read.get().into(), write: throughput.write.get().into() }
    }
}

/// What [`Description::facts`] says of a table made after this definition.
pub(crate) fn facts_of_definition(table: &TableDefinition) -> Vec<Fact> {
    let index = &table.index;
    let string = |attribute: &str| format!("{attribute} (S)");
    let index_key = match index.sort_key {
        Some(sort_key) => format!("{}, {} range", string(index.partition_key), string(sort_key)),
        None => string(index.partition_key),
    };
    let projection = match index.projection {
        Projection::KeysOnly => "KEYS_ONLY".to_owned(),
        Projection::Include(attributes) => format!("INCLUDE {}", attributes.join(", ")),
    };
    vec![
        fact("key", string(table.partition_key)),
        fact("billing mode", "PROVISIONED"),
        fact("capacity", table.throughput.to_string()),
        (format!("index {} key", index.name), index_key),
        (format!("index {} projection", index.name), projection),
        (format!("index {} capacity", index.name), index.throughput.to_string()),
    ]
}

fn fact(property: &str, value: impl Into<String>) -> Fact {
    (property.to_owned(), value.into())
}

/// `GSI_1_PK (S), GSI_1_SK (S) range`
fn key_text(schema: &[sdk::KeySchemaElement], attributes: &[sdk::AttributeDefinition]) -> String {
    let part = |element: &sdk::KeySchemaElement| {
        let name = element.attribute_name();
        let definition = attributes.iter().find(|attribute| attribute.attribute_name() == name);
        let kind = definition.map_or("?", |attribute| attribute.attribute_type().as_str());
        let range = if *element.key_type() == sdk::KeyType::Range { " range" } else { "" };
        format!("{name} ({kind}){range}")
    };
    schema.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn projection_text(projection: Option<&sdk::Projection>) -> String {
    let Some(projection) = projection else { return "?".to_owned() };
    let kind = projection.projection_type().map_or("?", sdk::ProjectionType::as_str);
    let mut attributes = projection.non_key_attributes().to_vec();
    // DynamoDB does not promise to keep their order.
    attributes.sort_unstable();
    format!("{kind} {}", attributes.join(", ")).trim_end().to_owned()
}
