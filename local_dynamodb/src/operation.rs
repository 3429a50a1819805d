//! DynamoDB's operations, typed: the name in `X-Amz-Target` and the JSON body become an [`Operation`], which the engine
//! turns into an [`Answer`].

use dynoxide::{Database, DynoxideError, actions};

use crate::{index_throughput, malformed, names, page};

const TARGET_PREFIXES: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

/// Ours, if there is one.
macro_rules! own_or {
    ($engine:path) => {
        $engine
    };
    ($engine:path, $own:path) => {
        $own
    };
}

/// Each row: the operation, the engine's module and method, its request, its answer; in brackets our way of running it
/// where the engine's is not enough, in braces our request where the engine's lacks a member.
macro_rules! operations {
    ($($name:ident $method:ident $request:ident $response:ident $([$own_run:path])? $({$own_request:path})?;)*) => {
        /// The name of an operation that the engine has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Name {
            $($name,)*
        }

        impl Name {
            fn from_operation(operation: &str) -> Option<Self> {
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
            /// Its name.
            pub(crate) fn name(&self) -> Name {
                match self {
                    $(Self::$name(_) => Name::$name,)*
                }
            }

            /// Decodes the body of a request.
            ///
            /// # Errors
            /// The body is not what the operation asks for, in DynamoDB's words.
            pub(crate) fn decode(name: Name, body: &str) -> Result<Self, DynoxideError> {
                match name {
                    $(Name::$name => malformed::decode(name, body).map(|request| Self::$name(Box::new(request))),)*
                }
            }

            /// Runs the operation on `database`, waiting for its lock.
            ///
            /// # Errors
            /// The engine's.
            pub(crate) fn run(self, database: &Database) -> Result<Answer, DynoxideError> {
                match self {
                    $(Self::$name(request) => own_or!(Database::$method $(, $own_run)?)(database, *request)
                        .map(|answer| Answer::$name(Box::new(answer))),)*
                }
            }
        }

        /// What the engine answered.
        #[derive(Debug)]
        pub(crate) enum Answer {
            $($name(Box<actions::$method::$response>),)*
        }

        impl Answer {
            /// The answer as JSON.
            ///
            /// # Errors
            /// Only if the answer could not be written as JSON.
            pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
                match self {
                    $(Self::$name(answer) => serde_json::to_vec(answer),)*
                }
            }
        }
    };
}

operations! {
    BatchExecuteStatement batch_execute_statement BatchExecuteStatementRequest BatchExecuteStatementResponse;
    BatchGetItem batch_get_item BatchGetItemRequest BatchGetItemResponse;
    BatchWriteItem batch_write_item BatchWriteItemRequest BatchWriteItemResponse;
    CreateTable create_table CreateTableRequest CreateTableResponse [names::create_table];
    DeleteItem delete_item DeleteItemRequest DeleteItemResponse;
    DeleteTable delete_table DeleteTableRequest DeleteTableResponse;
    DescribeStream describe_stream DescribeStreamRequest DescribeStreamResponse;
    DescribeTable describe_table DescribeTableRequest DescribeTableResponse [index_throughput::describe_table];
    DescribeTimeToLive describe_time_to_live DescribeTimeToLiveRequest DescribeTimeToLiveResponse;
    ExecuteStatement execute_statement ExecuteStatementRequest ExecuteStatementResponse;
    ExecuteTransaction execute_transaction ExecuteTransactionRequest ExecuteTransactionResponse;
    GetItem get_item GetItemRequest GetItemResponse;
    GetRecords get_records GetRecordsRequest GetRecordsResponse;
    GetShardIterator get_shard_iterator GetShardIteratorRequest GetShardIteratorResponse;
    ListStreams list_streams ListStreamsRequest ListStreamsResponse;
    ListTables list_tables ListTablesRequest ListTablesResponse;
    ListTagsOfResource list_tags_of_resource ListTagsOfResourceRequest ListTagsOfResourceResponse [index_throughput::list_tags];
    PutItem put_item PutItemRequest PutItemResponse;
    Query query QueryRequest QueryResponse [page::query];
    Scan scan ScanRequest ScanResponse [page::scan];
    SearchVectors search_vectors SearchVectorsRequest SearchVectorsResponse;
    TagResource tag_resource TagResourceRequest TagResourceResponse;
    TransactGetItems transact_get_items TransactGetItemsRequest TransactGetItemsResponse;
    TransactWriteItems transact_write_items TransactWriteItemsRequest TransactWriteItemsResponse;
    UntagResource untag_resource UntagResourceRequest UntagResourceResponse;
    UpdateItem update_item UpdateItemRequest UpdateItemResponse;
    UpdateTable update_table UpdateTableRequest UpdateTableResponse [index_throughput::update_table] {index_throughput::UpdateTable};
    UpdateTimeToLive update_time_to_live UpdateTimeToLiveRequest UpdateTimeToLiveResponse;
}

impl Name {
    /// The operation that the header `X-Amz-Target` names, if the engine has it.
    pub(crate) fn from_target(target: &str) -> Option<Self> {
        TARGET_PREFIXES.iter().find_map(|prefix| target.strip_prefix(prefix)).and_then(Self::from_operation)
    }
}
