//! `[item]`: the table's key, and which attributes an item has.

use super::Compiler;
use crate::capacity::limits::{MAX_PARTITION_KEY_SIZE, MAX_SORT_KEY_SIZE};
use crate::input::Format;
use crate::mapping::compiled::{ColumnType, Empty, Role, Rule, Step, StepSource};
use crate::mapping::document::Section;
use crate::mapping::error::MappingError;

impl<'a> Compiler<'a> {
    pub(super) fn read_item(&mut self, item: Section<'a>) -> Result<(), MappingError> {
        item.allow(&["key", "index_keys", "empty", "columns", "attributes"])?;
        let Some(key) = item.get("key") else {
            let at = item.entries().next().map_or(0..0, |(at, _)| at);
            return Err(self.document.error(
                at,
                "[item] has no key",
                "write the table's key attributes: key = [\"PK\"]",
            ));
        };
        for attribute in key.list()? {
            self.key.push((attribute.text()?.to_owned(), attribute.span()));
        }
        if !(1..=2).contains(&self.key.len()) || self.key.len() == 2 && self.key[0].0 == self.key[1].0 {
            return Err(key.error(
                "a table's key is one attribute or two",
                "write the partition key, and the sort key if there is one",
            ));
        }
        if let Some(index_keys) = item.get("index_keys") {
            for index in index_keys.list()? {
                let names = index.texts()?;
                if !(1..=2).contains(&names.len()) {
                    return Err(
                        index.error("an index's key is one attribute or two", "write [\"GSI_1_PK\", \"GSI_1_SK\"]")
                    );
                }
                let limits = [MAX_PARTITION_KEY_SIZE, MAX_SORT_KEY_SIZE];
                self.index_keys.extend(names.into_iter().map(str::to_owned).zip(limits));
            }
        }
        if let Some(empty) = item.get("empty") {
            self.empty = match empty.text()? {
                "keep" => Empty::Keep,
                "omit" => Empty::Omit,
                "null" => Empty::Null,
                "reject" => Empty::Reject,
                other => return Err(empty.error(format!("empty is {other:?}"), "write keep, omit, null or reject")),
            };
        }
        if let Some(attributes) = item.section("attributes", "[item.attributes]")? {
            for (_, entry) in attributes.entries() {
                let rule = self.rule(&entry)?;
                self.rules.push(Step {
                    attribute: entry.key.into(),
                    role: self.role(entry.key),
                    source: StepSource::Rule(rule),
                });
            }
        }
        self.read_item_columns(item)?;
        self.check_key()
    }

    fn read_item_columns(&mut self, item: Section<'a>) -> Result<(), MappingError> {
        let slots = match item.get("columns") {
            Some(entry) if !entry.is_text() => {
                let names = entry.list()?;
                names.iter().map(|name| self.slot(name.text()?, name.span())).collect::<Result<Vec<_>, _>>()?
            }
            Some(entry) if entry.text()? == "none" => Vec::new(),
            Some(entry) if entry.text()? != "all" => {
                return Err(
                    entry.error(format!("columns is {:?}", entry.text()?), "write all, none, or a list of columns")
                );
            }
            _ => {
                self.takes_others = !self.set.is_known_in_advance();
                // A key that is a column of an input which names its columns itself.
                for (name, at) in self.key.clone() {
                    let is_made = self.rules.iter().any(|rule| *rule.attribute == *name);
                    if self.takes_others && !is_made {
                        self.slot(&name, at)?;
                    }
                }
                self.set.add_all();
                let is_path = |name: &str| self.format == Format::Jsonl && name.contains('.');
                (0..self.set.columns.len()).filter(|slot| !is_path(&self.set.columns[*slot].name)).collect()
            }
        };
        for slot in slots {
            let attribute = self.set.columns[slot].name.clone();
            if !self.rules.iter().any(|rule| rule.attribute == attribute) {
                let role = self.role(&attribute);
                self.column_steps.push(Step { attribute, role, source: StepSource::Column(slot) });
            }
        }
        Ok(())
    }

    fn role(&self, attribute: &str) -> Option<Role> {
        let limits = [MAX_PARTITION_KEY_SIZE, MAX_SORT_KEY_SIZE];
        let position = self.key.iter().position(|(name, _)| name == attribute);
        position.map(|index| Role { is_table_key: true, limit: limits[index], kind: None }).or_else(|| {
            let index_keys = self.index_keys.iter().filter(|(name, _)| name == attribute);
            index_keys.map(|(_, limit)| *limit).min().map(|limit| Role { is_table_key: false, limit, kind: None })
        })
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.rules.iter().chain(&self.column_steps)
    }

    /// Each attribute of the key is made of each record, and is of a type that a key can have.
    fn check_key(&self) -> Result<(), MappingError> {
        for (name, at) in &self.key {
            let error = |message: String, advice: &str| Err(self.document.error(at.clone(), message, advice));
            let Some(step) = self.steps().find(|step| *step.attribute == **name) else {
                return error(format!("nothing makes the key {name}"), "add a rule for it under [item.attributes]");
            };
            if let StepSource::Rule(Rule { when: Some(_), .. }) = &step.source {
                return error(format!("the key {name} is made only of some records"), "leave out its when");
            }
            if self.kind_of(step).key_type().is_err() {
                let advice = "a key is a string, a number or binary; give it another type";
                return error(format!("the key {name} is of type {}", self.kind_of(step).name()), advice);
            }
            let can_be_absent = |slot: &usize| {
                let column = &self.set.columns[*slot];
                !column.absent.is_empty() && column.default.is_none()
            };
            if let Some(slot) = step.slots().into_iter().find(can_be_absent) {
                let message =
                    format!("the key {name} needs the column {:?}, which can be absent", self.set.columns[slot].name);
                return error(message, "give the column a default, or make the key of others");
            }
        }
        Ok(())
    }

    pub(super) fn kind_of<'s>(&'s self, step: &'s Step) -> &'s ColumnType {
        match &step.source {
            StepSource::Column(slot) => &self.set.columns[*slot].kind,
            StepSource::Rule(rule) => &rule.kind,
        }
    }
}
