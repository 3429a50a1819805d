//! The state of the lab's tables.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::Select;
use common::batch_writer::service_error::ServiceError;
use common::tables::{TableDefinition, TableDescription, throughput_text};

use crate::lab::{Lab, note, report};

/// Prints one line for each of `tables`, with an exact count of the items if `count` is set.
pub(crate) async fn status(lab: &Lab, tables: &[&'static TableDefinition], count: bool) -> Result<()> {
    if count {
        note("counting reads every item and consumes read capacity");
    }
    let mut found = Vec::new();
    for &table in tables {
        let description = lab.describe(table.name).await?;
        let items = match &description {
            Some(description) if !count => Some(description.item_count),
            Some(_) => Some(count_items(lab, table.name).await?),
            None => None,
        };
        found.push((table, description, items));
    }
    let items_heading = if count { "ITEMS COUNTED" } else { "ITEMS ABOUT" };
    report(line("TABLE", "STATUS", "RCU/WCU", items_heading, "INDEX", "STATUS", "RCU/WCU"))?;
    for (table, description, items) in &found {
        match description {
            None => report(format_args!("{:<16} does not exist", table.name))?,
            Some(description) => report(table_line(table, description, items.unwrap_or_default()))?,
        }
    }
    if !count && !lab.connection.is_loopback() && found.iter().any(|(_, description, _)| description.is_some()) {
        note("DynamoDB updates its item counts about every six hours; --count gives the current count");
    }
    Ok(())
}

fn table_line(table: &TableDefinition, found: &TableDescription, items: u64) -> String {
    let (index_status, index_throughput) = match found.index(table.index.name) {
        Some(index) => {
            (index.status.as_ref().map_or_else(String::new, ToString::to_string), throughput_text(index.throughput))
        }
        None => ("missing".to_owned(), String::new()),
    };
    let (status, throughput) = (found.status.to_string(), throughput_text(found.throughput));
    line(table.name, &status, &throughput, &items.to_string(), table.index.name, &index_status, &index_throughput)
}

fn line(
    table: &str,
    status: &str,
    capacity: &str,
    items: &str,
    index: &str,
    index_status: &str,
    index_capacity: &str,
) -> String {
    let line =
        format!("{table:<16} {status:<9} {capacity:<11} {items:>13}  {index:<6} {index_status:<9} {index_capacity}");
    line.trim_end().to_owned()
}

/// Items of a page. DynamoDB limits a page to a megabyte, about 4,000 of the workshop's items. Other servers may read a
/// whole table into memory for a page without a limit.
const PAGE: i32 = 4_000;

/// Counts by reading the whole table, page by page, strongly consistent. Retries after throttling and lost connections,
/// as long as a page arrives within the wait timeout.
async fn count_items(lab: &Lab, table: &str) -> Result<u64> {
    let (mut count, mut start) = (0, None);
    loop {
        let page = lab
            .retry_while_unavailable(table, "be counted", async || {
                let request =
                    lab.client.scan().table_name(table).select(Select::Count).consistent_read(true).limit(PAGE);
                request.set_exclusive_start_key(start.clone()).send().await.map_err(ServiceError::from)
            })
            .await
            .with_context(|| format!("cannot count the items of {}", lab.table_at(table)))?;
        count += u64::try_from(page.count()).unwrap_or_default();
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(count);
        }
    }
}
