use serde_json::json;

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, key, put};

#[test]
fn attributes_that_a_local_index_does_not_hold_are_fetched() {
    let server = server();
    composite_table(&server, "t01");
    for n in 1..4 {
        let attributes = json!({"l": {"S": n.to_string()}, "n": {"N": n.to_string()}});
        put(&server, "t01", key("a", &n.to_string()), attributes);
    }
    put(&server, "t01", key("b", "without l"), json!({}));
    let request = json!({
        "TableName": "t01", "IndexName": "by_l", "ProjectionExpression": "c, #n", "FilterExpression": "#n >= :n",
        "ExpressionAttributeNames": {"#n": "n"}, "ExpressionAttributeValues": {":n": {"N": "2"}}, "ReturnConsumedCapacity": "INDEXES",
    });
    let answer = done(&server, "Scan", request);
    assert_eq!(answer["Items"], json!([{"c": {"S": "2"}, "n": {"N": "2"}}, {"c": {"S": "3"}, "n": {"N": "3"}}]));
    assert_eq!((&answer["Count"], &answer["ScannedCount"]), (&json!(2), &json!(3)));
    assert_eq!(answer["ConsumedCapacity"]["CapacityUnits"], json!(2.0), "{answer}");
    assert_eq!(answer["ConsumedCapacity"]["LocalSecondaryIndexes"]["by_l"]["CapacityUnits"], json!(0.5), "{answer}");
    let whole = done(&server, "Scan", json!({"TableName": "t01", "IndexName": "by_l", "Select": "ALL_ATTRIBUTES"}));
    assert_eq!(whole["Items"][0]["n"], json!({"N": "1"}));
}
