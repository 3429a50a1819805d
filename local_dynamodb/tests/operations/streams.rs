use std::num::NonZeroU32;

use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::json::{call, done, refused, table, with};
use crate::support::{eventually, server};
use crate::{message, refusal, wait_until_active};

fn specify(view: Option<&str>) -> Value {
    let stream = match view {
        Some(view) => json!({"StreamEnabled": true, "StreamViewType": view}),
        None => json!({"StreamEnabled": false}),
    };
    json!({"TableName": "logfile", "StreamSpecification": stream})
}

/// Creates the table with a stream: its ARN.
fn streaming(server: &LocalDynamoDb, view: &str) -> String {
    table(server, "logfile", 0, None);
    let answer = done(server, "UpdateTable", specify(Some(view)));
    assert_eq!(answer["TableDescription"]["StreamSpecification"]["StreamViewType"], view);
    answer["TableDescription"]["LatestStreamArn"].as_str().unwrap().to_owned()
}

fn describe(server: &LocalDynamoDb, arn: &str) -> Value {
    done(server, "DescribeStream", json!({"StreamArn": arn}))["StreamDescription"].clone()
}

fn iterator(server: &LocalDynamoDb, arn: &str, kind: &str) -> Value {
    let shard = describe(server, arn)["Shards"][0]["ShardId"].clone();
    let request = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind});
    done(server, "GetShardIterator", request)["ShardIterator"].clone()
}

fn records(server: &LocalDynamoDb, iterator: &Value) -> (Vec<Value>, Option<Value>) {
    let answer = done(server, "GetRecords", json!({"ShardIterator": iterator}));
    (answer["Records"].as_array().unwrap().clone(), answer.get("NextShardIterator").cloned())
}

/// All records of the table's latest stream.
pub(crate) fn records_of(server: &LocalDynamoDb, table: &str) -> Vec<Value> {
    let description = done(server, "DescribeTable", json!({"TableName": table}));
    let arn = description["Table"]["LatestStreamArn"].as_str().unwrap();
    records(server, &iterator(server, arn, "TRIM_HORIZON")).0
}

fn put(server: &LocalDynamoDb, x: u8) {
    done(server, "PutItem", json!({"TableName": "logfile", "Item": {"PK": {"S": "a"}, "x": {"N": x.to_string()}}}));
}

#[test]
fn a_write_that_changes_nothing_makes_no_record_whatever_the_view() {
    for view in ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"] {
        let server = server();
        streaming(&server, view);
        put(&server, 1);
        put(&server, 1);
        let key = json!({"PK": {"S": "a"}});
        let values = json!({":x": {"N": "1.0"}});
        let update = json!({"Key": key, "TableName": "logfile", "UpdateExpression": "SET x = :x", "ExpressionAttributeValues": values});
        done(&server, "UpdateItem", update.clone());
        done(&server, "TransactWriteItems", json!({"TransactItems": [{"Update": update}]}));
        let same = json!({"PutRequest": {"Item": {"PK": {"S": "a"}, "x": {"N": "1"}}}});
        done(&server, "BatchWriteItem", json!({"RequestItems": {"logfile": [same]}}));
        done(&server, "ExecuteStatement", json!({"Statement": "UPDATE logfile SET x = 1 WHERE PK = 'a'"}));
        put(&server, 2);
        done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "missing"}}}));
        done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": key}));

        let records = records_of(&server, "logfile");
        let events: Vec<_> = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
        assert_eq!(events, ["INSERT", "MODIFY", "REMOVE"], "{view}");
        let modified = &records[1]["dynamodb"];
        assert_eq!(modified["StreamViewType"], view);
        let images = [modified.get("NewImage"), modified.get("OldImage")]
            .map(|image| image.map(|image| image["x"]["N"].clone()));
        let (new, old) = (Some(json!("2")), Some(json!("1")));
        let expected = match view {
            "KEYS_ONLY" => [None, None],
            "NEW_IMAGE" => [new, None],
            "OLD_IMAGE" => [None, old],
            _ => [new, old],
        };
        assert_eq!(images, expected, "{view}");
        assert_eq!(records[1]["awsRegion"], "us-east-1");
    }
}

#[test]
fn an_open_shard_has_no_end_and_a_closed_one_is_read_to_its_end() {
    let server = server();
    let arn = streaming(&server, "NEW_IMAGE");
    put(&server, 1);
    let open = describe(&server, &arn);
    let range = &open["Shards"][0]["SequenceNumberRange"];
    assert_eq!((open["StreamStatus"].as_str(), range.get("EndingSequenceNumber")), (Some("ENABLED"), None));
    let shard = open["Shards"][0]["ShardId"].as_str().unwrap();
    assert!((28..=65).contains(&shard.len()), "{shard}");
    let after = done(&server, "DescribeStream", json!({"StreamArn": arn, "ExclusiveStartShardId": shard}));
    assert_eq!(after["StreamDescription"]["Shards"], json!([]));

    let (first, next) = records(&server, &iterator(&server, &arn, "TRIM_HORIZON"));
    let latest = iterator(&server, &arn, "LATEST");
    assert_eq!((first.len(), records(&server, &latest).0.len()), (1, 0));
    put(&server, 2);
    let description = done(&server, "UpdateTable", specify(None))["TableDescription"].clone();
    assert_eq!((description.get("StreamSpecification"), &description["LatestStreamArn"]), (None, &json!(arn)));
    for iterator in [&next.unwrap(), &latest] {
        let (rest, next) = records(&server, iterator);
        assert_eq!((rest.len(), next), (1, None), "the iterator of a disabled stream ends");
    }
    let closed = describe(&server, &arn);
    let last = first[0]["dynamodb"]["SequenceNumber"].as_str().unwrap();
    let end = closed["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"].as_str().unwrap();
    assert!(closed["StreamStatus"] == "DISABLED" && end > last, "{closed}");

    // A stream that is enabled again is another one.
    let again = done(&server, "UpdateTable", specify(Some("KEYS_ONLY")))["TableDescription"]["LatestStreamArn"].clone();
    assert_ne!(again, arn);
    put(&server, 3);
    assert_eq!(records_of(&server, "logfile").len(), 1);
    assert_eq!(done(&server, "ListStreams", json!({"TableName": "logfile"}))["Streams"].as_array().unwrap().len(), 2);
    let page = done(&server, "ListStreams", json!({"Limit": 1}));
    let rest = done(&server, "ListStreams", json!({"ExclusiveStartStreamArn": page["LastEvaluatedStreamArn"]}));
    assert_eq!(rest["Streams"][0]["StreamArn"], again);
}

#[test]
fn positions_that_cannot_be_are_refused() {
    let server = server();
    let arn = streaming(&server, "KEYS_ONLY");
    put(&server, 1);
    put(&server, 2);
    let shard = describe(&server, &arn)["Shards"][0]["ShardId"].clone();
    let all = records_of(&server, "logfile");
    let number = |at: usize| all[at]["dynamodb"]["SequenceNumber"].clone();
    let at = |kind: &str, number: Value| json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind, "SequenceNumber": number});
    for (kind, from, left) in
        [("AT_SEQUENCE_NUMBER", 0, 2), ("AFTER_SEQUENCE_NUMBER", 0, 1), ("AFTER_SEQUENCE_NUMBER", 1, 0)]
    {
        let iterator = done(&server, "GetShardIterator", at(kind, number(from)))["ShardIterator"].clone();
        assert_eq!(records(&server, &iterator).0.len(), left, "{kind}");
    }
    let unknown = "shardId-zzzzzzzzzzzzzzzzzzzz-00000000";
    let after = done(&server, "DescribeStream", json!({"StreamArn": arn, "ExclusiveStartShardId": unknown}));
    assert_eq!(after["StreamDescription"]["Shards"], json!([]));
    let malformed = "logfile/stream/1999-01-01T00:00:00.000/stream";
    for (operation, request) in [
        ("DescribeStream", json!({"StreamArn": malformed})),
        ("GetShardIterator", json!({"StreamArn": malformed, "ShardId": shard, "ShardIteratorType": "LATEST"})),
        ("ListStreams", json!({"ExclusiveStartStreamArn": malformed})),
    ] {
        assert_eq!(refused(&server, operation, request).0, "ValidationException", "{operation}");
    }
    for request in [
        at("TRIM_HORIZON", number(0)),
        at("AT_SEQUENCE_NUMBER", Value::Null),
        at("AT_SEQUENCE_NUMBER", json!("1")),
        at("SOMEWHERE", Value::Null),
    ] {
        assert_eq!(refused(&server, "GetShardIterator", request).0, "ValidationException");
    }
    for (operation, request) in [
        (
            "DescribeStream",
            json!({"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/logfile/stream/1999-01-01T00:00:00.000"}),
        ),
        (
            "GetShardIterator",
            json!({"StreamArn": arn, "ShardId": "shardId-00000000000000000000-00000000", "ShardIteratorType": "LATEST"}),
        ),
    ] {
        assert_eq!(refused(&server, operation, request).0, "ResourceNotFoundException");
    }
    assert_eq!(
        message(&refused(&server, "GetRecords", json!({"ShardIterator": "nonsense"})).1),
        "Invalid ShardIterator"
    );
    let twice = refused(&server, "UpdateTable", specify(Some("KEYS_ONLY"))).1;
    assert_eq!(message(&twice), "Table already has an enabled stream: TableName: logfile");
    done(&server, "UpdateTable", specify(None));
    assert_eq!(refused(&server, "UpdateTable", specify(None)).0, "ValidationException");
}

fn create(view: &str) -> Value {
    let mut request = specify(Some(view));
    request["AttributeDefinitions"] = json!([{"AttributeName": "PK", "AttributeType": "S"}]);
    request["KeySchema"] = json!([{"AttributeName": "PK", "KeyType": "HASH"}]);
    request["BillingMode"] = json!("PAY_PER_REQUEST");
    request
}

#[test]
fn a_view_that_dynamodb_does_not_know_is_refused() {
    let server = server();
    let expected = "ValidationException: 1 validation error detected: Value 'ALL' at 'streamSpecification.streamViewType' \
        failed to satisfy constraint: Member must satisfy enum value set: [NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]";
    assert_eq!(refusal(&server, "CreateTable", create("ALL")), expected);
    table(&server, "logfile", 0, None);
    assert_eq!(refusal(&server, "UpdateTable", specify(Some("ALL"))), expected);
    let disabled = refusal(&server, "UpdateTable", specify(None));
    assert!(disabled.starts_with("ValidationException: "), "{disabled}");
}

#[test]
fn records_and_iterators_have_the_form_of_dynamodbs() {
    let server = server();
    let arn = streaming(&server, "NEW_AND_OLD_IMAGES");
    assert_eq!(describe(&server, &arn)["KeySchema"], json!([{"AttributeName": "PK", "KeyType": "HASH"}]));
    let start = describe(&server, &arn)["Shards"][0]["SequenceNumberRange"]["StartingSequenceNumber"].clone();
    put(&server, 1);
    put(&server, 20);
    done(&server, "DeleteItem", json!({"TableName": "logfile", "Key": {"PK": {"S": "a"}}}));
    let first = iterator(&server, &arn, "TRIM_HORIZON");
    let (records, next) = records(&server, &first);
    for iterator in [&first, &next.unwrap()] {
        assert!(iterator.as_str().unwrap().starts_with(&format!("{arn}|1|")), "{iterator}");
    }
    let mut last: u128 = start.as_str().unwrap().parse().unwrap();
    // The key is counted once, and once more in each image: "PK" and "a" are 3 bytes; "x" and its number 3.
    for (record, (size, images)) in records.iter().zip([(9, 1), (15, 2), (9, 1)]) {
        let members: Vec<_> = record.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventVersion"]);
        assert_eq!((&record["eventVersion"], &record["eventSource"]), (&json!("1.1"), &json!("aws:dynamodb")));
        let change = &record["dynamodb"];
        assert_eq!((change["SizeBytes"].as_u64(), change.as_object().unwrap().len()), (Some(size), 5 + images));
        let number = change["SequenceNumber"].as_str().unwrap().parse().unwrap();
        assert!(number > last, "{record}");
        last = number;
        let seconds = change["ApproximateCreationDateTime"].as_f64().unwrap();
        assert!(seconds.fract() == 0.0, "{seconds}");
    }
}

#[test]
fn records_of_keys_have_the_size_of_keys() {
    let server = server();
    streaming(&server, "KEYS_ONLY");
    put(&server, 1);
    done(&server, "ExecuteStatement", json!({"Statement": "UPDATE logfile SET x = 2 WHERE PK = 'a'"}));
    done(&server, "ExecuteStatement", json!({"Statement": "DELETE FROM logfile WHERE PK = 'a'"}));
    let sizes: Vec<_> =
        records_of(&server, "logfile").iter().map(|record| record["dynamodb"]["SizeBytes"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [3, 3, 3]);
}

#[test]
fn a_table_can_be_created_with_a_stream() {
    let server = server();
    let description = done(&server, "CreateTable", create("OLD_IMAGE"))["TableDescription"].clone();
    assert_eq!(description["StreamSpecification"], json!({"StreamEnabled": true, "StreamViewType": "OLD_IMAGE"}));
    wait_until_active(&server, "logfile");
    put(&server, 1);
    assert_eq!(records_of(&server, "logfile").len(), 1);
    // The stream of a deleted table can still be read.
    let arn = description["LatestStreamArn"].as_str().unwrap();
    let first = iterator(&server, arn, "TRIM_HORIZON");
    done(&server, "DeleteTable", json!({"TableName": "logfile"}));
    let (rest, next) = records(&server, &first);
    assert_eq!((rest.len(), next), (1, None));
}

#[test]
fn iterators_expire_after_fifteen_minutes_of_the_clock() {
    // 15 minutes are 0.9 s.
    let server = with(|options| options.speed = NonZeroU32::new(1_000).unwrap());
    let arn = streaming(&server, "KEYS_ONLY");
    let old = iterator(&server, &arn, "TRIM_HORIZON");
    let error = eventually(|| {
        let (status, answer) = call(&server, "GetRecords", json!({"ShardIterator": old}));
        (status == 400).then_some(answer)
    });
    assert_eq!(error["__type"], "com.amazonaws.dynamodb.v20120810#ExpiredIteratorException");
    assert!(message(&error).starts_with("The shard iterator has expired"), "{error}");
    // A new one, and the next one that it gives, are good.
    let fresh = done(&server, "GetRecords", json!({"ShardIterator": iterator(&server, &arn, "LATEST")}));
    done(&server, "GetRecords", json!({"ShardIterator": fresh["NextShardIterator"]}));
    let (kind, _) = refused(&server, "GetRecords", json!({"ShardIterator": "logfile/stream/x|1|2"}));
    assert_eq!(kind, "ValidationException");
}
