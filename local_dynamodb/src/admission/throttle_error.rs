//! Throttling as clients see it: the exception, the code in a batch or transaction, the messages.

use capacity::{Resource, Throttle};
use dynoxide::errors::CancellationReason;
use serde::Serialize;

/// Both messages: API Reference, "TransactWriteItems". The second ends without a full stop.
const OF_TABLE: &str = "The level of configured provisioned throughput for the table was exceeded. Consider increasing \
    your provisioning level with the UpdateTable API.";
const OF_INDEX: &str = "The level of configured provisioned throughput for one or more global secondary indexes of the \
    table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes \
    with the UpdateTable API";

/// The code of a throttled part in the results of a batch or a transaction.
pub(crate) const CODE: &str = "ProvisionedThroughputExceeded";

/// The message of a error.
pub(crate) fn message(throttle: &Throttle) -> &'static str {
    match throttle.resource {
        Resource::Table => OF_TABLE,
        Resource::Index(_) => OF_INDEX,
    }
}

/// A request throttled as a whole: the body of a `ProvisionedThroughputExceededException`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ThrottleError {
    #[serde(rename = "__type")]
    kind: &'static str,
    message: &'static str,
    #[serde(rename = "ThrottlingReasons")]
    reasons: Vec<ThrottlingReason>,
}

/// API Reference, "ThrottlingReason".
#[derive(Debug, PartialEq, Eq, Serialize)]
struct ThrottlingReason {
    reason: &'static str,
    /// The ARN of the table or the index.
    resource: String,
}

impl ThrottleError {
    /// `throttles` are those of the request's parts, each with the ARN of its table. The first gives the message; each
    /// reason is listed once.
    pub(crate) fn of<'a>(throttles: impl IntoIterator<Item = (&'a str, &'a Throttle)>) -> Self {
        let mut error = Self {
            kind: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            message: OF_TABLE,
            reasons: Vec::new(),
        };
        for (table_arn, throttle) in throttles {
            if error.reasons.is_empty() {
                error.message = message(throttle);
            }
            let resource = match &throttle.resource {
                Resource::Table => table_arn.to_owned(),
                Resource::Index(name) => format!("{table_arn}/index/{name}"),
            };
            let reason = ThrottlingReason { reason: throttle.reason(), resource };
            if !error.reasons.contains(&reason) {
                error.reasons.push(reason);
            }
        }
        error
    }

    /// The JSON body of the answer with status 400.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

/// The message and reasons of a cancelled transaction with this many parts, `throttled` at these positions.
pub(crate) fn cancellation(parts: usize, throttled: &[(usize, &Throttle)]) -> (String, Vec<CancellationReason>) {
    let mut reasons = vec![CancellationReason { code: "None".into(), ..Default::default() }; parts];
    for (position, throttle) in throttled {
        let reason = CancellationReason { code: CODE.into(), message: Some(message(throttle).into()), item: None };
        reasons[*position] = reason;
    }
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    let list = codes.join(", ");
    (format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{list}]"), reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use capacity::{Access, Limit};

    fn throttle(resource: Resource) -> Throttle {
        Throttle { resource, access: Access::Write, limit: Limit::ProvisionedThroughput, retry_at: None }
    }

    #[test]
    fn an_error_names_every_resource_once() {
        let (table, index) = (throttle(Resource::Table), throttle(Resource::Index("GSI_1".into())));
        let arn = "arn:aws:dynamodb:eu-west-1:1:table/logfile";
        let json = ThrottleError::of([(arn, &index), (arn, &table), (arn, &index)]).to_json().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                "message": "The level of configured provisioned throughput for one or more global secondary indexes of the \
                    table was exceeded. Consider increasing your provisioning level for the under-provisioned global \
                    secondary indexes with the UpdateTable API",
                "ThrottlingReasons": [
                    {"reason": "IndexWriteProvisionedThroughputExceeded", "resource": format!("{arn}/index/GSI_1")},
                    {"reason": "TableWriteProvisionedThroughputExceeded", "resource": arn},
                ],
            })
        );
    }

    #[test]
    fn a_cancellation_has_a_reason_for_every_part() {
        let (message, reasons) = cancellation(3, &[(1, &throttle(Resource::Table))]);
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
