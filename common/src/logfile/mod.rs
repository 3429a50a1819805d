//! A log file in the workshop's format: CSV records become typed [`LogRecord`]s, and those become DynamoDB items.

mod integer;
mod item;
mod reader;
mod record;

pub(crate) use integer::format_integer;
pub use integer::{IntegerError, MAX_DIGITS};
pub use item::{AttributeSink, IndexKeys, ItemLayout, PARTITION_KEY};
pub use reader::{LogReader, Position, ReadError, ResumeError, Row, check_positions};
pub use record::{Column, LogRecord, RecordError};
