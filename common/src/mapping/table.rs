//! Whether a mapping makes items for a table: key names and types, of the table and its indexes.

use aws_sdk_dynamodb::types::{KeySchemaElement, KeyType as SdkKeyType, ScalarAttributeType, TableDescription};

use super::Mapping;
use super::compiled::{KeyType, StepSource};

fn kind_in_table<'t>(table: &'t TableDescription, attribute: &str) -> &'t str {
    let definition = table.attribute_definitions().iter().find(|definition| definition.attribute_name() == attribute);
    definition.map_or("?", |definition| ScalarAttributeType::as_str(definition.attribute_type()))
}

impl Mapping {
    /// Compares the mapping with a table's description; what is wrong, if anything is. It is an error of the table, not of each row.
    pub fn mismatch(&self, table: &TableDescription) -> Option<String> {
        let name = table.table_name().unwrap_or("the table");
        let is_same = |element: &KeySchemaElement, index: usize| {
            self.0.key.get(index).is_some_and(|key| {
                let kind = key.kind.map_or_else(|| kind_in_table(table, &key.name), |kind| kind.name());
                *key.name == *element.attribute_name() && kind == kind_in_table(table, &key.name)
            })
        };
        let mut schema: Vec<_> = table.key_schema().iter().collect();
        schema.sort_by_key(|element| *element.key_type() == SdkKeyType::Range);
        if schema.len() != self.0.key.len() || !schema.iter().enumerate().all(|(index, element)| is_same(element, index)) {
            let words = |name: &str, kind: &str, index| {
                let sort = if index > 0 { " as sort key" } else { "" };
                format!("{name} ({kind}){sort}")
            };
            let found = schema.iter().enumerate();
            let found = found.map(|(index, each)| words(each.attribute_name(), kind_in_table(table, each.attribute_name()), index));
            let own = self.0.key.iter().enumerate();
            let own = own.map(|(index, key)| words(&key.name, key.kind.map_or("any type", KeyType::name), index));
            let joined = |parts: Vec<String>| parts.join(" and ");
            let (found, own) = (joined(found.collect()), joined(own.collect()));
            return Some(format!("the key of {name} is {found}, and that of the mapping is {own}"));
        }
        let global = table.global_secondary_indexes().iter().map(|index| (index.index_name(), index.key_schema()));
        let local = table.local_secondary_indexes().iter().map(|index| (index.index_name(), index.key_schema()));
        global.chain(local).find_map(|(index, schema)| {
            schema.iter().find_map(|element| {
                let attribute = element.attribute_name();
                let (own, wanted) = (self.kind_of(attribute)?, kind_in_table(table, attribute));
                (own != wanted).then(|| {
                    let index = index.unwrap_or("an index");
                    format!("the key {attribute} of index {index} of {name} is {wanted}, and the mapping makes it {own}")
                })
            })
        })
    }

    /// The type of an attribute, as DynamoDB names it; `None` if the mapping makes none of this name, or its type is not known.
    fn kind_of(&self, attribute: &str) -> Option<&'static str> {
        let step = self.0.own.iter().chain(&self.0.shared).find(|step| *step.attribute == *attribute)?;
        let kind = match &step.source {
            StepSource::Column(slot) => &self.0.columns[*slot].kind,
            StepSource::Rule(rule) => &rule.kind,
        };
        match kind.key_type() {
            Ok(kind) => kind.map(KeyType::name),
            Err(()) if kind.name() == "boolean" => Some("BOOL"),
            Err(()) => None,
        }
    }
}
