//! Why DynamoDB throttled, as far as its answer tells.

use std::fmt;

/// Whose capacity was the cause.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ThrottledResource {
    /// The table's own.
    Table,
    /// That of the global secondary index of this name.
    Index(String),
    /// That of an index whose name the answer does not tell.
    SomeIndex,
    /// The answer does not tell: so it is with the requests of a batch that come back as UnprocessedItems.
    NotTold,
}

/// Which limit was reached. Documented: API Reference, "ThrottlingReason".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ThrottleLimit {
    /// The provisioned throughput of the resource.
    ProvisionedThroughput,
    /// What one partition takes, because one value of the partition key is written too often.
    KeyRange,
    /// The account's quota for an on-demand table.
    AccountLimit,
    /// The most that an on-demand table was configured for.
    MaxOnDemandThroughput,
    /// The answer does not tell.
    NotTold,
}

/// One cause of throttling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThrottleCause {
    /// Whose capacity.
    pub resource: ThrottledResource,
    /// Which limit.
    pub limit: ThrottleLimit,
}

impl ThrottleCause {
    /// Nothing is known of it.
    pub const NOT_TOLD: Self = Self { resource: ThrottledResource::NotTold, limit: ThrottleLimit::NotTold };

    /// From a member of an exception's `ThrottlingReasons`: a reason such as `IndexWriteProvisionedThroughputExceeded`, and the ARN of the
    /// table or the index. What is not known here is not told.
    pub fn from_reason(reason: &str, resource_arn: &str) -> Self {
        let (is_index, rest) = match (reason.strip_prefix("Table"), reason.strip_prefix("Index")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Self::NOT_TOLD,
        };
        let limit = rest.strip_prefix("Write").or(rest.strip_prefix("Read")).unwrap_or(rest);
        let limit = match limit {
            "ProvisionedThroughputExceeded" => ThrottleLimit::ProvisionedThroughput,
            "KeyRangeThroughputExceeded" => ThrottleLimit::KeyRange,
            "AccountLimitExceeded" => ThrottleLimit::AccountLimit,
            "MaxOnDemandThroughputExceeded" => ThrottleLimit::MaxOnDemandThroughput,
            _ => ThrottleLimit::NotTold,
        };
        let resource = match resource_arn.split_once("/index/") {
            Some((_, name)) if is_index => ThrottledResource::Index(name.to_owned()),
            _ if is_index => ThrottledResource::SomeIndex,
            _ => ThrottledResource::Table,
        };
        Self { resource, limit }
    }

    /// From an exception without `ThrottlingReasons`, by its words. Documented: Developer Guide, "Error handling with DynamoDB".
    pub fn from_message(code: Option<&str>, message: &str) -> Self {
        if code != Some("ProvisionedThroughputExceededException") {
            return Self::NOT_TOLD;
        }
        let resource = if message.contains("global secondary index") {
            ThrottledResource::SomeIndex
        } else if message.contains("throughput for the table") {
            ThrottledResource::Table
        } else {
            return Self::NOT_TOLD;
        };
        Self { resource, limit: ThrottleLimit::ProvisionedThroughput }
    }

    /// The reason as it stands in `ThrottlingReasons`, if it is known.
    pub fn reason(&self) -> Option<String> {
        let kind = match self.resource {
            ThrottledResource::Table => "Table",
            ThrottledResource::Index(_) | ThrottledResource::SomeIndex => "Index",
            ThrottledResource::NotTold => return None,
        };
        let limit = match self.limit {
            ThrottleLimit::ProvisionedThroughput => "ProvisionedThroughputExceeded",
            ThrottleLimit::KeyRange => "KeyRangeThroughputExceeded",
            ThrottleLimit::AccountLimit => "AccountLimitExceeded",
            ThrottleLimit::MaxOnDemandThroughput => "MaxOnDemandThroughputExceeded",
            ThrottleLimit::NotTold => return None,
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
            ThrottleLimit::ProvisionedThroughput | ThrottleLimit::NotTold => "",
        })?;
        match &self.resource {
            ThrottledResource::Table => f.write_str("the table"),
            ThrottledResource::Index(name) => write!(f, "index {name}"),
            ThrottledResource::SomeIndex => f.write_str("an index"),
            ThrottledResource::NotTold => f.write_str("a cause that the answer does not tell"),
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
        assert_eq!(ThrottleCause::from_reason("SomethingNew", TABLE_ARN), ThrottleCause::NOT_TOLD);
        assert_eq!(ThrottleCause::NOT_TOLD.reason(), None);
    }

    #[test]
    fn without_reasons_the_words_tell_table_from_index() {
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
                ThrottledResource::SomeIndex,
            ),
            (code, "", ThrottledResource::NotTold),
            (
                Some("ThrottlingException"),
                "Rate of requests exceeds the allowed throughput.",
                ThrottledResource::NotTold,
            ),
        ] {
            assert_eq!(ThrottleCause::from_message(code, message).resource, resource, "{message}");
        }
    }
}
