//! What an input really is, when it is not of the format that was asked for: one message that names it and what loads it.

use std::fmt;

use super::format::{Format, InputFormat};
use super::lines::BYTE_ORDER_MARK;
use super::window::HEAD;

/// An input of another format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFormat {
    /// What it looks like.
    pub found: String,
    /// The option or command that loads it.
    pub advice: String,
}

impl fmt::Display for WrongFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is {}; {}", self.found, self.advice)
    }
}

impl std::error::Error for WrongFormat {}

fn wrong(found: impl Into<String>, advice: impl Into<String>) -> Option<WrongFormat> {
    Some(WrongFormat { found: found.into(), advice: advice.into() })
}

/// What begins so, and what is to be done with it.
const MAGICS: [(&[u8], &str, &str); 17] = [
    (b"PK\x03\x04", "a zip archive", "unpack it: unzip -p FILE | load_logfile TABLE -"),
    // Of what was compressed once, nothing is left to be seen here.
    (b"\x1f\x8b", "compressed twice", "unpack it: zcat FILE | load_logfile TABLE -"),
    (b"\x28\xb5\x2f\xfd", "compressed twice", "unpack it: zstd -dc FILE | load_logfile TABLE -"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it: 7z x -so FILE | load_logfile TABLE -"),
    (b"Rar!", "a rar archive", "unpack it: unrar p -inul FILE | load_logfile TABLE -"),
    (b"\x04\x22\x4d\x18", "compressed with lz4", "unpack it: lz4 -dc FILE | load_logfile TABLE -"),
    (b"\xff\x06\0\0sNaPpY", "compressed with snappy", "unpack it: snzip -dc FILE | load_logfile TABLE -"),
    (b"\x1f\x9d", "compressed with compress", "unpack it: zcat FILE | load_logfile TABLE -"),
    (b"PAR1", "a Parquet file", "convert it to CSV or JSON Lines first, with duckdb for instance"),
    (b"ORC", "an ORC file", "convert it to CSV or JSON Lines first"),
    (b"Obj\x01", "an Avro file", "convert it to JSON Lines first: avro-tools tojson FILE"),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "export its table: sqlite3 -csv FILE 'SELECT …' | load_logfile TABLE -",
    ),
    (b"LZIP", "compressed with lzip", "unpack it: lzip -dc FILE | load_logfile TABLE -"),
    (b"\x5d\0\0", "compressed with lzma", "unpack it: xz -dc FILE | load_logfile TABLE -"),
    (b"%PDF-", "a PDF document", "name a log file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old Microsoft Office", "save it as CSV first"),
    (b"ElfFile\0", "a Windows event log", "convert it to CSV first: Get-WinEvent -Path FILE | Export-Csv"),
];

/// Archives and other data that are no text.
pub(super) fn of_bytes(head: &[u8]) -> Option<WrongFormat> {
    if head.starts_with(b"PK\x03\x04") && (contains(head, b"[Content_Types].xml") || contains(head, b"xl/")) {
        return wrong("an Excel workbook (xlsx)", "save it as CSV UTF-8 first");
    }
    if let Some((_, found, advice)) = MAGICS.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return wrong(*found, *advice);
    }
    if head.get(257..262) == Some(b"ustar") {
        return wrong("a tar archive", "unpack it: tar -xOf FILE | load_logfile TABLE -");
    }
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).take(32).filter(|byte| **byte == 0).count();
    let pairs = (head.len() / 2).min(32);
    // With a mark of its own, it is read as UTF-16 whose every second character is NUL.
    let is_utf32 = head.starts_with("\u{feff}\0".as_bytes()) || head.starts_with(b"\0\0\xfe\xff");
    if is_utf32 || pairs > 3 && zeros(0).abs_diff(pairs / 2) < 2 && zeros(1) == pairs {
        return wrong("UTF-32", "convert it: iconv -f UTF-32 -t UTF-8 FILE | load_logfile TABLE -");
    }
    if let Some(name) = utf16(head) {
        return wrong(
            format!("{name} without a byte-order mark"),
            format!("convert it: iconv -f {name} -t UTF-8 FILE | load_logfile TABLE -"),
        );
    }
    match () {
        () if is_binary(head) => wrong(
            "binary data, not text",
            "name a log file; if it is compressed or encrypted in another way, unpack it first: COMMAND FILE | load_logfile TABLE -",
        ),
        () if head.starts_with(b"\0") => wrong(
            "a file that begins with NUL bytes",
            "it may have been written while the disk was full or the machine went down; remove them: tr -d '\\0' < FILE | load_logfile TABLE -",
        ),
        () => None,
    }
}

/// The name of UTF-16 text that has no byte-order mark. In every script, ASCII characters stand in a log: digits, punctuation, line ends.
/// One byte of each of them is NUL, always the first or always the second, and other text has none.
fn utf16(head: &[u8]) -> Option<&'static str> {
    let pairs = head.len() / 2;
    let nuls = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (name, unit): (_, fn([u8; 2]) -> u16) = match (nuls(0), nuls(1)) {
        (0, ascii) if 8 * ascii >= pairs => ("UTF-16LE", u16::from_le_bytes),
        (ascii, 0) if 8 * ascii >= pairs => ("UTF-16BE", u16::from_be_bytes),
        _ => return None,
    };
    let is_text = |c: char| !c.is_control() || c.is_whitespace();
    let units: Vec<u16> = head.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    // The second of the last pair of surrogates may be cut off.
    let whole = match &units[..] {
        [whole @ .., 0xd800..=0xdbff] => whole,
        all => all,
    };
    // Text with a few NULs in it.
    let is_ascii = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let mut wide = head.chunks_exact(2).filter(|pair| !pair.contains(&0)).peekable();
    if wide.peek().is_some() && wide.all(|pair| pair.iter().all(is_ascii)) {
        return None;
    }
    let is_utf16 = pairs > 1 && char::decode_utf16(whole.iter().copied()).all(|decoded| decoded.is_ok_and(is_text));
    is_utf16.then_some(name)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// Whether bytes are neither UTF-8 nor text in an older encoding, which has no control characters other than white space and escapes.
/// One in ten random bytes is one.
fn is_binary(head: &[u8]) -> bool {
    // The last character may be cut off.
    let is_utf8 = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    let controls = head.iter().filter(|byte| is_control(byte)).count();
    !is_utf8 && controls * 50 > head.len()
}

/// What a text looks like whose first record is not of `expected`.
pub(super) fn of_text(head: &[u8], expected: &InputFormat) -> Option<WrongFormat> {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let line = lines.next()?;
    if let Some((format, found)) = log_format(line).filter(|(format, _)| *format != expected.format) {
        return wrong(found, format!("load it with --format {format}"));
    }
    if let Some(wrong) = of_document(&text, line, expected.format) {
        return Some(wrong);
    }
    let is_object = line.trim_start().starts_with('{');
    match expected.format.is_delimited() {
        true => delimited(line, lines.next(), expected)
            .or_else(|| undelimited(&text, expected))
            .or_else(|| other_columns(&text, expected)),
        false if expected.format == Format::W3c && !text.lines().any(|line| line.starts_with("#Fields:")) => wrong(
            "text without the line #Fields:, which names the columns of the format w3c",
            "put the line that the server wrote at the beginning of the log before the first record",
        ),
        // A comma within a text has a blank behind it.
        false if line.split(',').skip(1).filter(|column| !column.starts_with(' ')).count() > 2 && !is_object => {
            wrong("CSV, as it seems", "load it with --format csv")
        }
        false => None,
    }
}

/// What a text looks like whose lines are no records in any format.
pub(crate) fn of_document(text: &str, first_line: &str, expected: Format) -> Option<WrongFormat> {
    // It may be spread over several lines.
    let is_object = first_line.trim_start().starts_with('{');
    let array = is_object.then(|| json_array(&text.split_whitespace().collect::<String>())).flatten();
    array.or_else(|| json(first_line, expected)).or_else(|| free_text(first_line)).or_else(|| {
        let is_markup = first_line.trim_start().starts_with('<');
        is_markup.then(|| wrong("XML or HTML", "convert it to CSV or JSON Lines first")).flatten()
    })
}

/// Logs without fixed columns.
fn free_text(line: &str) -> Option<WrongFormat> {
    let advice = "load the access log instead: it has columns";
    let words: Vec<&str> = line.split(' ').take(5).collect();
    // 2026/05/05 10:00:00 [error] 123#123: …
    let is_nginx = matches!(words[..], [date, time, level, ..]
        if date.len() == 10 && date.matches('/').count() == 2 && time.matches(':').count() == 2 && level.starts_with('['));
    // [Tue May 05 10:00:00.000000 2026] [core:error] …
    let is_apache = matches!(words[..], [day, _, _, time, year, ..]
        if day.starts_with('[') && time.matches(':').count() == 2 && year.ends_with(']'));
    match (is_nginx, is_apache) {
        (true, _) => wrong("an error log of nginx", advice),
        (_, true) => wrong("an error log of Apache", advice),
        _ => None,
    }
}

/// The format of a line, if it is one that shows.
pub(crate) fn detect_format(line: &str) -> Option<Format> {
    let is_object = line.starts_with('{') && line.trim_end().ends_with('}');
    match log_format(line) {
        Some((format, _)) => Some(format),
        None if line.starts_with("{\"Item\":") => Some(Format::DynamodbJson),
        None => is_object.then_some(Format::Jsonl),
    }
}

/// A line of a log format that loads by itself.
fn log_format(line: &str) -> Option<(Format, &'static str)> {
    if line.starts_with("#Version:") || line.starts_with("#Fields:") || line.starts_with("#Software:") {
        return Some((Format::W3c, "a log in W3C extended format (IIS, CloudFront)"));
    }
    let words: Vec<&str> = line.split(' ').take(6).collect();
    let is_time = |word: Option<&&str>| {
        word.is_some_and(|word| word.starts_with('[') && word.matches('/').count() == 2 && word.contains(':'))
    };
    if is_time(words.get(3)) || is_time(words.get(4)) {
        return Some((Format::AccessLog, "an access log in Common or Combined Log Format (Apache, nginx)"));
    }
    if is_time(words.get(2)) {
        return Some((Format::S3AccessLog, "a server access log of Amazon S3"));
    }
    let is_type = words.first().is_some_and(|word| ["http", "https", "h2", "grpcs", "ws", "wss"].contains(word));
    let has_time = words.get(1).is_some_and(|word| word.contains('T') && word.ends_with('Z'));
    (is_type && has_time).then_some((Format::Alb, "an access log of an Application Load Balancer"))
}

/// Arrays of records in one JSON object.
const ARRAYS: [(&str, &str); 3] = [
    ("Items", "the output of `aws dynamodb scan` or `query`"),
    ("Records", "a JSON document with an array of records, such as a log of CloudTrail"),
    ("events", "a JSON document with an array of events, such as the output of `aws logs`"),
];

fn json_array(line: &str) -> Option<WrongFormat> {
    let (array, found) = ARRAYS.into_iter().find(|(array, _)| line.starts_with(&format!("{{\"{array}\":[")))?;
    let lines = if array == "Items" {
        "jq -c '.Items[] | {Item: .}' FILE | load_logfile TABLE - --format dynamodb-json".to_owned()
    } else {
        format!("jq -c '.{array}[]' FILE | load_logfile TABLE - --format jsonl")
    };
    wrong(found, format!("make lines of it: {lines}"))
}

fn json(line: &str, expected: Format) -> Option<WrongFormat> {
    let is_json = matches!(expected, Format::Jsonl | Format::DynamodbJson);
    let line = line.trim();
    let suggest =
        "for other columns than the mapping's, print a mapping to start from: load_logfile --suggest-mapping FILE";
    match () {
        () if line.starts_with('[') && (line.len() == 1 || line[1..].trim_start().starts_with(['{', '['])) => {
            wrong("a JSON array", "make lines of it: jq -c '.[]' FILE | load_logfile TABLE - --format jsonl")
        }
        () if line.starts_with("{\"Metadata\":") && line.contains("\"Keys\":") => wrong(
            "an incremental export of DynamoDB",
            "load the items that were put: jq -c 'select(.NewImage) | {Item: .NewImage}' FILE | load_logfile TABLE - \
             --format dynamodb-json; records without a NewImage are deleted items",
        ),
        () if line.starts_with("$ion_1_0") => {
            wrong("an export in Amazon Ion", "export the table as DYNAMODB_JSON, and load that")
        }
        () if expected != Format::DynamodbJson && line.starts_with("{\"Item\":{") => {
            wrong("DynamoDB JSON, one item a line", format!("load it with --format dynamodb-json; {suggest}"))
        }
        () if !is_json && line.starts_with('{') && line.ends_with('}') => {
            wrong("JSON Lines", format!("load it with --format jsonl; {suggest}"))
        }
        () if line == "{" => wrong(
            "a JSON document over several lines",
            "make lines of it: jq -c . FILE | load_logfile TABLE - --format jsonl",
        ),
        () => None,
    }
}

/// Lines in none of which there is a delimiter.
fn undelimited(text: &str, expected: &InputFormat) -> Option<WrongFormat> {
    let delimiter = char::from(expected.dialect.delimiter);
    if expected.columns < 2 || text.contains(delimiter) || text.len() >= HEAD && !text.contains('\n') {
        return None;
    }
    let name = if delimiter == '\t' { "a tab".to_owned() } else { format!("{delimiter:?}") };
    wrong(
        format!("text without {name} between columns"),
        "name the delimiter (--delimiter) or the format (--format), or print a mapping to start from: \
         load_logfile --suggest-mapping FILE",
    )
}

/// Lines all of which have the same number of columns, and too few.
fn other_columns(text: &str, expected: &InputFormat) -> Option<WrongFormat> {
    let delimiter = char::from(expected.dialect.delimiter);
    // The last line may be cut off.
    let whole = &text[..text.rfind('\n')?];
    let lines = whole.lines().filter(|line| !line.trim().is_empty());
    let mut counts = lines.map(|line| line.split(delimiter).count());
    let count = counts.next().filter(|count| *count < expected.columns)?;
    let rest = counts.collect::<Vec<_>>();
    if rest.len() < 2 || rest.iter().any(|other| *other != count) {
        return None;
    }
    wrong(
        format!("text of {count} columns, and the mapping has {}", expected.columns),
        "print a mapping to start from: load_logfile --suggest-mapping FILE",
    )
}

/// A header, or another delimiter.
fn delimited(line: &str, second: Option<&str>, expected: &InputFormat) -> Option<WrongFormat> {
    let delimiter = char::from(expected.dialect.delimiter);
    let quote = char::from(expected.dialect.quote);
    let count = |line: &str, delimiter: char| line.split(delimiter).count();
    if count(line, delimiter) < expected.columns.max(2) {
        let other = [';', '\t', '|', ','].into_iter().find(|other| {
            let columns = count(line, *other);
            *other != delimiter
                && columns >= expected.columns.max(2)
                && second.is_none_or(|second| count(second, *other) > 1)
        });
        if let Some(other) = other {
            let (name, option) = match other {
                '\t' => ("tabs".to_owned(), "--format tsv".to_owned()),
                ';' => ("semicolons".to_owned(), "--delimiter ';'".to_owned()),
                '|' => ("vertical bars".to_owned(), "--delimiter '|'".to_owned()),
                other => ("commas".to_owned(), format!("--format csv --delimiter '{other}'")),
            };
            let also = if is_header(line, other, quote) { " --header" } else { "" };
            return wrong(
                format!("text whose columns are separated by {name}"),
                format!("load it with {option}{also}"),
            );
        }
    }
    let is_in = |mark: char| {
        line.split(delimiter).all(|column| column.len() > 1 && column.starts_with(mark) && column.ends_with(mark))
    };
    if quote != '\'' && count(line, delimiter) > 1 && is_in('\'') {
        return wrong(
            "text in single quotes",
            "name them in a mapping file, quote = \"'\" under [input]; --print-mapping prints the mapping that is used",
        );
    }
    if expected.dialect.header || !is_header(line, delimiter, quote) {
        return None;
    }
    let names: Vec<&str> = line.split(delimiter).map(|name| name.trim().trim_matches(quote)).collect();
    let known = expected.slots[..expected.columns].iter().all(|slot| names.contains(&&**slot));
    let found = "a file whose first line is a header";
    match known {
        true => wrong(found, "load it with --header, which takes the columns by their names"),
        false => wrong(
            found,
            "skip it with --skip-rows 1 if the columns are those of the mapping, in their order; else print a mapping to start from: \
             load_logfile --suggest-mapping FILE",
        ),
    }
}

/// Whether a line reads like names of columns: words, all different, no number among them.
pub(crate) fn is_header(line: &str, delimiter: char, quote: char) -> bool {
    let names: Vec<&str> = line.split(delimiter).map(|name| name.trim().trim_matches(quote)).collect();
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || "_-. ()/#:".contains(c))
            && name.chars().count() <= 64
    };
    let all_differ = (1..names.len()).all(|index| !names[..index].contains(&names[index]));
    names.len() > 1 && all_differ && names.iter().all(is_name)
}
