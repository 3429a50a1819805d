use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, get, invalid, key, message, put};

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
    // At the path that was written there is nothing now, and at the one that was removed there is the next element.
    assert_eq!(attributes("SET m.l[100] = :v", value("10"), "UPDATED_NEW"), Value::Null);
    assert_eq!(attributes("REMOVE m.l[1]", json!({}), "UPDATED_NEW"), part("10"));
}

/// The item `p`: `item` after `expression`; its key left out.
fn updated(server: &LocalDynamoDb, item: Option<Value>, expression: &str, values: Value) -> Value {
    let key = json!({"p": {"S": "item"}, "c": {"S": "1"}});
    done(server, "DeleteItem", json!({"TableName": "t01", "Key": key}));
    if let Some(item) = item {
        put(server, "t01", key.clone(), item);
    }
    done(server, "UpdateItem", update(&key, expression, values, "NONE"));
    let mut item = get(server, "t01", &key);
    if let Some(attributes) = item.as_object_mut() {
        attributes.retain(|name, _| name != "p" && name != "c");
    }
    item
}

#[test]
fn each_action_changes_what_it_names() {
    let server = server();
    composite_table(&server, "t01");
    let (one, five) = (json!({":v": {"N": "1"}}), json!({":v": {"N": "5"}}));
    let list = |values: &[&str]| json!({"L": values.iter().map(|value| json!({"S": value})).collect::<Value>()});
    let set = |values: &[&str]| json!({"SS": values});
    for (item, expression, values, expected) in [
        (None, "SET n = :v", one.clone(), json!({"n": {"N": "1"}})),
        (
            Some(json!({"n": {"N": "3"}, "x": {"S": "y"}})),
            "SET n = n + :v",
            five.clone(),
            json!({"n": {"N": "8"}, "x": {"S": "y"}}),
        ),
        (Some(json!({"n": {"N": "3"}})), "SET n = (n - :v)", five.clone(), json!({"n": {"N": "-2"}})),
        // Values are read before any is changed.
        (Some(json!({"a": {"N": "1"}})), "SET a = :v, b = a", five.clone(), json!({"a": {"N": "5"}, "b": {"N": "1"}})),
        (
            Some(json!({"a": {"N": "1"}})),
            "SET b = if_not_exists(b, a), a = if_not_exists(a, :v)",
            five.clone(),
            json!({"a": {"N": "1"}, "b": {"N": "1"}}),
        ),
        (Some(json!({})), "SET n = if_not_exists(n, :v) + :v", five.clone(), json!({"n": {"N": "10"}})),
        (
            Some(json!({"items1": list(&["b"])})),
            "SET items1 = list_append(:v, items1)",
            json!({":v": list(&["a"])}),
            json!({"items1": list(&["a", "b"])}),
        ),
        (
            Some(json!({})),
            "SET items1 = list_append(if_not_exists(items1, :none), :v)",
            json!({":v": list(&["a"]), ":none": list(&[])}),
            json!({"items1": list(&["a"])}),
        ),
        (
            Some(json!({"m": {"M": {"x": {"N": "1"}}}})),
            "SET m.y = :v",
            five.clone(),
            json!({"m": {"M": {"x": {"N": "1"}, "y": {"N": "5"}}}}),
        ),
        // Behind the end of a list, values are appended in the order of their indexes.
        (
            Some(json!({"items1": list(&["a"])})),
            "SET items1[9] = :9, items1[5] = :5",
            json!({":9": {"S": "nine"}, ":5": {"S": "five"}}),
            json!({"items1": list(&["a", "five", "nine"])}),
        ),
        (
            Some(json!({"items1": list(&["a", "b", "c", "d"])})),
            "REMOVE items1[0], items1[2]",
            json!({}),
            json!({"items1": list(&["b", "d"])}),
        ),
        (
            Some(json!({"m": {"M": {"x": {"N": "1"}}}, "a": {"N": "1"}})),
            "REMOVE m.absent, absent, a",
            json!({}),
            json!({"m": {"M": {"x": {"N": "1"}}}}),
        ),
        (Some(json!({"n": {"N": "3"}})), "ADD n :v, k :v", five, json!({"n": {"N": "8"}, "k": {"N": "5"}})),
        (
            Some(json!({"s": set(&["b"])})),
            "ADD s :v",
            json!({":v": set(&["", "a", "b"])}),
            json!({"s": set(&["", "a", "b"])}),
        ),
        (Some(json!({})), "ADD s :v", json!({":v": set(&["a"])}), json!({"s": set(&["a"])})),
        (
            Some(json!({"s": set(&["", "a", "b"])})),
            "DELETE s :v",
            json!({":v": set(&["a", "x"])}),
            json!({"s": set(&["", "b"])}),
        ),
        // Numbers are equal however they are written.
        (
            Some(json!({"s": {"NS": ["1", "20"]}})),
            "ADD s :v",
            json!({":v": {"NS": ["2e1", "1.0"]}}),
            json!({"s": {"NS": ["1", "20"]}}),
        ),
        (
            Some(json!({"s": {"NS": ["1", "20"]}})),
            "DELETE s :v",
            json!({":v": {"NS": ["20.00"]}}),
            json!({"s": {"NS": ["1"]}}),
        ),
        // A set without elements does not exist.
        (Some(json!({"s": set(&["a"])})), "DELETE s :v", json!({":v": set(&["a"])}), json!({})),
        (
            Some(json!({"a": {"N": "1"}, "b": {"N": "1"}, "s": set(&["a", "b"])})),
            "REMOVE a SET c1 = :v ADD b :v DELETE s :s",
            json!({":v": {"N": "1"}, ":s": set(&["a"])}),
            json!({"c1": {"N": "1"}, "b": {"N": "2"}, "s": set(&["b"])}),
        ),
    ] {
        assert_eq!(updated(&server, item, expression, values), expected, "{expression}");
    }
}

#[test]
fn updates_that_cannot_be_made_are_refused() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"s": {"S": "x"}, "n": {"N": "1"}, "m": {"M": {}}}));
    let path = "The document path provided in the update expression is invalid for update";
    let overlap = "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these \
        paths; path one: [m], path two: [m, x]";
    let conflict = "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of \
        these paths; path one: [m, x], path two: [m, [0]]";
    for (expression, values, expected) in [
        ("", json!({}), "Invalid UpdateExpression: The expression can not be empty;"),
        ("SET", json!({}), r#"Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "SET""#),
        ("s = :v", json!({":v": {"N": "1"}}), r#"Invalid UpdateExpression: Syntax error; token: "s", near: "s =""#),
        ("SET s = 5", json!({}), r#"Invalid UpdateExpression: Syntax error; token: "5", near: "= 5""#),
        (
            "SET s = :v SET n = :v",
            json!({":v": {"N": "1"}}),
            r#"Invalid UpdateExpression: The "SET" section can only be used once in an update expression;"#,
        ),
        ("SET m = :v, m.x = :v", json!({":v": {"N": "1"}}), overlap),
        ("SET m.x = :v REMOVE m[0]", json!({":v": {"N": "1"}}), conflict),
        (
            "SET name = :v",
            json!({":v": {"N": "1"}}),
            "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name",
        ),
        (
            "SET s = :w",
            json!({":v": {"N": "1"}}),
            "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :w",
        ),
        (
            "SET s = :v",
            json!({":v": {"N": "1"}, ":w": {"N": "1"}}),
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}",
        ),
        (
            "SET _s = :v",
            json!({":v": {"N": "1"}}),
            r#"Invalid UpdateExpression: Syntax error; token: "_", near: "SET _s""#,
        ),
        (
            "SET s = LIST_APPEND(s, :v)",
            json!({":v": {"L": []}}),
            "Invalid UpdateExpression: Invalid function name; function: LIST_APPEND",
        ),
        (
            "SET s = list_append(s, list_append(:v, :v))",
            json!({":v": {"L": []}}),
            "Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "SET s = if_not_exists(s, :v, :v)",
            json!({":v": {"N": "1"}}),
            "Invalid UpdateExpression: Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 3",
        ),
        (
            "SET s[2147483648] = :v",
            json!({":v": {"N": "1"}}),
            "Invalid UpdateExpression: List index is not within the allowable range; index: [2147483648]",
        ),
        ("SET s = size(n)", json!({}), "Invalid UpdateExpression: Invalid function name; function: size"),
        (
            "SET p = :v",
            json!({":v": {"S": "b"}}),
            "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key",
        ),
        ("SET absent.x = :v", json!({":v": {"N": "1"}}), path),
        ("SET s[0] = :v", json!({":v": {"N": "1"}}), path),
        ("SET s = absent", json!({}), "The provided expression refers to an attribute that does not exist in the item"),
        ("SET s = s + :v", json!({":v": {"N": "1"}}), "An operand in the update expression has an incorrect data type"),
        ("ADD s :v", json!({":v": {"N": "1"}}), "An operand in the update expression has an incorrect data type"),
        (
            "ADD s :v",
            json!({":v": {"S": "1"}}),
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "SET s = :v",
            json!({":v": {"SS": []}}),
            "One or more parameter values were invalid: An string set  may not be empty",
        ),
    ] {
        assert_eq!(
            invalid(&server, "UpdateItem", update(&key("a", "1"), expression, values, "NONE")),
            expected,
            "{expression}"
        );
    }
    assert_eq!(get(&server, "t01", &key("a", "1"))["s"], json!({"S": "x"}));
}

#[test]
fn the_older_updates_change_one_attribute_each() {
    let server = server();
    composite_table(&server, "t01");
    let item = key("a", "1");
    let send = |value: &Value, action: &str, operand: Value| {
        put(&server, "t01", item.clone(), json!({"v": value}));
        let update =
            if operand.is_null() { json!({"Action": action}) } else { json!({"Action": action, "Value": operand}) };
        json!({"TableName": "t01", "Key": item, "AttributeUpdates": {"v": update}})
    };
    for (value, action, operand, expected) in [
        (json!({"S": "x"}), "PUT", json!({"N": "1"}), json!({"N": "1"})),
        (json!({"S": "x"}), "DELETE", Value::Null, Value::Null),
        (json!({"N": "7"}), "ADD", json!({"N": "-3.5"}), json!({"N": "3.5"})),
        (json!({"NS": ["1"]}), "ADD", json!({"NS": ["1.0"]}), json!({"NS": ["1"]})),
        (json!({"NS": ["1", "2"]}), "DELETE", json!({"NS": ["2.0", "9"]}), json!({"NS": ["1"]})),
        (json!({"SS": ["x"]}), "DELETE", json!({"SS": ["x"]}), Value::Null),
        // Unlike in an expression, also to lists.
        (json!({"L": [{"N": "1"}]}), "ADD", json!({"L": [{"S": "x"}]}), json!({"L": [{"N": "1"}, {"S": "x"}]})),
    ] {
        let request = send(&value, action, operand);
        done(&server, "UpdateItem", request.clone());
        assert_eq!(get(&server, "t01", &item)["v"], expected, "{request}");
    }
    let parameter = "One or more parameter values were invalid: ";
    for (value, action, operand, expected) in [
        (json!({"SS": ["x"]}), "ADD", json!({"SS": []}), format!("{parameter}An string set  may not be empty")),
        (json!({"NS": ["1"]}), "DELETE", json!({"NS": []}), format!("{parameter}An number set  may not be empty")),
        (json!({"S": "x"}), "ADD", json!({"S": "y"}), format!("{parameter}ADD action is not supported for the type S")),
        (
            json!({"L": []}),
            "DELETE",
            json!({"L": []}),
            format!("{parameter}DELETE action with value is not supported for the type L"),
        ),
        (json!({"NS": ["1"]}), "ADD", json!({"SS": ["x"]}), "Type mismatch for attribute to update".into()),
        (json!({"N": "1"}), "DELETE", json!({"NS": ["1"]}), "Type mismatch for attribute to update".into()),
    ] {
        let request = send(&value, action, operand);
        assert_eq!(invalid(&server, "UpdateItem", request.clone()), expected, "{request}");
    }
}
