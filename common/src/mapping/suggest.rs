//! `--suggest-mapping`: a mapping to start from, for a file.

use std::fmt::Write as _;
use std::io::Read as _;

use super::compiled::ColumnType;
use super::timestamp::TimeFormat;
use super::{BuiltIn, Mapper, Mapping, Numbering, Overrides, values};
use crate::batch_writer::ItemJson;
use crate::input::{Dialect, Field, Format, InputFormat, RecordReader, Source, detect_format, is_header, of_document};

/// Records that are examined.
const RECORDS: u64 = 10_000;

/// Bytes from which the format is detected.
const HEAD: u64 = 64 * 1024;

/// The values of a column seen so far.
#[derive(Default)]
struct Seen {
    name: String,
    /// Types that all values have had; the first of them is suggested.
    possible: Vec<ColumnType>,
    has_dash: bool,
    has_values: bool,
    is_always_there: bool,
    is_unique: bool,
    values: std::collections::HashSet<String>,
}

/// Examines the first 10,000 records of a file and writes a mapping for it, with the first record's item as a comment.
///
/// # Errors
/// The file cannot be read, or is not of any of the formats.
pub fn suggest(source: &Source, format: Option<Format>) -> Result<String, String> {
    let mut head = Vec::new();
    let input = source.open().map_err(|error| error.to_string())?;
    input.take(HEAD).read_to_end(&mut head).map_err(|error| format!("{}: {error}", source.name()))?;
    let text = String::from_utf8_lossy(&head).into_owned();
    let text = text.trim_start_matches('\u{feff}');
    let Some(line) = text.lines().find(|line| !line.trim().is_empty()) else {
        return Err(format!("{}: there is nothing in it", source.name()));
    };
    let format = format.or_else(|| detect_format(line)).unwrap_or(Format::Csv);
    if let Some(wrong) = of_document(text, line, format) {
        return Err(format!("{}: {wrong}", source.name()));
    }
    let built_in = matches!(format, Format::AccessLog | Format::W3c | Format::Alb | Format::S3AccessLog);
    let mapping = match built_in {
        true => BuiltIn::Sequential.text(format),
        false => written(source, format, line)?,
    };
    let mut out = mapping;
    out.push_str(&first_item(source, &out)?);
    Ok(out)
}

/// The delimiter that makes the most columns of a line.
fn delimiter(line: &str) -> char {
    let candidates = [',', ';', '\t', '|'];
    candidates.into_iter().rev().max_by_key(|candidate| line.matches(*candidate).count()).unwrap_or(',')
}

fn written(source: &Source, format: Format, line: &str) -> Result<String, String> {
    let delimiter = if format == Format::Tsv { '\t' } else { delimiter(line) };
    let format = if format == Format::Csv && delimiter == '\t' { Format::Tsv } else { format };
    let header = format.is_delimited() && is_header(line, delimiter, '"');
    let mut dialect = if format == Format::Tsv { Dialect::TSV } else { Dialect::CSV };
    dialect.delimiter = delimiter as u8;
    dialect.header = header;
    let columns = look_at(source, format, dialect, line)?;
    let mut out = String::from("version = 1\n\n[input]\n");
    let _ = writeln!(out, "format = \"{format}\"");
    if format == Format::Csv && delimiter != ',' {
        let _ = writeln!(out, "delimiter = {}", quoted(&delimiter.to_string()));
    }
    if header {
        out.push_str("header = true\n");
    } else if format.is_delimited() {
        let names: Vec<_> = columns.iter().map(|column| quoted(&column.name)).collect();
        let _ = writeln!(out, "columns = [{}]", names.join(", "));
    }
    let typed: Vec<String> = columns.iter().filter_map(Seen::line).collect();
    if !typed.is_empty() {
        let _ = writeln!(out, "\n[columns]\n{}", typed.join("\n"));
    }
    let key = columns.iter().find(|column| column.can_be_key());
    out.push_str("\n[item]\n");
    match key {
        Some(key) => {
            let _ = writeln!(
                out,
                "# The column {} differs from row to row; name the table's own key attributes here.",
                quoted(&key.name)
            );
            let _ = writeln!(out, "key = [{}]\ncolumns = \"all\"", quoted(&key.name));
        }
        None => {
            out.push_str("# No column differs from row to row, so the key is a hash of the row.\n");
            out.push_str("key = [\"PK\"]\ncolumns = \"all\"\n\n[item.attributes]\nPK = \"{row_hash}\"\n");
        }
    }
    Ok(out)
}

/// The columns of a file, and what is in them.
fn look_at(source: &Source, format: Format, dialect: Dialect, line: &str) -> Result<Vec<Seen>, String> {
    let delimiter = char::from(dialect.delimiter);
    let count = if format.is_delimited() && !dialect.header { line.split(delimiter).count() } else { 0 };
    let slots: Vec<Box<str>> = (1..=count).map(|number| format!("column{number}").into()).collect();
    let input = InputFormat {
        format,
        dialect,
        columns: slots.len(),
        slots,
        required: Vec::new(),
        keeps_others: true,
        strict: false,
    };
    let mut reader = RecordReader::new(source.open().map_err(|error| error.to_string())?, &input);
    let mut columns: Vec<Seen> = input.slots.iter().map(|name| Seen::new(name)).collect();
    let mut records = 0;
    while records < RECORDS
        && let Some(record) = reader.next_record()
    {
        let record = record.map_err(|error| format!("{}: {error}", source.name()))?;
        let Ok(fields) = record.fields else { continue };
        records += 1;
        let named = input.slots.iter().enumerate().map(|(slot, name)| (&**name, fields.get(slot)));
        let mut present = 0;
        for (name, field) in named.chain(fields.extras()) {
            present += 1;
            let index = columns.iter().position(|column| column.name == name).unwrap_or_else(|| {
                columns.push(Seen { is_always_there: records == 1, ..Seen::new(name) });
                columns.len() - 1
            });
            columns[index].add(field, format.is_delimited());
        }
        if present < columns.len() {
            let names: Vec<String> = fields.extras().map(|(name, _)| name.to_owned()).collect();
            let missing = columns.iter_mut().filter(|column| !names.contains(&column.name));
            missing.for_each(|column| column.is_always_there = false);
        }
    }
    match records {
        0 => Err(format!("{}: no record of the format {format} is in it", source.name())),
        _ => Ok(columns),
    }
}

impl Seen {
    fn new(name: &str) -> Self {
        let time = |format| TimeFormat::new(format).ok().map(ColumnType::Timestamp);
        let times = ["%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S", "rfc3339"].into_iter().filter_map(time);
        let possible =
            [ColumnType::Integer, ColumnType::Number, ColumnType::Boolean].into_iter().chain(times).collect();
        let (is_always_there, is_unique) = (true, true);
        Self { name: name.to_owned(), possible, is_always_there, is_unique, ..Self::default() }
    }

    /// Adds a value. Where formats have types, a text is no number.
    fn add(&mut self, field: Field<'_>, is_all_text: bool) {
        let text = match field {
            Field::Text("-") => {
                (self.has_dash, self.is_always_there) = (true, false);
                return;
            }
            Field::Text(text) | Field::Number(text) => text,
            Field::Absent | Field::Null => {
                self.is_always_there = false;
                return;
            }
            Field::Bool(_) | Field::Json(_) | Field::Attribute(_) => {
                self.possible.clear();
                self.is_unique = false;
                self.has_values = true;
                return;
            }
        };
        self.has_values = true;
        // A number with a leading zero is a code, such as an hour or a postcode.
        let has_leading_zero =
            text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_code = has_leading_zero || !is_all_text && matches!(field, Field::Text(_));
        self.possible
            .retain(|kind| (!is_code || matches!(kind, ColumnType::Timestamp(_))) && values::check(kind, text).is_ok());
        self.is_unique = self.is_unique && !text.is_empty() && self.values.insert(text.to_owned());
        // Only a key needs the others.
        if !self.is_unique {
            self.values.clear();
        }
    }

    fn can_be_key(&self) -> bool {
        self.is_unique
            && self.is_always_there
            && self.has_values
            && !matches!(self.possible.first(), Some(ColumnType::Boolean))
    }

    /// Its line under `[columns]`, if it is more than text.
    fn line(&self) -> Option<String> {
        let kind = self.possible.first().filter(|_| self.has_values)?;
        let name = quoted_key(&self.name);
        let absent = if self.has_dash { ", absent = [\"-\"]" } else { "" };
        Some(match kind {
            ColumnType::Timestamp(TimeFormat::Strftime(format)) => {
                format!("{name} = {{ type = \"timestamp\", format = {}{absent} }}", quoted(format))
            }
            kind if absent.is_empty() => format!("{name} = \"{}\"", kind.name()),
            kind => format!("{name} = {{ type = \"{}\"{absent} }}", kind.name()),
        })
    }
}

/// The item of the first good record, as a comment.
fn first_item(source: &Source, text: &str) -> Result<String, String> {
    let mapping =
        Mapping::parse("the suggested mapping", text, &Overrides::default()).map_err(|error| error.to_string())?;
    let mut reader = RecordReader::new(source.open().map_err(|error| error.to_string())?, mapping.input());
    let mut mapper = Mapper::new(&mapping, Numbering::AS_IN_FILE, 0, source.name());
    while let Some(Ok(record)) = reader.next_record() {
        let Ok(fields) = record.fields else { continue };
        let (mut shared, mut own) = (ItemJson::new(), ItemJson::new());
        let made = mapper
            .begin(0, record.raw, fields)
            .and_then(|()| mapper.write_shared(fields, &mut shared))
            .and_then(|()| mapper.write_own(fields, 0, &mut own));
        if made.is_ok() {
            let json =
                [own.json(), shared.json()].into_iter().filter(|json| !json.is_empty()).collect::<Vec<_>>().join(&b',');
            return Ok(format!("\n# The first record's item:\n# {{{}}}\n", String::from_utf8_lossy(&json)));
        }
    }
    Ok(String::new())
}

fn quoted(text: &str) -> String {
    // TOML's basic strings have JSON's escapes.
    serde_json::Value::from(text).to_string()
}

fn quoted_key(name: &str) -> String {
    let is_bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if is_bare { name.to_owned() } else { quoted(name) }
}
