//! Why a table refuses what is written to it, where the service's answer to a write does not say.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus};

use crate::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use crate::logfile::PARTITION_KEY;

/// Asks for the table's description and finds in it why every row would be refused. `None` if nothing is wrong with the table, or if
/// it cannot be described: that needs a permission of its own, which writing does not.
pub(super) async fn diagnose(client: &Client, table: &str, refusal: &ServiceError) -> Option<ServiceError> {
    let described = client.describe_table().table_name(table).send().await.ok()?;
    let description = described.table?;
    let explained = |kind, message: String| {
        Some(ServiceError { kind, code: refusal.code.clone(), message, throttled_by: Vec::new() })
    };
    match description.table_status() {
        // To a writer a table that is being created does not exist yet.
        Some(status @ (TableStatus::Creating | TableStatus::Deleting)) => {
            let doing = if *status == TableStatus::Creating { "created" } else { "deleted" };
            explained(ServiceErrorKind::TableNotReady, format!("{table} is still being {doing}"))
        }
        _ => {
            let found = key(&description);
            let wanted = format!("{PARTITION_KEY} (S)");
            (found != wanted).then(|| ServiceError {
                kind: ServiceErrorKind::Invalid,
                code: refusal.code.clone(),
                throttled_by: Vec::new(),
                message: format!("the key of {table} is {found}, and that of the lab's tables is {wanted}"),
            })
        }
    }
}

/// The primary key in words: `id (N), sort (S)`.
fn key(description: &TableDescription) -> String {
    let attribute = |element: &KeySchemaElement| {
        let name = element.attribute_name();
        let definitions = description.attribute_definitions();
        let definition = definitions.iter().find(|definition| definition.attribute_name() == name);
        let kind = definition.map_or("?", |definition| ScalarAttributeType::as_str(definition.attribute_type()));
        let sort = if *element.key_type() == KeyType::Range { " as sort key" } else { "" };
        format!("{name} ({kind}){sort}")
    };
    description.key_schema().iter().map(attribute).collect::<Vec<_>>().join(" and ")
}
