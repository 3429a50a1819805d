//! A table with other keys than the mapping, for a user who may not describe it: an error of the table, never of each row.

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
    run.assert_error(1, &["the items do not have the keys of the table", "compare the table's key"]);
    let rejected = lab.read("bad.jsonl").lines().count();
    assert!(rejected < 100, "{rejected} rows are rejected");
    // Declared in the mapping, the type is known from the start.
    lab.file("m.toml", format!("{MAPPING}[columns]\nPK = \"integer\"\n"));
    let run = load(&lab, &proxy, &["tab", "a.jsonl", "--mapping", "m.toml", "--rejects", "none.jsonl"]);
    run.assert_error(1, &["the items do not have the keys of the table", "0 rejected"]);
}
