//! Mapping files and formats, through the real binary into real tables.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use aws_sdk_dynamodb::types::{AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType};
use serde_json::{Value, json};
use test_support::lab::{Lab, gzip, without_times};
use test_support::log::{csv, row, rows};
use test_support::program::{Program, eventually};
use test_support::table::with_client;

use crate::{LOADER, lab};

/// Makes a table with these key attributes, each with its type.
fn create_table(url: &str, table: &str, key: &[(&str, &str)]) {
    with_client(url, async |client| {
        let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        for ((name, kind), key_type) in key.iter().zip([KeyType::Hash, KeyType::Range]) {
            let element = KeySchemaElement::builder().attribute_name(*name).key_type(key_type).build().unwrap();
            let definition = AttributeDefinition::builder().attribute_name(*name).attribute_type((*kind).into());
            request = request.key_schema(element).attribute_definitions(definition.build().unwrap());
        }
        request.send().await.unwrap();
    });
    eventually("the table is there", || {
        with_client(url, async |client| {
            let described = client.describe_table().table_name(table).send().await.unwrap();
            described.table.unwrap().table_status.unwrap().as_str() == "ACTIVE"
        })
    });
}

/// The loader with these arguments alone.
fn loader(lab: &Lab, arguments: &[&str]) -> Program {
    Program::new(LOADER).directory(lab.folder()).endpoint(&lab.url()).args(arguments)
}

fn as_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(text) => json!({ "N": text }),
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(as_json).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": json_of(map) }),
        other => panic!("not in these tests: {other:?}"),
    }
}

fn json_of(item: &HashMap<String, AttributeValue>) -> Value {
    item.iter().map(|(name, value)| (name.clone(), as_json(value))).collect::<serde_json::Map<_, _>>().into()
}

/// All items of a table, as JSON in any order.
fn items(url: &str, table: &str) -> Vec<Value> {
    let found = with_client(url, async |client| client.scan().table_name(table).send().await.unwrap());
    let mut items: Vec<_> = found.items().iter().map(json_of).collect();
    items.sort_by_key(Value::to_string);
    items
}

/// An example of docs/mapping.md: files, the command's arguments, and the items.
#[derive(Default)]
struct Example {
    files: BTreeMap<String, String>,
    command: Vec<String>,
    items: Vec<Value>,
}

fn examples(document: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let (_, document) = document.split_once("\n## Examples\n").unwrap();
    for section in document.split("\n### ").skip(1) {
        let mut example = Example::default();
        let parts: Vec<&str> = section.split("```").collect();
        for pair in parts.chunks_exact(2) {
            let (before, (language, body)) = (pair[0], pair[1].split_once('\n').unwrap());
            let name = before.trim_end().rsplit('`').nth(1).map(str::to_owned);
            match language {
                "toml" | "text" => drop(example.files.insert(name.unwrap(), body.to_owned())),
                "bash" => example.command = body.split_whitespace().skip(1).map(str::to_owned).collect(),
                "json" => example.items = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
                other => panic!("{other}"),
            }
        }
        examples.push(example);
    }
    examples
}

#[test]
fn the_examples_of_the_documentation_load_as_they_stand() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mapping.md");
    let examples = examples(&fs::read_to_string(path).unwrap());
    assert_eq!(examples.len(), 5);
    let keys: [&[(&str, &str)]; 5] = [
        &[("PK", "S"), ("SK", "S")],
        &[("order", "N")],
        &[("PK", "S")],
        &[("customer", "S"), ("order", "S")],
        &[("sensor_day", "S"), ("time", "N")],
    ];
    for (mut example, key) in examples.into_iter().zip(keys) {
        let lab = lab();
        example.files.iter().for_each(|(name, text)| drop(lab.file(name, text)));
        let table = example.command[0].clone();
        create_table(&lab.url(), &table, key);
        let arguments: Vec<&str> = example.command.iter().map(String::as_str).collect();
        let run = loader(&lab, &arguments).run();
        run.assert_code(0);
        example.items.sort_by_key(Value::to_string);
        assert_eq!(items(&lab.url(), &table), example.items, "{table}");
        let dry = loader(&lab, &[&arguments[..], &["--dry-run"]].concat()).run();
        dry.assert_code(0);
        assert!(dry.stdout.contains("2 rows read: 2 valid, 0 bad"), "{}", dry.stdout);
    }
}

#[test]
fn a_mapping_for_another_key_is_one_error_of_the_table() {
    let lab = lab();
    lab.file("m.toml", "version = 1\n[input]\ncolumns = [\"id\"]\n[item]\nkey = [\"id\"]\n");
    lab.file("a.csv", "1\n2\n");
    for option in ["--dry-run", "--rejects=bad.csv"] {
        let run = lab.load(&["a.csv", "--mapping", "m.toml", option]);
        run.assert_error(
            1,
            &["the key of table logfile is PK (S), but the key of the items is id (S)", "what to do: "],
        );
    }
    assert!(lab.items().is_empty() && !lab.folder().join("bad.csv").exists());
}

#[test]
fn a_bad_mapping_file_is_reported_with_its_position() {
    let lab = lab();
    lab.file("m.toml", "version = 1\n[input]\ncolumns = [\"id\"]\n[item]\nkey = [\"ID\"]\n");
    let run = lab.load(&["nothing.csv", "--mapping", "m.toml"]);
    run.assert_error(1, &["m.toml:5:8: nothing makes the key ID", "what to do: add a rule for it"]);
}

#[test]
fn a_mapping_is_printed_and_suggested_without_a_table() {
    let lab = lab();
    let printed = loader(&lab, &["--print-mapping"]).run();
    printed.assert_code(0);
    assert!(printed.stdout.contains("GSI_1_PK = \"host#{host}\""), "{}", printed.stdout);
    // The printed mapping is equivalent.
    lab.file("printed.toml", &printed.stdout);
    lab.file("a.csv", csv(&rows(1..=3)));
    lab.load(&["a.csv", "--mapping", "printed.toml"]).assert_code(0);
    assert_eq!(lab.items().len(), 3);
    lab.file("b.csv", "order,price\n1,2.5\n2,3\n");
    let suggested = loader(&lab, &["--suggest-mapping", "b.csv"]).run();
    suggested.assert_code(0);
    for line in ["header = true", "key = [\"order\"]", "# {\"order\":{\"N\":\"1\"},\"price\":{\"N\":\"2.5\"}}"] {
        assert!(suggested.stdout.contains(line), "{line}\n{}", suggested.stdout);
    }
}

const ACCESS_LOG: &str = "203.0.113.7 - - [05/May/2026:09:12:33 -0700] \"GET /a HTTP/1.1\" 200 5 \"-\" \"Mozilla (KHTML, like Gecko)\"\n\
                          203.0.113.8 - - [05/May/2026:23:12:33 -0700] \"GET /b HTTP/1.1\" 500 - \"-\" \"-\"\n";

#[test]
fn real_logs_load_into_the_workshops_table_with_nothing_but_their_format() {
    let lab = lab();
    fs::create_dir(lab.folder().join("logs")).unwrap();
    lab.file("logs/a.log", ACCESS_LOG);
    lab.file("logs/b.log.gz", gzip(ACCESS_LOG.as_bytes()));
    lab.file("logs/.hidden", "not a log");
    let run = lab.load(&["logs", "--format", "access-log", "--first-id", "1000"]);
    assert_eq!(
        (run.code, without_times(&run.stdout).as_str()),
        (Some(0), "RowCount: 4, Total seconds: S\n"),
        "{}",
        run.stderr
    );
    let items = lab.items();
    assert_eq!(
        items.keys().map(String::as_str).collect::<Vec<_>>(),
        ["request#1001", "request#1002", "request#1003", "request#1004"]
    );
    let first = json_of(&items["request#1001"]);
    assert_eq!(
        first,
        json!({
            "PK": {"S": "request#1001"}, "GSI_1_PK": {"S": "host#203.0.113.7"}, "requestid": {"N": "1001"},
            "host": {"S": "203.0.113.7"}, "date": {"S": "2026-05-05"}, "hourofday": {"N": "9"}, "timezone": {"S": "GMT-0700"},
            "method": {"S": "GET"}, "url": {"S": "/a"}, "responsecode": {"N": "200"}, "bytessent": {"N": "5"},
            "useragent": {"S": "Mozilla (KHTML, like Gecko)"},
        })
    );
    let second = &items["request#1004"];
    assert_eq!(second["servererror"].as_s().unwrap(), "5xx");
    assert!(!second.contains_key("bytessent") && !second.contains_key("useragent"));
}

#[test]
fn an_input_of_another_format_is_one_error_also_where_bad_rows_are_collected() {
    let lab = lab();
    let rows = csv(&rows(1..=3));
    let header = "requestid,host,date,hourofday,timezone,method,url,responsecode,bytessent,useragent\n";
    for (name, text, expected) in [
        ("header.csv", [header.as_bytes(), rows.as_bytes()].concat(), "load it with --header"),
        ("semicolons.csv", rows.replace(',', ";").into_bytes(), "load it with --delimiter ';'"),
        ("a.log", ACCESS_LOG.into(), "load it with --format access-log"),
        ("a.zip", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), "unzip -p FILE"),
        ("a.jsonl", b"{\"requestid\":1}\n".to_vec(), "load it with --format jsonl"),
    ] {
        lab.file(name, text);
        for option in ["--rejects=bad.csv", "--dry-run"] {
            let run = lab.load(&[name, option]);
            run.assert_errors(1, 1, &[expected]);
        }
        assert!(!lab.folder().join("bad.csv").exists(), "{name}");
    }
    assert!(lab.items().is_empty());
    // The suggested option helps.
    lab.load(&["header.csv", "--header"]).assert_code(0);
    lab.load(&["semicolons.csv", "--delimiter", ";"]).assert_code(0);
    assert_eq!(lab.items().len(), 3);
}

#[test]
fn rows_that_look_wrong_are_loaded_counted_and_reported_once() {
    let lab = lab();
    let wrong = "1,h,d,1,z,GET,/,200,5,Mozilla (KHTML, like Gecko)\n2,h,d,1,z,GET,\"/a\nb\",200,5,ua\n3,h,d,1,z,GET,\"/a\"b,200,5,ua\n";
    lab.file("a.csv", format!("{wrong}{}", wrong.replace("1,h", "4,h")));
    let run = lab.load(&["a.csv", "--report", "report.json"]);
    run.assert_code(0);
    assert_eq!(run.stderr.matches("warning: ").count(), 3, "{}", run.stderr);
    assert!(run.stderr.contains("warning: a.csv:1: the row has more columns than the mapping"), "{}", run.stderr);
    assert!(run.stderr.contains("2 rows have a quoted field with a line break in it, first a.csv:2"), "{}", run.stderr);
    let report: Value = serde_json::from_str(&lab.read("report.json")).unwrap();
    assert_eq!(
        report["odd_rows"],
        json!([
            {"kind": "extra_columns", "rows": 2, "first": "a.csv:1"},
            {"kind": "line_break_in_quotes", "rows": 2, "first": "a.csv:2"},
            {"kind": "text_behind_quote", "rows": 2, "first": "a.csv:4"},
        ])
    );
    let dry = lab.load(&["a.csv", "--dry-run"]);
    dry.assert_code(0);
    assert!(dry.stdout.contains("2 rows have more columns"), "{}", dry.stdout);
    let strict = lab.load(&["a.csv", "--strict", "--rejects", "bad.csv"]);
    strict.assert_code(3);
    assert!(lab.read("bad.csv.reasons").starts_with("a.csv:1: has more columns than the mapping"));
}

#[test]
fn a_dash_is_no_value_where_the_option_says_so() {
    let lab = lab();
    lab.file("a.csv", row(1).bytes("-").csv());
    lab.load(&["a.csv"])
        .assert_error(1, &["column 9 (bytessent): \"-\" is not an integer; --absent=- takes it as no value"]);
    lab.load(&["a.csv", "--absent=-"]).assert_code(0);
    assert!(!lab.items()["request#1"].contains_key("bytessent"));
}

#[test]
fn a_load_of_a_log_that_names_its_columns_resumes() {
    let lab = lab();
    let text: String = (1..=400).map(|number| format!("{number},h{number}\n")).collect();
    lab.file("m.toml", "version = 1\n[input]\nheader = true\n[item]\nkey = [\"PK\"]\n");
    lab.file("a.csv", format!("PK,host\n{text}bad\n{text}"));
    let arguments = ["a.csv", "--mapping", "m.toml", "--checkpoint", "c"];
    lab.load(&arguments).assert_error(1, &["a.csv:402: has 1 column, and the mapping has 2", "it resumes from here"]);
    lab.file("a.csv", format!("PK,host\n{text}bad,x\n"));
    lab.load(&arguments).assert_code(0);
    assert_eq!(lab.items().len(), 401);
    lab.file("b.csv", "PK,host\n1,a\nbad\n");
    lab.load(&["b.csv", "--mapping", "m.toml", "--checkpoint", "d"]).assert_code(1);
    lab.file("m.toml", "version = 1\n[input]\nheader = true\n[item]\nkey = [\"PK\"]\nempty = \"omit\"\n");
    lab.load(&["b.csv", "--mapping", "m.toml", "--checkpoint", "d"])
        .assert_error(4, &["different load: its mapping is"]);
}
