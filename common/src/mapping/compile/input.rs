//! `[input]`, `[columns]` and `[computed]`: what an input is, and which columns its records have.

use super::Compiler;
use crate::input::{Dialect, Format};
use crate::mapping::columns::ColumnSet;
use crate::mapping::compiled::{ColumnType, Empty};
use crate::mapping::document::{Entry, Section};
use crate::mapping::error::MappingError;
use crate::mapping::timestamp::TimeFormat;
use crate::mapping::{Overrides, values};

impl<'a> Compiler<'a> {
    pub(super) fn begin(root: &Section<'a>, overrides: &Overrides) -> Result<Self, MappingError> {
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

    pub(super) fn read_columns(&mut self, root: &Section<'a>) -> Result<(), MappingError> {
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
                && let Err(reason) = values::check(&kind, text)
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

    pub(super) fn read_computed(&mut self, root: &Section<'a>) -> Result<(), MappingError> {
        let Some(section) = root.section("computed", "[computed]")? else { return Ok(()) };
        for (at, entry) in section.entries() {
            let rule = self.rule(&entry)?;
            let added = self.set.add_computed(entry.key, rule.kind.clone());
            let slot = added.map_err(|(message, advice)| self.document.error(at, message, advice))?;
            self.computed.push((slot, rule));
        }
        Ok(())
    }
}

fn one_byte(entry: &Entry<'_>) -> Result<u8, MappingError> {
    match entry.text()?.as_bytes() {
        [byte] if byte.is_ascii() && !b"\r\n".contains(byte) => Ok(*byte),
        _ => {
            Err(entry.error(format!("{} is not one ASCII character", entry.key), "write one such as \";\" or \"\\t\""))
        }
    }
}

pub(super) fn column_type(entry: &Entry<'_>, format: Option<Entry<'_>>) -> Result<ColumnType, MappingError> {
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
