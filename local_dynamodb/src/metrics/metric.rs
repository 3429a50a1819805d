//! The metrics: their names, units and dimensions.

use std::sync::Arc;

use capacity::Limit;

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident $unit:literal $namespace:ident)*) => {
        /// Named as in CloudWatch's namespace AWS/DynamoDB, where it has the metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Metric {
            $($(#[$doc])* $name,)*
        }

        impl Metric {
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// As CloudWatch writes units.
            pub(crate) fn unit(self) -> &'static str {
                match self { $(Self::$name => $unit,)* }
            }

            pub(crate) fn namespace(self) -> Namespace {
                match self { $(Self::$name => Namespace::$namespace,)* }
            }
        }
    };
}

metrics! {
    /// Units consumed, a value for each request.
    ConsumedReadCapacityUnits "Count" DynamoDb
    /// As above.
    ConsumedWriteCapacityUnits "Count" DynamoDb
    /// At the end of the minute. CloudWatch has a value every five minutes.
    ProvisionedReadCapacityUnits "Count" DynamoDb
    /// As above.
    ProvisionedWriteCapacityUnits "Count" DynamoDb
    /// Throttled items, whatever the limit, on the table or index whose capacity was the cause.
    ReadThrottleEvents "Count" DynamoDb
    /// As above.
    WriteThrottleEvents "Count" DynamoDb
    /// Those throttled by the provisioned throughput.
    ReadProvisionedThroughputThrottleEvents "Count" DynamoDb
    /// As above.
    WriteProvisionedThroughputThrottleEvents "Count" DynamoDb
    /// Those throttled by the limit of a partition key, or of the partitions of a table on demand.
    ReadKeyRangeThroughputThrottleEvents "Count" DynamoDb
    /// As above.
    WriteKeyRangeThroughputThrottleEvents "Count" DynamoDb
    /// Those throttled by the maximum that is set on demand.
    ReadMaxOnDemandThroughputThrottleEvents "Count" DynamoDb
    /// As above.
    WriteMaxOnDemandThroughputThrottleEvents "Count" DynamoDb
    /// Those throttled by the quota of a table.
    ReadAccountLimitThrottleEvents "Count" DynamoDb
    /// As above.
    WriteAccountLimitThrottleEvents "Count" DynamoDb
    /// The maximum that is set on demand, at the end of the minute.
    OnDemandMaxReadRequestUnits "Count" DynamoDb
    /// As above.
    OnDemandMaxWriteRequestUnits "Count" DynamoDb
    /// Units consumed to fill an index that was added to a table.
    OnlineIndexConsumedWriteCapacity "Count" DynamoDb
    /// How much of the fill is done, in percent, at the end of the minute.
    OnlineIndexPercentageProgress "Count" DynamoDb
    /// Seconds in which the fill waited because the index had no write capacity left.
    OnlineIndexThrottleEvents "Count" DynamoDb
    /// Throttled requests, by operation; a batch only if every item in it was throttled.
    ThrottledRequests "Count" DynamoDb
    /// By operation: in real time, whatever the clock's speed.
    SuccessfulRequestLatency "Milliseconds" DynamoDb
    /// Items returned by a Query or Scan, by operation.
    ReturnedItemCount "Count" DynamoDb
    /// Writes whose condition did not hold.
    ConditionalCheckFailedRequests "Count" DynamoDb
    /// Requests that DynamoDB refuses with status 400, except for throttling and failed conditions; for the whole
    /// account.
    UserErrors "Count" DynamoDb
    /// Requests answered with status 500, by operation.
    SystemErrors "Count" DynamoDb
    /// Writes of items that another transaction was working on.
    TransactionConflict "Count" DynamoDb
    /// The quota of the account, at the end of the minute, as the next seven.
    AccountMaxReads "Count" DynamoDb
    /// As above.
    AccountMaxWrites "Count" DynamoDb
    /// The quota of a table.
    AccountMaxTableLevelReads "Count" DynamoDb
    /// As above.
    AccountMaxTableLevelWrites "Count" DynamoDb
    /// What is provisioned of the account's quota.
    AccountProvisionedReadCapacityUtilization "Percent" DynamoDb
    /// As above.
    AccountProvisionedWriteCapacityUtilization "Percent" DynamoDb
    /// What is provisioned of a table's quota, of the table or index that has the most.
    MaxProvisionedTableReadCapacityUtilization "Percent" DynamoDb
    /// As above.
    MaxProvisionedTableWriteCapacityUtilization "Percent" DynamoDb
    /// Items deleted because they had expired.
    TimeToLiveDeletedItemCount "Count" DynamoDb
    /// Units that could be read at once, at the end of the minute; negative while a debt is paid off.
    ReadBurstBalance "Count" Local
    /// As above, for writes.
    WriteBurstBalance "Count" Local
    /// Writes that waited between the table and the index, at the end of the minute.
    IndexBacklog "Count" Local
}

impl Metric {
    /// Throttled reads by their limit.
    pub(crate) fn read_throttle_events(limit: Limit) -> Self {
        match limit {
            Limit::ProvisionedThroughput => Self::ReadProvisionedThroughputThrottleEvents,
            Limit::KeyRange => Self::ReadKeyRangeThroughputThrottleEvents,
            Limit::MaxOnDemandThroughput => Self::ReadMaxOnDemandThroughputThrottleEvents,
            Limit::Account => Self::ReadAccountLimitThrottleEvents,
        }
    }

    /// Throttled writes by their limit.
    pub(crate) fn write_throttle_events(limit: Limit) -> Self {
        match limit {
            Limit::ProvisionedThroughput => Self::WriteProvisionedThroughputThrottleEvents,
            Limit::KeyRange => Self::WriteKeyRangeThroughputThrottleEvents,
            Limit::MaxOnDemandThroughput => Self::WriteMaxOnDemandThroughputThrottleEvents,
            Limit::Account => Self::WriteAccountLimitThrottleEvents,
        }
    }

    /// Whether it is a state at the end of a minute, not something that happened in it.
    pub(crate) fn is_state(self) -> bool {
        matches!(
            self,
            Self::ProvisionedReadCapacityUnits
                | Self::ProvisionedWriteCapacityUnits
                | Self::OnDemandMaxReadRequestUnits
                | Self::OnDemandMaxWriteRequestUnits
                | Self::OnlineIndexPercentageProgress
                | Self::AccountMaxReads
                | Self::AccountMaxWrites
                | Self::AccountMaxTableLevelReads
                | Self::AccountMaxTableLevelWrites
                | Self::AccountProvisionedReadCapacityUtilization
                | Self::AccountProvisionedWriteCapacityUtilization
                | Self::MaxProvisionedTableReadCapacityUtilization
                | Self::MaxProvisionedTableWriteCapacityUtilization
                | Self::ReadBurstBalance
                | Self::WriteBurstBalance
                | Self::IndexBacklog
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    DynamoDb,
    /// This server's own: what DynamoDB does not publish.
    Local,
}

impl Namespace {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS/DynamoDB",
            Self::Local => "local_dynamodb",
        }
    }
}

/// A metric and its dimensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Series {
    /// `TableName`; empty in a metric of the whole account, which has no dimensions.
    pub(crate) table: Arc<str>,
    /// `GlobalSecondaryIndexName`. Without it a metric is the table's alone, not that of its indexes.
    pub(crate) index: Option<Arc<str>>,
    /// `Operation`.
    pub(crate) operation: Option<&'static str>,
    pub(crate) metric: Metric,
}

impl Series {
    /// A metric of the whole account.
    pub(crate) fn of_account(metric: Metric) -> Self {
        Self { table: "".into(), index: None, operation: None, metric }
    }

    pub(crate) fn is_of_account(&self) -> bool {
        self.table.is_empty()
    }

    /// Names and values, as CloudWatch writes them.
    pub(crate) fn dimensions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let index = self.index.as_deref().map(|name| ("GlobalSecondaryIndexName", name));
        let operation = self.operation.map(|name| ("Operation", name));
        let table = (!self.is_of_account()).then_some(("TableName", &*self.table));
        [table, index, operation].into_iter().flatten()
    }
}
