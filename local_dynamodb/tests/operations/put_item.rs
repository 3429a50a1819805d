use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{get, indexed_table, invalid, key, put, refused_with, simple_table, with};

#[test]
fn every_type_comes_back_as_dynamodb_keeps_it() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    let same = |value: Value| (value.clone(), value);
    let expanded = format!("1{}", "0".repeat(125));
    let smallest = format!("0.{}1", "0".repeat(129));
    for (sent, kept) in [
        same(json!({"S": ""})),
        same(json!({"B": "AAECAw=="})),
        same(json!({"B": ""})),
        same(json!({"BOOL": false})),
        same(json!({"NULL": true})),
        same(json!({"L": [{"S": "x"}, {"L": []}, {"M": {"a": {"M": {}}}}]})),
        same(json!({"N": "12345678901234567890123456789012345678"})),
        // Sets are kept in order: texts and bytes by their bytes, numbers by their value.
        (json!({"SS": ["b", "é", "a", "Z", ""]}), json!({"SS": ["", "Z", "a", "b", "é"]})),
        (json!({"NS": ["10", "9", "-1", "2.50"]}), json!({"NS": ["-1", "2.5", "9", "10"]})),
        (
            json!({"M": {"l": {"L": [{"BS": ["Ag==", "AQ==", ""]}]}}}),
            json!({"M": {"l": {"L": [{"BS": ["", "AQ==", "Ag=="]}]}}}),
        ),
        // Numbers are written without exponents, signs and zeros that they do not need.
        (json!({"N": "0042.1200"}), json!({"N": "42.12"})),
        (json!({"N": "+5"}), json!({"N": "5"})),
        (json!({"N": "5."}), json!({"N": "5"})),
        (json!({"N": ".5e1"}), json!({"N": "5"})),
        (json!({"N": "-0"}), json!({"N": "0"})),
        (json!({"N": "0e125"}), json!({"N": "0"})),
        (json!({"N": "1E125"}), json!({"N": expanded})),
        (json!({"N": "1e-130"}), json!({"N": smallest})),
    ] {
        put(&server, "items", json!({"p": {"S": "a"}}), json!({"v": sent}));
        assert_eq!(get(&server, "items", &json!({"p": {"S": "a"}}))["v"], kept, "{sent}");
    }
}

#[test]
fn values_that_cannot_be_kept_are_refused() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    let not_numeric = |text: &str| format!("The parameter cannot be converted to a numeric value: {text}");
    let magnitude = |what: &str, than: &str| {
        format!("Number {what}. Attempting to store a number with magnitude {than} than supported range")
    };
    let deep = (0..32).fold(json!({"S": "x"}), |inner, _| json!({"M": {"a": inner}}));
    let parameters = |reason: &str| format!("One or more parameter values were invalid: {reason}");
    for (value, expected) in [
        (json!({"N": "abc"}), not_numeric("abc")),
        (json!({"N": ""}), not_numeric("")),
        (json!({"N": " 1"}), not_numeric(" 1")),
        (json!({"N": "1_000"}), not_numeric("1_000")),
        (json!({"N": "NaN"}), not_numeric("NaN")),
        (json!({"N": "1e126"}), magnitude("overflow", "larger")),
        (json!({"N": "-1e99999999999"}), magnitude("overflow", "larger")),
        (json!({"N": "1e-131"}), magnitude("underflow", "smaller")),
        (json!({"N": "1234567890123456789012345678901234567890"}), "Attempting to store more than 38 significant digits in a Number".into()),
        (json!({"NS": ["1", "x"]}), not_numeric("x")),
        (json!({"SS": []}), parameters("An string set  may not be empty")),
        (json!({"NS": []}), parameters("An number set  may not be empty")),
        (json!({"BS": []}), parameters("Binary sets should not be empty")),
        (json!({"SS": ["b", "a", "b"]}), parameters(r#"Input collection ["a", "b", "b"] contains duplicates."#)),
        (json!({"NS": ["1", "1.0"]}), parameters("Input collection contains duplicates.")),
        (json!({"NULL": false}), parameters("Null attribute value types must have the value of true")),
        (deep, "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit".into()),
    ] {
        // The same in an item, in something in it, and as a value of a condition.
        let item = json!({"p": {"S": "a"}});
        let plain = json!({"TableName": "items", "Item": with(item.clone(), json!({"v": value}))});
        assert_eq!(invalid(&server, "PutItem", plain), expected, "{value}");
        let nested = json!({"TableName": "items", "Item": with(item.clone(), json!({"v": {"L": [value]}}))});
        assert_eq!(invalid(&server, "PutItem", nested), expected, "{value}");
        let condition = json!({"TableName": "items", "Item": item, "ConditionExpression": "v = :v",
            "ExpressionAttributeValues": {":v": value}});
        assert_eq!(invalid(&server, "PutItem", condition), expected, "{value}");
    }
    let answer = done(&server, "Scan", json!({"TableName": "items"}));
    assert_eq!(answer["Count"], 0, "{answer}");
}

#[test]
fn keys_of_the_table_and_of_indexes_are_checked() {
    let server = server();
    indexed_table(&server, "items");
    let of_index = "One or more parameter values were invalid: Type mismatch for Index Key";
    for (item, expected) in [
        (json!({"p": {"S": "a"}}), "One or more parameter values were invalid: Missing the key c in the item".to_owned()),
        (
            json!({"p": {"S": "a"}, "c": {"N": "1"}}),
            "One or more parameter values were invalid: Type mismatch for key c expected: S actual: N".into(),
        ),
        (
            json!({"p": {"S": ""}, "c": {"S": "1"}}),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string \
             value. Key: p"
                .into(),
        ),
        (json!({"p": {"S": "a"}, "c": {"S": "1"}, "g": {"N": "1"}}), format!("{of_index} g Expected: S Actual: N IndexName: by_g")),
        (json!({"p": {"S": "a"}, "c": {"S": "1"}, "l": {"L": []}}), format!("{of_index} l Expected: S Actual: L IndexName: by_l")),
        (
            json!({"p": {"S": "a"}, "c": {"S": "1"}, "g": {"S": ""}}),
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The \
             AttributeValue for a key attribute cannot contain an empty string value. IndexName: by_g, IndexKey: g"
                .into(),
        ),
    ] {
        assert_eq!(invalid(&server, "PutItem", json!({"TableName": "items", "Item": item})), expected);
    }
}

#[test]
fn an_item_replaces_the_one_with_its_key() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    let request = |value: &str, more: Value| {
        with(json!({"TableName": "items", "Item": {"p": {"S": "a"}, value: {"S": value}}}), more)
    };
    let old = json!({"ReturnValues": "ALL_OLD"});
    assert_eq!(done(&server, "PutItem", request("x", old.clone())), json!({}), "there was none");
    let answer = done(&server, "PutItem", request("y", old));
    assert_eq!(answer["Attributes"], json!({"p": {"S": "a"}, "x": {"S": "x"}}));
    assert_eq!(get(&server, "items", &json!({"p": {"S": "a"}})), json!({"p": {"S": "a"}, "y": {"S": "y"}}));
    for returns in ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"] {
        let refusal = invalid(&server, "PutItem", request("z", json!({"ReturnValues": returns})));
        assert_eq!(refusal, "ReturnValues can only be ALL_OLD or NONE");
    }
    refused_with(
        &server,
        "ResourceNotFoundException",
        "PutItem",
        json!({"TableName": "none", "Item": {"p": {"S": "a"}}}),
    );
}

#[test]
fn a_condition_decides_whether_an_item_is_put() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    let item = json!({"p": {"S": "a"}, "n": {"N": "5"}, "m": {"M": {"x": {"S": "deep"}}}});
    done(&server, "PutItem", json!({"TableName": "items", "Item": item}));
    let put_if = |key: &str, condition: &str| {
        let mut request = json!({"TableName": "items", "Item": with(item.clone(), json!({"p": {"S": key}})), "ConditionExpression": condition});
        let values = json!({":3": {"N": "3"}, ":deep": {"S": "deep"}});
        let used = values.as_object().unwrap().iter().filter(|(name, _)| condition.contains(name.as_str()));
        let used: serde_json::Map<_, _> = used.map(|(name, value)| (name.clone(), value.clone())).collect();
        if !used.is_empty() {
            request["ExpressionAttributeValues"] = used.into();
        }
        request
    };
    for (key, condition, holds) in [
        ("b", "attribute_not_exists(p)", true),
        ("a", "attribute_not_exists(p)", false),
        ("c", "NOT attribute_exists(p)", true),
        ("a", "n > :3 AND m.x = :deep", true),
        ("a", "n < :3 OR m.y = :deep", false),
        ("a", "attribute_exists(m.x) AND attribute_not_exists(m.y)", true),
        // What is not there is different from every value, and neither smaller nor equal.
        ("d", "n <> :3", true),
        ("e", "n = :3", false),
        ("f", "n < :3", false),
    ] {
        let request = put_if(key, condition);
        if holds {
            done(&server, "PutItem", request);
        } else {
            refused_with(&server, "ConditionalCheckFailedException", "PutItem", request);
        }
    }
    let request = with(put_if("a", "n < :3"), json!({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}));
    assert_eq!(refused(&server, "PutItem", request).1["Item"], item);
}

#[test]
fn a_write_costs_what_it_changes_in_each_index() {
    let server = server();
    indexed_table(&server, "items");
    let units = |operation: &str, request: Value| {
        let answer =
            done(&server, operation, with(request, json!({"TableName": "items", "ReturnConsumedCapacity": "INDEXES"})));
        let consumed = &answer["ConsumedCapacity"];
        let of = |part: &Value| part["CapacityUnits"].as_f64();
        (
            of(consumed).unwrap(),
            of(&consumed["Table"]).unwrap(),
            of(&consumed["GlobalSecondaryIndexes"]["by_g"]),
            of(&consumed["LocalSecondaryIndexes"]["by_l"]),
        )
    };
    let item = |more: Value| json!({"Item": with(key("a", "1"), more)});
    let both = json!({"g": {"S": "g"}, "l": {"S": "l"}, "included": {"S": "i"}, "rest": {"S": "r"}});
    assert_eq!(units("PutItem", item(json!({}))), (1.0, 1.0, None, None), "in no index");
    assert_eq!(units("PutItem", item(both.clone())), (3.0, 1.0, Some(1.0), Some(1.0)));
    assert_eq!(units("PutItem", item(both)), (1.0, 1.0, None, None), "nothing changes");
    let update = |expression: &str, value: Option<&str>| {
        let mut request = json!({"Key": key("a", "1"), "UpdateExpression": expression});
        if let Some(value) = value {
            request["ExpressionAttributeValues"] = json!({":v": {"S": value}});
        }
        units("UpdateItem", request)
    };
    assert_eq!(update("SET rest = :v", Some("2")), (2.0, 1.0, None, Some(1.0)), "not in the global index");
    assert_eq!(update("SET included = :v", Some("2")), (3.0, 1.0, Some(1.0), Some(1.0)));
    assert_eq!(update("SET g = :v", Some("2")), (4.0, 1.0, Some(2.0), Some(1.0)), "deleted there and written again");
    assert_eq!(update("SET l = :v", Some("2")), (3.0, 1.0, None, Some(2.0)));
    assert_eq!(update("REMOVE g", None), (3.0, 1.0, Some(1.0), Some(1.0)));
    assert_eq!(units("DeleteItem", json!({"Key": key("a", "1")})), (2.0, 1.0, None, Some(1.0)));
}

#[test]
fn tables_with_local_indexes_tell_the_size_of_item_collections() {
    let server = server();
    indexed_table(&server, "items");
    let size = json!({"TableName": "items", "ReturnItemCollectionMetrics": "SIZE"});
    let expected = json!({"ItemCollectionKey": {"p": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]});
    for (operation, request) in [
        ("PutItem", json!({"Item": key("a", "1")})),
        ("UpdateItem", json!({"Key": key("a", "1"), "UpdateExpression": "REMOVE x"})),
        ("DeleteItem", json!({"Key": key("a", "1")})),
    ] {
        let answer = done(&server, operation, with(request.clone(), size.clone()));
        assert_eq!(answer["ItemCollectionMetrics"], expected, "{operation}");
        let answer = done(&server, operation, with(request, json!({"TableName": "items"})));
        assert_eq!(answer.get("ItemCollectionMetrics"), None, "{operation}");
    }
}
