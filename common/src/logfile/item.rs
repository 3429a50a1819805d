//! The DynamoDB item of a log record: the layout of each loader, described once.
//!
//! | attribute | `load_logfile` | `load_logfile_parallel` |
//! | --- | --- | --- |
//! | `PK` (S) | `request#` + requestid | the same, of the copy's requestid |
//! | `GSI_1_PK` (S) | `host#` + host | `shard#` + (requestid mod 10 + 1); of table `logfile_gsi_low` as on the left |
//! | `GSI_1_SK` (S) | – | responsecode + `#` + date + `#` + hourofday as in the file; none in `logfile_gsi_low` |
//! | requestid, hourofday, responsecode, bytessent | N | N |
//! | host, date, timezone, method, url, useragent | S | S |
//! | `servererror` (S) | `5xx` if responsecode is 500 | – |

use super::integer::format_integer;
use super::record::{Column, LogRecord, RecordError};
use crate::capacity::limits::{MAX_PARTITION_KEY_SIZE, MAX_SORT_KEY_SIZE};

/// The key of the lab's tables, a string.
pub const PARTITION_KEY: &str = "PK";

/// Takes the attributes of an item, one after another.
pub trait AttributeSink {
    /// A string attribute, whose value is the parts put together.
    fn string(&mut self, name: &'static str, parts: &[&str]);
    /// A number attribute.
    fn number(&mut self, name: &'static str, value: i128);
}

/// The index keys that an item of the parallel loader has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexKeys {
    /// `GSI_1_PK` = `host#` + host.
    Host,
    /// `GSI_1_PK` = one of ten shards, `GSI_1_SK` = responsecode, date and hour: the workshop's parallel scan and query.
    Shard,
}

impl IndexKeys {
    /// What the workshop's parallel loader does: hosts for `logfile_gsi_low`, shards for every other table.
    pub fn for_table(table: &str) -> Self {
        if table == "logfile_gsi_low" { Self::Host } else { Self::Shard }
    }
}

/// How a record becomes an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemLayout {
    /// The keys of `GSI_1`.
    pub index_keys: IndexKeys,
    /// Whether an item whose responsecode is 500 gets the attribute `servererror`.
    pub marks_server_errors: bool,
}

impl ItemLayout {
    /// The layout of `load_logfile`.
    pub const SEQUENTIAL: Self = Self { index_keys: IndexKeys::Host, marks_server_errors: true };

    /// The layout of `load_logfile_parallel` for a table.
    pub fn parallel(table: &str) -> Self {
        Self { index_keys: IndexKeys::for_table(table), marks_server_errors: false }
    }

    /// Whether the keys made from a record are within DynamoDB's limits. The item's whole size is known to the sink.
    ///
    /// # Errors
    /// [`RecordError::KeyTooLong`].
    pub fn check_keys(&self, record: &LogRecord<'_>) -> Result<(), RecordError> {
        let (column, attribute, size, limit) = match self.index_keys {
            IndexKeys::Host => (Column::Host, "GSI_1_PK", "host#".len() + record.host.len(), MAX_PARTITION_KEY_SIZE),
            IndexKeys::Shard => {
                let [date, hour] = [record.date.len(), record.hour_of_day_text.len()];
                let size = itoa::Buffer::new().format(record.response_code).len() + date + hour + 2;
                let longest = if hour > date { Column::HourOfDay } else { Column::Date };
                (longest, "GSI_1_SK", size, MAX_SORT_KEY_SIZE)
            }
        };
        if size > limit { Err(RecordError::KeyTooLong { column, attribute, size, limit }) } else { Ok(()) }
    }

    /// The attributes that differ between the copies of a record, beginning with the table's key.
    pub fn own_attributes(&self, request_id: i128, sink: &mut impl AttributeSink) {
        sink.string(PARTITION_KEY, &["request#", format_integer(&mut itoa::Buffer::new(), request_id)]);
        sink.number(Column::RequestId.name(), request_id);
        if self.index_keys == IndexKeys::Shard {
            // Python's modulo is never negative.
            let shard = match i64::try_from(request_id) {
                Ok(id) => id.rem_euclid(10) + 1,
                Err(_) => request_id.rem_euclid(10) as i64 + 1,
            };
            sink.string("GSI_1_PK", &["shard#", itoa::Buffer::new().format(shard)]);
        }
    }

    /// The attributes that all copies of a record have in common.
    pub fn shared_attributes(&self, record: &LogRecord<'_>, sink: &mut impl AttributeSink) {
        match self.index_keys {
            IndexKeys::Host => sink.string("GSI_1_PK", &["host#", record.host]),
            IndexKeys::Shard => {
                let mut code = itoa::Buffer::new();
                let code = code.format(record.response_code);
                sink.string("GSI_1_SK", &[code, "#", record.date, "#", record.hour_of_day_text]);
            }
        }
        sink.string(Column::Host.name(), &[record.host]);
        sink.string(Column::Date.name(), &[record.date]);
        sink.number(Column::HourOfDay.name(), record.hour_of_day);
        sink.string(Column::Timezone.name(), &[record.timezone]);
        sink.string(Column::Method.name(), &[record.method]);
        sink.string(Column::Url.name(), &[record.url]);
        sink.number(Column::ResponseCode.name(), record.response_code);
        sink.number(Column::BytesSent.name(), record.bytes_sent);
        sink.string(Column::UserAgent.name(), &[record.user_agent]);
        if self.marks_server_errors && record.response_code == 500 {
            sink.string("servererror", &["5xx"]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item as `NAME TYPE VALUE` lines.
    #[derive(Default)]
    struct Listed(Vec<String>);

    impl AttributeSink for Listed {
        fn string(&mut self, name: &'static str, parts: &[&str]) {
            self.0.push(format!("{name} S {}", parts.concat()));
        }

        fn number(&mut self, name: &'static str, value: i128) {
            self.0.push(format!("{name} N {value}"));
        }
    }

    fn record() -> LogRecord<'static> {
        LogRecord {
            request_id: 7,
            host: "10.0.0.1",
            date: "2017-07-20",
            hour_of_day: 1,
            hour_of_day_text: "01",
            timezone: "GMT-0700",
            method: "GET",
            url: "/a",
            response_code: 200,
            bytes_sent: 5,
            user_agent: "Mozilla",
        }
    }

    fn listed(layout: ItemLayout, record: &LogRecord<'_>, request_id: i128) -> Vec<String> {
        let mut sink = Listed::default();
        layout.own_attributes(request_id, &mut sink);
        layout.shared_attributes(record, &mut sink);
        sink.0
    }

    const COLUMNS: [&str; 9] = [
        "host S 10.0.0.1",
        "date S 2017-07-20",
        "hourofday N 1",
        "timezone S GMT-0700",
        "method S GET",
        "url S /a",
        "responsecode N 200",
        "bytessent N 5",
        "useragent S Mozilla",
    ];

    #[test]
    fn the_sequential_item() {
        let mut expected = vec!["PK S request#7", "requestid N 7", "GSI_1_PK S host#10.0.0.1"];
        expected.extend(COLUMNS);
        assert_eq!(listed(ItemLayout::SEQUENTIAL, &record(), 7), expected);
    }

    #[test]
    fn only_the_sequential_loader_marks_server_errors_and_only_500() {
        let failed = LogRecord { response_code: 500, ..record() };
        assert!(listed(ItemLayout::SEQUENTIAL, &failed, 7).contains(&"servererror S 5xx".to_owned()));
        assert!(!listed(ItemLayout::parallel("logfile_scan"), &failed, 7).join(" ").contains("servererror"));
        let other = LogRecord { response_code: 503, ..record() };
        assert!(!listed(ItemLayout::SEQUENTIAL, &other, 7).join(" ").contains("servererror"));
    }

    #[test]
    fn the_parallel_item_of_any_table_has_a_shard_and_the_hour_as_in_the_file() {
        let mut expected =
            vec!["PK S request#502007", "requestid N 502007", "GSI_1_PK S shard#8", "GSI_1_SK S 200#2017-07-20#01"];
        expected.extend(COLUMNS);
        assert_eq!(listed(ItemLayout::parallel("logfile_scan"), &record(), 502_007), expected);
        assert_eq!(listed(ItemLayout::parallel("logfile"), &record(), 502_007), expected);
    }

    #[test]
    fn the_parallel_item_of_logfile_gsi_low_has_its_host() {
        let mut expected = vec!["PK S request#502007", "requestid N 502007", "GSI_1_PK S host#10.0.0.1"];
        expected.extend(COLUMNS);
        assert_eq!(listed(ItemLayout::parallel("logfile_gsi_low"), &record(), 502_007), expected);
    }

    #[test]
    fn shards_of_negative_ids_are_pythons() {
        // Python: -3 % 10 + 1 == 8
        assert!(listed(ItemLayout::parallel("t"), &record(), -3).contains(&"GSI_1_PK S shard#8".to_owned()));
    }

    #[test]
    fn keys_over_dynamodbs_limits_are_refused() {
        let long = "h".repeat(2048);
        let host = LogRecord { host: &long[..2043], ..record() };
        assert_eq!(ItemLayout::SEQUENTIAL.check_keys(&host), Ok(()));
        let host = LogRecord { host: &long[..2044], ..record() };
        assert_eq!(
            ItemLayout::SEQUENTIAL.check_keys(&host).unwrap_err().to_string(),
            "column 2 (host): the key GSI_1_PK made from it has 2049 bytes, and DynamoDB takes at most 2048"
        );
        let date = LogRecord { date: &long[..1017], ..record() };
        assert_eq!(ItemLayout::parallel("t").check_keys(&date), Ok(()));
        let date = LogRecord { date: &long[..1018], ..record() };
        let error = ItemLayout::parallel("t").check_keys(&date).unwrap_err();
        assert!(
            matches!(error, RecordError::KeyTooLong { column: Column::Date, size: 1025, limit: 1024, .. }),
            "{error}"
        );
        assert_eq!(ItemLayout::SEQUENTIAL.check_keys(&date), Ok(()), "it has no sort key");
    }
}
