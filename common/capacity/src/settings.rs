//! The model's assumptions where DynamoDB publishes nothing, as settings.

use std::time::Duration;

use super::limits::{MAX_ACCOUNT_UNITS, MAX_TABLE_UNITS, PARTITION_READ_UNITS, PARTITION_WRITE_UNITS};

/// The model's settings, shared by a table and its indexes. The defaults are the closest known to the real service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How much unused capacity a table or an index keeps for a burst, as the time in which it accrues. 300 s.
    /// Documented: Developer Guide, "DynamoDB burst and adaptive capacity". That it is a token bucket of that size,
    /// one for each table and index, is assumed.
    pub burst: Duration,

    /// How much of it a new table or index starts with, at most `burst`. All of it: assumed.
    pub starting_burst: Duration,

    /// The maximum number of index writes in the queue between a table and one of its indexes; when it is reached, the
    /// table refuses all writes. 20,000: assumed, from the graphs published with AWS's workshop "Advanced Design
    /// Patterns for Amazon DynamoDB", in which an index with 1 WCU accepts about 19,560 writes in its first minute.
    pub index_backlog: usize,

    /// WCU that one value of a partition key gets, in the table and in each index. 1,000: documented for a partition
    /// ("Quotas in Amazon DynamoDB"). That each value of the key has a partition to itself is assumed: DynamoDB splits
    /// partitions that are busy, and cannot split a value.
    pub partition_write_units: u64,

    /// RCU that one value of a partition key gets, in the table and in each index. 3,000: as above.
    pub partition_read_units: u64,

    /// How much unused capacity a partition keeps. 1 s, because the limits are per second: assumed.
    pub partition_burst: Duration,

    /// WCU that a new on-demand table or index serves at once. 4,000. Documented: Developer Guide, "DynamoDB on-demand
    /// capacity mode", "Initial throughput for on-demand capacity mode".
    pub on_demand_write_units: u64,

    /// RCU that it serves at once. 12,000: as above.
    pub on_demand_read_units: u64,

    /// The time until an on-demand table is ready for twice its peak. 30 minutes: as above, where it is the time within
    /// which traffic should not more than double.
    pub on_demand_growth_time: Duration,

    /// RCU and WCU of one table, each, that an account may use by default. 40,000. Documented: "Quotas in Amazon DynamoDB".
    pub table_quota: u64,

    /// RCU and WCU, each, that may be provisioned for all tables and indexes of an account together by default. 80,000.
    /// Documented: as above.
    pub account_quota: u64,

    /// The time from CreateTable until the table accepts item requests, unless it is described earlier. 500 ms:
    /// assumed; DynamoDB takes a few seconds.
    pub create_time: Duration,

    /// The time from UpdateTable until the capacity changes. 2 s: measured for small values; the workshop mentions tens
    /// of seconds.
    pub update_time: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            burst: Duration::from_secs(300),
            starting_burst: Duration::from_secs(300),
            index_backlog: 20_000,
            partition_write_units: PARTITION_WRITE_UNITS,
            partition_read_units: PARTITION_READ_UNITS,
            partition_burst: Duration::from_secs(1),
            on_demand_write_units: 4_000,
            on_demand_read_units: 12_000,
            on_demand_growth_time: Duration::from_secs(30 * 60),
            table_quota: MAX_TABLE_UNITS,
            account_quota: MAX_ACCOUNT_UNITS,
            create_time: Duration::from_millis(500),
            update_time: Duration::from_secs(2),
        }
    }
}
