//! Names of tables, and ARNs in their place; the region in ARNs.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde_json::json;

use crate::support::http::{Raw, SIGNED};
use crate::support::json::done;
use crate::support::{client, create_table, item, server};
use crate::{composite_table, get, key};

const ARN: &str = "arn:aws:dynamodb:eu-central-1:000000000000:table/logfile";

#[tokio::test(flavor = "multi_thread")]
async fn an_arn_stands_for_a_name_in_every_operation() {
    let server = server();
    let client = client(&server.url());
    create_table(&client, "logfile").await;
    let described = client.describe_table().table_name(ARN).send().await.unwrap().table.unwrap();
    assert_eq!((described.table_name(), described.table_arn()), (Some("logfile"), Some(ARN)));
    let key = |value: &str| AttributeValue::S(value.into());
    let put = client.put_item().table_name(ARN).set_item(Some(item(&[("PK", "a"), ("GSI_1_PK", "b")])));
    put.send().await.unwrap();
    let got = client.get_item().table_name(ARN).key("PK", key("a")).return_consumed_capacity("TOTAL".into());
    let got = got.send().await.unwrap();
    assert!(got.item.is_some());
    assert_eq!(got.consumed_capacity.unwrap().table_name(), Some(ARN));
    let keys = KeysAndAttributes::builder().keys(item(&[("PK", "a")])).build().unwrap();
    let batch = client.batch_get_item().request_items(ARN, keys).send().await.unwrap();
    assert_eq!(batch.responses.unwrap()[ARN].len(), 1);
    let query = client.query().table_name(ARN).index_name("GSI_1").key_condition_expression("GSI_1_PK = :k");
    assert_eq!(query.expression_attribute_values(":k", key("b")).send().await.unwrap().count, 1);
    client.delete_table().table_name(ARN).send().await.unwrap();
}

#[test]
fn transactions_and_batches_of_writes_take_arns() {
    let server = server();
    composite_table(&server, "logfile");
    let put = |sort: &str| json!({"Item": key("a", sort)});
    let mut in_transaction = put("1");
    in_transaction["TableName"] = json!(ARN);
    done(&server, "TransactWriteItems", json!({"TransactItems": [{"Put": in_transaction}]}));
    let batch = json!({"RequestItems": {ARN: [{"PutRequest": put("2")}]}, "ReturnConsumedCapacity": "TOTAL"});
    let answer = done(&server, "BatchWriteItem", batch);
    assert_eq!(answer["ConsumedCapacity"][0]["TableName"], ARN);
    for sort in ["1", "2"] {
        assert!(get(&server, "logfile", &key("a", sort)).is_object());
    }
}

#[test]
fn every_arn_holds_the_region_that_the_request_is_signed_for() {
    let server = server();
    composite_table(&server, "logfile");
    let address = server.address().to_string();
    let enable = r#"{"TableName":"logfile","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}"#;
    let from = |operation: &str, body: &str, region: &str| {
        let signed = SIGNED.replace("us-east-1", region);
        Raw::operation(operation, body).header("authorization", signed.as_str()).send(&address).body
    };
    from("UpdateTable", enable, "eu-west-1");
    for region in ["eu-central-1", "ap-southeast-2"] {
        for (operation, body) in [("DescribeTable", r#"{"TableName":"logfile"}"#), ("ListStreams", "{}")] {
            let answer = from(operation, body, region);
            assert!(answer.contains(&format!("arn:aws:dynamodb:{region}:000000000000:table/logfile")), "{answer}");
            assert!(!answer.contains("dynoxide"), "{answer}");
        }
    }
    let tagged = format!(r#"{{"ResourceArn":"{ARN}","Tags":[{{"Key":"k","Value":"v"}}]}}"#);
    from("TagResource", &tagged, "eu-central-1");
    let tags = from("ListTagsOfResource", &format!(r#"{{"ResourceArn":"{ARN}"}}"#), "eu-central-1");
    assert!(tags.contains(r#""Key":"k""#), "{tags}");
}
