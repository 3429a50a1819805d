//! The cost of a request, read from the typed request before the engine runs it.

use std::collections::HashSet;
use std::sync::Arc;

use capacity::{
    Access, CapacityUnits, Consistency, Isolation, Item as _, PartitionKey, Read, Write, WriteCost,
    failed_condition_cost, limits, read_units, transactional_write_units, write_cost, write_units,
};
use dynoxide::actions::batch_get_item::BatchGetItemRequest;
use dynoxide::actions::batch_write_item::BatchWriteItemRequest;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::transact_get_items::TransactGetItemsRequest;
use dynoxide::actions::transact_write_items::{TransactWriteItem, TransactWriteItemsRequest};
use dynoxide::types::AttributeValue;

use super::key_condition;
use super::statement::{Statement, StatementKind};
use crate::engine::Operation;
use crate::ledger::{
    Attributes, CapacityRequest, EngineItem, Grouping, RequestCost, RequestedAccess, TableDefinition, partition_key,
};

/// Looks up tables and what they hold.
pub(crate) trait Tables {
    /// `None` if there is no such table.
    fn table(&self, name: &str) -> Option<Arc<TableDefinition>>;

    /// Whether the table's balance may be too small for this many requests, each for an item of maximum size.
    fn is_scarce(&self, table: &TableDefinition, access: Access, requests: usize) -> bool;

    /// The size of the stored item with the key of `item`; 0 if there is none.
    fn stored_size(&self, table: &TableDefinition, item: &Attributes) -> usize;
}

impl RequestCost {
    /// `None` for operations that neither read nor write items, and for requests that the engine will refuse (a table
    /// that does not exist, an item without its key, a key twice in a batch): then the client must get the engine's
    /// error, not a throttling error.
    pub(crate) fn of(operation: &Operation, tables: &impl Tables) -> Option<Self> {
        let each = |parts| Some(Self { parts, grouping: Grouping::Each });
        let one = |part| each(vec![part]);
        let together = |parts| Some(Self { parts, grouping: Grouping::Together });
        match operation {
            Operation::PutItem(put) => {
                one(CapacityRequest::put(tables.table(&put.table_name)?, &put.item, Isolation::Standard)?)
            }
            Operation::UpdateItem(update) => {
                one(CapacityRequest::write(tables.table(&update.table_name)?, &update.key, Isolation::Standard)?)
            }
            Operation::DeleteItem(delete) => {
                one(CapacityRequest::write(tables.table(&delete.table_name)?, &delete.key, Isolation::Standard)?)
            }
            Operation::GetItem(get) => {
                one(CapacityRequest::get(tables.table(&get.table_name)?, &get.key, consistency(get.consistent_read))?)
            }
            Operation::Query(query) => one(of_query(tables.table(&query.table_name)?, query)),
            Operation::Scan(scan) => {
                let (table, index) = (tables.table(&scan.table_name)?, scan.index_name.as_deref());
                one(CapacityRequest::read(table, index, None, consistency(scan.consistent_read)))
            }
            Operation::BatchWriteItem(batch) => each(of_batch_write(batch, tables)?),
            Operation::BatchGetItem(batch) => each(of_batch_get(batch, tables)?),
            Operation::TransactWriteItems(transaction) => together(of_transact_write(transaction, tables)?),
            Operation::TransactGetItems(transaction) => together(of_transact_get(transaction, tables)?),
            Operation::ExecuteStatement(request) => {
                let parameters = request.parameters.as_deref();
                let consistency = consistency(request.consistent_read);
                one(CapacityRequest::statement(
                    &request.statement,
                    parameters,
                    tables,
                    Isolation::Standard,
                    consistency,
                )?)
            }
            Operation::BatchExecuteStatement(batch) => {
                let parts = batch.statements.iter().map(|each| {
                    let (parameters, consistency) = (each.parameters.as_deref(), consistency(each.consistent_read));
                    CapacityRequest::statement(&each.statement, parameters, tables, Isolation::Standard, consistency)
                });
                each(parts.collect::<Option<_>>()?)
            }
            Operation::ExecuteTransaction(transaction) => {
                let (isolation, consistency) = (Isolation::Transactional, Consistency::Transactional);
                let parts = transaction.transact_statements.iter().map(|each| {
                    CapacityRequest::statement(
                        &each.statement,
                        each.parameters.as_deref(),
                        tables,
                        isolation,
                        consistency,
                    )
                });
                together(parts.collect::<Option<_>>()?)
            }
            _ => None,
        }
    }
}

impl CapacityRequest {
    /// A write of a known item. What it replaces is not known.
    fn put(table: Arc<TableDefinition>, item: &Attributes, isolation: Isolation) -> Option<Self> {
        let key = table.partition_key_of(item)?;
        let new = EngineItem::new(item, &table);
        if new.size() > limits::MAX_ITEM_SIZE {
            return None;
        }
        let cost = write_cost(&table.indexes, None, Some(&new), isolation);
        Some(Self { table, access: RequestedAccess::Write(Write { key, cost }) })
    }

    /// A write of an item of which only the key is known, with the least that it can cost.
    fn write(table: Arc<TableDefinition>, key: &Attributes, isolation: Isolation) -> Option<Self> {
        let key = table.partition_key_of(key)?;
        Some(Self { table, access: RequestedAccess::Write(Write { key, cost: least_write(isolation) }) })
    }

    fn get(table: Arc<TableDefinition>, key: &Attributes, consistency: Consistency) -> Option<Self> {
        let key = table.partition_key_of(key)?;
        Some(Self::read(table, None, Some(key), consistency))
    }

    /// A read, with the least that it can cost.
    fn read(
        table: Arc<TableDefinition>,
        index: Option<&str>,
        key: Option<PartitionKey>,
        consistency: Consistency,
    ) -> Self {
        let index = index.and_then(|name| table.global_index(name));
        let units = read_units(0, consistency);
        Self { table, access: RequestedAccess::Read(Read { index, key, units }) }
    }

    /// A PartiQL statement. The partition key that it writes is not determined: statements share the limit of a key only
    /// if they are the same, parameters included.
    fn statement(
        text: &str,
        parameters: Option<&[AttributeValue]>,
        tables: &impl Tables,
        isolation: Isolation,
        consistency: Consistency,
    ) -> Option<Self> {
        let Statement { kind, table, index } = Statement::parse(text)?;
        let table = tables.table(&table)?;
        Some(match kind {
            StatementKind::Read => Self::read(table, index.as_deref(), None, consistency),
            StatementKind::Write => {
                let parameters = serde_json::to_vec(&parameters).unwrap_or_default();
                let key = PartitionKey::composite([text.as_bytes(), &parameters]);
                Self { table, access: RequestedAccess::Write(Write { key, cost: least_write(isolation) }) }
            }
        })
    }
}

fn least_write(isolation: Isolation) -> WriteCost {
    WriteCost::of_table(match isolation {
        Isolation::Standard => write_units(0),
        Isolation::Transactional => transactional_write_units(0),
    })
}

fn consistency(consistent_read: Option<bool>) -> Consistency {
    if consistent_read == Some(true) { Consistency::Strong } else { Consistency::Eventual }
}

fn of_query(table: Arc<TableDefinition>, query: &QueryRequest) -> CapacityRequest {
    let index = query.index_name.as_deref();
    let value = table.partition_key_name(index).and_then(|name| key_condition::value_of(query, name));
    let key = value.as_ref().and_then(partition_key);
    CapacityRequest::read(table, index, key, consistency(query.consistent_read))
}

fn of_batch_write(batch: &BatchWriteItemRequest, tables: &impl Tables) -> Option<Vec<CapacityRequest>> {
    let requests: usize = batch.request_items.values().map(Vec::len).sum();
    if requests > limits::MAX_BATCH_WRITE_REQUESTS {
        return None;
    }
    let (mut parts, mut keys) = (Vec::with_capacity(requests), HashSet::with_capacity(requests));
    for (name, requests) in &batch.request_items {
        let table = tables.table(name)?;
        let scarce = tables.is_scarce(&table, Access::Write, requests.len());
        for request in requests {
            let (attributes, mut part) = match (&request.put_request, &request.delete_request) {
                (Some(put), None) => (&put.item, CapacityRequest::put(table.clone(), &put.item, Isolation::Standard)?),
                (None, Some(delete)) => {
                    (&delete.key, CapacityRequest::write(table.clone(), &delete.key, Isolation::Standard)?)
                }
                _ => return None,
            };
            if !keys.insert((name, table.key_of(attributes)?)) {
                return None;
            }
            if let RequestedAccess::Write(write) = &mut part.access
                && scarce
            {
                // Writes that replace or delete large items would run the table far into debt.
                write.cost.table = write.cost.table.max(write_units(tables.stored_size(&table, attributes)));
            }
            parts.push(part);
        }
    }
    Some(parts)
}

fn of_batch_get(batch: &BatchGetItemRequest, tables: &impl Tables) -> Option<Vec<CapacityRequest>> {
    let gets: usize = batch.request_items.values().map(|each| each.keys.len()).sum();
    if gets > limits::MAX_BATCH_GET_KEYS {
        return None;
    }
    let (mut parts, mut keys) = (Vec::with_capacity(gets), HashSet::with_capacity(gets));
    for (name, each) in &batch.request_items {
        let table = tables.table(name)?;
        let (scarce, consistency) =
            (tables.is_scarce(&table, Access::Read, each.keys.len()), consistency(each.consistent_read));
        for attributes in &each.keys {
            let mut part = CapacityRequest::get(table.clone(), attributes, consistency)?;
            if !keys.insert((name, table.key_of(attributes)?)) {
                return None;
            }
            if let RequestedAccess::Read(read) = &mut part.access
                && scarce
            {
                read.units = read_units(tables.stored_size(&table, attributes), consistency);
            }
            parts.push(part);
        }
    }
    Some(parts)
}

fn of_transact_write(transaction: &TransactWriteItemsRequest, tables: &impl Tables) -> Option<Vec<CapacityRequest>> {
    transaction.transact_items.iter().map(|item| of_transact_item(item, tables)).collect()
}

fn of_transact_item(item: &TransactWriteItem, tables: &impl Tables) -> Option<CapacityRequest> {
    let isolation = Isolation::Transactional;
    match (&item.put, &item.update, &item.delete, &item.condition_check) {
        (Some(put), None, None, None) => CapacityRequest::put(tables.table(&put.table_name)?, &put.item, isolation),
        (None, Some(update), None, None) => {
            CapacityRequest::write(tables.table(&update.table_name)?, &update.key, isolation)
        }
        (None, None, Some(delete), None) => {
            CapacityRequest::write(tables.table(&delete.table_name)?, &delete.key, isolation)
        }
        (None, None, None, Some(check)) => {
            CapacityRequest::write(tables.table(&check.table_name)?, &check.key, isolation)
        }
        _ => None,
    }
}

fn of_transact_get(transaction: &TransactGetItemsRequest, tables: &impl Tables) -> Option<Vec<CapacityRequest>> {
    let gets = transaction.transact_items.iter().map(|item| &item.get);
    gets.map(|get| CapacityRequest::get(tables.table(&get.table_name)?, &get.key, Consistency::Transactional)).collect()
}

/// What a single write costs the table when its condition fails on the item `old`. `new` is the item of a put.
pub(crate) fn failed_write_units(
    table: &TableDefinition,
    old: Option<&Attributes>,
    new: Option<&Attributes>,
) -> CapacityUnits {
    let of = |attributes| EngineItem::new(attributes, table);
    failed_condition_cost(old.map(of).as_ref(), new.map(of).as_ref(), Isolation::Standard).table
}
