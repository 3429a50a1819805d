use serde_json::json;

use crate::support::json::done;
use crate::support::server;
use crate::{invalid, message, refused_with, simple_table};

#[test]
fn a_deleted_table_is_gone() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    let description = done(&server, "DeleteTable", json!({"TableName": "items"}))["TableDescription"].clone();
    assert_eq!((&description["TableName"], &description["TableStatus"]), (&json!("items"), &json!("DELETING")));
    assert_eq!(done(&server, "ListTables", json!({}))["TableNames"], json!([]));
    for operation in ["DescribeTable", "DeleteTable"] {
        let (kind, error) = crate::support::json::refused(&server, operation, json!({"TableName": "items"}));
        assert_eq!(kind, "ResourceNotFoundException");
        assert_eq!(message(&error), "Requested resource not found: Table: items not found");
    }
    refused_with(&server, "ResourceNotFoundException", "Scan", json!({"TableName": "items"}));
    simple_table(&server, "items", &["N"]);
}

#[test]
fn a_protected_table_stays() {
    let server = server();
    simple_table(&server, "items", &["S"]);
    done(&server, "UpdateTable", json!({"TableName": "items", "DeletionProtectionEnabled": true}));
    let refusal = invalid(&server, "DeleteTable", json!({"TableName": "items"}));
    assert!(refusal.contains("protected against deletion"), "{refusal}");
    done(&server, "UpdateTable", json!({"TableName": "items", "DeletionProtectionEnabled": false}));
    done(&server, "DeleteTable", json!({"TableName": "items"}));
}
