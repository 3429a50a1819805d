//! The steps that make an item, in their order: what differs between the copies of a record first.

use super::Compiler;
use crate::input::InputFormat;
use crate::mapping::compiled::{ColumnType, Compiled, Rule, Step, StepSource};
use crate::mapping::error::MappingError;
use crate::mapping::template::{Expression, Piece};
use crate::mapping::{Copies, KeyAttribute, Overrides};

impl Compiler<'_> {
    pub(super) fn finish(self, text: &str, copies: Copies, overrides: &Overrides) -> Result<Compiled, MappingError> {
        // Without copies, what the key is made of differs from record to record most of all.
        let varying: Vec<usize> = match &self.numbered {
            Some((slot, _)) => vec![*slot],
            None => self.steps().filter(|step| is_table_key(step)).flat_map(Step::slots).collect(),
        };
        let is_own = |step: &Step| step.slots().iter().any(|slot| varying.contains(slot));
        if let Some((_, at)) = self.numbered.as_ref().filter(|_| copies.count > 1)
            && !self.steps().any(|step| is_table_key(step) && is_own(step))
        {
            let message = "the copies of a row have the same key, so that each replaces the one before it";
            return Err(self.document.error(at.clone(), message, "use this column in the key"));
        }
        let key = self.key.iter().map(|(name, _)| {
            let step = self.steps().find(|step| *step.attribute == **name);
            let kind = step.and_then(|step| self.kind_of(step).key_type().ok().flatten());
            KeyAttribute { name: name.clone(), kind }
        });
        let key: Vec<_> = key.collect();
        let required = if self.dialect.header && self.format.is_delimited() {
            (0..self.set.columns.len())
                .filter(|slot| !self.computed.iter().any(|(computed, _)| computed == slot))
                .collect()
        } else {
            Vec::new()
        };
        let slots = self.set.columns.iter().enumerate().map(|(slot, column)| {
            let is_computed = self.computed.iter().any(|(computed, _)| *computed == slot);
            if is_computed { "\0".into() } else { column.name.clone() }
        });
        let input = InputFormat {
            format: self.format,
            dialect: self.dialect,
            slots: slots.collect(),
            columns: self.listed,
            required,
            keeps_others: self.takes_others,
            strict: overrides.strict,
        };
        let mut columns = self.set.columns;
        for column in &mut columns {
            column.absent.extend(overrides.absent.iter().map(|text| text.as_str().into()));
        }
        let is_computed = |slot: &usize| self.computed.iter().any(|(computed, _)| computed == slot);
        // Listed columns are always present and text, so there is nothing to parse.
        let is_plain = |slot: &usize| {
            *slot < self.listed && columns[*slot].kind == ColumnType::String && columns[*slot].absent.is_empty()
        };
        let typed = (0..columns.len()).filter(|slot| !is_computed(slot) && !is_plain(slot)).collect();
        let rules_when = |step: &Step| matches!(&step.source, StepSource::Rule(Rule { when: Some(_), .. }));
        let (mut own, mut shared, mut last) = (Vec::new(), Vec::new(), Vec::new());
        let (keys, rules): (Vec<_>, Vec<_>) = self.rules.into_iter().partition(is_table_key);
        let (column_keys, column_steps): (Vec<_>, Vec<_>) = self.column_steps.into_iter().partition(is_table_key);
        let (own_columns, shared_columns): (Vec<_>, Vec<_>) = column_steps.into_iter().partition(is_own);
        let (own_rules, shared_rules): (Vec<_>, Vec<_>) = rules.into_iter().partition(is_own);
        own.extend(keys.into_iter().chain(column_keys).chain(own_columns).chain(own_rules));
        for rule in shared_rules {
            if rules_when(&rule) { last.push(rule) } else { shared.push(rule) }
        }
        shared.extend(shared_columns);
        let extras_at = self.takes_others.then_some(shared.len());
        shared.extend(last);
        let all_rules = || {
            own.iter().chain(&shared).filter_map(|step| match &step.source {
                StepSource::Rule(rule) => Some(rule),
                StepSource::Column(_) => None,
            })
        };
        let needs_row_hash = all_rules()
            .chain(self.computed.iter().map(|(_, rule)| rule))
            .any(|rule| rule.pieces.contains(&Piece::Reference(Expression::RowHash)));
        Ok(Compiled {
            text: text.to_owned(),
            fingerprint: crc32fast::hash(format!("{text}{overrides:?}").as_bytes()),
            input,
            columns,
            typed,
            computed: self.computed,
            own,
            shared,
            extras_at,
            key,
            empty: self.empty,
            numbered: self.numbered.map(|(slot, _)| slot),
            copies,
            first_id: overrides.first_id,
            needs_row_hash,
        })
    }
}

fn is_table_key(step: &Step) -> bool {
    step.role.is_some_and(|role| role.is_table_key)
}
