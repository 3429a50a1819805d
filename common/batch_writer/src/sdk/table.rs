//! A table as the writer sees it: the SDK's BatchWriteItem, with bodies that were serialised beforehand.

use std::collections::HashMap;
use std::ops::Add;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemOutput;
use aws_sdk_dynamodb::types;
use aws_smithy_types::body::SdkBody;

use super::fast_path::{Received, Wire, Witness};
use crate::core::answer::{Answer, Consumed, Taken};
use crate::core::write_batch::WriteBatch;
use crate::core::write_request::KeySchema;
use crate::service_error::{ServiceError, ServiceErrorKind};
use crate::writer::BatchWriteItem;
use capacity::CapacityUnits;

/// A table of DynamoDB, through the SDK.
///
/// The SDK signs, sends, times out and reads the answer; the body is ours, because serialising each item from a map of values costs
/// about as much as all the rest. Most requests take a shorter way, by the SDK's own parts: see `wire.rs`. Use a client whose own
/// retries are off ([`Retries::Caller`](super::client::Retries::Caller)).
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    schema: KeySchema,
    tells_consumed_capacity: bool,
    wire: Arc<Wire>,
    /// Whether a batch was ever answered as DynamoDB answers.
    is_dynamodb: Arc<AtomicBool>,
}

impl Table {
    /// A table by its name or ARN, with the names of its key attributes.
    pub fn new(client: Client, name: impl Into<String>, schema: KeySchema) -> Self {
        let (wire, is_dynamodb) = (Arc::default(), Arc::default());
        Self { client, name: name.into(), schema, tells_consumed_capacity: false, wire, is_dynamodb }
    }

    /// Asks DynamoDB to tell what each batch consumed, which costs both sides a little, and which a limit is counted by.
    pub fn telling_consumed_capacity(mut self, tells: bool) -> Self {
        self.tells_consumed_capacity = tells;
        self
    }

    #[cfg(test)]
    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    fn taken<T>(&self, batch: &WriteBatch<T>, received: Received) -> Answer {
        let output = match received {
            Received::TakenWhole(consumed) => return Ok(Taken { unprocessed: Vec::new(), consumed }),
            Received::Other(output) => output,
        };
        // DynamoDB always names them, if only to say that there are none. What has no such map, for example an empty body, which the
        // SDK takes for an answer, says nothing of the items.
        let unprocessed = output.unprocessed_items.as_ref().ok_or_else(|| {
            ServiceError::from_answer(
                200,
                None,
                Some("the answer to BatchWriteItem does not name the UnprocessedItems"),
            )
        })?;
        let consumed = output.consumed_capacity.as_deref().and_then(told);
        Ok(Taken { unprocessed: self.places(batch, unprocessed)?, consumed })
    }

    /// The places in `batch` of the requests that came back. One that was not sent is an error: the answer is then not about this batch.
    fn places<T>(
        &self,
        batch: &WriteBatch<T>,
        unprocessed: &HashMap<String, Vec<types::WriteRequest>>,
    ) -> Result<Vec<usize>, ServiceError> {
        let place = |request: &types::WriteRequest| {
            let key = self.schema.key_of_request(request);
            key.and_then(|key| batch.requests().iter().position(|sent| sent.key() == key))
        };
        unprocessed.values().flatten().map(place).collect::<Option<_>>().ok_or_else(|| {
            // Retryable: nothing is known of the batch, and writing an item again changes nothing.
            ServiceError::from_answer(500, None, Some("the answer names unprocessed items that were not sent"))
        })
    }
}

impl Table {
    /// One request, by the SDK, which is then shown to `wire`.
    async fn send_by_sdk(&self, body: SdkBody) -> Result<BatchWriteItemOutput, ServiceError> {
        let witness = Witness::default();
        let length = body.content_length().unwrap_or_default().to_string();
        let output = self
            .client
            .batch_write_item()
            // The name is for the SDK: the endpoint of a table given by its ARN depends on the account in it.
            .request_items(&self.name, Vec::new())
            .customize()
            .interceptor(witness.clone())
            .mutate_request(move |request| {
                // A body in memory can always be cloned; no bytes are copied.
                *request.body_mut() = body.try_clone().unwrap_or_else(SdkBody::empty);
                request.headers_mut().insert("content-length", length.clone());
            })
            .send()
            .await
            .map_err(|error| match &error {
                SdkError::ServiceError(answer) => ServiceError::from(&error).with_reasons(answer.err()),
                _ => ServiceError::from(&error),
            })?;
        self.wire.learn(&witness).await;
        Ok(output)
    }

    async fn send<T>(&self, batch: &WriteBatch<T>) -> Result<Received, ServiceError> {
        let body = || SdkBody::from(batch.body(&self.name, self.tells_consumed_capacity));
        let Some(template) = self.wire.template() else {
            return Box::pin(self.send_by_sdk(body())).await.map(Received::Other);
        };
        let answer = template.send(body()).await;
        match &answer {
            Ok(_) => answer,
            Err(error) if error.kind == ServiceErrorKind::Throttled => answer,
            Err(error) if error.is_retryable() || error.kind == ServiceErrorKind::Invalid => {
                self.wire.forget();
                answer
            }
            // It would end the load. The SDK may know better by now: new credentials, another endpoint, the service's clock.
            Err(_) => {
                self.wire.forget();
                Box::pin(self.send_by_sdk(body())).await.map(Received::Other)
            }
        }
    }
}

impl<T: Send + Sync + 'static> BatchWriteItem<T> for Table {
    async fn batch_write_item(&self, batch: &WriteBatch<T>) -> Answer {
        let received = self.send(batch).await;
        match received.and_then(|received| self.taken(batch, received)) {
            Ok(taken) => {
                self.is_dynamodb.store(true, Ordering::Relaxed);
                Ok(taken)
            }
            Err(error) if error.kind == ServiceErrorKind::WrongEndpoint && self.is_dynamodb.load(Ordering::Relaxed) => {
                // Something in between is in trouble, and that may pass.
                let message = format!("it no longer answers as DynamoDB does: {}", error.message);
                Err(ServiceError { kind: ServiceErrorKind::Unavailable, message, ..error })
            }
            Err(error) => Err(error),
        }
    }
}

/// What an answer tells about the one table. `None` from an endpoint that does not tell.
fn told(consumed: &[types::ConsumedCapacity]) -> Option<Consumed> {
    let units = |capacity: &types::Capacity| {
        CapacityUnits::from_f64(capacity.write_capacity_units().or(capacity.capacity_units()).unwrap_or_default())
    };
    let of_one = |consumed: &types::ConsumedCapacity| {
        let local = consumed.local_secondary_indexes().into_iter().flat_map(HashMap::values).map(units);
        let table = match consumed.table() {
            Some(table) => local.fold(units(table), Add::add),
            // Some endpoints tell the sum alone.
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
    fn a_table_and_each_global_index_are_told_apart() {
        let all = types::ConsumedCapacity::builder().capacity_units(30.0).table(capacity(10.0));
        let all = all.local_secondary_indexes("L", capacity(15.0)).global_secondary_indexes("G", capacity(5.0)).build();
        let indexes = vec![("G".to_owned(), CapacityUnits::new(5))];
        assert_eq!(told(&[all]), Some(Consumed { table: CapacityUnits::new(25), indexes }));
    }

    #[test]
    fn endpoints_may_tell_the_sum_alone_or_nothing() {
        let sum = types::ConsumedCapacity::builder().capacity_units(30.0).build();
        assert_eq!(told(&[sum]), Some(Consumed { table: CapacityUnits::new(30), indexes: Vec::new() }));
        assert_eq!(told(&[types::ConsumedCapacity::builder().build()]), None);
        assert_eq!(told(&[]), None);
    }
}
