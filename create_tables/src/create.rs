//! Creates the lab's tables.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types as sdk;
use common::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use common::cli::ErrorWithAdvice;
use common::tables::{self, Projection, ProvisionedThroughput, TableDefinition, TableDescription, throughput_text};

use crate::cost::{HourlyCost, PRICES};
use crate::difference::{self, differences};
use crate::lab::{Lab, note, report};

/// Creates those of `tables` that do not exist, and waits until all are ACTIVE.
///
/// If one of them exists with a different definition, nothing is created.
pub(crate) async fn create(lab: &Lab, tables: &[&'static TableDefinition]) -> Result<()> {
    let mut missing = Vec::new();
    let mut differing = Vec::new();
    for &table in tables {
        match lab.wait_until_settled(table.name).await? {
            None => missing.push(table),
            Some(found) => match differences(table, &found) {
                differences if differences.is_empty() => report(in_place(table, &found))?,
                differences => differing.push((table, differences)),
            },
        }
    }
    if !differing.is_empty() {
        return Err(difference::error(&differing).into());
    }
    say_cost(lab, &missing);
    // One after the other: DynamoDB may refuse to create two tables with indexes at the same time.
    for table in missing {
        create_one(lab, table).await?;
    }
    Ok(())
}

async fn create_one(lab: &Lab, table: &'static TableDefinition) -> Result<()> {
    let mut created = false;
    let found = lab
        .wait(table.name, "become ACTIVE", {
            match send_until_accepted(lab, table).await? {
                Sent::Created => created = true,
                Sent::Exists => note(format_args!("{} exists already", table.name)),
            }
            let mut seen = false;
            move |found: Option<&TableDescription>| match found {
                Some(found) if found.is_active() => Ok(Some(found.clone())),
                Some(_) => {
                    seen = true;
                    Ok(None)
                }
                // DescribeTable may not yet know a table that has just been created.
                None if !seen => Ok(None),
                None => Err(ErrorWithAdvice::new(
                    format!("table {} was deleted during the wait", table.name),
                    format!("create it again: create_tables {}", table.name),
                )
                .into()),
            }
        })
        .await?;
    match differences(table, &found) {
        differences if !differences.is_empty() => Err(difference::error(&[(table, differences)]).into()),
        _ if created => report(format_args!("{}: created, {}", table.name, summary(&found))),
        _ => report(in_place(table, &found)),
    }
}

enum Sent {
    Created,
    /// Another program was faster, or the SDK retried the request.
    Exists,
}

/// Sends CreateTable. Retries while DynamoDB is busy with other tables.
async fn send_until_accepted(lab: &Lab, table: &TableDefinition) -> Result<Sent> {
    lab.retry_while_busy(table.name, "be created", async || match request(lab, table).send().await {
        Ok(_) => Ok(Sent::Created),
        Err(error) => match ServiceError::from(error) {
            error if error.kind == ServiceErrorKind::TableNotReady => Ok(Sent::Exists),
            error => Err(error),
        },
    })
    .await
    .with_context(|| format!("cannot create {}", lab.table_at(table.name)))
}

fn request(lab: &Lab, table: &TableDefinition) -> CreateTableFluentBuilder {
    let index = &table.index;
    let mut request = lab
        .client
        .create_table()
        .table_name(table.name)
        .key_schema(key(table.partition_key, sdk::KeyType::Hash))
        .billing_mode(sdk::BillingMode::Provisioned)
        .provisioned_throughput(provisioned(table.throughput))
        .tags(sdk::Tag::builder().key(tables::TAG.0).value(tables::TAG.1).build().expect("key and value are set"));
    for attribute in [Some(table.partition_key), Some(index.partition_key), index.sort_key].into_iter().flatten() {
        let definition =
            sdk::AttributeDefinition::builder().attribute_name(attribute).attribute_type(sdk::ScalarAttributeType::S);
        request = request.attribute_definitions(definition.build().expect("name and type are set"));
    }
    let projection = match index.projection {
        Projection::KeysOnly => sdk::Projection::builder().projection_type(sdk::ProjectionType::KeysOnly),
        Projection::Include(attributes) => sdk::Projection::builder()
            .projection_type(sdk::ProjectionType::Include)
            .set_non_key_attributes(Some(attributes.iter().map(|&name| name.to_owned()).collect())),
    };
    let mut index_request = sdk::GlobalSecondaryIndex::builder()
        .index_name(index.name)
        .key_schema(key(index.partition_key, sdk::KeyType::Hash))
        .projection(projection.build())
        .provisioned_throughput(provisioned(index.throughput));
    if let Some(sort_key) = index.sort_key {
        index_request = index_request.key_schema(key(sort_key, sdk::KeyType::Range));
    }
    request.global_secondary_indexes(index_request.build().expect("name and key are set"))
}

fn key(attribute: &str, key_type: sdk::KeyType) -> sdk::KeySchemaElement {
    let element = sdk::KeySchemaElement::builder().attribute_name(attribute).key_type(key_type);
    element.build().expect("name and type are set")
}

pub(crate) fn provisioned(throughput: ProvisionedThroughput) -> sdk::ProvisionedThroughput {
    sdk::ProvisionedThroughput::builder()
        .read_capacity_units(throughput.read.get().into())
        .write_capacity_units(throughput.write.get().into())
        .build()
        .expect("read and write are set")
}

fn in_place(table: &TableDefinition, found: &TableDescription) -> String {
    format!("{}: in place, {}", table.name, summary(found))
}

/// `5/5 RCU/WCU, index GSI_1 5/5`
pub(crate) fn summary(table: &TableDescription) -> String {
    let mut summary = format!("{} RCU/WCU", throughput_text(table.throughput));
    for index in &table.indexes {
        summary.push_str(&format!(", index {} {}", index.name, throughput_text(index.throughput)));
    }
    summary
}

fn say_cost(lab: &Lab, missing: &[&TableDefinition]) {
    if lab.connection.is_loopback() || missing.is_empty() {
        return;
    }
    let cost: HourlyCost = missing.iter().map(|table| HourlyCost::of_definition(table)).sum();
    let names: Vec<&str> = missing.iter().map(|table| table.name).collect();
    let names = names.join(" ");
    note(format_args!("{names} will cost about {cost} on AWS as long as they exist, used or not ({PRICES})"));
    note(format_args!("when you are done: create_tables --delete {names}"));
}
