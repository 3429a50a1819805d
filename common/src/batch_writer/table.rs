//! A table as the writer sees it: the SDK's BatchWriteItem, with bodies that were serialised beforehand.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types;
use aws_smithy_types::body::SdkBody;

use super::dispatcher::{Answer, Taken};
use super::service_error::ServiceError;
use super::write_batch::WriteBatch;
use super::write_request::KeySchema;
use super::writer::BatchWriteItem;

/// A table of DynamoDB, through the SDK.
///
/// The SDK signs, sends, times out and reads the answer; the body is ours, because serialising each item from a map of values costs
/// about as much as all the rest. Use a client whose own retries are off ([`Retries::Caller`](super::client::Retries::Caller)).
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    schema: KeySchema,
}

impl Table {
    /// A table by its name or ARN, with the names of its key attributes.
    pub fn new(client: Client, name: impl Into<String>, schema: KeySchema) -> Self {
        Self { client, name: name.into(), schema }
    }

    /// The places in `batch` of the requests that came back. One that was not sent is an error: the answer is then not about this batch.
    fn places<T>(
        &self,
        batch: &WriteBatch<T>,
        unprocessed: &HashMap<String, Vec<types::WriteRequest>>,
    ) -> Result<Vec<usize>, ServiceError> {
        let place = |request: &types::WriteRequest| {
            let key = self.schema.key_of_request(request);
            key.and_then(|key| batch.requests().iter().position(|sent| *sent.key() == key))
        };
        unprocessed.values().flatten().map(place).collect::<Option<_>>().ok_or_else(|| {
            // Retryable: nothing is known of the batch, and writing an item again changes nothing.
            ServiceError::from_answer(500, None, Some("the answer names unprocessed items that were not sent"))
        })
    }
}

impl<T: Send + Sync + 'static> BatchWriteItem<T> for Table {
    async fn batch_write_item(&self, batch: &WriteBatch<T>) -> Answer {
        let body = batch.body(&self.name);
        let length = body.len().to_string();
        let body = SdkBody::from(body);
        let sent = self
            .client
            .batch_write_item()
            // The name is for the SDK: the endpoint of a table given by its ARN depends on the account in it.
            .request_items(&self.name, Vec::new())
            .customize()
            .mutate_request(move |request| {
                // A body in memory can always be cloned; no bytes are copied.
                *request.body_mut() = body.try_clone().unwrap_or_else(SdkBody::empty);
                request.headers_mut().insert("content-length", length.clone());
            })
            .send()
            .await;
        match sent {
            Ok(output) => {
                let unprocessed = output.unprocessed_items.unwrap_or_default();
                Ok(Taken { unprocessed: self.places(batch, &unprocessed)? })
            }
            Err(error) => Err(ServiceError::from(error)),
        }
    }
}
