//! Why a request was refused.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The resource whose capacity was exhausted.
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

/// The limit that refused the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The provisioned throughput of the resource.
    ProvisionedThroughput,
    /// The limit of one value of the partition key or, on demand, of the resource's partitions.
    KeyRange,
    /// The configured maximum on demand.
    MaxOnDemandThroughput,
    /// The account's quota for one table.
    Account,
}

/// A refusal, which has consumed nothing and changed nothing. Assumed: nothing is published about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", self.reason(), of_index(&self.resource))]
pub struct Throttle {
    /// The resource that was the cause.
    pub resource: Resource,
    /// Which kind of capacity.
    pub access: Access,
    /// Which limit was reached.
    pub limit: Limit,
    /// The first time at which this limit admits the same request, if no other comes before it. Then another limit may
    /// refuse it, and so may an index whose backlog was overfilled. DynamoDB does not return this; it is for
    /// simulations and explanations. `None` if never: the rate is 0.
    pub retry_at: Option<Duration>,
}

impl Throttle {
    /// The reason as in `ThrottlingReasons`, for example `TableWriteProvisionedThroughputExceeded`. Documented: API
    /// Reference, "ThrottlingReason".
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

/// A refusal of requests that are admitted together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request {position} of the group: {throttle}")]
pub struct RefusedGroup {
    /// The index of the first request that would not be admitted after those before it.
    pub position: usize,
    /// Why.
    pub throttle: Throttle,
}
