use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, indexed_table, invalid, key, message, pages, put, refused_with, texts, with};

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

fn partition(table: &str, more: Value) -> Value {
    with(
        json!({"TableName": table, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}),
        more,
    )
}

#[test]
fn pages_end_after_the_items_read_not_after_those_found() {
    let server = server();
    composite_table(&server, "t01");
    for n in 0..10 {
        put(
            &server,
            "t01",
            key("a", &n.to_string()),
            json!({"even": {"BOOL": n % 2 == 0}, "x": {"S": "x".repeat(1_000)}}),
        );
    }
    let all = done(&server, "Query", partition("t01", json!({"ReturnConsumedCapacity": "TOTAL"})));
    assert_eq!((&all["Count"], &all["ScannedCount"], all.get("LastEvaluatedKey")), (&json!(10), &json!(10), None));
    let filter =
        json!({"FilterExpression": "even = :t", "ExpressionAttributeValues": {":p": {"S": "a"}, ":t": {"BOOL": true}}});
    let page = done(&server, "Query", partition("t01", with(filter.clone(), json!({"Limit": 3}))));
    assert_eq!(
        (&page["Count"], &page["ScannedCount"], &page["LastEvaluatedKey"]),
        (&json!(2), &json!(3), &key("a", "2"))
    );
    let (items, count) = pages(&server, "Query", partition("t01", with(filter.clone(), json!({"Limit": 3}))));
    assert_eq!((items.len(), count), (5, 4));
    let backwards = json!({"ScanIndexForward": false, "ExclusiveStartKey": key("a", "3")});
    let answer = done(&server, "Query", partition("t01", backwards));
    assert_eq!(texts(&answer["Items"], "c"), ["2", "1", "0"], "the key to start from is not repeated");
    // What is filtered out or not returned costs the same.
    for more in [filter, json!({"ProjectionExpression": "c"}), json!({"Select": "COUNT"})] {
        let answer =
            done(&server, "Query", partition("t01", with(more.clone(), json!({"ReturnConsumedCapacity": "TOTAL"}))));
        assert_eq!(answer["ConsumedCapacity"], all["ConsumedCapacity"], "{more}");
    }
    let nothing = json!({"ExpressionAttributeValues": {":p": {"S": "absent"}}});
    assert_eq!(done(&server, "Query", partition("t01", nothing)), json!({"Items": [], "Count": 0, "ScannedCount": 0}));
}

#[test]
fn equal_keys_of_an_index_are_told_apart_by_the_tables_key() {
    let server = server();
    indexed_table(&server, "t01");
    for (n, p) in ["a", "a", "b", "b", "c"].iter().enumerate() {
        put(&server, "t01", key(p, &n.to_string()), json!({"g": {"S": "same"}, "l": {"S": "same"}}));
    }
    put(&server, "t01", key("a", "in no index"), json!({}));
    for (index, condition, value, keys, count) in
        [("by_g", "g = :p", "same", vec!["c", "g", "p"], 5), ("by_l", "p = :p", "a", vec!["c", "l", "p"], 2)]
    {
        let request = json!({"TableName": "t01", "IndexName": index, "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":p": {"S": value}}, "Limit": 1});
        let page = done(&server, "Query", request.clone());
        let mut names: Vec<_> = page["LastEvaluatedKey"].as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, keys, "{index}");
        let (items, pages) = pages(&server, "Query", request);
        let mut found = texts(&Value::Array(items), "c");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), count, "{index}");
        assert!(pages <= count + 1, "{index}");
    }
}

#[test]
fn select_decides_what_is_returned() {
    let server = server();
    indexed_table(&server, "t01");
    put(
        &server,
        "t01",
        key("a", "1"),
        json!({"g": {"S": "x"}, "l": {"S": "x"}, "included": {"S": "i"}, "rest": {"S": "r"}}),
    );
    let names = |request: Value| -> String {
        let answer = done(&server, "Query", request);
        let mut names: Vec<_> = answer["Items"][0].as_object().unwrap().keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    let global = json!({"TableName": "t01", "IndexName": "by_g", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "x"}}});
    assert_eq!(names(with(global.clone(), json!({"Select": "ALL_PROJECTED_ATTRIBUTES"}))), "c g included p");
    assert_eq!(names(global.clone()), "c g included p");
    let local = json!({"IndexName": "by_l"});
    assert_eq!(names(partition("t01", with(local, json!({"Select": "ALL_ATTRIBUTES"})))), "c g included l p rest");
    assert_eq!(
        names(partition("t01", json!({"Select": "SPECIFIC_ATTRIBUTES", "ProjectionExpression": "rest"}))),
        "rest"
    );
    let count = done(&server, "Query", partition("t01", json!({"Select": "COUNT"})));
    assert_eq!(count, json!({"Count": 1, "ScannedCount": 1}));

    let projection = "Cannot specify the ProjectionExpression when choosing to get";
    for (more, expected) in [
        (json!({"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "c"}), format!("{projection} ALL_ATTRIBUTES")),
        (json!({"Select": "COUNT", "ProjectionExpression": "c"}), format!("{projection} only the Count")),
        (
            json!({"Select": "ALL_PROJECTED_ATTRIBUTES"}),
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName".into(),
        ),
        (
            json!({"Select": "SPECIFIC_ATTRIBUTES"}),
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES".into(),
        ),
        (json!({"IndexName": "by_x"}), "The table does not have the specified index: by_x".into()),
        (json!({"ExclusiveStartKey": {"x": {"S": "a"}}}), "The provided starting key is invalid".into()),
        (json!({"Limit": 0}), "Limit".into()),
    ] {
        let refusal = invalid(&server, "Query", partition("t01", more.clone()));
        assert!(refusal.contains(&expected), "{more}: {refusal}");
    }
    let consistent = with(global, json!({"ConsistentRead": true}));
    assert_eq!(invalid(&server, "Query", consistent), "Consistent reads are not supported on global secondary indexes");
    refused_with(&server, "ResourceNotFoundException", "Query", partition("none", json!({})));
    let neither = invalid(&server, "Query", json!({"TableName": "t01"}));
    assert_eq!(
        neither,
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    );
}

/// A key of one partition attribute and several sort attributes.
#[test]
fn a_global_index_has_up_to_four_sort_attributes() {
    let server = server();
    let parts = ["p", "day", "host", "status", "path"];
    let definitions: Value = parts.iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"})).collect();
    let sort = |name: &str| json!({"AttributeName": name, "KeyType": "RANGE"});
    let key = json!([{"AttributeName": "day", "KeyType": "HASH"}, sort("host"), sort("status"), sort("path")]);
    let index = json!({"IndexName": "by_day", "KeySchema": key, "Projection": {"ProjectionType": "ALL"}});
    done(
        &server,
        "CreateTable",
        json!({"TableName": "t01", "AttributeDefinitions": definitions, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "GlobalSecondaryIndexes": [index]}),
    );
    crate::wait_until_active(&server, "t01");
    for (p, host, status, path) in [
        ("1", "web1", "200", Some("/b")),
        ("2", "web1", "200", Some("/a")),
        ("3", "web1", "404", Some("/a")),
        ("4", "web2", "200", Some("/a")),
        ("5", "web1", "200", None),
    ] {
        let mut item = json!({"day": {"S": "mon"}, "host": {"S": host}, "status": {"S": status}});
        if let Some(path) = path {
            item["path"] = json!({"S": path});
        }
        put(&server, "t01", json!({"p": {"S": p}}), item);
    }
    let query = |condition: &str| {
        let values = json!({":d": {"S": "mon"}, ":h": {"S": "web1"}, ":s": {"S": "200"}, ":x": {"S": "/"}});
        let used = values.as_object().unwrap().iter().filter(|(name, _)| condition.contains(name.as_str()));
        let used: serde_json::Map<_, _> = used.map(|(name, value)| (name.clone(), value.clone())).collect();
        let names = json!({"#path": "path", "#s": "status", "#day": "day", "#host": "host"});
        let named = names.as_object().unwrap().iter().filter(|(name, _)| condition.contains(name.as_str()));
        let named: serde_json::Map<_, _> = named.map(|(name, value)| (name.clone(), value.clone())).collect();
        json!({"TableName": "t01", "IndexName": "by_day", "KeyConditionExpression": condition, "ExpressionAttributeValues": used,
            "ExpressionAttributeNames": named})
    };
    for (condition, expected) in [
        ("#day = :d", "2 1 3 4"),
        ("#day = :d AND #host = :h", "2 1 3"),
        ("#host = :h AND #day = :d AND #s > :s", "3"),
        ("#day = :d AND #host = :h AND #s = :s AND begins_with(#path, :x)", "2 1"),
    ] {
        let items = done(&server, "Query", query(condition))["Items"].clone();
        assert_eq!(texts(&items, "p").join(" "), expected, "{condition}");
    }
    let refusal = invalid(&server, "Query", query("#day = :d AND #s = :s"));
    let expected = "RANGE key attributes host must have equality conditions specified in the query because a condition is present on \
        key attribute status";
    assert!(refusal.contains(expected), "{refusal}");
}

#[test]
fn attributes_that_a_global_index_does_not_hold_are_refused() {
    let server = server();
    indexed_table(&server, "t01");
    let projected = |name: &str| {
        format!("One or more parameter values were invalid: Global secondary index by_g does not project [{name}]")
    };
    let filtered = |name: &str| {
        format!(
            "One or more parameter values were invalid: Secondary index by_g does not project one or more filter \
             attributes: [{name}]"
        )
    };
    let condition = json!({"KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "x"}}});
    let older = json!({"KeyConditions": {"g": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "x"}]}}});
    let request = |more: Value| with(json!({"TableName": "t01", "IndexName": "by_g"}), more);
    for (conditions, more, expected) in [
        (&condition, json!({"ProjectionExpression": "p, n.x, included, m"}), projected("n, m")),
        (&condition, json!({"FilterExpression": "size(n) = :g OR attribute_exists(included)"}), filtered("n")),
        (&older, json!({"AttributesToGet": ["l"]}), projected("l")),
        (&older, json!({"QueryFilter": {"n": {"ComparisonOperator": "NULL"}}}), filtered("n")),
    ] {
        let request = with(request(conditions.clone()), more);
        assert_eq!(invalid(&server, "Query", request.clone()), expected, "{request}");
    }
    assert_eq!(invalid(&server, "Scan", request(json!({"ProjectionExpression": "n"}))), projected("n"));
    let held = json!({"ProjectionExpression": "p, c, g, included.x", "FilterExpression": "included = :g"});
    done(&server, "Query", with(request(condition), held));
}
