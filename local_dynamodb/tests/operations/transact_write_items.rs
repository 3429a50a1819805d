use serde_json::{Value, json};

use crate::support::json::{done, refused};
use crate::support::server;
use crate::{composite_table, get, key, message, put, refusal};

#[test]
fn removing_from_a_missing_item_does_not_make_it() {
    let server = server();
    composite_table(&server, "t01");
    let remove = json!({"Update": {"TableName": "t01", "Key": key("a", "1"), "UpdateExpression": "REMOVE x"}});
    let item = json!({"p": {"S": "a"}, "c": {"S": "2"}});
    let put = json!({"Put": {"TableName": "t01", "Item": item}});
    done(&server, "TransactWriteItems", json!({"TransactItems": [remove, put]}));
    assert_eq!(get(&server, "t01", &key("a", "1")), Value::Null);
    assert_eq!(get(&server, "t01", &key("a", "2")), item);
}

#[test]
fn a_token_makes_a_repetition_a_read() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"n": {"N": "0"}}));
    let add = json!({"Update": {
        "TableName": "t01", "Key": key("a", "1"), "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }});
    let request = |items: Value| json!({"TransactItems": items, "ClientRequestToken": "token", "ReturnConsumedCapacity": "TOTAL"});
    let first = done(&server, "TransactWriteItems", request(json!([add])));
    let second = done(&server, "TransactWriteItems", request(json!([add])));
    assert_eq!(get(&server, "t01", &key("a", "1"))["n"], json!({"N": "1"}));
    assert_eq!(first["ConsumedCapacity"][0]["WriteCapacityUnits"], json!(2.0), "{first}");
    assert_eq!(second["ConsumedCapacity"][0]["ReadCapacityUnits"], json!(2.0), "{second}");
    let delete = json!([{"Delete": {"TableName": "t01", "Key": key("a", "1")}}]);
    let (kind, _) = refused(&server, "TransactWriteItems", request(delete));
    assert_eq!(kind, "IdempotentParameterMismatchException");
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the item as a literal")]
fn write(item: Value) -> Value {
    json!({"Put": {"TableName": "t01", "Item": item}})
}

/// An action on `key` with a condition on it.
#[expect(clippy::needless_pass_by_value, reason = "callers write the members as a literal")]
fn action(name: &str, key: &Value, more: Value) -> Value {
    let mut action = json!({"TableName": "t01"});
    let object = action.as_object_mut().unwrap();
    object.insert(if name == "Put" { "Item" } else { "Key" }.into(), key.clone());
    object.extend(more.as_object().unwrap().clone());
    if name == "Update" && action["UpdateExpression"].is_null() {
        action["UpdateExpression"] = json!("REMOVE gone");
    }
    json!({ name: action })
}

const ACTIONS: [&str; 4] = ["Put", "Update", "Delete", "ConditionCheck"];

#[test]
fn each_action_has_its_reason_and_nothing_is_written() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"x": {"N": "1"}}));
    let before = get(&server, "t01", &key("a", "1"));
    for name in ACTIONS {
        let condition = json!({
            "ConditionExpression": "(attribute_exists(p)) AND (x = :x)", "ExpressionAttributeValues": {":x": {"N": "2"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        let items = [
            write(key("a", "2")),
            action(name, &key("a", "1"), condition.clone()),
            action(name, &key("a", "3"), condition),
        ];
        let (kind, error) = refused(&server, "TransactWriteItems", json!({"TransactItems": items}));
        assert_eq!(kind, "TransactionCanceledException", "{name}");
        let text = "Transaction cancelled, please refer cancellation reasons for specific reasons [None, \
            ConditionalCheckFailed, ConditionalCheckFailed]";
        assert_eq!(message(&error), text, "{name}");
        let failed = json!({"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"});
        let mut with_item = failed.clone();
        with_item["Item"] = before.clone();
        assert_eq!(error["CancellationReasons"], json!([{"Code": "None"}, with_item, failed]), "{name}");
        assert_eq!(get(&server, "t01", &key("a", "1")), before, "{name}");
        assert_eq!(get(&server, "t01", &key("a", "2")), Value::Null, "{name}");
        assert_eq!(get(&server, "t01", &key("a", "3")), Value::Null, "{name}");
    }
    let holds = json!({"ConditionExpression": "x = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}});
    let items = [write(key("a", "2")), action("ConditionCheck", &key("a", "1"), holds.clone())];
    done(&server, "TransactWriteItems", json!({"TransactItems": items}));
    assert_eq!(get(&server, "t01", &key("a", "2")), key("a", "2"));
    done(&server, "TransactWriteItems", json!({"TransactItems": [action("Delete", &key("a", "1"), holds)]}));
    assert_eq!(get(&server, "t01", &key("a", "1")), Value::Null);
}

#[test]
fn a_key_of_another_form_is_a_reason_and_an_empty_one_is_not() {
    let server = server();
    composite_table(&server, "t01");
    for name in ACTIONS {
        let condition = json!({"ConditionExpression": "attribute_not_exists(p)"});
        let with_key =
            |p: Value| json!({"TransactItems": [action(name, &json!({"p": p, "c": {"S": "1"}}), condition.clone())]});
        for (p, kind) in [(json!({"N": "5"}), "N"), (json!({"L": []}), "L")] {
            let (_, error) = refused(&server, "TransactWriteItems", with_key(p));
            let reason = &error["CancellationReasons"][0];
            let expected = match name {
                "Put" => format!(
                    "One or more parameter values were invalid: Type mismatch for key p expected: S actual: {kind}"
                ),
                _ => "The provided key element does not match the schema".into(),
            };
            assert_eq!((&reason["Code"], &reason["Message"]), (&json!("ValidationError"), &json!(expected)), "{name}");
        }
        let expected = "ValidationException: One or more parameter values are not valid. The AttributeValue for a key \
            attribute cannot contain an empty string value. Key: p";
        assert_eq!(refusal(&server, "TransactWriteItems", with_key(json!({"S": ""}))), expected, "{name}");
    }
}

#[test]
fn what_is_wrong_with_a_request_is_refused_before_it_writes() {
    let server = server();
    composite_table(&server, "t01");
    let one = || write(key("a", "1"));
    let absent = || json!({"Put": {"TableName": "absent", "Item": key("a", "1")}});
    let check = |more: Value| action("ConditionCheck", &key("a", "2"), more);
    let syntax = || check(json!({"ConditionExpression": "attribute_exists("}));
    let unused = || {
        check(json!({"ConditionExpression": "attribute_exists(p)", "ExpressionAttributeValues": {":v": {"S": "x"}}}))
    };
    let with = |items: &[Value], more: Value| {
        let mut request = json!({"TransactItems": items});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let consumed = "Value 'SOME' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value \
        set: [INDEXES, TOTAL, NONE]";
    let metrics = "Value 'MANY' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum \
        value set: [SIZE, NONE]";
    let some = || json!({"ReturnConsumedCapacity": "SOME"});
    let both = json!({"ReturnConsumedCapacity": "SOME", "ReturnItemCollectionMetrics": "MANY"});
    let multiple = "Transaction request cannot include multiple operations on one item";
    let not_used = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}";
    let end = "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"(\"";
    let two_actions = json!({"Put": one()["Put"], "Delete": {"TableName": "t01", "Key": key("a", "1")}});
    for (request, expected) in [
        (with(&[one(), action("Delete", &key("a", "1"), json!({}))], json!({})), multiple.to_owned()),
        (
            with(&[two_actions], json!({})),
            "TransactItems can only contain one of Check, Put, Update or Delete".to_owned(),
        ),
        // Enumerations come before the table and before what is done twice; both are named at once.
        (with(&[absent()], some()), format!("1 validation error detected: {consumed}")),
        (with(&[one(), one()], some()), format!("1 validation error detected: {consumed}")),
        (with(&[one()], both), format!("2 validation errors detected: {consumed}; {metrics}")),
        // Expressions come before the table, whichever action they are in.
        (with(&[absent(), syntax()], json!({})), end.to_owned()),
        (with(&[absent(), unused()], json!({})), not_used.to_owned()),
        (with(&[unused(), absent()], json!({})), not_used.to_owned()),
        (with(&[write(key("a", "2")), unused()], json!({})), not_used.to_owned()),
    ] {
        assert_eq!(
            refusal(&server, "TransactWriteItems", request.clone()),
            format!("ValidationException: {expected}"),
            "{request}"
        );
    }
    let (kind, error) = refused(&server, "TransactWriteItems", with(&[one(), absent()], json!({})));
    assert_eq!((kind.as_str(), message(&error)), ("ResourceNotFoundException", "Requested resource not found"));
    let token = refusal(&server, "TransactWriteItems", with(&[one()], json!({"ClientRequestToken": "x".repeat(37)})));
    assert!(
        token.ends_with("failed to satisfy constraint: Member must have length less than or equal to 36"),
        "{token}"
    );
    for (count, constraint) in [(0, "greater than or equal to 1"), (101, "less than or equal to 100")] {
        let items: Vec<_> = (0..count).map(|n| write(key("a", &n.to_string()))).collect();
        let refusal = refusal(&server, "TransactWriteItems", with(&items, json!({})));
        assert!(
            refusal.ends_with(&format!("failed to satisfy constraint: Member must have length {constraint}")),
            "{refusal}"
        );
    }
    assert_eq!(done(&server, "Scan", json!({"TableName": "t01"}))["Count"], 0);
    let hundred: Vec<_> = (0..100).map(|n| write(key("a", &n.to_string()))).collect();
    done(&server, "TransactWriteItems", with(&hundred, json!({})));
}

#[test]
fn the_first_key_of_another_form_is_the_only_reason() {
    let server = server();
    composite_table(&server, "t01");
    let other = |p: &str| write(json!({"p": {"N": p}, "c": {"S": "1"}}));
    let fails = action("Put", &key("a", "9"), json!({"ConditionExpression": "attribute_exists(p)"}));
    let items = [fails, other("1"), other("2")];
    let (kind, error) = refused(&server, "TransactWriteItems", json!({"TransactItems": items}));
    assert_eq!(kind, "TransactionCanceledException");
    assert_eq!(error["CancellationReasons"][2], json!({"Code": "None"}));
    assert!(message(&error).ends_with("[None, ValidationError, None]"), "{error}");
}

#[test]
fn members_of_an_action_are_checked() {
    let server = server();
    composite_table(&server, "t01");
    let put = |more: Value| action("Put", &key("a", "1"), more);
    let condition = "attribute_exists(#p)";
    for (action, expected) in [
        (
            put(json!({"ConditionExpression": condition})),
            "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute \
             name: #p",
        ),
        (
            put(json!({"ConditionExpression": "p = :p"})),
            "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: \
             :p",
        ),
        (
            put(json!({"ConditionExpression": condition, "ExpressionAttributeNames": {"#p": "p", "#q": "q"}})),
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#q}",
        ),
        (
            put(
                json!({"ConditionExpression": condition, "ExpressionAttributeNames": {"#p": "p"}, "ExpressionAttributeValues": {}}),
            ),
            "ExpressionAttributeValues must not be empty",
        ),
        (
            put(json!({"ConditionExpression": "attribute_exists(p)", "ExpressionAttributeNames": {}})),
            "ExpressionAttributeNames must not be empty",
        ),
        (
            action(
                "Update",
                &key("a", "1"),
                json!({"UpdateExpression": "SET x = :x REMOVE z SET y = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}}),
            ),
            "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;",
        ),
    ] {
        let refusal = refusal(&server, "TransactWriteItems", json!({"TransactItems": [action]}));
        assert_eq!(refusal, format!("ValidationException: {expected}"), "{action}");
    }
    for (action, member) in [
        (json!({"ConditionCheck": {"TableName": "t01", "Key": key("a", "1")}}), "onditionExpression"),
        (put(json!({"ReturnValuesOnConditionCheckFailure": "SOME"})), "eturnValuesOnConditionCheckFailure"),
        (json!({"Update": {"TableName": "t01", "Key": key("a", "1")}}), "pdateExpression"),
    ] {
        let refusal = refusal(&server, "TransactWriteItems", json!({"TransactItems": [action]}));
        assert!(refusal.starts_with("ValidationException: ") && refusal.contains(member), "{refusal}");
    }
}
