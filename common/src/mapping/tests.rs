use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::batch_writer::ItemJson;
use crate::input::{Format, RecordError, RecordReader};

/// The items of a text, each as its own attributes and the shared ones, or what is wrong with its record.
fn items(mapping: &Mapping, copies: u32, text: &str) -> Vec<Result<(String, String), String>> {
    let numbering = Numbering::of_copies(Copies { count: copies, ..mapping.copies() }).unwrap_or(Numbering::AS_IN_FILE);
    let mut mapper = Mapper::new(mapping, numbering, 0, "logs/a.csv");
    let mut reader = RecordReader::new(text.as_bytes(), mapping.input());
    let mut items = Vec::new();
    let mut number = 0;
    while let Some(record) = reader.next_record() {
        let record = record.unwrap();
        let mut shared = ItemJson::new();
        let make = || -> Result<Vec<_>, RecordError> {
            let fields = record.fields?;
            mapper.begin(number, record.raw, fields)?;
            mapper.write_shared(fields, &mut shared)?;
            let own = (0..copies).map(|copy| {
                let mut own = ItemJson::keyed(mapping.key_schema());
                mapper.write_own(fields, copy, &mut own)?;
                assert!(own.key().is_some());
                Ok(own)
            });
            own.collect()
        };
        let made = make();
        number += 1;
        let text = |json: &ItemJson| String::from_utf8(json.json().to_vec()).unwrap();
        match made {
            Ok(own) => items.extend(own.iter().map(|own| Ok((text(own), text(&shared))))),
            Err(error) => items.push(Err(error.to_string())),
        }
    }
    items
}

/// The same as JSON.
fn json_items(toml: &str, text: &str) -> Vec<Result<Value, String>> {
    let mapping = Mapping::parse("test.toml", toml, &Overrides::default()).unwrap();
    let whole = |item: Result<(String, String), String>| {
        item.map(|(own, shared)| {
            let all = [own, shared].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",");
            serde_json::from_str(&format!("{{{all}}}")).unwrap()
        })
    };
    items(&mapping, 1, text).into_iter().map(whole).collect()
}

const ROW: &str = "007,10.0.0.1,2017-07-20,01,GMT-0700,GET,\"/a,\"\"b\"\"\",500,+5,Mozilla\n";
const COLUMNS: &str = r#""date":{"S":"2017-07-20"},"hourofday":{"N":"1"},"timezone":{"S":"GMT-0700"},"method":{"S":"GET"},"url":{"S":"/a,\"b\""},"responsecode":{"N":"500"},"bytessent":{"N":"5"},"useragent":{"S":"Mozilla"}"#;

#[test]
fn the_workshops_items_are_those_of_its_scripts_to_the_byte() {
    let made = |built_in: BuiltIn, copies| items(&built_in.mapping(&Overrides::default()), copies, ROW);
    assert_eq!(
        made(BuiltIn::Sequential, 1),
        [Ok((
            r#""PK":{"S":"request#7"},"requestid":{"N":"7"}"#.to_owned(),
            format!(
                r#""GSI_1_PK":{{"S":"host#10.0.0.1"}},"host":{{"S":"10.0.0.1"}},{COLUMNS},"servererror":{{"S":"5xx"}}"#
            ),
        ))]
    );
    let shared = format!(r#""GSI_1_SK":{{"S":"500#2017-07-20#01"}},"host":{{"S":"10.0.0.1"}},{COLUMNS}"#);
    assert_eq!(
        made(BuiltIn::Parallel, 2),
        [
            Ok((
                r#""PK":{"S":"request#7"},"requestid":{"N":"7"},"GSI_1_PK":{"S":"shard#8"}"#.to_owned(),
                shared.clone()
            )),
            Ok((r#""PK":{"S":"request#2007"},"requestid":{"N":"2007"},"GSI_1_PK":{"S":"shard#8"}"#.to_owned(), shared)),
        ]
    );
    assert_eq!(
        made(BuiltIn::ParallelHost, 1),
        [Ok((
            r#""PK":{"S":"request#7"},"requestid":{"N":"7"}"#.to_owned(),
            format!(r#""GSI_1_PK":{{"S":"host#10.0.0.1"}},"host":{{"S":"10.0.0.1"}},{COLUMNS}"#),
        ))]
    );
    assert_eq!(BuiltIn::parallel("logfile_gsi_low"), BuiltIn::ParallelHost);
    assert_eq!(BuiltIn::parallel("arn:aws:dynamodb:eu-west-1:1:table/logfile_gsi_low"), BuiltIn::ParallelHost);
    assert_eq!(BuiltIn::parallel("logfile"), BuiltIn::Parallel);
}

#[test]
fn bad_rows_of_the_workshops_layout_are_said_with_column_and_value() {
    let made = |row: &str| items(&BuiltIn::Sequential.mapping(&Overrides::default()), 1, row).remove(0).unwrap_err();
    assert_eq!(made("1,h,d,20,z,G,/,abc,5,ua"), "column 8 (responsecode): \"abc\" is not an integer");
    assert!(made("1,h,d").starts_with("has 3 columns, and the mapping has 10 (requestid, host,"));
    assert!(made("1,h,d,1,z,G,/,200,-,ua").contains("--absent=- takes it as no value"));
    let long = "h".repeat(2044);
    assert_eq!(
        made(&format!("1,{long},d,1,z,G,/,200,5,ua")),
        "column 2 (host): the key GSI_1_PK made from it has 2049 bytes, and DynamoDB accepts at most 2048"
    );
    let parallel = BuiltIn::Parallel.mapping(&Overrides::default());
    let date = "d".repeat(1018);
    let error = items(&parallel, 1, &format!("1,h,{date},01,z,G,/,200,5,ua")).remove(0).unwrap_err();
    assert_eq!(
        error,
        "column 3 (date): the key GSI_1_SK made from it has 1025 bytes, and DynamoDB accepts at most 1024"
    );
    let error = items(&parallel, 2, &format!("{},h,d,01,z,G,/,200,5,ua", "9".repeat(38))).remove(0).unwrap_err();
    assert!(error.starts_with("column 1 (requestid): its copies' ids have more than 38 digits"), "{error}");
    // Python: -3 % 10 + 1 == 8
    let negative = items(&parallel, 1, "-3,h,d,01,z,G,/,200,5,ua").remove(0).unwrap();
    assert!(negative.0.contains("shard#8"), "{}", negative.0);
}

#[test]
fn every_built_in_mapping_is_a_mapping_file() {
    for built_in in [BuiltIn::Sequential, BuiltIn::Parallel, BuiltIn::ParallelHost] {
        for format in Format::ALL {
            let overrides = Overrides { format: Some(format), ..Overrides::default() };
            let mapping = built_in.mapping(&overrides);
            assert_eq!(mapping.key_schema(), KeySchema::partition("PK"));
            assert_eq!(mapping.input().format, format);
            let again = Mapping::parse("printed.toml", mapping.text(), &overrides).unwrap();
            assert_eq!(again.fingerprint(), mapping.fingerprint());
        }
    }
}

#[test]
fn a_real_access_log_becomes_the_workshops_items() {
    let overrides = Overrides { format: Some(Format::AccessLog), first_id: 100, ..Overrides::default() };
    let log = "203.0.113.7:80 - - [05/May/2026:09:12:33 -0700] \"GET /a HTTP/1.1\" 200 - \"-\" \"Mozilla \\\"x\\\"\"\n";
    let made = items(&BuiltIn::Parallel.mapping(&overrides), 1, log).remove(0).unwrap();
    assert_eq!(made.0, r#""PK":{"S":"request#101"},"requestid":{"N":"101"},"GSI_1_PK":{"S":"shard#2"}"#);
    assert_eq!(
        made.1,
        r#""GSI_1_SK":{"S":"200#2026-05-05#09"},"host":{"S":"203.0.113.7"},"date":{"S":"2026-05-05"},"hourofday":{"N":"9"},"timezone":{"S":"GMT-0700"},"method":{"S":"GET"},"url":{"S":"/a"},"responsecode":{"N":"200"},"useragent":{"S":"Mozilla \"x\""}"#
    );
}

const TYPES: &str = r#"
version = 1
[input]
columns = ["id", "n", "flag", "seen", "tags", "body", "note"]
[columns]
id = "integer"
n = { type = "number", absent = ["-", "n/a"] }
flag = { type = "boolean", absent = ["?"], default = false }
seen = { type = "timestamp", format = "%d/%b/%Y:%H:%M:%S %z" }
tags = "json"
body = "binary"
[computed]
minute = "{seen:%H:%M}"
[item]
key = ["PK", "SK"]
empty = "omit"
columns = ["n", "flag", "seen", "tags", "body", "note", "minute"]
[item.attributes]
PK = "{{x}}#{id * 2 - 1}"
SK = "{seen}"
mod = "{id % 7}"
negative = "{(id - 100) % 7}"
expires = { value = "{seen + 30d}", type = "number" }
source = "{file}:{record}"
hash = "{row_hash}"
big = { value = "yes", when = "n > 10.5 and not (note == 'x' or note is absent)" }
old = { value = "yes", when = "seen < '2026-05-05T00:00:00Z'" }
"#;

#[test]
fn all_types_expressions_and_conditions() {
    let made = json_items(
        TYPES,
        "3,12.50,TRUE,05/May/2026:09:12:33 -0700,\"{\"\"a\"\":[1,2.50,null]}\",AP8=,hello\n\
         3,-,?,04/May/2026:09:12:33 +0000,[],,\n",
    );
    let first = made[0].as_ref().unwrap();
    assert_eq!(first["hash"]["S"].as_str().unwrap().len(), 32);
    let mut first = first.clone();
    first.as_object_mut().unwrap().remove("hash");
    assert_eq!(
        first,
        json!({
            "PK": {"S": "{x}#5"}, "SK": {"S": "2026-05-05T16:12:33Z"}, "mod": {"N": "3"}, "negative": {"N": "1"},
            "expires": {"N": "1780589553"}, "source": {"S": "a.csv:1"}, "n": {"N": "12.50"}, "flag": {"BOOL": true},
            "seen": {"S": "2026-05-05T16:12:33Z"}, "tags": {"M": {"a": {"L": [{"N": "1"}, {"N": "2.50"}, {"NULL": true}]}}},
            "body": {"B": "AP8="}, "note": {"S": "hello"}, "minute": {"S": "09:12"}, "big": {"S": "yes"},
        })
    );
    let second = made[1].as_ref().unwrap();
    assert_eq!(
        (&second["flag"], &second["old"], &second["tags"]),
        (&json!({"BOOL": false}), &json!({"S": "yes"}), &json!({"L": []}))
    );
    for absent in ["n", "body", "note", "big"] {
        assert!(second.get(absent).is_none(), "{absent}: {second}");
    }
}

#[test]
fn values_that_are_not_of_their_type_are_said() {
    let made = json_items(
        TYPES,
        "3,12.5.0,true,05/May/2026:09:12:33 -0700,[],,\n3,1,maybe,05/May/2026:09:12:33 -0700,[],,\n\
         3,1,true,yesterday,[],,\n3,1,true,05/May/2026:09:12:33 -0700,[,,\n3,1,true,05/May/2026:09:12:33 -0700,[],!,\n",
    );
    let errors: Vec<_> = made.into_iter().map(Result::unwrap_err).collect();
    for (error, words) in errors.iter().zip([
        "column 2 (n): \"12.5.0\" is not a number",
        "column 3 (flag): \"maybe\" is not a boolean",
        "column 4 (seen): \"yesterday\" is not a timestamp of the format %d/%b/%Y:%H:%M:%S %z",
        "column 5 (tags): \"[\" is not JSON",
        "column 6 (body): \"!\" is not Base64",
    ]) {
        assert!(error.starts_with(words), "{error}");
    }
    assert_eq!(errors.len(), 5);
}

#[test]
fn empty_texts_are_kept_left_out_made_null_or_refused() {
    let toml = |empty: &str| {
        format!(
            "version = 1\n[input]\ncolumns = [\"id\", \"note\"]\n[item]\nkey = [\"id\"]\nempty = \"{empty}\"\ncolumns = \"all\"\n"
        )
    };
    assert_eq!(json_items(&toml("keep"), "a,\n")[0], Ok(json!({"id": {"S": "a"}, "note": {"S": ""}})));
    assert_eq!(json_items(&toml("omit"), "a,\n")[0], Ok(json!({"id": {"S": "a"}})));
    assert_eq!(json_items(&toml("null"), "a,\n")[0], Ok(json!({"id": {"S": "a"}, "note": {"NULL": true}})));
    assert_eq!(
        json_items(&toml("reject"), "a,\n")[0],
        Err("the attribute note is empty (empty = \"reject\")".to_owned())
    );
    assert_eq!(
        json_items(&toml("keep"), "\"\",x\n")[0],
        Err("the key id is empty, and DynamoDB accepts no empty key".to_owned())
    );
}

#[test]
fn json_keeps_its_types_and_all_members_become_attributes() {
    let toml = "version = 1\n[input]\nformat = \"jsonl\"\n[item]\nkey = [\"id\"]\n[item.attributes]\nuser = \"user#{who.id}\"\n";
    let made = json_items(
        toml,
        "{\"id\":1,\"who\":{\"id\":7,\"a\":[true]},\"x\":12345678901234567890.5,\"user\":\"not this\",\"n\":null}\n{\"x\":1}\n{\"id\":[1]}\n",
    );
    assert_eq!(
        made[0],
        Ok(json!({
            "id": {"N": "1"}, "user": {"S": "user#7"}, "who": {"M": {"id": {"N": "7"}, "a": {"L": [{"BOOL": true}]}}},
            "x": {"N": "12345678901234567890.5"}, "n": {"NULL": true},
        }))
    );
    assert_eq!(made[1], Err("has no column id, of which the key id is made".to_owned()));
    assert!(made[2].as_ref().unwrap_err().contains("neither a string nor a number"), "{:?}", made[2]);
}

#[test]
fn a_dynamodb_export_keeps_every_type() {
    let toml = "version = 1\n[input]\nformat = \"dynamodb-json\"\n[item]\nkey = [\"PK\"]\n";
    let item = json!({"PK": {"S": "a"}, "n": {"N": "1.50"}, "b": {"B": "AP8="}, "ss": {"SS": ["x"]}, "ns": {"NS": ["1"]},
        "bs": {"BS": ["AQ=="]}, "m": {"M": {"l": {"L": [{"BOOL": true}, {"NULL": true}]}}}, "e": {"S": ""}});
    assert_eq!(json_items(toml, &json!({"Item": item}).to_string())[0], Ok(item));
}

/// A mapping that is right but for what is changed in it.
const GOOD: &str = r#"version = 1

[input]
format = "csv"
columns = ["id", "host", "code", "seen"]

[columns]
id = "integer"
code = { type = "integer", absent = ["-"] }
seen = { type = "timestamp", format = "%Y-%m-%d %H:%M:%S" }

[item]
key = ["PK"]
columns = "all"

[item.attributes]
PK = "host#{host}#{id % 10}"
late = { value = "yes", when = "code >= 500" }
expires = { value = "{seen + 30d}", type = "number" }

[copies]
column = "id"
count = 1
"#;

#[test]
fn bad_mapping_files_are_said_with_line_and_column_and_what_to_do() {
    assert!(Mapping::parse("m.toml", GOOD, &Overrides::default()).is_ok());
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        ("version = 1", "version = 2", "m.toml:1:11: this version of mapping files is not known; write version = 1"),
        ("version = 1", "", "m.toml:1:1: the file has no version; begin it with: version = 1"),
        ("[item]\n", "[items]\n", "m.toml:12:2: the key \"items\" is not known; a mapping has version, input, columns"),
        ("format = \"csv\"", "format = \"csv", "m.toml:4:"),
        (
            "format = \"csv\"",
            "format = \"xls\"",
            "m.toml:4:10: the format \"xls\" is not known; expected one of csv, tsv",
        ),
        ("format = \"csv\"", "format = \"alb\"", "m.toml:5:11: columns means nothing in the format alb; remove it"),
        (
            "format = \"csv\"",
            "delimiter = \"ab\"",
            "m.toml:4:13: delimiter is not one ASCII character; write one such as",
        ),
        (
            "columns = [\"id\"",
            "colums = [\"id\"",
            "m.toml:5:1: the key \"colums\" is not known; [input] has format, header",
        ),
        ("\"host\", \"code\"", "\"host\", \"host\"", "m.toml:5:26: the column \"host\" is there twice; rename one"),
        ("id = \"integer\"", "id = \"int\"", "m.toml:8:6: the type \"int\" is not known; write one of string, integer"),
        (
            "id = \"integer\"",
            "ident = \"integer\"",
            "m.toml:8:1: there is no column \"ident\"; the columns are id, host, code",
        ),
        ("absent = [\"-\"]", "absent = \"-\"", "m.toml:9:37: absent is a text; write a list such as"),
        (
            "absent = [\"-\"]",
            "default = \"x\"",
            "m.toml:9:38: the default \"x\" is not an integer; write a value of the type",
        ),
        ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %i", "m.toml:10:39: the format \"%Y-%m-%d %i\": "),
        (
            "key = [\"PK\"]",
            "key = [\"ID\"]",
            "m.toml:13:8: nothing makes the key ID; add a rule for it under [item.attributes]",
        ),
        (
            "key = [\"PK\"]",
            "key = [\"code\"]",
            "m.toml:13:8: the key code needs the column \"code\", which can be absent; give",
        ),
        (
            "key = [\"PK\"]",
            "key = [\"late\"]",
            "m.toml:13:8: the key late is made only of some records; leave out its when",
        ),
        ("key = [\"PK\"]", "key = []", "m.toml:13:7: a table's key is one attribute or two; write the partition key"),
        (
            "columns = \"all\"",
            "columns = \"most\"",
            "m.toml:14:11: columns is \"most\"; write all, none, or a list of columns",
        ),
        ("columns = \"all\"", "empty = \"drop\"", "m.toml:14:9: empty is \"drop\"; write keep, omit, null or reject"),
        ("{host}", "{hots}", "m.toml:17:13: there is no column \"hots\"; the columns are id, host"),
        ("{host}", "{host", "m.toml:17:12: { is not closed; close it with }"),
        (
            "{id % 10}",
            "{host % 10}",
            "m.toml:17:19: the column \"host\" is of type string, and arithmetic is of integers; give",
        ),
        ("{id % 10}", "{id % 0}", "m.toml:17:23: this divides by zero; write another number behind %"),
        ("{id % 10}", "{id / 10}", "m.toml:17:23: '/' is not expected here; write + - * % in braces"),
        ("code >= 500", "code >= '500'", "m.toml:18:33: a number is compared with a string; put texts in quotes"),
        ("code >= 500", "code = 500", "m.toml:18:38: '=' is not expected here; write + - * % in braces, and == !="),
        ("code >= 500", "code >=", "m.toml:18:33: something is missing at its end; write column == value"),
        ("{seen + 30d}", "{seen + 30x}", "m.toml:19:30: \"x\" is no unit of time; write 30s, 15m, 12h, 30d or 2w"),
        (
            "{seen + 30d}",
            "{id + 30d}",
            "m.toml:19:22: the column \"id\" is of type integer, and a duration is of timestamps; give",
        ),
        (
            "type = \"number\"",
            "type = \"boolean\"",
            "m.toml:19:44: a value of type timestamp cannot be made a boolean; leave",
        ),
        (
            "column = \"id\"",
            "column = \"host\"",
            "m.toml:22:10: copies are numbered by \"host\", which is no integer; give it",
        ),
        ("count = 1", "count = 0", "m.toml:23:9: count is out of range; write a number from 1 on"),
        ("count = 1", "count = 5", "m.toml:22:10: all copies of a row have the same id; write per_copy: how far apart"),
        ("#{id % 10}\"", "\"\nx = 1", "m.toml:18:5: x is a whole number; write a text in quotes, or a table in braces"),
        (
            "id = \"integer\"",
            "id = \"integer\"\nid = \"number\"",
            "m.toml:9:1: id is there twice; remove one of the two",
        ),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let error = Mapping::parse("m.toml", &text, &Overrides::default()).unwrap_err().to_string();
        if !error.starts_with(expected) {
            wrong.push(format!("{from} -> {to}\n found {error}\nwanted {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let copies = GOOD.replace("count = 1", "count = 5\nper_copy = 10").replace("#{id % 10}", "");
    let error = Mapping::parse("m.toml", &copies, &Overrides::default()).unwrap_err().to_string();
    assert!(error.contains("m.toml:22:10: the copies of a row have the same key"), "{error}");
    let missing = Mapping::open(Path::new("/no/such/file.toml"), &Overrides::default()).unwrap_err().to_string();
    assert!(missing.starts_with("/no/such/file.toml: it cannot be read: No such file"), "{missing}");
}

#[test]
fn a_table_with_other_keys_is_one_error() {
    use crate::tables::{self, TableDescription};
    let mapping = BuiltIn::Sequential.mapping(&Overrides::default());
    let table = TableDescription::of_definition(tables::table("logfile").unwrap());
    assert_eq!(mapping.mismatch(&table), None);
    let mut other = table.clone();
    other.key[0].attribute = "id".to_owned();
    let found = Mismatch::Key { found: "id (S)".to_owned(), expected: "PK (S)".to_owned() };
    assert_eq!(mapping.mismatch(&other), Some(found));
    let mut other = table.clone();
    other.indexes[0].key[0].attribute = "responsecode".to_owned();
    assert!(
        matches!(mapping.mismatch(&other), Some(Mismatch::IndexKey { attribute, .. }) if attribute == "responsecode")
    );
    let sorted = Mapping::parse("t.toml", TYPES, &Overrides::default()).unwrap();
    assert!(
        matches!(sorted.mismatch(&table), Some(Mismatch::Key { expected, .. }) if expected == "PK (S), SK (S) range")
    );
}

#[test]
fn a_mapping_is_suggested_for_what_is_there() {
    let suggested = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let mapping = suggest(&crate::input::Source::new(file.path().to_str().unwrap()), None).unwrap();
        assert!(Mapping::parse("s.toml", &mapping, &Overrides::default()).is_ok(), "{mapping}");
        mapping
    };
    let csv =
        suggested("order;price;shipped;zip\n1001;9.50;2026-05-05 10:00:00;01234\n1002;-;2026-05-06 11:00:00;98765\n");
    for line in [
        "delimiter = \";\"",
        "header = true",
        "order = \"integer\"",
        "price = { type = \"number\", absent = [\"-\"] }",
        "shipped = { type = \"timestamp\", format = \"%Y-%m-%d %H:%M:%S\" }",
        "key = [\"order\"]",
        "# {\"order\":{\"N\":\"1001\"},\"price\":{\"N\":\"9.50\"}",
    ] {
        assert!(csv.contains(line), "{line}\n{csv}");
    }
    assert!(!csv.contains("zip ="), "a code with a leading zero is text: {csv}");
    assert!(suggested("{\"a\":1}\n{\"a\":1}\n").contains("PK = \"{row_hash}\""));
    let log = "203.0.113.7 - - [05/May/2026:09:12:33 -0700] \"GET /a HTTP/1.1\" 200 5 \"-\" \"x\"\n";
    assert!(suggested(log).contains("format = \"access-log\""));
}

#[test]
fn texts_of_json_stay_texts_in_a_suggestion_and_documents_are_no_records() {
    let suggested = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        suggest(&crate::input::Source::new(file.path().to_str().unwrap()), None)
    };
    let mapping = suggested(
        "{\"id\":\"1\",\"n\":1.5,\"t\":\"2026-05-05T10:00:00Z\"}\n{\"id\":\"2\",\"n\":2,\"t\":\"2026-05-06T10:00:00Z\"}\n",
    );
    let mapping = mapping.unwrap();
    assert!(!mapping.contains("id = \"integer\"") && mapping.contains("n = \"number\""), "{mapping}");
    assert!(mapping.contains("t = \"timestamp\"") && mapping.contains("{\"id\":{\"S\":\"1\"}"), "{mapping}");
    for (text, words) in [
        ("[{\"id\":1},\n{\"id\":2}]\n", "jq -c '.[]'"),
        ("{\n\"id\":1\n}\n", "over several lines"),
        ("{\"Items\":[{\"id\":{\"S\":\"1\"}}]}\n", "aws dynamodb scan"),
        ("<html>\n", "HTML"),
    ] {
        let error = suggested(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

proptest! {
    /// Whatever the text, a mapping file is read or refused with its place.
    #[test]
    fn no_text_makes_the_mapping_panic(
        text in ".{0,200}",
        value in "[a-z{}:%+\\- *0-9'`()=<>#]{0,30}",
        condition in "(id|host|and|or|not|is|absent|==|<|5|'x'|\\(|\\)| ){0,10}",
    ) {
        let _ = Mapping::parse("m.toml", &text, &Overrides::default());
        let quoted = |text: &str| Value::from(text).to_string();
        for changed in [
            GOOD.replace("\"host#{host}#{id % 10}\"", &quoted(&value)),
            GOOD.replace("\"code >= 500\"", &quoted(&condition)),
        ] {
            if let Err(error) = Mapping::parse("m.toml", &changed, &Overrides::default()) {
                prop_assert!(error.place.is_some(), "{}", error);
            }
        }
    }
}
