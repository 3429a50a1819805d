//! A batch of which only a part gets in: what is taken out of the request comes back in the answer.

use std::collections::HashMap;

use dynoxide::actions::batch_execute_statement::{BatchStatementError, BatchStatementResponse};
use dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use dynoxide::actions::batch_write_item::{BatchWriteItemRequest, WriteRequest};
use serde_json::{Value, json};

use crate::ledger::Refused;
use crate::operation::{Answer, Operation};
use crate::refusal;

/// What was taken out.
#[derive(Default)]
pub(crate) struct Parts {
    /// Whether anything of the request is left to run.
    pub(crate) any_left: bool,
    items: HashMap<String, Vec<Value>>,
    keys: HashMap<String, Value>,
    statements: Vec<(usize, BatchStatementResponse)>,
}

impl Parts {
    /// Takes the refused parts out of `operation`. One that is no batch has only one part, and nothing is left of it.
    pub(crate) fn remove(operation: &mut Operation, refused: &[Refused]) -> Self {
        let refused_at = |position: usize| refused.iter().find(|part| part.position == position);
        match operation {
            Operation::BatchWriteItem(batch) => Self::remove_items(batch, |position| refused_at(position).is_some()),
            Operation::BatchGetItem(batch) => Self::remove_keys(batch, |position| refused_at(position).is_some()),
            Operation::BatchExecuteStatement(batch) => {
                let (mut parts, mut position) = (Self::default(), 0..);
                batch.statements.retain(|_| {
                    let Some(position) = position.next() else { return true };
                    let Some(part) = refused_at(position) else { return true };
                    parts.statements.push((position, refused_statement(part)));
                    false
                });
                parts.any_left = !batch.statements.is_empty();
                parts
            }
            _ => Self::default(),
        }
    }

    fn remove_items(batch: &mut BatchWriteItemRequest, is_refused: impl Fn(usize) -> bool) -> Self {
        let (mut parts, mut position) = (Self::default(), 0..);
        for (table, requests) in &mut batch.request_items {
            requests.retain(|request| {
                let refused = position.next().is_some_and(&is_refused);
                if refused {
                    parts.items.entry(table.clone()).or_default().push(write_request(request));
                }
                !refused
            });
        }
        batch.request_items.retain(|_, requests| !requests.is_empty());
        parts.any_left = !batch.request_items.is_empty();
        parts
    }

    fn remove_keys(batch: &mut BatchGetItemRequest, is_refused: impl Fn(usize) -> bool) -> Self {
        let (mut parts, mut position) = (Self::default(), 0..);
        for (table, gets) in &mut batch.request_items {
            let mut removed = Vec::new();
            gets.keys.retain(|key| {
                let refused = position.next().is_some_and(&is_refused);
                if refused {
                    removed.push(json!(key));
                }
                !refused
            });
            if !removed.is_empty() {
                parts.keys.insert(table.clone(), keys_and_attributes(gets, &removed));
            }
        }
        batch.request_items.retain(|_, gets| !gets.keys.is_empty());
        parts.any_left = !batch.request_items.is_empty();
        parts
    }

    /// Puts into `answer` what was taken out of its request.
    pub(crate) fn put_back(self, answer: &mut Answer) {
        match answer {
            Answer::BatchWriteItem(answer) => {
                let items = self.items.into_iter().map(|(table, requests)| (table, Value::Array(requests)));
                answer.unprocessed_items.extend(items);
            }
            Answer::BatchGetItem(answer) => {
                for (table, keys) in self.keys {
                    // The engine stops at 16 MB, and leaves keys of its own.
                    let engines = answer.unprocessed_keys.remove(&table);
                    answer.unprocessed_keys.insert(table, merged(keys, engines));
                }
            }
            Answer::BatchExecuteStatement(answer) => {
                for (position, response) in self.statements {
                    answer.responses.insert(position.min(answer.responses.len()), response);
                }
            }
            _ => {}
        }
    }
}

fn refused_statement(part: &Refused) -> BatchStatementResponse {
    let message = refusal::message(&part.throttle).into();
    // This type of the engine's can only be made empty and filled.
    let mut response = BatchStatementResponse::default();
    response.error = Some(BatchStatementError { code: refusal::CODE.into(), message, item: None });
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
