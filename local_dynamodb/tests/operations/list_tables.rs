use serde_json::json;

use crate::support::json::done;
use crate::support::server;
use crate::{invalid, simple_table};

#[test]
fn names_come_in_order_page_by_page() {
    let server = server();
    for name in ["beta", "alpha", "delta", "Zeta"] {
        simple_table(&server, name, &["S"]);
    }
    assert_eq!(done(&server, "ListTables", json!({}))["TableNames"], json!(["Zeta", "alpha", "beta", "delta"]));
    let page = done(&server, "ListTables", json!({"Limit": 3}));
    assert_eq!(page, json!({"TableNames": ["Zeta", "alpha", "beta"], "LastEvaluatedTableName": "beta"}));
    let rest = done(&server, "ListTables", json!({"Limit": 3, "ExclusiveStartTableName": "beta"}));
    assert_eq!(rest, json!({"TableNames": ["delta"]}));
    // The name need not be a table's.
    let rest = done(&server, "ListTables", json!({"ExclusiveStartTableName": "charlie"}));
    assert_eq!(rest["TableNames"], json!(["delta"]));
    for limit in [0, 101] {
        assert!(invalid(&server, "ListTables", json!({"Limit": limit})).contains("limit"), "{limit}");
    }
}
