//! The items of a table, to look at: a page of a scan, or the item with a key. It costs no capacity and is not counted.

use dynoxide::DynoxideError;
use form_urlencoded::parse;
use serde_json::{Value, json};

use crate::admission::AdmissionGate;
use crate::engine::{Operation, OperationName, OperationOutput};
use crate::protocol::decode;

/// Items in a page.
const PAGE: usize = 25;

/// What the query of `/monitor/items.json` asks for: `table`, and either `key` (of an item) or `start` (the key after which
/// the page begins), as DynamoDB's JSON.
pub(crate) fn json(query: &str, gate: &AdmissionGate) -> Value {
    answer(query, gate).unwrap_or_else(|error| json!({ "Error": error }))
}

fn answer(query: &str, gate: &AdmissionGate) -> Result<Value, String> {
    let parameter = |name: &str| parse(query.as_bytes()).find(|(each, _)| each == name).map(|(_, value)| value);
    let structure = |name: &str| match parameter(name) {
        None => Ok(Value::Null),
        Some(text) => serde_json::from_str(&text).map_err(|_| format!("{name} is not JSON")),
    };
    let table = parameter("table").ok_or("no table is asked for")?;
    let (key, start) = (structure("key")?, structure("start")?);
    let run = |name, request: Value| {
        let operation = decode(name, &request.to_string()).map_err(|error| message(&error))?;
        look(gate, operation)
    };
    let description = run(OperationName::DescribeTable, json!({ "TableName": table }))?;
    let keys = keys(&description["Table"]);
    let time_to_live = run(OperationName::DescribeTimeToLive, json!({ "TableName": table }))?;
    let time_to_live = &time_to_live["TimeToLiveDescription"]["AttributeName"];
    if key.is_null() {
        let mut request = json!({ "TableName": table, "Limit": PAGE });
        if !start.is_null() {
            request["ExclusiveStartKey"] = start;
        }
        let page = run(OperationName::Scan, request)?;
        return Ok(
            json!({ "Keys": keys, "TimeToLive": time_to_live, "Items": page["Items"], "Next": page["LastEvaluatedKey"] }),
        );
    }
    let found = run(OperationName::GetItem, json!({ "TableName": table, "Key": key, "ConsistentRead": true }))?;
    let items: Vec<_> = found.get("Item").into_iter().collect();
    Ok(json!({ "Keys": keys, "TimeToLive": time_to_live, "Items": items, "Next": null }))
}

fn look(gate: &AdmissionGate, operation: Operation) -> Result<Value, String> {
    let output: OperationOutput = gate.look(operation).map_err(|error| message(&error))?;
    let json = output.to_json().map_err(|error| error.to_string())?;
    serde_json::from_slice(&json).map_err(|error| error.to_string())
}

/// Name and type of the partition key and, if there is one, the sort key.
fn keys(table: &Value) -> Vec<Value> {
    let elements = |name: &str| table[name].as_array().cloned().unwrap_or_default();
    let types = elements("AttributeDefinitions");
    let type_of =
        |name: &Value| types.iter().find(|each| each["AttributeName"] == *name).map(|each| &each["AttributeType"]);
    let key = |element: &Value| json!({ "Name": element["AttributeName"], "Type": type_of(&element["AttributeName"]) });
    elements("KeySchema").iter().map(key).collect()
}

fn message(error: &DynoxideError) -> String {
    error.to_string()
}
