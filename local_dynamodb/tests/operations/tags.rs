use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, refusal};

fn tags(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn table_arn(server: &LocalDynamoDb) -> Value {
    done(server, "DescribeTable", json!({"TableName": "t01"}))["Table"]["TableArn"].clone()
}

fn listed(server: &LocalDynamoDb) -> Vec<(String, String)> {
    let listed = done(server, "ListTagsOfResource", json!({"ResourceArn": table_arn(server)}));
    let text = |tag: &Value, member: &str| tag[member].as_str().unwrap().to_owned();
    let mut pairs: Vec<_> =
        listed["Tags"].as_array().unwrap().iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect();
    pairs.sort();
    pairs
}

#[test]
fn tags_are_added_replaced_and_removed() {
    let server = server();
    composite_table(&server, "t01");
    let arn = table_arn(&server);
    let tag = |pairs: &[(&str, &str)]| {
        done(&server, "TagResource", json!({"ResourceArn": arn, "Tags": tags(pairs)}));
        listed(&server)
    };
    let expect = |pairs: &[(&str, &str)]| -> Vec<_> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(listed(&server), []);
    assert_eq!(tag(&[("team", "logs"), ("stage", "test")]), expect(&[("stage", "test"), ("team", "logs")]));
    assert_eq!(
        tag(&[("stage", "production"), ("größe", " ")]),
        expect(&[("größe", " "), ("stage", "production"), ("team", "logs")])
    );
    done(&server, "UntagResource", json!({"ResourceArn": arn, "TagKeys": ["größe", "stage", "never set"]}));
    assert_eq!(listed(&server), expect(&[("team", "logs")]));
}

#[test]
fn a_table_may_be_created_with_up_to_fifty_tags() {
    let server = server();
    let create = |count: usize| {
        let names: Vec<_> = (0..count).map(|n| n.to_string()).collect();
        let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "value")).collect();
        json!({
            "TableName": "t01", "BillingMode": "PAY_PER_REQUEST", "Tags": tags(&pairs),
            "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        })
    };
    let too_many = refusal(&server, "CreateTable", create(51));
    assert!(too_many.starts_with("ValidationException: "), "{too_many}");
    assert!(refusal(&server, "DescribeTable", json!({"TableName": "t01"})).starts_with("ResourceNotFoundException: "));
    done(&server, "CreateTable", create(50));
    assert_eq!(listed(&server).len(), 50);
}

#[test]
fn tags_that_dynamodb_does_not_take_are_refused() {
    let server = server();
    composite_table(&server, "t01");
    let arn = table_arn(&server);
    let index = format!("{}/index/by_l", arn.as_str().unwrap());
    let absent = arn.as_str().unwrap().replace("t01", "absent");
    for (arn, pairs, kind) in [
        (&json!("no arn"), &[("a", "b")][..], "ValidationException"),
        (&json!(absent), &[("a", "b")], "ResourceNotFoundException"),
        (&arn, &[], "ValidationException"),
        (&arn, &[("ok", "#!%%^$$&")], "ValidationException"),
        (&arn, &[("->>;-)])", "ok")], "ValidationException"),
        (&json!(index), &[("a", "b")], "ValidationException"),
    ] {
        let refused = refusal(&server, "TagResource", json!({"ResourceArn": arn, "Tags": tags(pairs)}));
        assert!(refused.starts_with(kind), "{pairs:?}: {refused}");
    }
    let list = refusal(&server, "ListTagsOfResource", json!({"ResourceArn": absent}));
    assert!(list.starts_with("AccessDeniedException: "), "{list}");
    assert_eq!(listed(&server), []);
}

#[test]
fn lengths_are_counted_in_characters() {
    let server = server();
    composite_table(&server, "t01");
    let arn = table_arn(&server);
    let request =
        |key: usize, value: usize| json!({"ResourceArn": arn, "Tags": tags(&[(&"ä".repeat(key), &"é".repeat(value))])});
    for (key, value) in [(1, 0), (128, 256)] {
        done(&server, "TagResource", request(key, value));
    }
    for (key, value) in [(0, 1), (129, 1), (1, 257)] {
        let refused = refusal(&server, "TagResource", request(key, value));
        assert!(refused.starts_with("ValidationException: "), "{refused}");
    }
    for tags in [json!({"Tags": [{"Key": "team"}]}), json!({})] {
        let mut request = tags.clone();
        request["ResourceArn"] = arn.clone();
        let refused = refusal(&server, "TagResource", request);
        assert!(refused.starts_with("ValidationException: "), "{tags}: {refused}");
    }
    assert_eq!(listed(&server).len(), 2);
}

#[test]
fn a_table_has_at_most_fifty_tags() {
    let server = server();
    composite_table(&server, "t01");
    let arn = table_arn(&server);
    let names: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "value")).collect();
    done(&server, "TagResource", json!({"ResourceArn": arn, "Tags": tags(&pairs)}));
    let one_more = refusal(&server, "TagResource", json!({"ResourceArn": arn, "Tags": tags(&[("50", "value")])}));
    assert!(one_more.starts_with("ValidationException: "), "{one_more}");
    done(&server, "TagResource", json!({"ResourceArn": arn, "Tags": tags(&[("49", "other")])}));
    assert_eq!(listed(&server).len(), 50);
}
