//! A batch of which only a part is admitted: what is removed from the request is returned unprocessed.

use std::collections::HashMap;

use capacity::Throughput;
use dynoxide::actions::batch_execute_statement::{BatchStatementError, BatchStatementResponse};
use dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use dynoxide::actions::batch_write_item::{BatchWriteItemRequest, WriteRequest};
use serde_json::{Value, json};

use super::throttle_error;
use crate::engine::{Operation, OperationOutput};
use crate::ledger::ThrottledPart;

/// What was removed from a batch.
#[derive(Default)]
pub(crate) struct RemovedParts {
    /// Whether anything of the request is left to run.
    pub(crate) any_left: bool,
    items: HashMap<String, Vec<Value>>,
    keys: HashMap<String, Value>,
    statements: Vec<(usize, BatchStatementResponse)>,
}

impl RemovedParts {
    /// Removes the throttled parts from `operation`. An operation that is not a batch has only one part: nothing is left.
    pub(crate) fn remove(operation: &mut Operation, throttled: &[ThrottledPart]) -> Self {
        let throttled_at = |position: usize| throttled.iter().find(|part| part.position == position);
        match operation {
            Operation::BatchWriteItem(batch) => Self::remove_items(batch, |position| throttled_at(position).is_some()),
            Operation::BatchGetItem(batch) => Self::remove_keys(batch, |position| throttled_at(position).is_some()),
            Operation::BatchExecuteStatement(batch) => {
                let (mut parts, mut position) = (Self::default(), 0..);
                batch.statements.retain(|_| {
                    let Some(position) = position.next() else { return true };
                    let Some(part) = throttled_at(position) else { return true };
                    parts.statements.push((position, throttled_statement(part)));
                    false
                });
                parts.any_left = !batch.statements.is_empty();
                parts
            }
            _ => Self::default(),
        }
    }

    fn remove_items(batch: &mut BatchWriteItemRequest, is_throttled: impl Fn(usize) -> bool) -> Self {
        let (mut parts, mut position) = (Self::default(), 0..);
        for (table, requests) in &mut batch.request_items {
            requests.retain(|request| {
                let throttled = position.next().is_some_and(&is_throttled);
                if throttled {
                    parts.items.entry(table.clone()).or_default().push(write_request(request));
                }
                !throttled
            });
        }
        batch.request_items.retain(|_, requests| !requests.is_empty());
        parts.any_left = !batch.request_items.is_empty();
        parts
    }

    fn remove_keys(batch: &mut BatchGetItemRequest, is_throttled: impl Fn(usize) -> bool) -> Self {
        let (mut parts, mut position) = (Self::default(), 0..);
        for (table, gets) in &mut batch.request_items {
            let mut removed = Vec::new();
            gets.keys.retain(|key| {
                let throttled = position.next().is_some_and(&is_throttled);
                if throttled {
                    removed.push(json!(key));
                }
                !throttled
            });
            if !removed.is_empty() {
                parts.keys.insert(table.clone(), keys_and_attributes(gets, &removed));
            }
        }
        batch.request_items.retain(|_, gets| !gets.keys.is_empty());
        parts.any_left = !batch.request_items.is_empty();
        parts
    }

    /// Adds to `output` what was removed from its request.
    pub(crate) fn put_back(self, output: &mut OperationOutput) {
        match output {
            OperationOutput::BatchWriteItem(output) => {
                let items = self.items.into_iter().map(|(table, requests)| (table, Value::Array(requests)));
                output.unprocessed_items.extend(items);
            }
            OperationOutput::BatchGetItem(output) => {
                for (table, keys) in self.keys {
                    // The engine stops at 16 MB and may have unprocessed keys of its own.
                    let engines = output.unprocessed_keys.remove(&table);
                    output.unprocessed_keys.insert(table, merged(keys, engines));
                }
            }
            OperationOutput::BatchExecuteStatement(output) => {
                for (position, response) in self.statements {
                    output.responses.insert(position.min(output.responses.len()), response);
                }
            }
            _ => {}
        }
    }
}

fn throttled_statement(part: &ThrottledPart) -> BatchStatementResponse {
    let on_demand = part.table.throughput == Throughput::OnDemand;
    let message = throttle_error::message(&part.throttle, on_demand).into();
    // This type of the engine has no constructor with values.
    let mut response = BatchStatementResponse::default();
    response.error = Some(BatchStatementError { code: throttle_error::code(on_demand).into(), message, item: None });
    response.table_name = Some(part.table.name.to_string());
    response
}

fn write_request(request: &WriteRequest) -> Value {
    match (&request.put_request, &request.delete_request) {
        (Some(put), _) => json!({ "PutRequest": { "Item": put.item } }),
        (None, Some(delete)) => json!({ "DeleteRequest": { "Key": delete.key } }),
        (None, None) => json!({}),
    }
}

fn keys_and_attributes(gets: &KeysAndAttributes, keys: &[Value]) -> Value {
    let mut all = json!({ "Keys": keys });
    let mut add = |name: &str, member: Option<Value>| {
        if let Some(value) = member {
            all[name] = value;
        }
    };
    add("ProjectionExpression", gets.projection_expression.as_ref().map(|member| json!(member)));
    add("ExpressionAttributeNames", gets.expression_attribute_names.as_ref().map(|member| json!(member)));
    add("ConsistentRead", gets.consistent_read.map(|member| json!(member)));
    add("AttributesToGet", gets.attributes_to_get.as_ref().map(|member| json!(member)));
    all
}

fn merged(mut keys: Value, other: Option<Value>) -> Value {
    if let (Some(keys), Some(Value::Array(others))) =
        (keys["Keys"].as_array_mut(), other.map(|mut other| other["Keys"].take()))
    {
        keys.extend(others);
    }
    keys
}
