//! What a request asks of which table, read from the typed request before the engine has run it.

use std::collections::HashSet;
use std::sync::Arc;

use capacity::{
    CapacityUnits, Consistency, Isolation, Item as _, PartitionKey, Read, Write, WriteCost, failed_condition_cost,
    limits, read_units, transactional_write_units, write_cost, write_units,
};
use dynoxide::actions::batch_get_item::BatchGetItemRequest;
use dynoxide::actions::batch_write_item::BatchWriteItemRequest;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::transact_get_items::TransactGetItemsRequest;
use dynoxide::actions::transact_write_items::{TransactWriteItem, TransactWriteItemsRequest};
use dynoxide::types::AttributeValue;

use crate::key_condition;
use crate::operation::Operation;
use crate::statement::{Statement, StatementKind};
use crate::table_definition::{Attributes, EngineItem, OfValue as _, TableDefinition};

/// One item written or one read made, and what it costs as far as known before.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) table: Arc<TableDefinition>,
    pub(crate) access: AskedAccess,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) enum AskedAccess {
    Write(Write),
    Read(Read),
}

/// How the parts of a request are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// Each by itself: the rest of a batch is left unprocessed.
    Each,
    /// All or none.
    Together,
}

/// All that a request asks for, in the order of its parts.
#[derive(Debug)]
pub(crate) struct Demand {
    pub(crate) asks: Vec<Ask>,
    pub(crate) grouping: Grouping,
}

/// Looks a table up by its name.
pub(crate) trait Tables {
    /// `None` if there is no such table.
    fn table(&self, name: &str) -> Option<Arc<TableDefinition>>;
}

impl Demand {
    /// What `operation` asks for. `None` for operations that neither read nor write items, and for requests that the
    /// engine is going to refuse (a table that does not exist, an item without its key, a key twice in a batch): its
    /// words are DynamoDB's, and being throttled is not what is wrong with them.
    pub(crate) fn of(operation: &Operation, tables: &impl Tables) -> Option<Self> {
        let each = |asks| Some(Self { asks, grouping: Grouping::Each });
        let one = |ask| each(vec![ask]);
        let together = |asks| Some(Self { asks, grouping: Grouping::Together });
        match operation {
            Operation::PutItem(put) => one(Ask::put(tables.table(&put.table_name)?, &put.item, Isolation::Standard)?),
            Operation::UpdateItem(update) => {
                one(Ask::write(tables.table(&update.table_name)?, &update.key, Isolation::Standard)?)
            }
            Operation::DeleteItem(delete) => {
                one(Ask::write(tables.table(&delete.table_name)?, &delete.key, Isolation::Standard)?)
            }
            Operation::GetItem(get) => {
                one(Ask::get(tables.table(&get.table_name)?, &get.key, consistency(get.consistent_read))?)
            }
            Operation::Query(query) => one(of_query(tables.table(&query.table_name)?, query)),
            Operation::Scan(scan) => {
                let (table, index) = (tables.table(&scan.table_name)?, scan.index_name.as_deref());
                one(Ask::read(table, index, None, consistency(scan.consistent_read)))
            }
            Operation::BatchWriteItem(batch) => each(of_batch_write(batch, tables)?),
            Operation::BatchGetItem(batch) => each(of_batch_get(batch, tables)?),
            Operation::TransactWriteItems(transaction) => together(of_transact_write(transaction, tables)?),
            Operation::TransactGetItems(transaction) => together(of_transact_get(transaction, tables)?),
            Operation::ExecuteStatement(request) => {
                let parameters = request.parameters.as_deref();
                let consistency = consistency(request.consistent_read);
                one(Ask::statement(&request.statement, parameters, tables, Isolation::Standard, consistency)?)
            }
            Operation::BatchExecuteStatement(batch) => {
                let asks = batch.statements.iter().map(|each| {
                    let (parameters, consistency) = (each.parameters.as_deref(), consistency(each.consistent_read));
                    Ask::statement(&each.statement, parameters, tables, Isolation::Standard, consistency)
                });
                each(asks.collect::<Option<_>>()?)
            }
            Operation::ExecuteTransaction(transaction) => {
                let (isolation, consistency) = (Isolation::Transactional, Consistency::Transactional);
                let asks = transaction.transact_statements.iter().map(|each| {
                    Ask::statement(&each.statement, each.parameters.as_deref(), tables, isolation, consistency)
                });
                together(asks.collect::<Option<_>>()?)
            }
            _ => None,
        }
    }
}

impl Ask {
    /// A write of an item that is known: what it replaces is not.
    fn put(table: Arc<TableDefinition>, item: &Attributes, isolation: Isolation) -> Option<Self> {
        let key = table.partition_key_of(item)?;
        let new = EngineItem::new(item, &table);
        if new.size() > limits::MAX_ITEM_SIZE {
            return None;
        }
        let cost = write_cost(&table.indexes, None, Some(&new), isolation);
        Some(Self { table, access: AskedAccess::Write(Write { key, cost }) })
    }

    /// A write of an item of which only the key is known: asked for with the least that it can cost.
    fn write(table: Arc<TableDefinition>, key: &Attributes, isolation: Isolation) -> Option<Self> {
        let key = table.partition_key_of(key)?;
        Some(Self { table, access: AskedAccess::Write(Write { key, cost: least_write(isolation) }) })
    }

    fn get(table: Arc<TableDefinition>, key: &Attributes, consistency: Consistency) -> Option<Self> {
        let key = table.partition_key_of(key)?;
        Some(Self::read(table, None, Some(key), consistency))
    }

    /// A read, asked for with the least that it can cost.
    fn read(
        table: Arc<TableDefinition>,
        index: Option<&str>,
        key: Option<PartitionKey>,
        consistency: Consistency,
    ) -> Self {
        let index = index.and_then(|name| table.global_index(name));
        let units = read_units(0, consistency);
        Self { table, access: AskedAccess::Read(Read { index, key, units }) }
    }

    /// A PartiQL statement. Which partition key it writes is not looked for: statements share a cap on a key only if
    /// they are the same, parameters included.
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
                Self { table, access: AskedAccess::Write(Write { key, cost: least_write(isolation) }) }
            }
        })
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self.access, AskedAccess::Write(_))
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

fn of_query(table: Arc<TableDefinition>, query: &QueryRequest) -> Ask {
    let index = query.index_name.as_deref();
    let value = table.partition_key_name(index).and_then(|name| key_condition::value_of(query, name));
    let key = value.as_ref().and_then(PartitionKey::of_value);
    Ask::read(table, index, key, consistency(query.consistent_read))
}

fn of_batch_write(batch: &BatchWriteItemRequest, tables: &impl Tables) -> Option<Vec<Ask>> {
    let requests: usize = batch.request_items.values().map(Vec::len).sum();
    if requests > limits::MAX_BATCH_WRITE_REQUESTS {
        return None;
    }
    let (mut asks, mut keys) = (Vec::with_capacity(requests), HashSet::with_capacity(requests));
    for (name, requests) in &batch.request_items {
        let table = tables.table(name)?;
        for request in requests {
            let (attributes, ask) = match (&request.put_request, &request.delete_request) {
                (Some(put), None) => (&put.item, Ask::put(table.clone(), &put.item, Isolation::Standard)?),
                (None, Some(delete)) => (&delete.key, Ask::write(table.clone(), &delete.key, Isolation::Standard)?),
                _ => return None,
            };
            if !keys.insert((name, table.key_of(attributes)?)) {
                return None;
            }
            asks.push(ask);
        }
    }
    Some(asks)
}

fn of_batch_get(batch: &BatchGetItemRequest, tables: &impl Tables) -> Option<Vec<Ask>> {
    let gets: usize = batch.request_items.values().map(|each| each.keys.len()).sum();
    if gets > limits::MAX_BATCH_GET_KEYS {
        return None;
    }
    let (mut asks, mut keys) = (Vec::with_capacity(gets), HashSet::with_capacity(gets));
    for (name, each) in &batch.request_items {
        let table = tables.table(name)?;
        for key in &each.keys {
            if !keys.insert((name, table.key_of(key)?)) {
                return None;
            }
            asks.push(Ask::get(table.clone(), key, consistency(each.consistent_read))?);
        }
    }
    Some(asks)
}

fn of_transact_write(transaction: &TransactWriteItemsRequest, tables: &impl Tables) -> Option<Vec<Ask>> {
    transaction.transact_items.iter().map(|item| of_transact_item(item, tables)).collect()
}

fn of_transact_item(item: &TransactWriteItem, tables: &impl Tables) -> Option<Ask> {
    let isolation = Isolation::Transactional;
    match (&item.put, &item.update, &item.delete, &item.condition_check) {
        (Some(put), None, None, None) => Ask::put(tables.table(&put.table_name)?, &put.item, isolation),
        (None, Some(update), None, None) => Ask::write(tables.table(&update.table_name)?, &update.key, isolation),
        (None, None, Some(delete), None) => Ask::write(tables.table(&delete.table_name)?, &delete.key, isolation),
        (None, None, None, Some(check)) => Ask::write(tables.table(&check.table_name)?, &check.key, isolation),
        _ => None,
    }
}

fn of_transact_get(transaction: &TransactGetItemsRequest, tables: &impl Tables) -> Option<Vec<Ask>> {
    let gets = transaction.transact_items.iter().map(|item| &item.get);
    gets.map(|get| Ask::get(tables.table(&get.table_name)?, &get.key, Consistency::Transactional)).collect()
}

/// What a write by itself costs the table whose condition has failed on the item `old`; `new` is what a put would have
/// made of it.
pub(crate) fn failed_write_units(
    table: &TableDefinition,
    old: Option<&Attributes>,
    new: Option<&Attributes>,
) -> CapacityUnits {
    let of = |attributes| EngineItem::new(attributes, table);
    failed_condition_cost(old.map(of).as_ref(), new.map(of).as_ref(), Isolation::Standard).table
}
