//! The AWS SDK for Rust against a server in this process.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate, IndexStatus, KeySchemaElement,
    KeyType, Projection, ProjectionType, ProvisionedThroughput, PutRequest, ScalarAttributeType, TableDescription,
    TableStatus, UpdateGlobalSecondaryIndexAction, WriteRequest,
};
use local_dynamodb::{LocalDynamoDb, Options};
use support::{client, create_table, item, s, server};

#[tokio::test]
async fn items_are_written_and_read_back() {
    let server = server();
    let client = client(&server.url());
    create_table(&client, "logfile").await;

    let first = item(&[("PK", "request#1"), ("GSI_1_PK", "host#a"), ("bytessent", "7"), ("url", "/ü \"x\"")]);
    client.put_item().table_name("logfile").set_item(Some(first.clone())).send().await.unwrap();
    let read = client.get_item().table_name("logfile").key("PK", s("request#1")).send().await.unwrap();
    assert_eq!(read.item, Some(first));

    let write = |n: usize| {
        let item = item(&[("PK", &format!("request#{n}")), ("GSI_1_PK", "host#b"), ("url", "/")]);
        WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
    };
    let batch = (2..=26).map(write).collect();
    let wrote = client.batch_write_item().request_items("logfile", batch).send().await.unwrap();
    assert!(wrote.unprocessed_items.unwrap_or_default().is_empty());

    let scanned = client.scan().table_name("logfile").send().await.unwrap();
    assert_eq!(scanned.count, 26);

    let query = client.query().table_name("logfile").index_name("GSI_1").key_condition_expression("GSI_1_PK = :host");
    let found = query.expression_attribute_values(":host", s("host#a")).send().await.unwrap();
    assert_eq!(found.items(), [item(&[("PK", "request#1"), ("GSI_1_PK", "host#a"), ("bytessent", "7")])]);
}

#[tokio::test]
async fn a_new_table_is_active_and_shows_its_capacity() {
    let server = server();
    let client = client(&server.url());
    create_table(&client, "logfile").await;
    client
        .put_item()
        .table_name("logfile")
        .set_item(Some(item(&[("PK", "a"), ("GSI_1_PK", "b")])))
        .send()
        .await
        .unwrap();

    let table = client.describe_table().table_name("logfile").send().await.unwrap().table.unwrap();
    assert_eq!(table.table_status, Some(TableStatus::Active));
    assert_eq!((table.item_count, table.table_size_bytes), (Some(1), Some(12)));
    let throughput = table.provisioned_throughput().unwrap();
    assert_eq!((throughput.read_capacity_units, throughput.write_capacity_units), (Some(5), Some(5)));
    let [index] = table.global_secondary_indexes() else { panic!("one index") };
    assert_eq!(index.index_status, Some(IndexStatus::Active));
    let throughput = index.provisioned_throughput().unwrap();
    assert_eq!((throughput.read_capacity_units, throughput.write_capacity_units), (Some(3), Some(3)));
    assert_eq!(index.item_count, Some(1));
}

/// The engine alone forgets what UpdateTable says of an index.
#[tokio::test]
async fn the_capacity_of_an_index_can_be_changed_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { db_path: Some(folder.path().join("lab.db")), throttle: false, ..Options::default() };
    let server = LocalDynamoDb::start(&options).unwrap();
    let first = client(&server.url());
    create_table(&first, "logfile").await;
    let throughput = |units| {
        ProvisionedThroughput::builder().read_capacity_units(units).write_capacity_units(units + 1).build().unwrap()
    };
    let raise = UpdateGlobalSecondaryIndexAction::builder().index_name("GSI_1").provisioned_throughput(throughput(100));
    let raise = GlobalSecondaryIndexUpdate::builder().update(raise.build().unwrap()).build();
    let update = first.update_table().table_name("logfile").global_secondary_index_updates(raise);
    let answer = update.send().await.unwrap().table_description.unwrap();
    assert_eq!(index_units(&answer, "GSI_1"), (100, 101));

    let key = KeySchemaElement::builder().attribute_name("PK").key_type(KeyType::Hash).build().unwrap();
    let add = CreateGlobalSecondaryIndexAction::builder()
        .index_name("GSI_2")
        .key_schema(key)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .provisioned_throughput(throughput(7));
    let add = GlobalSecondaryIndexUpdate::builder().create(add.build().unwrap()).build();
    let string = AttributeDefinition::builder().attribute_name("PK").attribute_type(ScalarAttributeType::S);
    let update = first.update_table().table_name("logfile").attribute_definitions(string.build().unwrap());
    update.global_secondary_index_updates(add).send().await.unwrap();

    server.stop();
    let server = LocalDynamoDb::start(&options).unwrap();
    let second = client(&server.url());
    let table = second.describe_table().table_name("logfile").send().await.unwrap().table.unwrap();
    assert_eq!(index_units(&table, "GSI_1"), (100, 101));
    assert_eq!(index_units(&table, "GSI_2"), (7, 8));
    let tags = second.list_tags_of_resource().resource_arn(table.table_arn.unwrap()).send().await.unwrap();
    assert!(tags.tags().is_empty(), "{tags:?}");
}

fn index_units(table: &TableDescription, name: &str) -> (i64, i64) {
    let index = table.global_secondary_indexes().iter().find(|index| index.index_name() == Some(name)).unwrap();
    let throughput = index.provisioned_throughput().unwrap();
    (throughput.read_capacity_units.unwrap(), throughput.write_capacity_units.unwrap())
}

/// Pages end at 1 MB, as if the engine's own limits had not been in play: 3,000 items of about 1 KB are three pages.
#[tokio::test]
async fn pages_end_at_a_megabyte() {
    let server = LocalDynamoDb::start(&Options { throttle: false, ..Options::default() }).unwrap();
    let client = client(&server.url());
    create_table(&client, "logfile").await;
    let text = "x".repeat(1_000);
    for batch in 0..120 {
        let write = |n: usize| {
            let item = item(&[("PK", &format!("{:05}", batch * 25 + n)), ("GSI_1_PK", "host#a"), ("bytessent", &text)]);
            WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
        };
        client.batch_write_item().request_items("logfile", (0..25).map(write).collect()).send().await.unwrap();
    }
    let size = 1_000 + "PK".len() + 5 + "GSI_1_PK".len() + "host#a".len() + "bytessent".len();
    let page = (1 << 20) / size;
    let mut scans = client.scan().table_name("logfile").into_paginator().send();
    let mut queries = client
        .query()
        .table_name("logfile")
        .index_name("GSI_1")
        .key_condition_expression("GSI_1_PK = :host")
        .expression_attribute_values(":host", s("host#a"))
        .into_paginator()
        .send();
    let mut scanned = Vec::new();
    while let Some(answer) = scans.next().await {
        scanned.push(answer.unwrap().scanned_count);
    }
    let mut queried = Vec::new();
    while let Some(answer) = queries.next().await {
        queried.push(answer.unwrap().scanned_count);
    }
    let page = i32::try_from(page).unwrap();
    assert_eq!(scanned, [page, page, 3_000 - 2 * page]);
    assert_eq!(queried, scanned);
}
