//! A table whose keys differ from the mapping's, for a user who may not describe it: one error of the table, not one
//! for each row.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use test_support::lab::Lab;
use test_support::log::{csv, rows};
use test_support::program::{Program, eventually};
use test_support::proxy::Proxy;
use test_support::table::{count, with_client};

use crate::{LOADER, lab};

type Attribute<'a> = (&'a str, ScalarAttributeType);

/// A table with this key, and an index with that one.
fn create(lab: &Lab, table: &str, key: &Attribute<'_>, index_key: Option<&Attribute<'_>>) {
    let element =
        |name: &str| KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash).build().unwrap();
    with_client(&lab.url(), async |client| {
        let mut request = client.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
        request = request.key_schema(element(key.0));
        for (name, kind) in [Some(key), index_key].into_iter().flatten() {
            let definition = AttributeDefinition::builder().attribute_name(*name).attribute_type(kind.clone());
            request = request.attribute_definitions(definition.build().unwrap());
        }
        if let Some((name, _)) = index_key {
            let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
            let index =
                GlobalSecondaryIndex::builder().index_name("by_code").key_schema(element(name)).projection(projection);
            request = request.global_secondary_indexes(index.build().unwrap());
        }
        request.send().await.unwrap();
    });
    eventually("the table is there", || {
        with_client(&lab.url(), async |client| {
            let described = client.describe_table().table_name(table).send().await.unwrap();
            described.table.unwrap().table_status.unwrap().as_str() == "ACTIVE"
        })
    });
}

fn load(lab: &Lab, proxy: &Proxy, arguments: &[&str]) -> test_support::program::Run {
    Program::new(LOADER).directory(lab.folder()).endpoint(&proxy.url()).args(arguments).run()
}

#[test]
fn other_keys_are_one_error_of_the_table_and_nothing_is_divided() {
    use ScalarAttributeType::{N, S};
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=60)));
    create(&lab, "other_name", &("id", S), None);
    create(&lab, "other_type", &("PK", N), None);
    create(&lab, "index_type", &("PK", S), Some(&("responsecode", S)));
    for table in ["other_name", "other_type", "index_type"] {
        let proxy = Proxy::denying(&lab.url(), "DescribeTable");
        let run = load(&lab, &proxy, &[table, "log.csv", "--rejects", "bad.csv"]);
        run.assert_error(
            1,
            &[
                "the items do not have the keys of the table",
                "(ValidationException)",
                "compare the table's key",
                "--print-mapping",
                "60 rows read = 0 written + 0 rejected + 60 not written",
            ],
        );
        assert_eq!(proxy.calls(), 1, "{table}: nothing is divided");
        assert!(!lab.folder().join("bad.csv").exists(), "{table}: no row is rejected");
        assert_eq!(count(&lab.url(), table), 0);
    }
}

const MAPPING: &str = "version = 1\n[input]\nformat = \"jsonl\"\n[item]\nkey = [\"PK\"]\n";

#[test]
fn a_key_of_another_type_in_one_json_record_is_an_error_of_that_record() {
    let lab = lab();
    create(&lab, "tab", &("PK", ScalarAttributeType::S), None);
    lab.file("m.toml", MAPPING);
    let record = |number: u32| match number {
        7 | 90 => format!("{{\"PK\":{number}}}\n"),
        number => format!("{{\"PK\":\"{number}\"}}\n"),
    };
    lab.file("a.jsonl", (1..=120).map(record).collect::<String>());
    let proxy = Proxy::denying(&lab.url(), "DescribeTable");
    let run = load(&lab, &proxy, &["tab", "a.jsonl", "--mapping", "m.toml", "--rejects", "bad.jsonl"]);
    run.assert_code(3);
    assert_eq!(count(&lab.url(), "tab"), 118);
    let rejected: BTreeSet<_> = lab.read("bad.jsonl").lines().map(str::to_owned).collect();
    assert_eq!(rejected, BTreeSet::from(["{\"PK\":7}".to_owned(), "{\"PK\":90}".to_owned()]));
}

#[test]
fn a_table_that_accepts_none_of_the_json_records_ends_the_load() {
    let lab = lab();
    create(&lab, "tab", &("PK", ScalarAttributeType::S), None);
    lab.file("m.toml", MAPPING);
    lab.file("a.jsonl", (1..=5000).map(|number| format!("{{\"PK\":{number}}}\n")).collect::<String>());
    let proxy = Proxy::denying(&lab.url(), "DescribeTable");
    let run = load(&lab, &proxy, &["tab", "a.jsonl", "--mapping", "m.toml", "--rejects", "bad.jsonl"]);
    run.assert_error(1, &["the items do not have the keys of the table", "compare the table's key", "0 rejected"]);
    assert_eq!(proxy.calls(), 1, "nothing is divided");
    assert!(!lab.folder().join("bad.jsonl").exists(), "no record is rejected");
    // Declared in the mapping, the type is known from the start.
    lab.file("m.toml", format!("{MAPPING}[columns]\nPK = \"integer\"\n"));
    let run = load(&lab, &proxy, &["tab", "a.jsonl", "--mapping", "m.toml", "--rejects", "none.jsonl"]);
    run.assert_error(1, &["the items do not have the keys of the table", "0 rejected"]);
}

fn json_keys(keys: impl IntoIterator<Item = &'static str>) -> String {
    keys.into_iter().map(|key| format!("{{\"PK\":{key}}}\n")).collect()
}

#[test]
fn a_table_with_keys_of_another_type_than_all_json_records_is_one_error_before_anything_is_sent() {
    let lab = lab();
    create(&lab, "tab", &("PK", ScalarAttributeType::S), None);
    lab.file("m.toml", MAPPING);
    lab.file("many.jsonl", json_keys(["7"; 60]));
    lab.file("one.jsonl", json_keys(["7"]));
    let proxy = Proxy::start(&lab.url(), |_, _| test_support::fault::Fault::None);
    for (name, read, rows) in [("many.jsonl", 25, "25 rows"), ("one.jsonl", 1, "1 row")] {
        let not_written = format!("{rows} read = 0 written + 0 rejected + {read} not written");
        for rejects in [&["--rejects", "bad"][..], &[]] {
            let run = load(&lab, &proxy, &[&["tab", name, "--mapping", "m.toml"], rejects].concat());
            run.assert_error(
                1,
                &[
                    "the key of table tab is PK (S), but the key of the items is PK (N)",
                    "what to do: check the table's name",
                    &not_written,
                ],
            );
        }
        assert!(!lab.folder().join("bad").exists(), "no row is rejected");
        let run = load(&lab, &proxy, &["tab", name, "--mapping", "m.toml", "--dry-run"]);
        run.assert_error(1, &["the key of table tab is PK (S), but the key of the items is PK (N)"]);
    }
    assert_eq!(proxy.calls(), 0, "no BatchWriteItem");
}

#[test]
fn a_json_record_whose_key_type_differs_from_the_others_is_a_bad_row_wherever_it_stands() {
    let lab = lab();
    create(&lab, "tab", &("PK", ScalarAttributeType::S), None);
    lab.file("m.toml", MAPPING);
    let keys = ["1", "2", "\"a\"", "3", "\"b\"", "4"];
    lab.file("a.jsonl", json_keys(keys));
    let proxy = Proxy::start(&lab.url(), |_, _| test_support::fault::Fault::None);
    let run = load(&lab, &proxy, &["tab", "a.jsonl", "--mapping", "m.toml", "--rejects", "bad"]);
    run.assert_code(3);
    assert_eq!(lab.read("bad"), json_keys(["1", "2", "3", "4"]));
    let reasons = lab.read("bad.reasons");
    assert!(reasons.starts_with("a.jsonl:1: the key PK is of type N, and the table's is of type S"), "{reasons}");
    assert_eq!((count(&lab.url(), "tab"), proxy.calls()), (2, 1), "they are not sent");
    let run = load(&lab, &proxy, &["tab", "a.jsonl", "--mapping", "m.toml", "--dry-run"]);
    assert!(run.stdout.contains("6 rows read: 2 valid, 4 bad"), "{}", run.stdout);
    // Without a file for bad rows, the first one ends the load.
    let run = load(&lab, &proxy, &["tab", "a.jsonl", "--mapping", "m.toml"]);
    run.assert_error(1, &["a.jsonl:1: the key PK is of type N", "1 rejected"]);
}
