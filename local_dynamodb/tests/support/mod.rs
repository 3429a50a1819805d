//! A client and a table for the end-to-end tests.

#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a helper of tests may panic")]

pub(crate) mod binary;
pub(crate) mod http;
pub(crate) mod json;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ProvisionedThroughput, ScalarAttributeType,
};
use local_dynamodb::{LocalDynamoDb, Options};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A server in this process, on a free port, with its data in memory.
pub(crate) fn server() -> LocalDynamoDb {
    LocalDynamoDb::start(&Options::default()).unwrap()
}

/// Asks until there is an answer: 20 seconds, or longer on a busy machine.
pub(crate) fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let mut answers = (0..4_000).map(|attempt| {
        std::thread::sleep(std::time::Duration::from_millis(u64::from(attempt > 0) * 5));
        ask()
    });
    answers.find_map(|answer| answer).expect("it comes within 20 seconds")
}

pub(crate) fn client(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .build();
    Client::from_conf(config)
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn item(pairs: &[(&str, &str)]) -> Item {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), s(*value))).collect()
}

/// A table with the partition key `PK`, and the index `GSI_1` on `GSI_1_PK` with `bytessent` beside its keys.
pub(crate) async fn create_table(client: &Client, name: &str) {
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let string = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        definition.build().unwrap()
    };
    let throughput = |units| {
        ProvisionedThroughput::builder().read_capacity_units(units).write_capacity_units(units).build().unwrap()
    };
    let projection =
        Projection::builder().projection_type(ProjectionType::Include).non_key_attributes("bytessent").build();
    let index = GlobalSecondaryIndex::builder()
        .index_name("GSI_1")
        .key_schema(key("GSI_1_PK", KeyType::Hash))
        .projection(projection)
        .provisioned_throughput(throughput(3));
    client
        .create_table()
        .table_name(name)
        .attribute_definitions(string("PK"))
        .attribute_definitions(string("GSI_1_PK"))
        .key_schema(key("PK", KeyType::Hash))
        .global_secondary_indexes(index.build().unwrap())
        .provisioned_throughput(throughput(5))
        .send()
        .await
        .unwrap();
    client.describe_table().table_name(name).send().await.unwrap();
}
