//! Why a request was refused.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Whose capacity it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The table's own.
    Table,
    /// That of the global secondary index with this name.
    Index(Arc<str>),
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// RCU.
    Read,
    /// WCU.
    Write,
}

/// What stood in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The provisioned throughput of the resource.
    ProvisionedThroughput,
    /// What one value of the partition key gets, or on demand the partitions that the resource has.
    KeyRange,
    /// The most that is served on demand, as it was set.
    MaxOnDemandThroughput,
    /// What the account may use of one table.
    Account,
}

/// A refusal. It has consumed nothing and changed nothing. Assumed: no statement about it is published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", self.reason(), of_index(&self.resource))]
pub struct Throttle {
    /// Whose capacity was the cause.
    pub resource: Resource,
    /// Which kind of capacity.
    pub access: Access,
    /// Which limit was reached.
    pub limit: Limit,
    /// The first time at which the same request may get in, if no other comes before it: until then this limit
    /// refuses it. Then another limit may, and so may an index whose backlog was overfilled. DynamoDB does not tell
    /// this; it is for simulations and explanations. `None` if never: the rate is 0.
    pub retry_at: Option<Duration>,
}

impl Throttle {
    /// The reason as it stands in `ThrottlingReasons`, for example `TableWriteProvisionedThroughputExceeded`.
    /// Documented: API Reference, "ThrottlingReason".
    pub fn reason(&self) -> &'static str {
        use Access::{Read, Write};
        use Limit::{Account, KeyRange, MaxOnDemandThroughput, ProvisionedThroughput};
        match (&self.resource, self.access, self.limit) {
            (Resource::Table, Read, ProvisionedThroughput) => "TableReadProvisionedThroughputExceeded",
            (Resource::Table, Read, KeyRange) => "TableReadKeyRangeThroughputExceeded",
            (Resource::Table, Read, MaxOnDemandThroughput) => "TableReadMaxOnDemandThroughputExceeded",
            (Resource::Table, Read, Account) => "TableReadAccountLimitExceeded",
            (Resource::Table, Write, MaxOnDemandThroughput) => "TableWriteMaxOnDemandThroughputExceeded",
            (Resource::Table, Write, Account) => "TableWriteAccountLimitExceeded",
            (Resource::Table, Write, ProvisionedThroughput) => "TableWriteProvisionedThroughputExceeded",
            (Resource::Table, Write, KeyRange) => "TableWriteKeyRangeThroughputExceeded",
            (Resource::Index(_), Read, ProvisionedThroughput) => "IndexReadProvisionedThroughputExceeded",
            (Resource::Index(_), Read, KeyRange) => "IndexReadKeyRangeThroughputExceeded",
            (Resource::Index(_), Read, MaxOnDemandThroughput) => "IndexReadMaxOnDemandThroughputExceeded",
            (Resource::Index(_), Read, Account) => "IndexReadAccountLimitExceeded",
            (Resource::Index(_), Write, MaxOnDemandThroughput) => "IndexWriteMaxOnDemandThroughputExceeded",
            (Resource::Index(_), Write, Account) => "IndexWriteAccountLimitExceeded",
            (Resource::Index(_), Write, ProvisionedThroughput) => "IndexWriteProvisionedThroughputExceeded",
            (Resource::Index(_), Write, KeyRange) => "IndexWriteKeyRangeThroughputExceeded",
        }
    }
}

fn of_index(resource: &Resource) -> impl fmt::Display {
    match resource {
        Resource::Table => String::new(),
        Resource::Index(name) => format!(" on {name}"),
    }
}

/// A refusal of requests that get in together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request {position} of the group: {throttle}")]
pub struct RefusedGroup {
    /// The first request that would not get in after those before it, counted from 0.
    pub position: usize,
    /// Why.
    pub throttle: Throttle,
}
