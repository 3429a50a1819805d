use local_dynamodb::LocalDynamoDb;
use serde_json::{Value, json};

use crate::support::json::done;
use crate::support::server;
use crate::{composite_table, get, key, put, refusal};

#[expect(clippy::needless_pass_by_value, reason = "callers write the parameters as a literal")]
fn execute(server: &LocalDynamoDb, statement: &str, parameters: Value) -> Vec<Value> {
    let mut request = json!({"Statement": statement, "ConsistentRead": true});
    if parameters != json!([]) {
        request["Parameters"] = parameters.clone();
    }
    done(server, "ExecuteStatement", request)["Items"].as_array().unwrap().clone()
}

/// The values of `attribute` in what a statement returns.
fn values(server: &LocalDynamoDb, statement: &str, attribute: &str) -> Vec<String> {
    let items = execute(server, statement, json!([]));
    items.iter().map(|item| item[attribute]["S"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A statement that is refused with a `ValidationException`: its text.
fn invalid(server: &LocalDynamoDb, statement: &str) -> String {
    let refusal = refusal(server, "ExecuteStatement", json!({"Statement": statement}));
    refusal.strip_prefix("ValidationException: ").unwrap_or_else(|| panic!("{statement}: {refusal}")).to_owned()
}

/// Four items in two partitions, one of them without `l`.
fn songs(server: &LocalDynamoDb) {
    composite_table(server, "t01");
    for (p, c, l) in [("a", "1", "z"), ("a", "2", "y"), ("b", "1", "x")] {
        put(server, "t01", key(p, c), json!({"l": {"S": l}, "included": {"S": "i"}, "rest": {"S": c}}));
    }
    put(server, "t01", key("a", "3"), json!({}));
}

#[test]
fn a_select_reads_a_key_a_range_or_everything() {
    let server = server();
    songs(&server);
    for (rest, expected) in [
        ("WHERE p = 'a' AND c = '2'", &["2"][..]),
        ("WHERE p = 'a'", &["1", "2", "3"]),
        ("WHERE p = 'a' ORDER BY c DESC", &["3", "2", "1"]),
        ("WHERE p = 'a' AND c BETWEEN '2' AND '9'", &["2", "3"]),
        ("WHERE p = 'a' AND begins_with(c, '3')", &["3"]),
        ("WHERE p = 'a' AND c IN ['1', '3']", &["1", "3"]),
        ("WHERE p = 'a' AND NOT c = '2'", &["1", "3"]),
        ("WHERE p = 'a' AND c <> '1' OR p = 'a' AND c = '1'", &["1", "2", "3"]),
        ("WHERE rest = '2'", &["2"]),
        ("WHERE p = 'nobody'", &[]),
        ("/* all of it */ WHERE p = 'b' -- and no more", &["1"]),
    ] {
        let mut found = values(&server, &format!("SELECT * FROM \"t01\" {rest}"), "c");
        if rest.contains(" OR ") {
            found.sort();
        }
        assert_eq!(found, expected, "{rest}");
    }
    let projected = execute(&server, "SELECT rest, l FROM t01 WHERE p = 'a' AND c = '1'", json!([]));
    assert_eq!(projected, [json!({"rest": {"S": "1"}, "l": {"S": "z"}})]);
    let parameters = json!([{"S": "b"}, {"S": "x"}]);
    assert_eq!(execute(&server, "SELECT * FROM t01 WHERE p = ? AND l = ?", parameters).len(), 1);
}

#[test]
fn an_index_returns_what_it_holds() {
    let server = server();
    songs(&server);
    let all = "SELECT * FROM \"t01\".\"by_l\" WHERE p = 'a'";
    assert_eq!(values(&server, all, "c"), ["2", "1"], "in the order of l, without the item that has none");
    assert!(execute(&server, all, json!([])).iter().all(|item| item.get("rest").is_none()));
    // A local index fetches the rest from its table, and charges the table for it.
    let cost = |columns: &str| {
        let statement = format!("SELECT {columns} FROM \"t01\".\"by_l\" WHERE p = 'a'");
        let answer =
            done(&server, "ExecuteStatement", json!({"Statement": statement, "ReturnConsumedCapacity": "INDEXES"}));
        answer["ConsumedCapacity"]["Table"]["CapacityUnits"].as_f64().unwrap_or_default()
    };
    assert_eq!((cost("included"), cost("rest")), (0.0, 1.0));
    let project = "One or more parameter values were invalid: Secondary index by_l does not project one or more filter \
        attributes: [rest]";
    for (statement, text) in [
        ("SELECT c FROM \"t01\".\"by_l\" WHERE p = 'a' AND rest = '1'", project),
        ("SELECT * FROM \"t01\".\"other\" WHERE p = 'a'", "The table does not have the specified index"),
        ("SELECT * FROM \"t01\".\"by_l\".\"x\"", "A path may contain at most 2 components in the FROM clause"),
        ("SELECT * FROM \"t01\".\"\"", "Path component cannot be an empty string"),
    ] {
        assert_eq!(invalid(&server, statement), text);
    }
    for (statement, part) in [
        ("DELETE FROM \"t01\".\"by_l\" WHERE p = 'a' AND c = '1'", "This operation is not supported on an index"),
        ("UPDATE \"t01\".\"by_l\" SET x = 1 WHERE p = 'a' AND c = '1'", "This operation is not supported on an index"),
        ("INSERT INTO \"t01\".\"by_l\" VALUE {'p': 'c', 'c': '1'}", "FROM clause may only contain a single table name"),
    ] {
        let text = invalid(&server, statement);
        assert!(text.contains(part), "{statement}: {text}");
    }
}

#[test]
fn a_page_ends_with_a_token_that_belongs_to_its_statement() {
    let server = server();
    songs(&server);
    let page = |statement: &str, more: Value| {
        let mut request = json!({"Statement": statement, "Limit": 2});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let first = done(&server, "ExecuteStatement", page("SELECT c FROM t01 WHERE p = 'a'", json!({})));
    let next = json!({"NextToken": first["NextToken"]});
    let second = done(&server, "ExecuteStatement", page("SELECT c FROM t01 WHERE p = 'a'", next.clone()));
    assert_eq!((first["Items"].as_array().unwrap().len(), &second["Items"]), (2, &json!([{"c": {"S": "3"}}])));
    assert_eq!(second["NextToken"], Value::Null);
    let other = refusal(&server, "ExecuteStatement", page("SELECT c FROM t01 WHERE p = 'b'", next));
    assert!(other.starts_with("ValidationException: "), "{other}");
}

#[test]
fn conditions_and_functions_filter_what_is_read() {
    let server = server();
    composite_table(&server, "t01");
    let attributes = json!({
        "n": {"N": "7"}, "s": {"S": "text"}, "on": {"BOOL": true}, "nothing": {"NULL": true}, "tags": {"SS": ["x", "y"]},
        "list": {"L": [{"N": "1"}, {"N": "2"}]}, "map": {"M": {"inside": {"S": "i"}}},
    });
    put(&server, "t01", key("a", "1"), attributes);
    for (condition, holds) in [
        ("n = 7", true),
        ("n = 70e-1", true),
        ("n = .7E1", true),
        ("n > 7", false),
        ("n IN [1, 7]", true),
        ("s < 'u' AND n >= 7", true),
        ("s = 'other' OR n <> 8", true),
        ("map.\"inside\" = 'i'", true),
        ("list[1] = 2", true),
        ("contains(s, 'ex')", true),
        ("contains(tags, 'z')", false),
        ("begins_with(s, 'te')", true),
        ("size(s) = 4", true),
        ("size(tags) > 2", false),
        ("attribute_type(tags, 'SS')", true),
        ("attribute_exists(map.other)", false),
        ("ATTRIBUTE_NOT_EXISTS(map.other)", true),
        ("(attribute_exists(other) OR attribute_exists(\"tags\"))", true),
        ("NOT attribute_exists(tags)", false),
        ("other IS MISSING", true),
        ("nothing IS NOT MISSING", true),
        ("nothing IS NULL", true),
        ("s IS NOT NULL", true),
        ("\"on\" IS BOOL", true),
        ("s IS BOOL", false),
        ("tags = <<'y', 'x'>>", true),
        ("list = [2, 1]", false),
        ("map = {'inside': 'i'}", true),
    ] {
        let statement = format!("SELECT * FROM t01 WHERE p = 'a' AND {condition}");
        assert_eq!(execute(&server, &statement, json!([])).len() == 1, holds, "{condition}");
    }
    for (value, kind) in [(json!({"BOOL": true}), "BOOL"), (json!({"NULL": true}), "NULL"), (json!({"L": []}), "L")] {
        let request = |table: &str| json!({"Statement": format!("SELECT * FROM {table} WHERE p = 'a' AND n < ?"), "Parameters": [value]});
        let expected = format!(
            "ValidationException: Incorrect operand type for operator or function; operator or function: <, operand type: {kind}"
        );
        // The statement is checked before its table.
        assert_eq!(refusal(&server, "ExecuteStatement", request("t01")), expected);
        assert_eq!(refusal(&server, "ExecuteStatement", request("absent")), expected);
        assert_eq!(execute(&server, "SELECT * FROM t01 WHERE p = 'a' AND n <> ?", json!([value])).len(), 1);
    }
}

#[test]
fn writes_return_nothing_or_what_they_are_asked_for() {
    let server = server();
    composite_table(&server, "t01");
    let nothing: &[Value] = &[];
    assert_eq!(
        execute(&server, "INSERT INTO t01 VALUE {'p': 'a', 'c': '1', 'n': 1, 'm': {'x': [true]}}", json!([])),
        nothing
    );
    let whole = |n: u8| json!({"p": {"S": "a"}, "c": {"S": "1"}, "n": {"N": n.to_string()}, "m": {"M": {"x": {"L": [{"BOOL": true}]}}}});
    assert_eq!(get(&server, "t01", &key("a", "1")), whole(1));
    let duplicate = json!({"Statement": "INSERT INTO t01 VALUE {'p': 'a', 'c': '1'}"});
    let text = "DuplicateItemException: Duplicate primary key exists in table";
    assert_eq!(refusal(&server, "ExecuteStatement", duplicate), text);

    let update = |set: &str, returning: &str| {
        execute(&server, &format!("UPDATE t01 SET {set} WHERE p = 'a' AND c = '1' {returning}"), json!([]))
    };
    assert_eq!(update("n = n + 1", ""), nothing);
    assert_eq!(update("n = n + 1", "RETURNING ALL OLD *"), [whole(2)]);
    assert_eq!(update("n = n - 2", "RETURNING ALL NEW *"), [whole(1)]);
    assert_eq!(update("n = 5", "RETURNING MODIFIED OLD *"), [json!({"n": {"N": "1"}})]);
    assert_eq!(update("n = 6", "RETURNING MODIFIED NEW *"), [json!({"n": {"N": "6"}})]);
    let remove = "FROM t01 WHERE p = 'a' AND c = '1' AND n = 6 SET s = 'new' REMOVE m RETURNING ALL NEW *";
    let left = json!({"p": {"S": "a"}, "c": {"S": "1"}, "n": {"N": "6"}, "s": {"S": "new"}});
    assert_eq!(execute(&server, remove, json!([])), std::slice::from_ref(&left));

    let delete = "DELETE FROM t01 WHERE p = 'a' AND c = '1'";
    for returning in ["MODIFIED OLD", "ALL NEW", "MODIFIED NEW"] {
        let expected = format!(
            "Invalid returning clause: RETURNING {returning} *. Only RETURNING ALL OLD * is allowed in DELETE statements."
        );
        assert_eq!(invalid(&server, &format!("{delete} RETURNING {returning} *")), expected);
    }
    assert_eq!(execute(&server, &format!("{delete} RETURNING ALL OLD *"), json!([])), [left]);
    assert_eq!(execute(&server, delete, json!([])), nothing, "there is nothing left to delete");
}

#[test]
fn a_condition_beside_the_key_is_a_condition_on_the_write() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"n": {"N": "1"}}));
    let failed = "ConditionalCheckFailedException: The conditional request failed";
    for statement in [
        "UPDATE t01 SET x = 1 WHERE p = 'a' AND c = '1' AND n = 2",
        "UPDATE t01 SET x = 1 WHERE p = 'a' AND c = '1' AND attribute_not_exists(n)",
        "FROM t01 WHERE p = 'a' AND c = '1' AND n > 1 SET x = 1",
        "DELETE FROM t01 WHERE p = 'a' AND c = '1' AND attribute_exists(x)",
        // An update does not create an item.
        "UPDATE t01 SET x = 1 WHERE p = 'a' AND c = '2'",
        "UPDATE t01 SET x = 1 WHERE p = 'a' AND c = '2' AND attribute_not_exists(p)",
    ] {
        assert_eq!(refusal(&server, "ExecuteStatement", json!({"Statement": statement})), failed, "{statement}");
    }
    assert_eq!(get(&server, "t01", &key("a", "1"))["n"], json!({"N": "1"}));
    assert_eq!(get(&server, "t01", &key("a", "2")), Value::Null);
    execute(&server, "UPDATE t01 SET x = 1 WHERE p = 'a' AND c = '1' AND attribute_exists(n) AND n = 1", json!([]));
    execute(&server, "DELETE FROM t01 WHERE p = 'a' AND c = '1' AND x = 1", json!([]));
    assert_eq!(get(&server, "t01", &key("a", "1")), Value::Null);
}

#[test]
fn sets_gain_and_lose_elements() {
    let server = server();
    composite_table(&server, "t01");
    put(&server, "t01", key("a", "1"), json!({"tags": {"SS": ["x", "y"]}, "n": {"NS": ["1"]}, "s": {"S": "text"}}));
    let set = |expression: &str| {
        execute(&server, &format!("UPDATE t01 SET {expression} WHERE p = 'a' AND c = '1'"), json!([]));
        let item = get(&server, "t01", &key("a", "1"));
        let sorted = |name: &str, kind: &str| {
            let mut elements: Vec<_> = item[name][kind]
                .as_array()
                .into_iter()
                .flatten()
                .map(|each| each.as_str().unwrap().to_owned())
                .collect();
            elements.sort();
            elements.concat()
        };
        (sorted("tags", "SS"), sorted("n", "NS"), sorted("new", "SS"))
    };
    let expect = |tags: &str, n: &str, new: &str| (tags.to_owned(), n.to_owned(), new.to_owned());
    assert_eq!(set("tags = set_add(tags, <<'y', 'z'>>)"), expect("xyz", "1", ""));
    assert_eq!(set("tags = set_delete(tags, <<'x', 'w'>>) SET n = SET_ADD(n, <<2>>)"), expect("yz", "12", ""));
    assert_eq!(set("new = set_add(new, <<'a'>>)"), expect("yz", "12", "a"));
    assert_eq!(set("new = set_delete(new, <<'a'>>)"), expect("yz", "12", ""));
    assert_eq!(get(&server, "t01", &key("a", "1")).get("new"), None, "an empty set is removed");
    for (expression, text) in [
        ("tags = set_add(tags, <<1>>)", "An operand in the update expression has an incorrect data type"),
        ("s = set_add(s, <<'x'>>)", "An operand in the update expression has an incorrect data type"),
        ("tags = set_add(tags, <<>>)", "Empty bags are not supported"),
        ("tags = set_add(n, <<'x'>>)", "The first argument to SET_ADD must equal the assignment value at 1:23:7"),
        ("tags = set_add(tags)", "SET_ADD must have exactly two arguments at 1:23:7"),
        ("tags = set_delete(tags, 'x')", "The second argument to SET_DELETE must be a value with type SET at 1:34:4"),
    ] {
        assert_eq!(invalid(&server, &format!("UPDATE t01 SET {expression} WHERE p = 'a' AND c = '1'")), text);
    }
}

#[test]
fn statements_that_cannot_be_read_say_why() {
    let server = server();
    composite_table(&server, "t01");
    let not_well_formed = |detail: &str| format!("Statement wasn't well formed, can't be processed: {detail}");
    let left_over = not_well_formed("Unexpected token after expression");
    let number =
        |what: &str, place: &str| format!("Number {what}. Attempting to store a number with magnitude {place}");
    for (statement, expected) in [
        ("SLECT * FROM t01", not_well_formed("Expected data manipulation")),
        ("SELECT * FROM t01 WHERE p = 'a' foo", left_over.clone()),
        ("SELECT * FROM t01 WHERE p = 'a')", left_over.clone()),
        ("SELECT * FROM t01 ORDER BY c WHERE p = 'a'", left_over.clone()),
        ("DELETE FROM t01 WHERE p = 'a' AND c = '1' ORDER BY c", left_over.clone()),
        ("INSERT INTO t01 VALUE {'p': 'a', 'c': '1'} foo", left_over),
        ("SELECT * FROM t01 WHERE n = 1e99999999999", not_well_formed("")),
        ("SELECT * FROM t01 WHERE p = 'a' # a note", not_well_formed("")),
        ("SELECT * FROM t01 WHERE p = 'a' /* a note", not_well_formed("")),
        ("SELECT * FROM t01 WHERE", not_well_formed("Unexpected term")),
        ("SELECT * FROM t01 AS t WHERE p = 'a'", "Aliasing is not supported".into()),
        ("DELETE FROM t01 t WHERE p = 'a' AND c = '1'", "Aliasing is not supported".into()),
        ("SELECT * FROM t01 WHERE n = 1e126", number("overflow", "larger than supported range under root")),
        (
            "INSERT INTO t01 VALUE {'p': 'a', 'c': '1', 'm': {'x': [1, 1e-131]}}",
            number("underflow", "smaller than supported range under root.x[1]"),
        ),
        (
            "SELECT * FROM t01 WHERE p = 'a' AND attribute_exists('s')",
            "Operator or function requires a document path; operator or function: attribute_exists".into(),
        ),
        (
            "SELECT * FROM t01 WHERE p = 'a' AND attribute_exists(s, n)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of \
             operands: 2"
                .into(),
        ),
        ("SELECT * FROM \"\" WHERE p = 'a'", "Path component cannot be an empty string".into()),
    ] {
        assert_eq!(invalid(&server, statement), expected, "{statement}");
    }
    assert_eq!(get(&server, "t01", &key("a", "1")), Value::Null);
    let absent = json!({"Statement": "SELECT * FROM absent WHERE p = 'a'"});
    let refusal = refusal(&server, "ExecuteStatement", absent);
    assert!(refusal.starts_with("ResourceNotFoundException: Requested resource not found"), "{refusal}");
}

#[test]
fn numbers_in_parameters_are_checked_wherever_they_stand() {
    let server = server();
    composite_table(&server, "t01");
    let cannot_convert = "The parameter cannot be converted to a numeric value";
    for statement in [
        "SELECT * FROM t01 WHERE p = 'a' AND n = ?",
        "INSERT INTO t01 VALUE {'p': 'a', 'c': '1', 'n': ?}",
        "UPDATE t01 SET n = ? WHERE p = 'a' AND c = '1'",
    ] {
        let refused = |parameter: Value| {
            refusal(&server, "ExecuteStatement", json!({"Statement": statement, "Parameters": [parameter]}))
        };
        for (number, text) in [
            ("1e99999999999", format!("{cannot_convert}: 1e99999999999")),
            ("text", format!("{cannot_convert}: text")),
            ("", cannot_convert.to_owned()),
        ] {
            let expected = format!("ValidationException: {text}");
            assert_eq!(refused(json!({"N": number})), expected, "{statement}");
            assert_eq!(refused(json!({"M": {"x": {"L": [{"N": number}]}}})), expected, "{statement}");
            assert_eq!(refused(json!({"NS": ["1", number]})), expected, "{statement}");
        }
    }
    assert_eq!(get(&server, "t01", &key("a", "1")), Value::Null);
}
