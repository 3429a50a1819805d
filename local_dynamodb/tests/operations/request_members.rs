//! Members of requests that are missing, of another type or of another value than is possible, in every operation.

use serde_json::json;

use crate::support::json::{call, refused};
use crate::support::server;
use crate::{composite_table, key, message};

#[test]
fn what_is_missing_is_named_as_dynamodb_names_it() {
    let server = server();
    composite_table(&server, "t01");
    for (operation, request, path) in [
        ("BatchGetItem", json!({"RequestItems": {"t01": {}}}), "requestItems.t01.member.keys"),
        (
            "TransactGetItems",
            json!({"TransactItems": [{"Get": {"TableName": "t01"}}]}),
            "transactItems.1.member.get.key",
        ),
        (
            "TransactWriteItems",
            json!({"TransactItems": [{"Put": {"TableName": "t01"}}]}),
            "transactItems.1.member.put.item",
        ),
        (
            "TransactWriteItems",
            json!({"TransactItems": [{"Delete": {"Key": key("a", "b")}}]}),
            "transactItems.1.member.delete.tableName",
        ),
        ("ExecuteTransaction", json!({"TransactStatements": [{}]}), "transactStatements.1.member.statement"),
        ("UpdateTimeToLive", json!({"TableName": "t01"}), "timeToLiveSpecification"),
        ("GetRecords", json!({}), "shardIterator"),
    ] {
        let (kind, error) = refused(&server, operation, request);
        let expected = format!("Value null at '{path}' failed to satisfy constraint: Member must not be null");
        assert_eq!(kind, "ValidationException", "{operation}: {error}");
        assert!(message(&error).ends_with(&expected), "{operation}: {error}");
    }
}

#[test]
fn a_value_that_is_none_of_the_possible_ones_is_named_with_its_place() {
    let server = server();
    let key = |kind: &str| json!([{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": kind}]);
    let request = |own: &str, of_index: &str| {
        let index = json!({"IndexName": "by_s", "KeySchema": key(of_index), "Projection": {"ProjectionType": "ALL"}});
        json!({
            "TableName": "t02", "KeySchema": key(own), "GlobalSecondaryIndexes": [index], "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "S"}],
        })
    };
    for (request, path) in [
        (request("SORT", "RANGE"), "keySchema.2.member.keyType"),
        (request("RANGE", "SORT"), "globalSecondaryIndexes.1.member.keySchema.2.member.keyType"),
    ] {
        let (_, error) = refused(&server, "CreateTable", request);
        let expected = format!(
            "1 validation error detected: Value 'SORT' at '{path}' failed to satisfy constraint: Member must satisfy enum value \
             set: [HASH, RANGE]"
        );
        assert_eq!(message(&error), expected);
    }
}

#[test]
fn no_message_is_the_json_parsers() {
    let server = server();
    composite_table(&server, "t01");
    let values = [json!(null), json!(1), json!("x"), json!(true), json!([]), json!({}), json!([{}]), json!({"a": {}})];
    for (operation, members) in [
        ("BatchGetItem", &["RequestItems", "ReturnConsumedCapacity"][..]),
        ("BatchWriteItem", &["RequestItems"]),
        ("TransactWriteItems", &["TransactItems", "ClientRequestToken"]),
        ("TransactGetItems", &["TransactItems"]),
        (
            "CreateTable",
            &[
                "KeySchema",
                "AttributeDefinitions",
                "StreamSpecification",
                "Tags",
                "SSESpecification",
                "BillingMode",
                "GlobalSecondaryIndexes",
                "LocalSecondaryIndexes",
            ],
        ),
        ("UpdateTable", &["GlobalSecondaryIndexUpdates", "StreamSpecification"]),
        ("UpdateTimeToLive", &["TimeToLiveSpecification"]),
        ("Query", &["KeyConditions", "QueryFilter", "Limit", "ExclusiveStartKey", "AttributesToGet"]),
        ("UpdateItem", &["Key", "AttributeUpdates", "Expected", "ExpressionAttributeValues"]),
        ("ExecuteStatement", &["Statement", "Parameters", "Limit"]),
        ("GetShardIterator", &["StreamArn", "ShardIteratorType"]),
        ("TagResource", &["ResourceArn", "Tags"]),
    ] {
        for member in members {
            for value in &values {
                let mut request = json!({"TableName": "t01"});
                request[*member] = value.clone();
                let (_, answer) = call(&server, operation, request.clone());
                let text = message(&answer);
                let words =
                    [" at line ", " column ", "expected struct", "missing field", "invalid type", "unknown variant"];
                assert!(!words.iter().any(|word| text.contains(word)), "{operation} {request}: {answer}");
            }
        }
    }
}
