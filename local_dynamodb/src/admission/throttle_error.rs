//! Throttling as clients see it: the exception, the code in a batch or transaction, the messages.

use capacity::{Limit, Resource, Throttle, Throughput};
use dynoxide::errors::CancellationReason;
use serde::Serialize;

use crate::ledger::ThrottledPart;

/// Both messages: API Reference, "TransactWriteItems". The second ends without a full stop.
const OF_TABLE: &str = "The level of configured provisioned throughput for the table was exceeded. Consider increasing \
    your provisioning level with the UpdateTable API.";
const OF_INDEX: &str = "The level of configured provisioned throughput for one or more global secondary indexes of the \
    table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes \
    with the UpdateTable API";

/// On demand. The first of the two is from the API Reference, the second as published by those who met it.
const OF_TABLE_ON_DEMAND: &str = "Throughput exceeds the current capacity of your table or index. DynamoDB is \
    automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot \
    key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html";
const OF_INDEX_ON_DEMAND: &str = "Throughput exceeds the current capacity for one or more global secondary indexes. \
    DynamoDB is automatically scaling your index so please try again shortly.";
const OF_MAXIMUM: &str = "Throughput exceeds the maximum OnDemandThroughput configured on table or index";

/// The code of a throttled part in the results of a batch or a transaction.
pub(super) fn code(on_demand: bool) -> &'static str {
    if on_demand { "ThrottlingError" } else { "ProvisionedThroughputExceeded" }
}

/// The message for a throttled part.
pub(super) fn message(throttle: &Throttle, on_demand: bool) -> &'static str {
    match (&throttle.resource, throttle.limit) {
        (_, Limit::MaxOnDemandThroughput) => OF_MAXIMUM,
        (Resource::Table, _) if on_demand => OF_TABLE_ON_DEMAND,
        (Resource::Index(_), _) if on_demand => OF_INDEX_ON_DEMAND,
        (Resource::Table, _) => OF_TABLE,
        (Resource::Index(_), _) => OF_INDEX,
    }
}

/// A request throttled as a whole: the body of a `ProvisionedThroughputExceededException`, or of a `ThrottlingException`
/// if the table of its first part is on demand.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ThrottleError {
    #[serde(rename = "__type")]
    kind: &'static str,
    message: &'static str,
    #[serde(rename = "ThrottlingReasons", skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<ThrottlingReason>,
    /// The member's name in a `ThrottlingException`.
    #[serde(rename = "throttlingReasons", skip_serializing_if = "Vec::is_empty")]
    reasons_on_demand: Vec<ThrottlingReason>,
}

/// The part of a request that is not admitted, as named in the error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// The part's index in the request.
    pub(super) position: usize,
    pub(super) table_arn: &'a str,
    pub(super) on_demand: bool,
    pub(super) throttle: &'a Throttle,
}

impl<'a> From<&'a ThrottledPart> for Part<'a> {
    fn from(part: &'a ThrottledPart) -> Self {
        let ThrottledPart { position, table, throttle } = part;
        Self {
            position: *position,
            table_arn: &table.arn,
            on_demand: table.throughput == Throughput::OnDemand,
            throttle,
        }
    }
}

/// API Reference, "ThrottlingReason".
#[derive(Debug, PartialEq, Eq, Serialize)]
struct ThrottlingReason {
    reason: &'static str,
    /// The ARN of the table or the index.
    resource: String,
}

impl ThrottleError {
    /// The first of `parts` gives the message. Each reason is listed once.
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Self {
        let mut error = Self {
            kind: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            message: OF_TABLE,
            reasons: Vec::new(),
            reasons_on_demand: Vec::new(),
        };
        let mut reasons = Vec::new();
        let mut of_on_demand = false;
        for Part { table_arn, on_demand, throttle, .. } in parts {
            if reasons.is_empty() {
                error.message = message(throttle, on_demand);
                of_on_demand = on_demand;
            }
            let resource = match &throttle.resource {
                Resource::Table => table_arn.to_owned(),
                Resource::Index(name) => format!("{table_arn}/index/{name}"),
            };
            let reason = ThrottlingReason { reason: throttle.reason(), resource };
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        if of_on_demand {
            error.kind = "com.amazon.coral.availability#ThrottlingException";
            error.reasons_on_demand = reasons;
        } else {
            error.reasons = reasons;
        }
        error
    }

    /// The JSON body of the response with status 400.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

/// The message and reasons of a cancelled transaction with this many parts, of which these are not admitted.
pub(super) fn cancellation<'a>(
    parts: usize,
    throttled: impl IntoIterator<Item = Part<'a>>,
) -> (String, Vec<CancellationReason>) {
    let mut reasons = vec![CancellationReason { code: "None".into(), ..Default::default() }; parts];
    for Part { position, on_demand, throttle, .. } in throttled {
        let message = Some(message(throttle, on_demand).into());
        reasons[position] = CancellationReason { code: code(on_demand).into(), message, item: None };
    }
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    let list = codes.join(", ");
    (format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{list}]"), reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use capacity::Access;

    const ARN: &str = "arn:aws:dynamodb:eu-west-1:1:table/logfile";

    fn throttle(resource: Resource, limit: Limit) -> Throttle {
        Throttle { resource, access: Access::Write, limit, retry_at: None }
    }

    fn part(throttle: &Throttle, position: usize, on_demand: bool) -> Part<'_> {
        Part { position, table_arn: ARN, on_demand, throttle }
    }

    fn json(error: &ThrottleError) -> serde_json::Value {
        serde_json::from_slice(&error.to_json().unwrap()).unwrap()
    }

    #[test]
    fn an_error_names_every_resource_once() {
        let limit = Limit::ProvisionedThroughput;
        let (table, index) = (throttle(Resource::Table, limit), throttle(Resource::Index("GSI_1".into()), limit));
        let parts = [&index, &table, &index].map(|throttle| part(throttle, 0, false));
        assert_eq!(
            json(&ThrottleError::of(parts)),
            serde_json::json!({
                "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                "message": "The level of configured provisioned throughput for one or more global secondary indexes of the \
                    table was exceeded. Consider increasing your provisioning level for the under-provisioned global \
                    secondary indexes with the UpdateTable API",
                "ThrottlingReasons": [
                    {"reason": "IndexWriteProvisionedThroughputExceeded", "resource": format!("{ARN}/index/GSI_1")},
                    {"reason": "TableWriteProvisionedThroughputExceeded", "resource": ARN},
                ],
            })
        );
    }

    #[test]
    fn on_demand_it_is_a_throttling_exception() {
        let maximum = throttle(Resource::Table, Limit::MaxOnDemandThroughput);
        assert_eq!(
            json(&ThrottleError::of([part(&maximum, 0, true)])),
            serde_json::json!({
                "__type": "com.amazon.coral.availability#ThrottlingException",
                "message": "Throughput exceeds the maximum OnDemandThroughput configured on table or index",
                "throttlingReasons": [{"reason": "TableWriteMaxOnDemandThroughputExceeded", "resource": ARN}],
            })
        );
        let hot_key = throttle(Resource::Table, Limit::KeyRange);
        assert!(message(&hot_key, true).starts_with("Throughput exceeds the current capacity of your table or index."));
        assert!(message(&hot_key, false).starts_with("The level of configured provisioned throughput"));
    }

    #[test]
    fn a_cancellation_has_a_reason_for_every_part() {
        let (message, reasons) =
            cancellation(3, [part(&throttle(Resource::Table, Limit::ProvisionedThroughput), 1, false)]);
        assert_eq!(
            message,
            "Transaction cancelled, please refer cancellation reasons for specific reasons [None, \
             ProvisionedThroughputExceeded, None]"
        );
        assert_eq!(
            (reasons.len(), reasons[0].message.as_deref(), reasons[1].message.as_deref()),
            (3, None, Some(OF_TABLE))
        );
    }
}
