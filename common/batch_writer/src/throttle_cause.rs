//! The cause of throttling, as named in the response.

use std::fmt;

/// The resource whose capacity was exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ThrottledResource {
    /// The table.
    Table,
    /// The global secondary index of this name.
    Index(String),
    /// A global secondary index that the response does not name.
    UnnamedIndex,
    /// The response names none, as for requests that come back as UnprocessedItems.
    Unknown,
}

/// The limit that was reached. Documented: API Reference, "ThrottlingReason".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ThrottleLimit {
    /// The provisioned throughput of the resource.
    ProvisionedThroughput,
    /// The limit of one partition: one value of the partition key is written too often.
    KeyRange,
    /// The account's quota for an on-demand table.
    AccountLimit,
    /// The maximum throughput configured for an on-demand table.
    MaxOnDemandThroughput,
    /// The response names none.
    Unknown,
}

/// One cause of throttling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThrottleCause {
    /// The resource whose capacity was exceeded.
    pub resource: ThrottledResource,
    /// The limit that was reached.
    pub limit: ThrottleLimit,
}

impl ThrottleCause {
    /// A cause that the response does not name.
    pub const UNKNOWN: Self = Self { resource: ThrottledResource::Unknown, limit: ThrottleLimit::Unknown };

    /// From a member of an exception's `ThrottlingReasons`: a reason such as `IndexWriteProvisionedThroughputExceeded`, and the ARN of the
    /// table or the index. Anything else is [`UNKNOWN`](Self::UNKNOWN).
    pub fn from_reason(reason: &str, resource_arn: &str) -> Self {
        let (is_index, rest) = match (reason.strip_prefix("Table"), reason.strip_prefix("Index")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Self::UNKNOWN,
        };
        let limit = rest.strip_prefix("Write").or(rest.strip_prefix("Read")).unwrap_or(rest);
        let limit = match limit {
            "ProvisionedThroughputExceeded" => ThrottleLimit::ProvisionedThroughput,
            "KeyRangeThroughputExceeded" => ThrottleLimit::KeyRange,
            "AccountLimitExceeded" => ThrottleLimit::AccountLimit,
            "MaxOnDemandThroughputExceeded" => ThrottleLimit::MaxOnDemandThroughput,
            _ => ThrottleLimit::Unknown,
        };
        let resource = match resource_arn.split_once("/index/") {
            Some((_, name)) if is_index => ThrottledResource::Index(name.to_owned()),
            _ if is_index => ThrottledResource::UnnamedIndex,
            _ => ThrottledResource::Table,
        };
        Self { resource, limit }
    }

    /// From the message of an exception without `ThrottlingReasons`. Documented: Developer Guide, "Error handling with DynamoDB".
    pub fn from_message(code: Option<&str>, message: &str) -> Self {
        if code != Some("ProvisionedThroughputExceededException") {
            return Self::UNKNOWN;
        }
        let resource = if message.contains("global secondary index") {
            ThrottledResource::UnnamedIndex
        } else if message.contains("throughput for the table") {
            ThrottledResource::Table
        } else {
            return Self::UNKNOWN;
        };
        Self { resource, limit: ThrottleLimit::ProvisionedThroughput }
    }

    /// The reason as `ThrottlingReasons` has it, if it is known.
    pub fn reason(&self) -> Option<String> {
        let kind = match self.resource {
            ThrottledResource::Table => "Table",
            ThrottledResource::Index(_) | ThrottledResource::UnnamedIndex => "Index",
            ThrottledResource::Unknown => return None,
        };
        let limit = match self.limit {
            ThrottleLimit::ProvisionedThroughput => "ProvisionedThroughputExceeded",
            ThrottleLimit::KeyRange => "KeyRangeThroughputExceeded",
            ThrottleLimit::AccountLimit => "AccountLimitExceeded",
            ThrottleLimit::MaxOnDemandThroughput => "MaxOnDemandThroughputExceeded",
            ThrottleLimit::Unknown => return None,
        };
        Some(format!("{kind}Write{limit}"))
    }
}

/// For a sentence: `the table`, `index GSI_1`, `a hot partition key in index GSI_1`.
impl fmt::Display for ThrottleCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.limit {
            ThrottleLimit::KeyRange => "a hot partition key in ",
            ThrottleLimit::AccountLimit => "the account's quota for ",
            ThrottleLimit::MaxOnDemandThroughput => "the maximum set for ",
            ThrottleLimit::ProvisionedThroughput | ThrottleLimit::Unknown => "",
        })?;
        match &self.resource {
            ThrottledResource::Table => f.write_str("the table"),
            ThrottledResource::Index(name) => write!(f, "index {name}"),
            ThrottledResource::UnnamedIndex => f.write_str("an index"),
            ThrottledResource::Unknown => f.write_str("a cause that the response does not name"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE_ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/logfile";

    #[test]
    fn reasons_are_read_and_written() {
        let index_arn = format!("{TABLE_ARN}/index/GSI_1");
        for (reason, arn, words) in [
            ("TableWriteProvisionedThroughputExceeded", TABLE_ARN, "the table"),
            ("IndexWriteProvisionedThroughputExceeded", &index_arn, "index GSI_1"),
            ("IndexWriteKeyRangeThroughputExceeded", &index_arn, "a hot partition key in index GSI_1"),
            ("TableWriteAccountLimitExceeded", TABLE_ARN, "the account's quota for the table"),
            ("IndexWriteMaxOnDemandThroughputExceeded", "", "the maximum set for an index"),
        ] {
            let cause = ThrottleCause::from_reason(reason, arn);
            assert_eq!((cause.reason().as_deref(), cause.to_string().as_str()), (Some(reason), words));
        }
        assert_eq!(ThrottleCause::from_reason("SomethingNew", TABLE_ARN), ThrottleCause::UNKNOWN);
        assert_eq!(ThrottleCause::UNKNOWN.reason(), None);
    }

    #[test]
    fn without_reasons_the_message_tells_table_from_index() {
        let code = Some("ProvisionedThroughputExceededException");
        for (code, message, resource) in [
            (
                code,
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning \
                 level with the UpdateTable API.",
                ThrottledResource::Table,
            ),
            (
                code,
                "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. \
                 Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API",
                ThrottledResource::UnnamedIndex,
            ),
            (code, "", ThrottledResource::Unknown),
            (
                Some("ThrottlingException"),
                "Rate of requests exceeds the allowed throughput.",
                ThrottledResource::Unknown,
            ),
        ] {
            assert_eq!(ThrottleCause::from_message(code, message).resource, resource, "{message}");
        }
    }
}
