//! DynamoDB's operations, typed: an [`Operation`] in, an [`OperationOutput`] out.

use dynoxide::{DynoxideError, actions};

use super::{
    Database, batch_write, idempotency, index_throughput, read_refusals, streams, tags, throughput_settings,
    time_to_live, transactions, update_item,
};

/// Our own path if there is one, the engine's otherwise.
macro_rules! own_or {
    ($engine:path) => {
        $engine
    };
    ($engine:path, $own:path) => {
        $own
    };
}

/// Each row: the operation, the engine's module and method, its request, its response; in brackets our function where
/// the engine's method is not enough, in braces our request type where the engine's lacks a member.
macro_rules! operations {
    ($($name:ident $method:ident $request:ident $response:ident $([$own_run:path])? $({$own_request:path})? $(($own_response:path))?;)*) => {
        /// The name of an operation that the engine has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum OperationName {
            $($name,)*
        }

        impl OperationName {
            /// `None` if the engine does not have the operation.
            pub(crate) fn parse(operation: &str) -> Option<Self> {
                match operation {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The operation's name as DynamoDB writes it.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }

        /// A request, decoded.
        #[derive(Debug)]
        pub(crate) enum Operation {
            $($name(Box<own_or!(actions::$method::$request $(, $own_request)?)>),)*
        }

        impl Operation {
            pub(crate) fn name(&self) -> OperationName {
                match self {
                    $(Self::$name(_) => OperationName::$name,)*
                }
            }

            /// Decodes the JSON body of a request.
            ///
            /// # Errors
            /// The body does not have the form of the operation's request, in serde's words.
            pub(crate) fn from_json(name: OperationName, body: &str) -> serde_json::Result<Self> {
                match name {
                    $(OperationName::$name => serde_json::from_str(body).map(|request| Self::$name(Box::new(request))),)*
                }
            }

            /// Runs the operation on `database`.
            ///
            /// # Errors
            /// The engine's.
            pub(crate) fn run(self, database: &Database) -> Result<OperationOutput, DynoxideError> {
                match self {
                    $(Self::$name(request) => own_or!(Database::$method $(, $own_run)?)(database, *request)
                        .map(|output| OperationOutput::$name(Box::new(output))),)*
                }
            }
        }

        /// The engine's response to an operation.
        #[derive(Debug)]
        pub(crate) enum OperationOutput {
            $($name(Box<own_or!(actions::$method::$response $(, $own_response)?)>),)*
        }

        impl OperationOutput {
            /// The JSON body of the response.
            ///
            /// # Errors
            /// The output cannot be written as JSON.
            pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
                match self {
                    $(Self::$name(output) => serde_json::to_vec(output),)*
                }
            }
        }
    };
}

operations! {
    BatchExecuteStatement batch_execute_statement BatchExecuteStatementRequest BatchExecuteStatementResponse;
    BatchGetItem batch_get_item BatchGetItemRequest BatchGetItemResponse;
    BatchWriteItem batch_write_item BatchWriteItemRequest BatchWriteItemResponse [batch_write::batch_write_item];
    CreateTable create_table CreateTableRequest CreateTableResponse [throughput_settings::create_table] {throughput_settings::CreateTable};
    DeleteItem delete_item DeleteItemRequest DeleteItemResponse;
    DeleteTable delete_table DeleteTableRequest DeleteTableResponse [index_throughput::delete_table];
    DescribeStream describe_stream DescribeStreamRequest DescribeStreamResponse [streams::describe_stream] (streams::DescribedStream);
    DescribeTable describe_table DescribeTableRequest DescribeTableResponse [index_throughput::describe_table];
    DescribeTimeToLive describe_time_to_live DescribeTimeToLiveRequest DescribeTimeToLiveResponse;
    ExecuteStatement execute_statement ExecuteStatementRequest ExecuteStatementResponse;
    ExecuteTransaction execute_transaction ExecuteTransactionRequest ExecuteTransactionResponse [idempotency::execute_transaction];
    GetItem get_item GetItemRequest GetItemResponse;
    GetRecords get_records GetRecordsRequest GetRecordsResponse [streams::get_records];
    GetShardIterator get_shard_iterator GetShardIteratorRequest GetShardIteratorResponse [streams::get_shard_iterator];
    ListStreams list_streams ListStreamsRequest ListStreamsResponse [streams::list_streams];
    ListTables list_tables ListTablesRequest ListTablesResponse;
    ListTagsOfResource list_tags_of_resource ListTagsOfResourceRequest ListTagsOfResourceResponse [index_throughput::list_tags];
    PutItem put_item PutItemRequest PutItemResponse;
    Query query QueryRequest QueryResponse [read_refusals::query];
    Scan scan ScanRequest ScanResponse [read_refusals::scan];
    SearchVectors search_vectors SearchVectorsRequest SearchVectorsResponse;
    TagResource tag_resource TagResourceRequest TagResourceResponse [tags::tag_resource];
    TransactGetItems transact_get_items TransactGetItemsRequest TransactGetItemsResponse [transactions::transact_get_items];
    TransactWriteItems transact_write_items TransactWriteItemsRequest TransactWriteItemsResponse [idempotency::transact_write_items];
    UntagResource untag_resource UntagResourceRequest UntagResourceResponse [tags::untag_resource];
    UpdateItem update_item UpdateItemRequest UpdateItemResponse [update_item::update_item];
    UpdateTable update_table UpdateTableRequest UpdateTableResponse [index_throughput::update_table] {index_throughput::UpdateTable};
    UpdateTimeToLive update_time_to_live UpdateTimeToLiveRequest UpdateTimeToLiveResponse [time_to_live::update_time_to_live];
}

impl OperationName {
    /// Whether it writes items, or is a statement that may.
    pub(super) fn may_write_items(self) -> bool {
        matches!(
            self,
            Self::PutItem
                | Self::UpdateItem
                | Self::DeleteItem
                | Self::BatchWriteItem
                | Self::TransactWriteItems
                | Self::ExecuteStatement
                | Self::BatchExecuteStatement
                | Self::ExecuteTransaction
        )
    }
}
