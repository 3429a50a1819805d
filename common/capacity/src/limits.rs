//! DynamoDB's limits on items and requests, each named once. Source, unless another is given: Developer Guide,
//! "Quotas in Amazon DynamoDB". A KB is 1,024 bytes there.

/// The largest item, names and values together: 400 KB.
pub const MAX_ITEM_SIZE: usize = 400 * 1024;

/// The longest value of a partition key, in bytes. The shortest has one byte.
pub const MAX_PARTITION_KEY_SIZE: usize = 2048;

/// The longest value of a sort key, in bytes. The shortest has one byte.
pub const MAX_SORT_KEY_SIZE: usize = 1024;

/// The longest name of an attribute that is a key of a table or an index, in bytes.
pub const MAX_KEY_NAME_SIZE: usize = 255;

/// The longest name of any other attribute, in bytes (API Reference, `PutItem`: the keys of `Item`).
pub const MAX_ATTRIBUTE_NAME_SIZE: usize = 64 * 1024 - 1;

/// Significant digits that a number may have.
pub const MAX_NUMBER_DIGITS: usize = 38;

/// The largest power of ten in a number: magnitudes end at 9.99…E+125.
pub const MAX_NUMBER_EXPONENT: i64 = 125;

/// The smallest power of ten in a number: magnitudes other than zero begin at 1E-130.
pub const MIN_NUMBER_EXPONENT: i64 = -130;

/// Put and delete requests in one BatchWriteItem.
pub const MAX_BATCH_WRITE_REQUESTS: usize = 25;

/// The size of one BatchWriteItem request: 16 MB.
pub const MAX_BATCH_WRITE_SIZE: usize = 16 * 1024 * 1024;

/// Keys in one BatchGetItem.
pub const MAX_BATCH_GET_KEYS: usize = 100;

/// The size of one BatchGetItem response: 16 MB.
pub const MAX_BATCH_GET_SIZE: usize = 16 * 1024 * 1024;

/// The data that one Query or Scan can read, before its filter: 1 MB.
pub const MAX_PAGE_SIZE: usize = 1024 * 1024;

/// Actions in one transaction.
pub const MAX_TRANSACTION_ACTIONS: usize = 100;

/// The size of all items in one transaction: 4 MB.
pub const MAX_TRANSACTION_SIZE: usize = 4 * 1024 * 1024;

/// The write capacity of one partition, in WCU.
pub const PARTITION_WRITE_UNITS: u64 = 1000;

/// The read capacity of one partition, in RCU.
pub const PARTITION_READ_UNITS: u64 = 3000;

/// Capacity of one table by default, WCU and RCU each, before an account's quota is raised.
pub const MAX_TABLE_UNITS: u64 = 40_000;

/// Provisioned capacity of all tables and indexes of an account by default, WCU and RCU each, in a Region.
pub const MAX_ACCOUNT_UNITS: u64 = 80_000;
