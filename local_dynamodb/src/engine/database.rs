//! The engine's data and the operations on it, for the holder of its lock.
//!
//! The engine's own `Database` locks its storage for each operation. Here the lock is taken once for all steps of an
//! operation, so that what is corrected before and after the engine's step is seen with it or not at all. The storage is
//! also open to SQL, and follows the server's clock.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dynoxide::actions::{self, vector_lifecycle::VectorIndexLifecycle};
use dynoxide::storage::{Storage, TableMetadata};
use dynoxide::types::{KeySchemaElement, KeyType};
use dynoxide::{DynoxideError, storage_backend};

use super::batch_write::OuterTransaction;
use super::idempotency::Tokens;
use super::item_counts::ItemCounts;
use super::{index_fill, kept_state, streams, time_to_live};
use crate::clock::Clock;

pub(crate) struct Database {
    pub(super) storage: Storage,
    pub(super) clock: Clock,
    pub(super) tokens: RefCell<Tokens>,
    /// The id of the last stream record that was looked at.
    pub(super) last_record: Cell<i64>,
    pub(super) item_counts: RefCell<ItemCounts>,
    pub(super) outer_transaction: OuterTransaction,
    vector_indexes: VectorIndexLifecycle,
}

impl Database {
    /// Takes over a storage, and makes in it what the engine lacks.
    pub(super) fn new(storage: Storage, clock: Clock) -> Result<Self, DynoxideError> {
        let storage = storage.with_clock(Arc::new(EngineClock(clock.clone())));
        streams::prepare(&storage)?;
        time_to_live::prepare(&storage)?;
        index_fill::prepare(&storage)?;
        kept_state::prepare(&storage)?;
        let outer_transaction = OuterTransaction::new(&storage);
        let last_record = storage.conn().query_row("SELECT MAX(id) FROM _stream_records", [], |row| row.get(0))?;
        Ok(Self {
            storage,
            clock,
            tokens: RefCell::default(),
            last_record: Cell::new(Option::unwrap_or_default(last_record)),
            item_counts: RefCell::default(),
            outer_transaction,
            vector_indexes: VectorIndexLifecycle::new(),
        })
    }

    /// What the engine keeps about a table; `None` if there is none of that name.
    pub(super) fn table(&self, name: &str) -> Result<Option<TableMetadata>, DynoxideError> {
        self.storage.get_table_metadata(name)
    }

    /// The names of a table's key attributes, the partition key's first; none if there is no such table.
    pub(super) fn key_names(&self, table: &str) -> Result<Vec<String>, DynoxideError> {
        let metadata = self.table(table)?;
        let mut schema: Vec<KeySchemaElement> =
            metadata.map(|table| serde_json::from_str(&table.key_schema).unwrap_or_default()).unwrap_or_default();
        schema.sort_by_key(|element| element.key_type != KeyType::HASH);
        Ok(schema.into_iter().map(|element| element.attribute_name).collect())
    }
}

/// Each row: a method named as the engine's module, and the stem of its request and response.
macro_rules! methods {
    ($($name:ident $request:ident $response:ident $($argument:ident)?;)*) => {
        impl Database {
            $(pub(crate) fn $name(
                &self,
                request: actions::$name::$request,
            ) -> Result<actions::$name::$response, DynoxideError> {
                ready(actions::$name::execute(&self.storage, request $(, &self.$argument)?))
            })*
        }
    };
}

methods! {
    batch_execute_statement BatchExecuteStatementRequest BatchExecuteStatementResponse;
    batch_get_item BatchGetItemRequest BatchGetItemResponse;
    batch_write_item BatchWriteItemRequest BatchWriteItemResponse;
    create_table CreateTableRequest CreateTableResponse;
    delete_item DeleteItemRequest DeleteItemResponse;
    delete_table DeleteTableRequest DeleteTableResponse vector_indexes;
    describe_table DescribeTableRequest DescribeTableResponse vector_indexes;
    describe_time_to_live DescribeTimeToLiveRequest DescribeTimeToLiveResponse;
    execute_statement ExecuteStatementRequest ExecuteStatementResponse;
    execute_transaction ExecuteTransactionRequest ExecuteTransactionResponse;
    get_item GetItemRequest GetItemResponse;
    list_tables ListTablesRequest ListTablesResponse;
    list_tags_of_resource ListTagsOfResourceRequest ListTagsOfResourceResponse;
    put_item PutItemRequest PutItemResponse;
    query QueryRequest QueryResponse;
    scan ScanRequest ScanResponse;
    search_vectors SearchVectorsRequest SearchVectorsResponse vector_indexes;
    tag_resource TagResourceRequest TagResourceResponse;
    transact_get_items TransactGetItemsRequest TransactGetItemsResponse;
    transact_write_items TransactWriteItemsRequest TransactWriteItemsResponse;
    untag_resource UntagResourceRequest UntagResourceResponse;
    update_item UpdateItemRequest UpdateItemResponse;
    update_table UpdateTableRequest UpdateTableResponse vector_indexes;
    update_time_to_live UpdateTimeToLiveRequest UpdateTimeToLiveResponse;
}

/// The result of a future of the engine. On SQLite none of them ever waits.
fn ready<T>(future: impl Future<Output = Result<T, DynoxideError>>) -> Result<T, DynoxideError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(DynoxideError::InternalServerError("the engine waits for something".into())),
    }
}

/// The server's clock, as the engine asks for the time.
struct EngineClock(Clock);

impl storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        self.0.now().as_secs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        Duration::as_secs_f64(&self.0.now())
    }
}
