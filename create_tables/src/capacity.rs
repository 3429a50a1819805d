//! Changing the provisioned capacity of a table and its index.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types as sdk;
use common::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use common::capacity::Throughput;
use common::cli::ErrorWithAdvice;
use common::tables::{ProvisionedThroughput, TableDefinition, TableDescription};

use crate::cost::{HourlyCost, PRICES};
use crate::create::{provisioned, summary};
use crate::lab::{Lab, note, report};

/// The new capacity; `None` is left unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) table: Option<ProvisionedThroughput>,
    pub(crate) index: Option<ProvisionedThroughput>,
}

/// Changes the capacity of each of `tables`, and waits for the change. All tables are described before any is changed.
pub(crate) async fn resize(lab: &Lab, tables: &[&'static TableDefinition], target: Target) -> Result<()> {
    let mut changes = Vec::new();
    for &table in tables {
        let found = lab.wait_until_settled(table.name).await?.ok_or_else(|| {
            ErrorWithAdvice::new(
                format!("{}: there is no such table", lab.table_at(table.name)),
                format!("create it first: create_tables {}", table.name),
            )
        })?;
        match remaining(table, &found, target)? {
            Target { table: None, index: None } => {
                report(format_args!("{}: unchanged, {}", table.name, summary(&found)))?;
            }
            change => changes.push((table, change)),
        }
    }
    for (table, change) in changes {
        resize_one(lab, table, change).await?;
    }
    Ok(())
}

async fn resize_one(lab: &Lab, table: &TableDefinition, change: Target) -> Result<()> {
    lab.retry_while_busy(table.name, "take the change", async || {
        let mut request = lab.client.update_table().table_name(table.name);
        request = request.set_provisioned_throughput(change.table.map(provisioned));
        if let Some(throughput) = change.index {
            let update = sdk::UpdateGlobalSecondaryIndexAction::builder()
                .index_name(table.index.name)
                .provisioned_throughput(provisioned(throughput))
                .build()
                .expect("name and throughput are set");
            request = request
                .global_secondary_index_updates(sdk::GlobalSecondaryIndexUpdate::builder().update(update).build());
        }
        match request.send().await.map_err(ServiceError::from) {
            Ok(_) => Ok(()),
            // The response to an earlier attempt was lost, or someone else made the same change.
            Err(error) if error.kind == ServiceErrorKind::Invalid && error.message.contains("will not change") => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    })
    .await
    .with_context(|| format!("cannot change the capacity of {}", lab.table_at(table.name)))?;
    let changed = lab
        .wait(table.name, "take the change", |found| match found {
            Some(found)
                if found.is_active() && remaining(table, found, change)? == Target { table: None, index: None } =>
            {
                Ok(Some(found.clone()))
            }
            Some(_) => Ok(None),
            None => Err(ErrorWithAdvice::new(
                format!("{} was deleted during the wait", lab.table_at(table.name)),
                format!("create it again: create_tables {}", table.name),
            )
            .into()),
        })
        .await?;
    if !lab.connection.is_loopback() {
        let cost = HourlyCost::of_description(&changed);
        note(format_args!("{} now costs about {cost} on AWS ({PRICES})", table.name));
    }
    report(format_args!("{}: changed, {}", table.name, summary(&changed)))
}

/// The part of `target` that differs from the table. DynamoDB rejects an update that changes nothing.
fn remaining(table: &TableDefinition, found: &TableDescription, target: Target) -> Result<Target, ErrorWithAdvice> {
    let name = table.name;
    let cannot = |reason: String| {
        ErrorWithAdvice::new(
            format!("the capacity of {name} cannot be changed: {reason}; nothing was changed"),
            format!("compare it with the workshop's definition: create_tables {name}"),
        )
    };
    if found.throughput == Throughput::OnDemand {
        return Err(cannot("it has on-demand capacity".to_owned()));
    }
    let index = found.index(table.index.name);
    if target.index.is_some() && index.is_none() {
        return Err(cannot(format!("it has no index {}", table.index.name)));
    }
    Ok(Target {
        table: target.table.filter(|&wanted| found.throughput != wanted.into()),
        index: target.index.filter(|&wanted| index.is_some_and(|index| index.throughput != wanted.into())),
    })
}
