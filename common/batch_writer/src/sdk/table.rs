//! BatchWriteItem through the SDK, with bodies that are already serialised.

use std::collections::HashMap;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemOutput;
use aws_sdk_dynamodb::types;
use aws_smithy_types::body::SdkBody;

use super::fast_path::{FastPath, Received, RequestCapture};
use super::schema_mismatch::AttributeTypes;
use crate::core::batch_response::{BatchResponse, BatchResult, Consumed};
use crate::core::key::KeySchema;
use crate::core::write_batch::WriteBatch;
use crate::service_error::{ServiceError, ServiceErrorKind};
use crate::writer::BatchWriteItem;
use capacity::CapacityUnits;

/// A DynamoDB table, through the SDK.
///
/// The SDK signs and sends requests, applies timeouts and parses responses. The bodies are already serialised, because
/// building each item from a map of values costs about as much as everything else. Use a client whose own retries are
/// off ([`Retries::Caller`](super::client::Retries::Caller)).
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    schema: KeySchema,
    return_consumed_capacity: bool,
    fast_path: Option<Arc<FastPath>>,
    /// Whether the endpoint has ever responded as DynamoDB does, to this table or one created from it.
    is_dynamodb: Arc<AtomicBool>,
    types: Arc<AttributeTypes>,
}

impl Table {
    /// A table, by name or ARN, with the names of its key attributes.
    pub fn new(client: Client, name: impl Into<String>, schema: KeySchema) -> Self {
        Self {
            client,
            name: name.into(),
            schema,
            return_consumed_capacity: false,
            fast_path: Some(Arc::default()),
            is_dynamodb: Arc::default(),
            types: Arc::default(),
        }
    }

    /// Asks DynamoDB to return the capacity that each batch consumed. A [`WriteLimit`](crate::WriteLimit) is then exact.
    pub fn return_consumed_capacity(mut self, returns: bool) -> Self {
        self.return_consumed_capacity = returns;
        self
    }

    /// Attributes that have the same type in every item, with the type's name (`S`, `N`). If the table or an index has
    /// a different type for one of them, that is a [`SchemaMismatch`](ServiceErrorKind::SchemaMismatch), which stops
    /// the writer; no item is rejected.
    ///
    /// If a type is unknown, DynamoDB's message does not show whether the table or an item is wrong. Items are then
    /// rejected one by one, until 25 have been rejected and none has been accepted.
    pub fn fixed_types(mut self, types: impl IntoIterator<Item = (String, &'static str)>) -> Self {
        self.types = Arc::new(AttributeTypes::fixed(types));
        self
    }

    /// Whether most requests bypass the SDK's orchestration (on by default). The requests sent are the same.
    pub fn use_fast_path(mut self, uses: bool) -> Self {
        self.fast_path = uses.then(Arc::default);
        self
    }

    /// The same table through a different client, for example for another runtime. Both share what is known about the
    /// endpoint: one unintelligible response does not stop a writer if other responses have shown that the endpoint is
    /// DynamoDB.
    pub fn with_client(&self, client: Client) -> Self {
        let fast_path = self.fast_path.as_ref().map(|_| Arc::default());
        Self { client, fast_path, ..self.clone() }
    }

    #[cfg(test)]
    pub(super) fn fast_path(&self) -> &FastPath {
        self.fast_path.as_ref().unwrap()
    }

    fn response<T>(&self, batch: &WriteBatch<T>, received: Received) -> BatchResult {
        let output = match received {
            Received::AllWritten(consumed) => return Ok(BatchResponse { unprocessed: Vec::new(), consumed }),
            Received::Other(output) => output,
        };
        // DynamoDB always returns the map, even if it is empty. The SDK also accepts a body without it, such as an
        // empty one.
        let unprocessed = output.unprocessed_items.as_ref().ok_or_else(|| {
            ServiceError::from_response(200, None, Some("the response to BatchWriteItem has no UnprocessedItems"))
        })?;
        let consumed = output.consumed_capacity.as_deref().and_then(consumed);
        Ok(BatchResponse { unprocessed: self.indexes(batch, unprocessed)?, consumed })
    }

    /// The indexes in `batch` of the unprocessed requests. A request that was not sent is an error: the response is not
    /// for this batch.
    fn indexes<T>(
        &self,
        batch: &WriteBatch<T>,
        unprocessed: &HashMap<String, Vec<types::WriteRequest>>,
    ) -> Result<Vec<usize>, ServiceError> {
        let index = |request: &types::WriteRequest| {
            let key = self.schema.key_of_request(request);
            key.and_then(|key| batch.requests().iter().position(|sent| sent.key() == key))
        };
        unprocessed.values().flatten().map(index).collect::<Option<_>>().ok_or_else(|| {
            // Retryable: nothing is known about the batch, and writing an item again changes nothing.
            ServiceError::from_response(500, None, Some("the response has unprocessed items that were not sent"))
        })
    }

    /// Like [`call_sdk`](Self::call_sdk), with a second attempt if the credentials have expired: the client then reads
    /// their sources again.
    async fn send_by_sdk(&self, body: impl Fn() -> SdkBody) -> Result<BatchWriteItemOutput, ServiceError> {
        match self.call_sdk(body()).await {
            Err(error) if error.is_expired_token() => self.call_sdk(body()).await,
            result => result,
        }
    }

    /// Sends a request through the SDK, and captures it for the fast path.
    async fn call_sdk(&self, body: SdkBody) -> Result<BatchWriteItemOutput, ServiceError> {
        let capture = RequestCapture::default();
        let length = body.content_length().unwrap_or_default().to_string();
        let output = self
            .client
            .batch_write_item()
            // The SDK needs the name: the endpoint of a table given by its ARN depends on the account in it.
            .request_items(&self.name, Vec::new())
            .customize()
            .interceptor(capture.clone())
            .mutate_request(move |request| {
                // A body in memory can always be cloned; no bytes are copied.
                *request.body_mut() = body.try_clone().unwrap_or_else(SdkBody::empty);
                request.headers_mut().insert("content-length", length.clone());
            })
            .send()
            .await
            .map_err(|error| match &error {
                SdkError::ServiceError(response) => ServiceError::from(&error).with_reasons(response.err()),
                _ => ServiceError::from(&error),
            })?;
        if let Some(fast_path) = &self.fast_path {
            fast_path.use_captured(&capture).await;
        }
        Ok(output)
    }

    async fn send<T>(&self, batch: &WriteBatch<T>) -> Result<Received, ServiceError> {
        let body = || SdkBody::from(batch.body(&self.name, self.return_consumed_capacity));
        let by_fast_path = self.fast_path.as_ref().and_then(|fast_path| Some((fast_path, fast_path.template()?)));
        let Some((fast_path, template)) = by_fast_path else {
            return Box::pin(self.send_by_sdk(body)).await.map(Received::Other);
        };
        let result = template.send(body()).await;
        match &result {
            Ok(_) => result,
            Err(error) if error.kind == ServiceErrorKind::Throttled => result,
            Err(error)
                if error.is_retryable()
                    || matches!(error.kind, ServiceErrorKind::Invalid | ServiceErrorKind::SchemaMismatch) =>
            {
                fast_path.forget();
                result
            }
            // This error would stop the writer. Meanwhile the SDK may have new credentials, a different endpoint, or a
            // corrected clock.
            Err(_) => {
                fast_path.forget();
                Box::pin(self.send_by_sdk(body)).await.map(Received::Other)
            }
        }
    }
}

impl<T: Send + Sync + 'static> BatchWriteItem<T> for Table {
    async fn batch_write_item(&self, batch: &WriteBatch<T>) -> BatchResult {
        let received = self.send(batch).await;
        match received.and_then(|received| self.response(batch, received)) {
            Ok(response) => {
                self.is_dynamodb.store(true, Ordering::Relaxed);
                if response.unprocessed.len() < batch.len() {
                    self.types.accepted();
                }
                Ok(response)
            }
            Err(error) if error.kind == ServiceErrorKind::WrongEndpoint && self.is_dynamodb.load(Ordering::Relaxed) => {
                // A transient failure.
                let message = format!("the endpoint no longer responds as DynamoDB does: {}", error.message);
                Err(ServiceError { kind: ServiceErrorKind::Unavailable, message, ..error })
            }
            Err(error) => {
                if error.code.is_some() && error.kind != ServiceErrorKind::WrongEndpoint {
                    self.is_dynamodb.store(true, Ordering::Relaxed);
                }
                Err(self.types.judge(error, &self.schema, batch))
            }
        }
    }
}

/// The capacity that a batch for one table consumed. `None` if the endpoint does not return it.
fn consumed(consumed: &[types::ConsumedCapacity]) -> Option<Consumed> {
    let units = |capacity: &types::Capacity| {
        CapacityUnits::from_f64(capacity.write_capacity_units().or(capacity.capacity_units()).unwrap_or_default())
    };
    let of_one = |consumed: &types::ConsumedCapacity| {
        let local = consumed.local_secondary_indexes().into_iter().flat_map(HashMap::values).map(units);
        let table = match consumed.table() {
            Some(table) => local.fold(units(table), Add::add),
            // Some endpoints return only the sum.
            None => CapacityUnits::from_f64(consumed.capacity_units()?),
        };
        let global = consumed.global_secondary_indexes().into_iter().flatten();
        Some(Consumed { table, indexes: global.map(|(name, capacity)| (name.clone(), units(capacity))).collect() })
    };
    consumed.iter().find_map(of_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(units: f64) -> types::Capacity {
        types::Capacity::builder().capacity_units(units).build()
    }

    #[test]
    fn consumption_of_a_table_and_of_each_global_index() {
        let all = types::ConsumedCapacity::builder().capacity_units(30.0).table(capacity(10.0));
        let all = all.local_secondary_indexes("L", capacity(15.0)).global_secondary_indexes("G", capacity(5.0)).build();
        let indexes = vec![("G".to_owned(), CapacityUnits::new(5))];
        assert_eq!(consumed(&[all]), Some(Consumed { table: CapacityUnits::new(25), indexes }));
    }

    #[test]
    fn endpoints_may_return_the_sum_only_or_nothing() {
        let sum = types::ConsumedCapacity::builder().capacity_units(30.0).build();
        assert_eq!(consumed(&[sum]), Some(Consumed { table: CapacityUnits::new(30), indexes: Vec::new() }));
        assert_eq!(consumed(&[types::ConsumedCapacity::builder().build()]), None);
        assert_eq!(consumed(&[]), None);
    }
}
