//! DynamoDB's operations, typed: the name in `X-Amz-Target` and the JSON body become an [`Operation`], which the engine
//! turns into an [`Answer`].

use dynoxide::{Database, DynoxideError, actions};

use crate::malformed;

const TARGET_PREFIXES: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

macro_rules! operations {
    ($($name:ident $method:ident $request:ident $response:ident)*) => {
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
            $($name(Box<actions::$method::$request>),)*
        }

        impl Operation {
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
                    $(Self::$name(request) => database.$method(*request).map(|a| Answer::$name(Box::new(a))),)*
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
    BatchExecuteStatement batch_execute_statement BatchExecuteStatementRequest BatchExecuteStatementResponse
    BatchGetItem batch_get_item BatchGetItemRequest BatchGetItemResponse
    BatchWriteItem batch_write_item BatchWriteItemRequest BatchWriteItemResponse
    CreateTable create_table CreateTableRequest CreateTableResponse
    DeleteItem delete_item DeleteItemRequest DeleteItemResponse
    DeleteTable delete_table DeleteTableRequest DeleteTableResponse
    DescribeStream describe_stream DescribeStreamRequest DescribeStreamResponse
    DescribeTable describe_table DescribeTableRequest DescribeTableResponse
    DescribeTimeToLive describe_time_to_live DescribeTimeToLiveRequest DescribeTimeToLiveResponse
    ExecuteStatement execute_statement ExecuteStatementRequest ExecuteStatementResponse
    ExecuteTransaction execute_transaction ExecuteTransactionRequest ExecuteTransactionResponse
    GetItem get_item GetItemRequest GetItemResponse
    GetRecords get_records GetRecordsRequest GetRecordsResponse
    GetShardIterator get_shard_iterator GetShardIteratorRequest GetShardIteratorResponse
    ListStreams list_streams ListStreamsRequest ListStreamsResponse
    ListTables list_tables ListTablesRequest ListTablesResponse
    ListTagsOfResource list_tags_of_resource ListTagsOfResourceRequest ListTagsOfResourceResponse
    PutItem put_item PutItemRequest PutItemResponse
    Query query QueryRequest QueryResponse
    Scan scan ScanRequest ScanResponse
    SearchVectors search_vectors SearchVectorsRequest SearchVectorsResponse
    TagResource tag_resource TagResourceRequest TagResourceResponse
    TransactGetItems transact_get_items TransactGetItemsRequest TransactGetItemsResponse
    TransactWriteItems transact_write_items TransactWriteItemsRequest TransactWriteItemsResponse
    UntagResource untag_resource UntagResourceRequest UntagResourceResponse
    UpdateItem update_item UpdateItemRequest UpdateItemResponse
    UpdateTable update_table UpdateTableRequest UpdateTableResponse
    UpdateTimeToLive update_time_to_live UpdateTimeToLiveRequest UpdateTimeToLiveResponse
}

impl Name {
    /// The operation that the header `X-Amz-Target` names, if the engine has it.
    pub(crate) fn from_target(target: &str) -> Option<Self> {
        TARGET_PREFIXES.iter().find_map(|prefix| target.strip_prefix(prefix)).and_then(Self::from_operation)
    }
}
