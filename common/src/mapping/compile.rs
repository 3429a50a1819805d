//! A mapping file, read and checked: everything that can be known before the first row is.

use std::ops::Range;

use toml::de::DeTable;

use super::columns::ColumnSet;
use super::compiled::{Column, ColumnType, Compiled, Empty, Role, Rule, Step, StepSource};
use super::condition::{self, Comparisons, Operand};
use super::document::{Entry, Section};
use super::error::{Document, MappingError};
use super::lexer::SyntaxError;
use super::template::{self, Columns as _, Expression, Operator, Piece};
use super::timestamp::TimeFormat;
use super::{Copies, KeyAttribute, Overrides, Stride};
use crate::capacity::limits::{MAX_PARTITION_KEY_SIZE, MAX_SORT_KEY_SIZE};
use crate::input::{Dialect, Format, InputFormat};

/// Reads a mapping file.
///
/// # Errors
/// The first thing that is wrong in it, with its place.
pub(super) fn compile(file: &str, text: &str, overrides: &Overrides) -> Result<Compiled, MappingError> {
    let document = Document { file, text };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or(0..0);
        document.error(at, error.message().trim().replace('\n', ", "), "mapping files are TOML (toml.io)")
    })?;
    let root = Section { document, name: "", table: table.get_ref() };
    root.allow(&["version", "input", "columns", "computed", "item", "copies"])?;
    match root.get("version") {
        Some(version) if version.natural()? != 1 => {
            return Err(version.error("this version of mapping files is not known", "write version = 1"));
        }
        Some(_) => {}
        None => return Err(document.error(0..0, "the file has no version", "begin it with: version = 1")),
    }
    let Some(item) = root.section("item", "[item]")? else {
        return Err(document.error(0..0, "there is no [item]", "write [item] with the table's key: key = [\"PK\"]"));
    };
    let mut compiler = Compiler::begin(&root, overrides)?;
    compiler.read_columns(&root)?;
    compiler.read_computed(&root)?;
    let copies = compiler.read_copies(&root)?;
    compiler.read_item(item)?;
    compiler.finish(text, copies, overrides)
}

/// What has been read so far.
struct Compiler<'a> {
    document: Document<'a>,
    format: Format,
    dialect: Dialect,
    /// How many columns a row has, where there is a list of them.
    listed: usize,
    set: ColumnSet,
    computed: Vec<(usize, Rule)>,
    numbered: Option<(usize, Range<usize>)>,
    key: Vec<(String, Range<usize>)>,
    index_keys: Vec<(String, usize)>,
    empty: Empty,
    /// Rules in the file's order, and the columns that become attributes.
    rules: Vec<Step>,
    column_steps: Vec<Step>,
    takes_others: bool,
}

impl<'a> Compiler<'a> {
    fn begin(root: &Section<'a>, overrides: &Overrides) -> Result<Self, MappingError> {
        let document = root.document;
        let input = root.section("input", "[input]")?;
        let get = |key| input.and_then(|input| input.get(key));
        if let Some(input) = input {
            input.allow(&["format", "header", "columns", "delimiter", "quote", "comment", "skip_rows"])?;
        }
        let own_format = match get("format") {
            Some(entry) => entry.text()?.parse::<Format>().map_err(|expected| {
                entry.error(format!("the format {:?} is not known", entry.text().unwrap_or_default()), expected)
            })?,
            None => Format::Csv,
        };
        let format = overrides.format.unwrap_or(own_format);
        for key in ["header", "columns", "delimiter", "quote", "comment", "skip_rows"] {
            if let Some(entry) = get(key).filter(|_| !own_format.is_delimited()) {
                let message = format!("{key} means nothing in the format {own_format}");
                return Err(entry.error(message, "remove it; it is for csv and tsv"));
            }
        }
        let mut dialect = if format == Format::Tsv { Dialect::TSV } else { Dialect::CSV };
        let byte = |key| get(key).map(|entry| one_byte(&entry)).transpose();
        dialect.delimiter = overrides.delimiter.or(byte("delimiter")?).unwrap_or(dialect.delimiter);
        dialect.quote = byte("quote")?.unwrap_or(dialect.quote);
        dialect.comment = byte("comment")?;
        if dialect.quote == dialect.delimiter {
            let at = get("quote").or(get("delimiter")).map_or(0..0, |entry| entry.span());
            return Err(document.error(at, "delimiter and quote are the same", "choose another one of them"));
        }
        dialect.header = overrides.header || get("header").map(|entry| entry.boolean()).transpose()?.unwrap_or(false);
        let skip_rows = get("skip_rows").map(|entry| entry.natural()).transpose()?;
        dialect.skip_rows = overrides.skip_rows.or(skip_rows).unwrap_or(0);

        let mut listed = 0;
        let set = match get("columns") {
            _ if !format.is_delimited() || dialect.header => ColumnSet::of_format(format),
            Some(entry) => {
                let names = entry.texts()?;
                for (index, each) in entry.list()?.iter().enumerate() {
                    if names[..index].contains(&names[index]) {
                        return Err(
                            each.error(format!("the column {:?} is there twice", names[index]), "rename one of them")
                        );
                    }
                }
                listed = names.len();
                ColumnSet::listed(&names)
            }
            None => {
                let at = get("header").or(get("format")).map_or(0..0, |entry| entry.span());
                let advice =
                    "write header = true under [input] if the first row names them, else columns = [\"a\", \"b\"]";
                return Err(document.error(at, "nothing says what the columns of a row are", advice));
            }
        };
        Ok(Self {
            document,
            format,
            dialect,
            listed,
            set,
            computed: Vec::new(),
            numbered: None,
            key: Vec::new(),
            index_keys: Vec::new(),
            empty: Empty::Keep,
            rules: Vec::new(),
            column_steps: Vec::new(),
            takes_others: false,
        })
    }

    fn syntax<T>(&self, result: Result<T, SyntaxError>) -> Result<T, MappingError> {
        result.map_err(|SyntaxError { at, message, advice }| self.document.error(at, message, advice))
    }

    fn slot(&mut self, name: &str, at: Range<usize>) -> Result<usize, MappingError> {
        self.set.slot(name).map_err(|(message, advice)| self.document.error(at, message, advice))
    }

    fn read_columns(&mut self, root: &Section<'a>) -> Result<(), MappingError> {
        let Some(section) = root.section("columns", "[columns]")? else { return Ok(()) };
        for (at, entry) in section.entries() {
            let slot = self.slot(entry.key, at)?;
            if entry.is_text() {
                self.set.columns[slot].kind = column_type(&entry, None)?;
                continue;
            }
            let section = entry.section("a column")?;
            section.allow(&["type", "format", "absent", "default"])?;
            let kind = match section.get("type") {
                Some(kind) => column_type(&kind, section.get("format"))?,
                None => self.set.columns[slot].kind.clone(),
            };
            if let Some(format) = section.get("format").filter(|_| !matches!(kind, ColumnType::Timestamp(_))) {
                return Err(format.error("format is for timestamps", "remove it, or write type = \"timestamp\""));
            }
            let absent = section.get("absent").map(|absent| absent.texts()).transpose()?.unwrap_or_default();
            let default = section.get("default").map(|default| default.scalar()).transpose()?;
            if let (Some(entry), Some(text)) = (section.get("default"), &default)
                && let Err(reason) = super::values::check(&kind, text)
            {
                return Err(entry.error(
                    format!("the default {text:?} {reason}"),
                    format!("write a value of the type {}", kind.name()),
                ));
            }
            let column = &mut self.set.columns[slot];
            column.kind = kind;
            column.absent = absent.into_iter().map(Box::from).collect();
            column.default = default.map(Box::from);
        }
        Ok(())
    }

    fn read_computed(&mut self, root: &Section<'a>) -> Result<(), MappingError> {
        let Some(section) = root.section("computed", "[computed]")? else { return Ok(()) };
        for (at, entry) in section.entries() {
            let rule = self.rule(&entry)?;
            let added = self.set.add_computed(entry.key, rule.kind.clone());
            let slot = added.map_err(|(message, advice)| self.document.error(at, message, advice))?;
            self.computed.push((slot, rule));
        }
        Ok(())
    }

    fn read_copies(&mut self, root: &Section<'a>) -> Result<Copies, MappingError> {
        let Some(section) = root.section("copies", "[copies]")? else { return Ok(Copies::default()) };
        section.allow(&["column", "count", "per_copy", "per_file"])?;
        let Some(column) = section.get("column") else {
            let at = section.entries().next().map_or(0..0, |(at, _)| at);
            return Err(self.document.error(
                at,
                "[copies] has no column",
                "name the column that copies are numbered by",
            ));
        };
        let slot = self.slot(column.text()?, column.span())?;
        if self.set.columns[slot].kind != ColumnType::Integer {
            let message = format!("copies are numbered by {:?}, which is no integer", self.set.columns[slot].name);
            return Err(column.error(message, "give it the type integer under [columns]"));
        }
        if let Some((computed, _)) = self.computed.iter().find(|(_, rule)| {
            let mut slots = Vec::new();
            rule.slots(&mut slots);
            slots.contains(&slot)
        }) {
            let message = format!("the column {:?} is computed from it", self.set.columns[*computed].name);
            return Err(column.error(message, "make that an attribute under [item.attributes]"));
        }
        self.numbered = Some((slot, column.span()));
        let count = section.get("count").map(|count| (count, count.natural())).map_or(Ok(1), |(entry, count)| {
            count.and_then(|count| {
                u32::try_from(count)
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| entry.error("count is out of range", "write a number from 1 on"))
            })
        })?;
        let stride = |key| match section.get(key) {
            Some(entry) if entry.is_text() && entry.text()? == "auto" => Ok(Stride::Auto),
            Some(entry) => entry.natural().map(|number| Stride::Of(number.into())),
            None => Ok(Stride::Of(0)),
        };
        let copies = Copies { count, per_copy: stride("per_copy")?, per_file: stride("per_file")? };
        if let (true, Stride::Of(0)) = (count > 1, copies.per_copy) {
            return Err(column.error("all copies of a row have the same id", "write per_copy: how far apart they are"));
        }
        Ok(copies)
    }

    /// A template, or a table with one.
    fn rule(&mut self, entry: &Entry<'a>) -> Result<Rule, MappingError> {
        if entry.is_text() {
            let (pieces, kind) = self.template(entry)?;
            return Ok(Rule { pieces, kind, when: None });
        }
        let section = entry.section("a rule")?;
        section.allow(&["value", "type", "when"])?;
        let Some(value) = section.get("value") else {
            return Err(entry.error(format!("{} has no value", entry.key), "write { value = \"…\" }"));
        };
        let (pieces, natural) = self.template(&value)?;
        let kind = match section.get("type") {
            Some(kind) => converted(&natural, &kind)?,
            None => natural,
        };
        if let [Piece::Literal(text)] = &pieces[..]
            && let Err(reason) = super::values::check(&kind, text)
        {
            return Err(value
                .error(format!("the value {text:?} {reason}"), format!("write a value of the type {}", kind.name())));
        }
        let when = section.get("when").map(|when| self.condition(&when)).transpose()?;
        Ok(Rule { pieces, kind, when })
    }

    fn template(&mut self, entry: &Entry<'a>) -> Result<(Vec<Piece>, ColumnType), MappingError> {
        let parsed = template::parse(entry.text()?, entry.text_offset(), &mut self.set);
        let parsed = self.syntax(parsed)?;
        let mut kinds = Vec::new();
        for (piece, at) in &parsed {
            if let Piece::Reference(expression) = piece {
                kinds.push(
                    self.kind(expression)
                        .map_err(|(message, advice)| self.document.error(at.clone(), message, advice))?,
                );
            }
        }
        let kind = match (&kinds[..], parsed.len()) {
            ([kind], 1) => kind.clone(),
            _ => ColumnType::String,
        };
        Ok((parsed.into_iter().map(|(piece, _)| piece).collect(), kind))
    }

    /// The type of an expression; the error is a message and advice.
    fn kind(&self, expression: &Expression) -> Result<ColumnType, (String, String)> {
        let column = |slot: &usize| &self.set.columns[*slot];
        let not = |slot, what: &str, kind: &str| {
            let Column { name, kind: found, .. } = column(slot);
            let message = format!("the column {name:?} is of type {}, and {what} is of {kind}s", found.name());
            Err((message, format!("give it the type {kind} under [columns]")))
        };
        Ok(match expression {
            Expression::Column(slot) => column(slot).kind.clone(),
            Expression::Text(_) | Expression::File | Expression::RowHash => ColumnType::String,
            Expression::Format(slot, format) => match &column(slot).kind {
                ColumnType::Timestamp(_) => {
                    let sample = TimeFormat::Epoch.parse("0").unwrap_or_else(|_| unreachable!("the epoch is a time"));
                    let written = sample.write_as(format, &mut String::new());
                    written.map_err(|reason| {
                        (format!("the format {format:?}: {reason}"), "write directives such as %Y-%m-%d".to_owned())
                    })?;
                    ColumnType::String
                }
                _ => return not(slot, "a format", "timestamp"),
            },
            Expression::Shifted(slot, _) => match &column(slot).kind {
                kind @ ColumnType::Timestamp(_) => kind.clone(),
                _ => return not(slot, "a duration", "timestamp"),
            },
            Expression::Integer(_) | Expression::Record => ColumnType::Integer,
            Expression::Arithmetic(one, operator, other) => {
                for side in [one, other] {
                    match (&**side, self.kind(side)?) {
                        (_, ColumnType::Integer) => {}
                        (Expression::Column(slot), _) => return not(slot, "arithmetic", "integer"),
                        _ => return Err(("arithmetic is of integers".to_owned(), "leave it out".to_owned())),
                    }
                }
                if let (Operator::Modulo, Expression::Integer(..=0)) = (operator, &**other) {
                    return Err((
                        "the divisor is not above zero".to_owned(),
                        "write a number from 1 on behind %".to_owned(),
                    ));
                }
                ColumnType::Integer
            }
        })
    }

    fn condition(&mut self, entry: &Entry<'a>) -> Result<condition::Condition, MappingError> {
        let parsed = condition::parse(entry.text()?, entry.text_offset(), &mut self.set);
        let (condition, comparisons) = self.syntax(parsed)?;
        self.check_comparisons(comparisons)?;
        Ok(condition)
    }

    /// Values of different types are never equal, so comparing them is a mistake.
    fn check_comparisons(&self, comparisons: Comparisons) -> Result<(), MappingError> {
        let kind = |operand: &Operand| match operand {
            Operand::Column(slot) => match &self.set.columns[*slot].kind {
                ColumnType::Native => None,
                ColumnType::Integer => Some("number"),
                kind => Some(kind.name()),
            },
            Operand::Number(_) => Some("number"),
            Operand::Text(_) => Some("string"),
            Operand::Boolean(_) => Some("boolean"),
        };
        for (one, _, other, at) in comparisons {
            if let (Some(one), Some(other)) = (kind(&one), kind(&other))
                && one != other
                && !matches!((one, other), ("timestamp", "string") | ("string", "timestamp"))
            {
                let message = format!("a {one} is compared with a {other}");
                let advice = "put texts in quotes and numbers in none, and give the column its type under [columns]";
                return Err(self.document.error(at, message, advice));
            }
        }
        Ok(())
    }

    fn read_item(&mut self, item: Section<'a>) -> Result<(), MappingError> {
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
                self.takes_others = !self.set.is_known_beforehand();
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
        position.map(|index| Role { is_table_key: true, limit: limits[index] }).or_else(|| {
            let index_keys = self.index_keys.iter().filter(|(name, _)| name == attribute);
            index_keys.map(|(_, limit)| *limit).min().map(|limit| Role { is_table_key: false, limit })
        })
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
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

    fn kind_of<'s>(&'s self, step: &'s Step) -> &'s ColumnType {
        match &step.source {
            StepSource::Column(slot) => &self.set.columns[*slot].kind,
            StepSource::Rule(rule) => &rule.kind,
        }
    }

    fn finish(self, text: &str, copies: Copies, overrides: &Overrides) -> Result<Compiled, MappingError> {
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
        // Columns of a list are there and text, whatever they are; nothing needs to be looked at.
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

fn one_byte(entry: &Entry<'_>) -> Result<u8, MappingError> {
    match entry.text()?.as_bytes() {
        [byte] if byte.is_ascii() && !b"\r\n".contains(byte) => Ok(*byte),
        _ => {
            Err(entry.error(format!("{} is not one ASCII character", entry.key), "write one such as \";\" or \"\\t\""))
        }
    }
}

fn column_type(entry: &Entry<'_>, format: Option<Entry<'_>>) -> Result<ColumnType, MappingError> {
    Ok(match entry.text()? {
        "string" => ColumnType::String,
        "integer" => ColumnType::Integer,
        "number" => ColumnType::Number,
        "boolean" => ColumnType::Boolean,
        "json" => ColumnType::Json,
        "binary" => ColumnType::Binary,
        "timestamp" => ColumnType::Timestamp(match format {
            None => TimeFormat::Rfc3339,
            Some(format) => TimeFormat::new(format.text()?).map_err(|reason| {
                let message = format!("the format {:?}: {reason}", format.text().unwrap_or_default());
                format.error(message, "write rfc3339, epoch, epoch_ms, or directives such as %d/%b/%Y:%H:%M:%S %z")
            })?,
        }),
        other => {
            let names = ColumnType::NAMES.join(", ");
            return Err(entry.error(format!("the type {other:?} is not known"), format!("write one of {names}")));
        }
    })
}

/// The type that a rule's `type` makes of a value.
fn converted(natural: &ColumnType, entry: &Entry<'_>) -> Result<ColumnType, MappingError> {
    let wanted = column_type(entry, None)?;
    let possible = match (natural, &wanted) {
        (ColumnType::String | ColumnType::Native, _) | (_, ColumnType::String) => true,
        (ColumnType::Integer, ColumnType::Number) => true,
        (ColumnType::Timestamp(_), ColumnType::Number | ColumnType::Integer) => true,
        (one, other) => one.name() == other.name(),
    };
    if !possible {
        let message = format!("a value of type {} cannot be made a {}", natural.name(), wanted.name());
        return Err(entry.error(message, "leave type out, or write string"));
    }
    Ok(wanted)
}
