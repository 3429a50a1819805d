use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, key, message, put};

fn key_conditions() -> Value {
    json!({
        "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
        "c": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "1"}, {"S": "2"}]},
    })
}

#[test]
fn key_conditions_go_with_expressions() {
    let server = server();
    composite_table(&server, "t01");
    for n in 1..4 {
        put(&server, "t01", key("a", &n.to_string()), json!({"n": {"N": n.to_string()}, "x": {"S": "y"}}));
    }
    let request = |extra: Value| {
        let mut request = json!({"TableName": "t01", "KeyConditions": key_conditions()});
        request.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        request
    };
    let filter = json!({
        "FilterExpression": "#n > :n", "ExpressionAttributeNames": {"#n": "n"}, "ExpressionAttributeValues": {":n": {"N": "1"}},
        "ProjectionExpression": "x, #n",
    });
    let answer = done(&server, "Query", request(filter));
    assert_eq!(answer["Items"], json!([{"n": {"N": "2"}, "x": {"S": "y"}}]));
    assert_eq!(answer["ScannedCount"], 2);
    assert_eq!(done(&server, "Query", request(json!({"ProjectionExpression": "x"})))["Count"], 2);
    let begins = json!({
        "TableName": "t01", "ProjectionExpression": "c",
        "KeyConditions": {
            "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
            "c": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "3"}]},
        },
    });
    assert_eq!(done(&server, "Query", begins)["Items"], json!([{"c": {"S": "3"}}]));

    // The other old parameters still do not.
    let filters = json!({"QueryFilter": {"n": {"ComparisonOperator": "NOT_NULL"}}, "ProjectionExpression": "x"});
    for extra in [filters, json!({"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}})]
    {
        let (_, error) = refused(&server, "Query", request(extra));
        assert!(message(&error).contains("Can not use both expression and non-expression parameters"), "{error}");
    }
}

#[test]
fn attributes_that_a_local_index_does_not_hold_are_fetched() {
    let server = server();
    composite_table(&server, "t01");
    let large = json!({"S": "x".repeat(5_000)});
    for n in 1..4 {
        let attributes =
            json!({"l": {"S": n.to_string()}, "n": {"N": n.to_string()}, "included": {"S": "i"}, "large": large});
        put(&server, "t01", key("a", &n.to_string()), attributes);
    }
    let query = |extra: Value| {
        let mut request = json!({
            "TableName": "t01", "IndexName": "by_l", "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": {"S": "a"}}, "ReturnConsumedCapacity": "INDEXES",
        });
        for (name, value) in extra.as_object().unwrap() {
            match (request[name].as_object_mut(), value) {
                (Some(map), Value::Object(more)) => map.extend(more.clone()),
                _ => request[name] = value.clone(),
            }
        }
        done(&server, "Query", request)
    };
    let units = |answer: &Value| {
        let consumed = &answer["ConsumedCapacity"];
        let of_index = &consumed["LocalSecondaryIndexes"]["by_l"]["CapacityUnits"];
        [&consumed["CapacityUnits"], &consumed["Table"]["CapacityUnits"], of_index].map(|units| units.as_f64().unwrap())
    };
    // Three items of 5 KB are a unit each, read eventually consistently.
    let fetched = query(json!({"ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "n"}}));
    assert_eq!(fetched["Items"], json!([{"n": {"N": "1"}}, {"n": {"N": "2"}}, {"n": {"N": "3"}}]));
    assert_eq!(units(&fetched), [3.5, 3.0, 0.5], "{}", fetched["ConsumedCapacity"]);
    let consistent = query(json!({"Select": "ALL_ATTRIBUTES", "ConsistentRead": true}));
    assert_eq!(consistent["Items"][0]["large"], large);
    assert_eq!(units(&consistent), [7.0, 6.0, 1.0]);

    let filtered = json!({"FilterExpression": "n > :n", "ExpressionAttributeValues": {":n": {"N": "1"}}, "ProjectionExpression": "c"});
    let answer = query(filtered.clone());
    assert_eq!(answer["Items"], json!([{"c": {"S": "2"}}, {"c": {"S": "3"}}]));
    assert_eq!((&answer["Count"], &answer["ScannedCount"]), (&json!(2), &json!(3)));
    let mut counted = filtered;
    counted["Select"] = json!("COUNT");
    counted.as_object_mut().unwrap().remove("ProjectionExpression");
    let answer = query(counted);
    assert_eq!((answer.get("Items"), &answer["Count"]), (None, &json!(2)));

    // Page by page, and from the index alone.
    let page = query(json!({"ProjectionExpression": "n", "Limit": 2}));
    let rest = query(json!({"ProjectionExpression": "n", "ExclusiveStartKey": page["LastEvaluatedKey"]}));
    assert_eq!((page["Count"].as_u64(), rest["Items"].clone()), (Some(2), json!([{"n": {"N": "3"}}])));
    let held = query(json!({"ProjectionExpression": "included, l"}));
    assert_eq!(held["Items"][0], json!({"included": {"S": "i"}, "l": {"S": "1"}}));
    assert_eq!(units(&held), [0.5, 0.0, 0.5]);
}
