//! Transactions that are sent again with the same ClientRequestToken: answered as before, charged as reads, not repeated.

use std::collections::HashMap;
use std::time::Duration;

use dynoxide::DynoxideError;
use dynoxide::actions::execute_transaction::{ExecuteTransactionRequest, ExecuteTransactionResponse};
use dynoxide::actions::transact_get_items::{TransactGet, TransactGetItem, TransactGetItemsRequest};
use dynoxide::actions::transact_write_items::{
    TransactWriteItem, TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use dynoxide::types::{ConsumedCapacity, transactional_read_capacity};
use serde_json::{Value, json};

use super::{Database, exists_statement, transactions, update_item};

/// API Reference, "TransactWriteItems": a token is valid for 10 minutes after the first request that uses it.
const VALIDITY: Duration = Duration::from_secs(600);
/// API Reference, "TransactWriteItems".
const MAX_TOKEN_LENGTH: usize = 36;

/// The transactions of the last ten minutes that had a token. The two operations do not share their tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    writes: HashMap<String, Entry<TransactWriteItemsResponse>>,
    statements: HashMap<String, Entry<ExecuteTransactionResponse>>,
}

struct Entry<T> {
    at: Duration,
    /// What must be the same in every request with this token.
    request: Value,
    response: T,
}

/// Runs a TransactWriteItems, unless it was run before.
///
/// # Errors
/// `IdempotentParameterMismatchException` if the token was used for another transaction; the engine's.
pub(crate) fn transact_write_items(
    database: &Database,
    mut request: TransactWriteItemsRequest,
) -> Result<TransactWriteItemsResponse, DynoxideError> {
    let Some(token) = checked_token(request.client_request_token.as_ref(), request.return_consumed_capacity.as_ref())
    else {
        update_item::replace_removals_from_nothing(database, &mut request.transact_items)?;
        return transactions::transact_write_items(database, request);
    };
    let now = database.clock.now();
    let material = json!(request.transact_items);
    if let Some(response) = known(&mut database.tokens.borrow_mut().writes, now, &token, &material)? {
        let consumed_capacity = capacity_of_replay(database, &request)?;
        return Ok(TransactWriteItemsResponse { consumed_capacity, ..response });
    }
    update_item::replace_removals_from_nothing(database, &mut request.transact_items)?;
    let response = transactions::transact_write_items(database, request)?;
    let entry = Entry { at: now, request: material, response: response.clone() };
    database.tokens.borrow_mut().writes.insert(token, entry);
    Ok(response)
}

/// Runs an ExecuteTransaction, unless it was run before.
///
/// # Errors
/// As [`transact_write_items`].
pub(crate) fn execute_transaction(
    database: &Database,
    request: ExecuteTransactionRequest,
) -> Result<ExecuteTransactionResponse, DynoxideError> {
    let Some(token) = checked_token(request.client_request_token.as_ref(), request.return_consumed_capacity.as_ref())
    else {
        return exists_statement::execute_transaction(database, request);
    };
    let now = database.clock.now();
    let statements = request.transact_statements.iter().map(|each| {
        json!([
            each.statement,
            each.parameters,
            each.return_values_on_condition_check_failure.as_deref().unwrap_or("NONE")
        ])
    });
    let material = statements.collect();
    let requested = request.return_consumed_capacity.clone();
    if let Some(mut response) = known(&mut database.tokens.borrow_mut().statements, now, &token, &material)? {
        let first = response.consumed_capacity.take();
        let reads = |first: ConsumedCapacity| {
            let units = units_of_reads(&first, request.transact_statements.len());
            transactional_read_capacity(&first.table_name, units, &requested)
        };
        response.consumed_capacity = first.map(|first| first.into_iter().filter_map(reads).collect());
        return Ok(response);
    }
    let response = exists_statement::execute_transaction(database, request)?;
    let entry = Entry { at: now, request: material, response: response.clone() };
    database.tokens.borrow_mut().statements.insert(token, entry);
    Ok(response)
}

/// The token; `None` if there is none, or the engine will refuse the request before it runs anything.
fn checked_token(token: Option<&String>, return_consumed_capacity: Option<&String>) -> Option<String> {
    let known_mode = matches!(return_consumed_capacity.map(String::as_str), None | Some("NONE" | "TOTAL" | "INDEXES"));
    token.filter(|token| known_mode && !token.is_empty() && token.len() <= MAX_TOKEN_LENGTH).cloned()
}

fn known<T: Clone>(
    entries: &mut HashMap<String, Entry<T>>,
    now: Duration,
    token: &str,
    request: &Value,
) -> Result<Option<T>, DynoxideError> {
    entries.retain(|_, entry| now < entry.at + VALIDITY);
    match entries.get(token) {
        None => Ok(None),
        Some(entry) if entry.request == *request => Ok(Some(entry.response.clone())),
        Some(_) => Err(DynoxideError::IdempotentParameterMismatchException(
            "An error occurred (IdempotentParameterMismatchException)".into(),
        )),
    }
}

/// A repetition reads the items that the transaction wrote.
fn capacity_of_replay(
    database: &Database,
    request: &TransactWriteItemsRequest,
) -> Result<Option<Vec<ConsumedCapacity>>, DynoxideError> {
    let transact_items = request.transact_items.iter().map(|item| get(database, item)).collect::<Result<_, _>>()?;
    let return_consumed_capacity = request.return_consumed_capacity.clone();
    let reads = TransactGetItemsRequest { transact_items, return_consumed_capacity };
    Ok(database.transact_get_items(reads)?.consumed_capacity)
}

fn get(database: &Database, item: &TransactWriteItem) -> Result<TransactGetItem, DynoxideError> {
    let (table_name, mut key) = match item {
        TransactWriteItem { put: Some(put), .. } => (&put.table_name, put.item.clone()),
        TransactWriteItem { update: Some(update), .. } => (&update.table_name, update.key.clone()),
        TransactWriteItem { delete: Some(delete), .. } => (&delete.table_name, delete.key.clone()),
        TransactWriteItem { condition_check: Some(check), .. } => (&check.table_name, check.key.clone()),
        _ => return Ok(TransactGetItem::default()),
    };
    let names = database.key_names(table_name)?;
    key.retain(|name, _| names.contains(name));
    Ok(TransactGetItem { get: TransactGet { table_name: table_name.clone(), key, ..Default::default() } })
}

/// What reading the items of `statements` costs, of which the capacity of the first request is known: exact for one statement
/// and for items of up to 1 KB.
fn units_of_reads(first: &ConsumedCapacity, statements: usize) -> f64 {
    let units = first.table.as_ref().map_or(first.capacity_units, |table| table.capacity_units);
    if first.read_capacity_units.is_some() {
        return units;
    }
    // A transactional unit is two: of 1 KB for a write, of 4 KB for a read. All statements but one are taken to be small.
    let small = (2 * (statements.max(1) - 1)) as f64;
    if small < units { small + 2.0 * ((units - small) / 8.0).ceil() } else { units }
}
