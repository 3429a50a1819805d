use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, indexed_table, invalid, key, pages, put, refused_with, texts, with};

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

#[test]
fn pages_and_segments_return_every_item_once() {
    let server = server();
    indexed_table(&server, "t01");
    for n in 0..50 {
        // Five items have the same keys in both indexes.
        let attributes =
            json!({"g": {"S": (n % 10).to_string()}, "l": {"S": (n % 10).to_string()}, "n": {"N": n.to_string()}});
        put(&server, "t01", key("same", &format!("{n:02}")), attributes);
    }
    put(&server, "t01", key("in no index", "1"), json!({}));
    // A filter sees only what an index holds.
    for (index, count, filtered) in [(None, 51, 10), (Some("by_g"), 50, 0), (Some("by_l"), 50, 10)] {
        let mut request = json!({"TableName": "t01", "Limit": 7});
        if let Some(index) = index {
            request["IndexName"] = json!(index);
        }
        let (items, _) = pages(&server, "Scan", request.clone());
        let mut found = texts(&Value::Array(items), "c");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), count, "{index:?}");
        let segments = (0..4).map(|segment| {
            let request = with(request.clone(), json!({"Segment": segment, "TotalSegments": 4}));
            pages(&server, "Scan", request).0.len()
        });
        assert_eq!(segments.sum::<usize>(), count, "{index:?}");
        let filter = json!({"FilterExpression": "n >= :n", "ExpressionAttributeValues": {":n": {"N": "40"}}});
        assert_eq!(pages(&server, "Scan", with(request, filter)).0.len(), filtered, "{index:?}");
    }
    let filter = json!({"TableName": "t01", "Limit": 1, "FilterExpression": "n > :n", "ExpressionAttributeValues": {":n": {"N": "99"}}});
    let page = done(&server, "Scan", filter);
    assert_eq!(
        (&page["Count"], &page["ScannedCount"], page["LastEvaluatedKey"].is_object()),
        (&json!(0), &json!(1), true)
    );
}

#[test]
fn parameters_that_do_not_go_together_are_refused() {
    let server = server();
    indexed_table(&server, "t01");
    let projection = "Cannot specify the ProjectionExpression when choosing to get";
    for (more, expected) in [
        (json!({"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "c"}), format!("{projection} ALL_ATTRIBUTES")),
        (json!({"Select": "ALL_PROJECTED_ATTRIBUTES"}), "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName".into()),
        (json!({"IndexName": "by_g", "ConsistentRead": true}), "Consistent reads are not supported on global secondary indexes".into()),
        (json!({"Segment": 1}), "The TotalSegments parameter is required but was not present in the request when Segment parameter is present".into()),
        (json!({"TotalSegments": 2}), "The Segment parameter is required but was not present in the request when parameter TotalSegments is present".into()),
        (
            json!({"Segment": 2, "TotalSegments": 2}),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments".into(),
        ),
        (json!({"ExclusiveStartKey": {"x": {"S": "a"}}}), "The provided starting key is invalid".into()),
        (json!({"FilterExpression": "((p = c))"}), "Invalid FilterExpression: The expression has redundant parentheses;".into()),
    ] {
        let refusal = invalid(&server, "Scan", with(json!({"TableName": "t01"}), more.clone()));
        assert!(refusal.contains(&expected), "{more}: {refusal}");
    }
    refused_with(&server, "ResourceNotFoundException", "Scan", json!({"TableName": "none"}));
}
