//! Creates tables and reads them back through the SDK, for tests that are not asynchronous.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    self, AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use common::batch_writer::client::{Connection, Retries, Settings};
use common::tables::Projection;

/// Items of a page: without a limit the engine reads the rest of the table into memory for every page.
const PAGE: i32 = 4_000;

/// The attributes of an item by name.
pub type Item = HashMap<String, AttributeValue>;

/// Runs `work` with a client of the endpoint at `url`, to the end.
pub fn with_client<T>(url: &str, work: impl AsyncFnOnce(Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let settings = Settings { endpoint_url: Some(url.to_owned()), ..Settings::default() };
        work(Connection::open(&settings).await.unwrap().client(Retries::Sdk)).await
    })
}

/// All items of a table by the text of their partition key `PK`, in its order. Strongly consistent.
pub fn items(url: &str, table: &str) -> BTreeMap<String, Item> {
    with_client(url, async |client| {
        let mut pages =
            client.scan().table_name(table).consistent_read(true).limit(PAGE).into_paginator().items().send();
        let mut items = BTreeMap::new();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            let key = item["PK"].as_s().unwrap().clone();
            assert!(items.insert(key, item).is_none(), "the same key twice in a scan");
        }
        items
    })
}

/// How many items the table has.
pub fn count(url: &str, table: &str) -> usize {
    with_client(url, async |client| {
        let request = client.scan().table_name(table).select(types::Select::Count);
        let mut pages = request.consistent_read(true).limit(PAGE).into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            count += usize::try_from(page.unwrap().count()).unwrap();
        }
        count
    })
}

/// Creates a table with the string key `partition_key` and without index, on demand, and waits until it is ACTIVE.
pub fn create_plain(url: &str, table: &str, partition_key: &str) {
    with_client(url, async |client| {
        let key = KeySchemaElement::builder().attribute_name(partition_key).key_type(KeyType::Hash);
        let attribute =
            AttributeDefinition::builder().attribute_name(partition_key).attribute_type(ScalarAttributeType::S);
        client
            .create_table()
            .table_name(table)
            .key_schema(key.build().unwrap())
            .attribute_definitions(attribute.build().unwrap())
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await
            .unwrap();
        wait_until_active(&client, table).await;
    });
}

/// Creates one of the lab's tables with its index, but on demand, and waits until it is ACTIVE.
pub fn create_lab(url: &str, name: &str) {
    create(url, name, None);
}

/// Write capacity units per second of a table and of its index.
#[derive(Debug, Clone, Copy)]
pub struct Wcu {
    pub table: i64,
    pub index: i64,
}

/// Creates one of the lab's tables with its index and this capacity, and waits until it is ACTIVE.
pub fn create_provisioned(url: &str, name: &str, wcu: Wcu) {
    create(url, name, Some(wcu));
}

/// Changes the write capacity of a table without waiting.
pub fn set_wcu(url: &str, name: &str, wcu: i64) {
    with_client(url, async |client| {
        client.update_table().table_name(name).provisioned_throughput(throughput(wcu)).send().await.unwrap();
    });
}

/// With enough read capacity for reading the table back without waiting.
fn throughput(wcu: i64) -> types::ProvisionedThroughput {
    types::ProvisionedThroughput::builder().read_capacity_units(10_000).write_capacity_units(wcu).build().unwrap()
}

fn create(url: &str, name: &str, wcu: Option<Wcu>) {
    let definition = common::tables::table(name).unwrap();
    let index = &definition.index;
    let key = |attribute: &str, key_type| {
        KeySchemaElement::builder().attribute_name(attribute).key_type(key_type).build().unwrap()
    };
    let projection = match index.projection {
        Projection::KeysOnly => types::Projection::builder().projection_type(types::ProjectionType::KeysOnly),
        Projection::Include(attributes) => types::Projection::builder()
            .projection_type(types::ProjectionType::Include)
            .set_non_key_attributes(Some(attributes.iter().map(|&attribute| attribute.to_owned()).collect())),
    };
    let index_keys = [Some((index.partition_key, KeyType::Hash)), index.sort_key.map(|sort| (sort, KeyType::Range))];
    let index_keys: Vec<_> = index_keys.into_iter().flatten().map(|(name, kind)| key(name, kind)).collect();
    let attributes = [Some(definition.partition_key), Some(index.partition_key), index.sort_key];
    let attributes = attributes.into_iter().flatten().map(|name| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
    });
    let index = types::GlobalSecondaryIndex::builder()
        .index_name(index.name)
        .set_key_schema(Some(index_keys))
        .projection(projection.build())
        .set_provisioned_throughput(wcu.map(|wcu| throughput(wcu.index)))
        .build()
        .unwrap();
    let attributes: Vec<_> = attributes.collect();
    with_client(url, async |client| {
        let create = client.create_table().table_name(name).set_attribute_definitions(Some(attributes));
        let create = create.key_schema(key(definition.partition_key, KeyType::Hash)).global_secondary_indexes(index);
        let create = match wcu {
            None => create.billing_mode(BillingMode::PayPerRequest),
            Some(wcu) => create.provisioned_throughput(throughput(wcu.table)),
        };
        create.send().await.unwrap();
        wait_until_active(&client, name).await;
    });
}

async fn wait_until_active(client: &Client, table: &str) {
    let wait = aws_sdk_dynamodb::client::Waiters::wait_until_table_exists(client).table_name(table);
    wait.wait(std::time::Duration::from_secs(30)).await.unwrap();
}
