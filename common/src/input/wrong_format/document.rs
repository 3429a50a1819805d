//! Text whose lines are no records in any format: documents, and logs without columns.

use super::{WrongFormat, wrong};
use crate::input::format::Format;

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
