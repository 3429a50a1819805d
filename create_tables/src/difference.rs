//! How an existing table differs from the workshop's definition, and the command that fixes it.

use std::collections::BTreeMap;

use common::capacity::{IndexScope, Projection, Throughput};
use common::cli::ErrorWithAdvice;
use common::tables::{TableDefinition, TableDescription, key_text, throughput_text};

/// A property that differs. `None`: it is missing on that side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    property: String,
    found: Option<String>,
    wanted: Option<String>,
}

impl Difference {
    /// Whether the capacity differs, which UpdateTable can change.
    pub(crate) fn is_capacity(&self) -> bool {
        self.found.is_some() && self.wanted.is_some() && self.property.ends_with("capacity")
    }
}

/// The properties of `found` that differ from `wanted`, by name.
pub(crate) fn differences(wanted: &TableDefinition, found: &TableDescription) -> Vec<Difference> {
    let mut properties: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
    for (property, value) in properties_of(found) {
        properties.entry(property).or_default().0 = Some(value);
    }
    for (property, value) in properties_of(&TableDescription::of_definition(wanted)) {
        properties.entry(property).or_default().1 = Some(value);
    }
    properties
        .into_iter()
        .filter(|(_, (found, wanted))| found != wanted)
        .map(|(property, (found, wanted))| Difference { property, found, wanted })
        .collect()
}

/// Name and value of each property that is compared with the workshop's definition.
fn properties_of(table: &TableDescription) -> Vec<(String, String)> {
    let billing_mode = match table.throughput {
        Throughput::OnDemand => "PAY_PER_REQUEST",
        Throughput::Provisioned { .. } => "PROVISIONED",
    };
    let mut properties =
        vec![("key".to_owned(), key_text(&table.key)), ("billing mode".to_owned(), billing_mode.to_owned())];
    let capacity = |name: String, throughput| match throughput {
        Throughput::OnDemand => None,
        Throughput::Provisioned { .. } => Some((name, throughput_text(throughput))),
    };
    properties.extend(capacity("capacity".to_owned(), table.throughput));
    for index in &table.indexes {
        let local = if index.scope == IndexScope::Local { " (local)" } else { "" };
        let name = format!("index {}{local}", index.name);
        properties.push((format!("{name} key"), key_text(&index.key)));
        properties.push((format!("{name} projection"), projection_text(&index.projection)));
        properties.extend(capacity(format!("{name} capacity"), index.throughput));
    }
    properties
}

fn projection_text(projection: &Projection) -> String {
    match projection {
        Projection::All => "ALL".to_owned(),
        Projection::KeysOnly => "KEYS_ONLY".to_owned(),
        Projection::Include(attributes) => format!("INCLUDE {}", attributes.join(", ")),
    }
}

/// The error for tables that differ, with one line for each property and advice.
pub(crate) fn error(differing: &[(&TableDefinition, Vec<Difference>)]) -> ErrorWithAdvice {
    let mut message = "the definition differs from the workshop's; nothing was changed".to_owned();
    let mut advice = Vec::new();
    for (table, differences) in differing {
        for difference in differences {
            let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            message.push_str(&format!(
                "\n  {}: {}: found {}, wanted {}",
                table.name,
                difference.property,
                show(&difference.found),
                show(&difference.wanted)
            ));
        }
        advice.push(fix_command(table, differences));
    }
    ErrorWithAdvice::new(message, advice.join("; "))
}

fn fix_command(table: &TableDefinition, differences: &[Difference]) -> String {
    let name = table.name;
    if !differences.iter().all(Difference::is_capacity) {
        return format!("if you can lose its items: create_tables --delete {name} && create_tables {name}");
    }
    let mut command = format!("create_tables {name}");
    for difference in differences {
        let (option, throughput) = match difference.property.as_str() {
            "capacity" => ("--capacity", table.throughput),
            _ => ("--index-capacity", table.index.throughput),
        };
        command.push_str(&format!(" {option} {throughput}"));
    }
    command
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types as sdk;
    use common::cli::folded;
    use common::tables;

    use super::*;

    fn described(
        write: i64,
        projection: sdk::Projection,
        billing_mode: sdk::BillingMode,
        key_type: &sdk::ScalarAttributeType,
    ) -> TableDescription {
        let throughput =
            sdk::ProvisionedThroughputDescription::builder().read_capacity_units(5).write_capacity_units(write).build();
        let attribute = |name: &str, kind: &sdk::ScalarAttributeType| {
            let definition = sdk::AttributeDefinition::builder().attribute_name(name).attribute_type(kind.clone());
            definition.build().unwrap()
        };
        let key = |name: &str| {
            sdk::KeySchemaElement::builder().attribute_name(name).key_type(sdk::KeyType::Hash).build().unwrap()
        };
        let index = sdk::GlobalSecondaryIndexDescription::builder()
            .index_name("GSI_1")
            .key_schema(key("GSI_1_PK"))
            .projection(projection)
            .index_status(sdk::IndexStatus::Active)
            .provisioned_throughput(
                sdk::ProvisionedThroughputDescription::builder().read_capacity_units(5).write_capacity_units(5).build(),
            );
        let table = sdk::TableDescription::builder()
            .table_status(sdk::TableStatus::Active)
            .key_schema(key("PK"))
            .attribute_definitions(attribute("PK", key_type))
            .attribute_definitions(attribute("GSI_1_PK", &sdk::ScalarAttributeType::S))
            .provisioned_throughput(throughput)
            .billing_mode_summary(sdk::BillingModeSummary::builder().billing_mode(billing_mode).build())
            .global_secondary_indexes(index.build());
        TableDescription::new(&table.build())
    }

    fn include(attribute: &str) -> sdk::Projection {
        let projection = sdk::Projection::builder().projection_type(sdk::ProjectionType::Include);
        projection.non_key_attributes(attribute).build()
    }

    fn logfile() -> &'static TableDefinition {
        tables::table("logfile").unwrap()
    }

    fn error_text(found: &TableDescription) -> String {
        let differing = [(logfile(), differences(logfile(), found))];
        folded(&error(&differing))
    }

    #[test]
    fn the_lab_s_own_table_does_not_differ() {
        let found = described(5, include("bytessent"), sdk::BillingMode::Provisioned, &sdk::ScalarAttributeType::S);
        assert_eq!(differences(logfile(), &found), []);
    }

    #[test]
    fn a_different_capacity_alone_is_fixed_by_changing_it() {
        let found = described(100, include("bytessent"), sdk::BillingMode::Provisioned, &sdk::ScalarAttributeType::S);
        let found = differences(logfile(), &found);
        assert_eq!(fix_command(logfile(), &found), "create_tables logfile --capacity 5/5");
    }

    #[test]
    fn other_differences_need_a_new_table() {
        let found = described(100, include("url"), sdk::BillingMode::Provisioned, &sdk::ScalarAttributeType::N);
        let text = error_text(&found);
        assert!(text.contains("\n  logfile: key: found PK (N), wanted PK (S)"), "{text}");
        assert!(text.contains("\n  logfile: capacity: found 5/100, wanted 5/5"), "{text}");
        assert!(text.contains("GSI_1 projection: found INCLUDE url, wanted INCLUDE bytessent"), "{text}");
        assert!(fix_command(logfile(), &differences(logfile(), &found)).contains("--delete logfile"));
    }

    #[test]
    fn a_table_on_demand_has_no_capacity() {
        let found = described(0, include("bytessent"), sdk::BillingMode::PayPerRequest, &sdk::ScalarAttributeType::S);
        let text = error_text(&found);
        assert!(text.contains("\n  logfile: billing mode: found PAY_PER_REQUEST, wanted PROVISIONED"), "{text}");
        assert!(text.contains("\n  logfile: capacity: found nothing, wanted 5/5"), "{text}");
        assert!(fix_command(logfile(), &differences(logfile(), &found)).contains("--delete logfile"));
    }
}
