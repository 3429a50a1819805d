//! The AWS SDK for Rust against a server in this process.

mod support;

use aws_sdk_dynamodb::types::{IndexStatus, PutRequest, TableStatus, WriteRequest};
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
