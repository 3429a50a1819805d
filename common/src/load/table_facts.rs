//! What a table's description says of its capacity.

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    BillingMode, KeySchemaElement, KeyType, Projection as SdkProjection, ProjectionType,
    ProvisionedThroughputDescription, TableDescription,
};

use crate::capacity::{IndexDefinition, IndexScope, Projection, Settings, Table, Throughput};
use crate::tables::{self, TableDefinition};

/// A table and its global indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableFacts {
    pub(super) throughput: Throughput,
    pub(super) indexes: Vec<IndexFacts>,
}

/// An index: local ones have no throughput of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexFacts {
    pub(super) definition: IndexDefinition,
    pub(super) throughput: Throughput,
}

impl TableFacts {
    pub(super) fn of_description(table: &TableDescription) -> Self {
        let on_demand = table.billing_mode_summary().and_then(|summary| summary.billing_mode())
            == Some(&BillingMode::PayPerRequest);
        let throughput = |of: Option<&ProvisionedThroughputDescription>| match of {
            Some(of) if !on_demand => {
                let units = |units: Option<i64>| units.and_then(|units| u64::try_from(units).ok()).unwrap_or_default();
                Throughput::Provisioned {
                    read: units(of.read_capacity_units()),
                    write: units(of.write_capacity_units()),
                }
            }
            _ => Throughput::OnDemand,
        };
        let of_table = throughput(table.provisioned_throughput());
        let table_key = keys(table.key_schema(), None);
        let index =
            |name: Option<&str>, scope, schema: &[KeySchemaElement], held: Option<&SdkProjection>| IndexDefinition {
                name: name.unwrap_or_default().into(),
                scope,
                partition_key: keys(schema, Some(&KeyType::Hash)),
                sort_key: keys(schema, Some(&KeyType::Range)),
                table_key: table_key.clone(),
                projection: projection(held),
            };
        let global = table.global_secondary_indexes().iter().map(|described| IndexFacts {
            definition: index(
                described.index_name(),
                IndexScope::Global,
                described.key_schema(),
                described.projection(),
            ),
            throughput: throughput(described.provisioned_throughput()),
        });
        let local = table.local_secondary_indexes().iter().map(|described| IndexFacts {
            definition: index(
                described.index_name(),
                IndexScope::Local,
                described.key_schema(),
                described.projection(),
            ),
            throughput: of_table,
        });
        Self { throughput: of_table, indexes: global.chain(local).collect() }
    }

    /// As `create_tables` makes it.
    pub(super) fn of_definition(table: &TableDefinition) -> Self {
        let provisioned = |of: tables::ProvisionedThroughput| Throughput::Provisioned {
            read: of.read.get().into(),
            write: of.write.get().into(),
        };
        let index = &table.index;
        let projection = match index.projection {
            tables::Projection::KeysOnly => Projection::KeysOnly,
            tables::Projection::Include(names) => {
                Projection::Include(names.iter().map(|&name| name.to_owned()).collect())
            }
        };
        let definition = IndexDefinition {
            name: index.name.into(),
            scope: IndexScope::Global,
            partition_key: vec![index.partition_key.to_owned()],
            sort_key: index.sort_key.iter().map(|&name| name.to_owned()).collect(),
            table_key: vec![table.partition_key.to_owned()],
            projection,
        };
        let indexes = vec![IndexFacts { definition, throughput: provisioned(index.throughput) }];
        Self { throughput: provisioned(table.throughput), indexes }
    }

    pub(super) fn definitions(&self) -> Vec<IndexDefinition> {
        self.indexes.iter().map(|index| index.definition.clone()).collect()
    }

    pub(super) fn global_indexes(&self) -> impl Iterator<Item = &IndexFacts> {
        self.indexes.iter().filter(|index| index.definition.scope == IndexScope::Global)
    }

    pub(super) fn index(&self, name: &str) -> Option<&IndexFacts> {
        self.global_indexes().find(|index| &*index.definition.name == name)
    }

    /// The model of it, with `starting_burst` kept of its capacity.
    pub(super) fn model(&self, starting_burst: Duration) -> Table {
        let settings = Settings { starting_burst, ..Settings::default() };
        let mut table = Table::new(Duration::ZERO, self.throughput, settings);
        for index in self.global_indexes() {
            table.add_index(Duration::ZERO, index.definition.name.clone(), index.throughput);
        }
        table
    }
}

/// WCU and RCU; `None` on demand.
pub(super) fn provisioned(throughput: Throughput) -> Option<(u64, u64)> {
    match throughput {
        Throughput::OnDemand => None,
        Throughput::Provisioned { read, write } => Some((write, read)),
    }
}

fn keys(schema: &[KeySchemaElement], kind: Option<&KeyType>) -> Vec<String> {
    let wanted = schema.iter().filter(|element| kind.is_none_or(|kind| element.key_type() == kind));
    wanted.map(|element| element.attribute_name().to_owned()).collect()
}

fn projection(projection: Option<&SdkProjection>) -> Projection {
    let Some(projection) = projection else { return Projection::All };
    match projection.projection_type() {
        Some(ProjectionType::KeysOnly) => Projection::KeysOnly,
        Some(ProjectionType::Include) => Projection::Include(projection.non_key_attributes().to_vec()),
        _ => Projection::All,
    }
}
