use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, get, key, message, put};

fn update(key: &Value, expression: &str, values: Value, returns: &str) -> Value {
    let mut request = json!({"TableName": "t01", "Key": key, "UpdateExpression": expression, "ReturnValues": returns});
    if values.as_object().is_some_and(|values| !values.is_empty()) {
        request["ExpressionAttributeValues"] = values;
    }
    request
}

#[test]
fn the_old_values_of_a_new_item_are_nothing() {
    let server = server();
    composite_table(&server, "t01");
    let key = key("a", "1");
    for returns in ["ALL_OLD", "UPDATED_OLD"] {
        let key = json!({"p": key["p"], "c": {"S": returns}});
        let answer = done(&server, "UpdateItem", update(&key, "SET x = :x", json!({":x": {"N": "1"}}), returns));
        assert_eq!(answer, json!({}), "{returns}");
    }
    let existing = json!({"p": {"S": "a"}, "c": {"S": "ALL_OLD"}});
    let answer = done(&server, "UpdateItem", update(&existing, "SET x = :x", json!({":x": {"N": "2"}}), "ALL_OLD"));
    assert_eq!(answer["Attributes"]["x"], json!({"N": "1"}));
    assert_eq!(answer["Attributes"]["p"], json!({"S": "a"}));
}

#[test]
fn removing_from_a_missing_item_does_not_make_it() {
    let server = server();
    composite_table(&server, "t01");
    let key = key("a", "1");
    let set = json!({":s": {"SS": ["x"]}});
    for (expression, values) in [("REMOVE x", json!({})), ("DELETE x :s", set.clone()), ("REMOVE y.z DELETE x :s", set)]
    {
        let answer = done(&server, "UpdateItem", update(&key, expression, values, "ALL_NEW"));
        assert_eq!(answer, json!({}), "{expression}");
        assert_eq!(get(&server, "t01", &key), Value::Null, "{expression}");
    }
    let legacy = json!({"TableName": "t01", "Key": key, "AttributeUpdates": {"x": {"Action": "DELETE"}}});
    done(&server, "UpdateItem", legacy);
    assert_eq!(get(&server, "t01", &key), Value::Null);

    // Anything that can set a value makes the item, and so does an update without actions.
    for (sort, expression, values) in
        [("2", "REMOVE x SET y = :y", json!({":y": {"N": "1"}})), ("3", "REMOVE x ADD y :y", json!({":y": {"N": "1"}}))]
    {
        let key = crate::key("a", sort);
        done(&server, "UpdateItem", update(&key, expression, values, "NONE"));
        assert_ne!(get(&server, "t01", &key), Value::Null, "{expression}");
    }
    let key = crate::key("a", "4");
    done(&server, "UpdateItem", json!({"TableName": "t01", "Key": key}));
    assert_ne!(get(&server, "t01", &key), Value::Null);
}

#[test]
fn removing_from_a_missing_item_is_checked_and_costs_a_write() {
    let server = server();
    composite_table(&server, "t01");
    let request = |extra: Value| {
        let mut request = update(&key("a", "1"), "REMOVE x", json!({}), "NONE");
        request.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        request
    };
    let answer = done(&server, "UpdateItem", request(json!({"ReturnConsumedCapacity": "TOTAL"})));
    assert_eq!(answer["ConsumedCapacity"]["CapacityUnits"], json!(1.0));
    let holds = json!({
        "ConditionExpression": "attribute_not_exists(#p) OR y = :y",
        "ExpressionAttributeNames": {"#p": "p"},
        "ExpressionAttributeValues": {":y": {"N": "1"}},
    });
    done(&server, "UpdateItem", request(holds));
    let (kind, _) = refused(&server, "UpdateItem", request(json!({"ConditionExpression": "attribute_exists(p)"})));
    assert_eq!(kind, "ConditionalCheckFailedException");
    let (_, unused) = refused(&server, "UpdateItem", request(json!({"ExpressionAttributeNames": {"#u": "u"}})));
    assert!(message(&unused).contains("unused in expressions: keys: {#u}"), "{unused}");
    let (_, of_key) = refused(&server, "UpdateItem", update(&key("a", "1"), "REMOVE c", json!({}), "NONE"));
    assert!(message(&of_key).contains("This attribute is part of the key"), "{of_key}");
}

#[test]
fn the_updated_part_of_a_nested_value_is_returned_alone() {
    let server = server();
    composite_table(&server, "t01");
    let key = key("a", "1");
    let map = json!({"M": {"l": {"L": [{"N": "0"}, {"N": "1"}]}, "extra": {"S": "x"}}});
    put(&server, "t01", key.clone(), json!({"m": map, "single": {"N": "0"}}));
    let value = |n: &str| json!({":v": {"N": n}});
    let attributes = |expression, values, returns| {
        done(&server, "UpdateItem", update(&key, expression, values, returns))["Attributes"].clone()
    };
    let part = |n: &str| json!({"m": {"M": {"l": {"L": [{"N": n}]}}}});
    assert_eq!(attributes("SET m.l[1] = :v", value("7"), "UPDATED_NEW"), part("7"));
    assert_eq!(attributes("SET m.l[1] = :v", value("8"), "UPDATED_OLD"), part("7"));
    let both = json!({"m": {"M": {"l": {"L": [{"N": "9"}]}}}, "single": {"N": "9"}});
    assert_eq!(attributes("SET m.l[0] = :v, single = :v", value("9"), "UPDATED_NEW"), both);
    assert_eq!(attributes("REMOVE m.extra", json!({}), "UPDATED_OLD"), json!({"m": {"M": {"extra": {"S": "x"}}}}));
    assert_eq!(attributes("REMOVE m.absent", json!({}), "UPDATED_NEW"), Value::Null);
}
