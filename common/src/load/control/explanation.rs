//! Throttling explained for users: which capacity it is, what it allows, what the load needs, how long it takes, and
//! how to change that.

use std::time::Duration;

use aws_sdk_dynamodb::types::KeyType;

use crate::batch_writer::{ThrottleCause, ThrottleLimit, ThrottledResource};
use crate::capacity::limits::PARTITION_WRITE_UNITS;
use crate::human;
use crate::tables::{self, KeyElement, TableDescription, provisioned};

/// A load that takes longer than this many seconds should take this long with the proposed capacity.
const PROPOSALS: [(u64, u64, &str); 2] = [(1800, 600, "10 minutes"), (120, 60, "a minute")];

/// A load that has written less than this share of what the capacity allows is not throttled by the capacity of the whole table.
const USED_UP: f64 = 0.8;

/// Rows that the search for the rate costs at the beginning: most of what a table with little capacity allows by then.
const ROWS_OF_SEARCH: f64 = 8.0;

/// What is known of a load when it is throttled.
#[derive(Clone)]
pub(super) struct Situation<'a> {
    pub(super) table: &'a str,
    /// `None` if the table cannot be described.
    pub(super) description: Option<&'a TableDescription>,
    /// The endpoint, where it is not AWS's own.
    pub(super) endpoint_url: Option<&'a str>,
    /// How long the load has lasted.
    pub(super) elapsed: Duration,
    /// Rows that the load has written each second so far.
    pub(super) rows_per_second: f64,
    /// Rows still to be written, if that is known.
    pub(super) rows_left: Option<u64>,
    /// Write units of the table, and of indexes, that a row has cost so far.
    pub(super) table_units: f64,
    pub(super) index_units: &'a dyn Fn(&str) -> f64,
    /// Whether rows are refused again and again while others are accepted.
    pub(super) some_rows_are_refused_again: bool,
    /// Whether requests are refused however slowly they are sent.
    pub(super) refused_at_any_rate: bool,
}

impl Situation<'_> {
    /// The cause. Where the response does not name the resource, it is the one that allows the fewest rows. If even that one is far from
    /// used up, or if refusals do not depend on the rate, it is a part of the table.
    pub(super) fn deduce(&self, cause: &ThrottleCause) -> ThrottleCause {
        let of_a_part = ThrottleCause { resource: cause.resource.clone(), limit: ThrottleLimit::KeyRange };
        let does_not_depend_on_rate = self.some_rows_are_refused_again || self.refused_at_any_rate;
        if cause.resource == ThrottledResource::Unknown && does_not_depend_on_rate {
            return of_a_part;
        }
        let Some(description) = self.description else { return cause.clone() };
        let of_table = (ThrottledResource::Table, self.rows_allowed(&ThrottledResource::Table));
        let of_indexes = description.global_indexes().map(|index| {
            let resource = ThrottledResource::Index(index.name.clone());
            let rows = self.rows_allowed(&resource);
            (resource, rows)
        });
        let candidates: Vec<_> = match cause.resource {
            ThrottledResource::Unknown => std::iter::once(of_table).chain(of_indexes).collect(),
            ThrottledResource::UnnamedIndex => of_indexes.collect(),
            _ => return cause.clone(),
        };
        let scarcest = candidates.into_iter().filter_map(|(resource, rows)| Some((resource, rows?)));
        match scarcest.min_by(|(_, one), (_, other)| one.total_cmp(other)) {
            // Where nothing at all was accepted, it is no part.
            Some((_, allowed)) if self.rows_per_second > 0.0 && self.is_capacity_left(allowed) => of_a_part,
            Some((resource, _)) => ThrottleCause { resource, limit: ThrottleLimit::ProvisionedThroughput },
            None => cause.clone(),
        }
    }

    fn is_capacity_left(&self, rows_allowed: f64) -> bool {
        let seconds = self.elapsed.as_secs_f64();
        self.rows_per_second * seconds < rows_allowed * seconds * USED_UP - ROWS_OF_SEARCH
    }

    /// WCU and RCU provisioned for a resource.
    fn capacity(&self, resource: &ThrottledResource) -> Option<(u64, u64)> {
        let description = self.description?;
        match resource {
            ThrottledResource::Table => provisioned(description.throughput),
            ThrottledResource::Index(name) => provisioned(description.index(name)?.throughput),
            _ => None,
        }
    }

    fn units_of_row(&self, resource: &ThrottledResource) -> f64 {
        match resource {
            ThrottledResource::Index(name) => (self.index_units)(name),
            _ => self.table_units,
        }
    }

    /// Rows a second that a resource's capacity is enough for.
    fn rows_allowed(&self, resource: &ThrottledResource) -> Option<f64> {
        let (write, _) = self.capacity(resource)?;
        let units = self.units_of_row(resource);
        (units > 0.0).then(|| write as f64 / units)
    }

    /// The lines that explain a cause, as [`deduce`](Self::deduce) gives it.
    pub(super) fn explain(&self, cause: &ThrottleCause) -> Vec<String> {
        let name = self.name(&cause.resource);
        let mut lines = match cause.limit {
            ThrottleLimit::KeyRange
                if matches!(cause.resource, ThrottledResource::Unknown | ThrottledResource::UnnamedIndex) =>
            {
                self.part_of_the_table(&name)
            }
            ThrottleLimit::KeyRange => self.hot_key(&cause.resource, &name),
            ThrottleLimit::AccountLimit => vec![
                format!(
                    "throttled: {name} is on demand, and the account's quota for such tables in this region is reached."
                ),
                "  The quota can be raised: aws service-quotas list-service-quotas --service-code dynamodb".to_owned(),
            ],
            ThrottleLimit::MaxOnDemandThroughput => vec![
                format!(
                    "throttled: {name} is on demand, with a maximum that somebody has set, and the load has reached it."
                ),
                format!(
                    "  To raise it: aws dynamodb update-table --table-name {} --on-demand-throughput MaxWriteRequestUnits=UNITS{}",
                    self.table,
                    self.endpoint_option(),
                ),
            ],
            ThrottleLimit::ProvisionedThroughput | ThrottleLimit::Unknown => self.provisioned(&cause.resource, &name),
        };
        lines.push("  Nothing is lost: the load continues as fast as DynamoDB accepts rows.".to_owned());
        lines
    }

    fn name(&self, resource: &ThrottledResource) -> String {
        match resource {
            ThrottledResource::Index(index) => format!("index {index} of {}", self.table),
            ThrottledResource::UnnamedIndex => format!("an index of {}", self.table),
            _ => format!("table {}", self.table),
        }
    }

    fn provisioned(&self, resource: &ThrottledResource, name: &str) -> Vec<String> {
        let Some(((write, read), allowed)) = self.capacity(resource).zip(self.rows_allowed(resource)) else {
            return match self.description {
                None => vec![
                    format!("throttled: {name} has less write capacity than this load asks for."),
                    "  How much it has cannot be read: that needs the permission dynamodb:DescribeTable.".to_owned(),
                ],
                Some(_) => vec![
                    format!(
                        "throttled: {name} is on demand, and this load asks for more than it accepts at the moment."
                    ),
                    "  Such a table accepts twice its earlier peak at once, and more within half an hour. Each of its partitions".to_owned(),
                    format!("  accepts at most {} WCU.", human::count(PARTITION_WRITE_UNITS)),
                ],
            };
        };
        let written = if self.rows_per_second > 0.0 {
            let rate = human::rate(self.rows_per_second.ceil() as u64, Duration::from_secs(1));
            format!("this load has written {rate} a second so far")
        } else {
            "none of this load has been accepted so far".to_owned()
        };
        let mut lines = vec![format!(
            "throttled: {name} has {} WCU, enough for {} a second; {written}.",
            human::count(write),
            rows(allowed),
        )];
        match resource {
            ThrottledResource::Index(index) => lines.extend(self.back_pressure(index)),
            _ => lines.push(
                "  A table keeps what it did not use in the last 5 minutes for bursts; that is used up now.".to_owned(),
            ),
        }
        if let Some(left) = self.rows_left.filter(|left| *left > 0) {
            let time = Duration::from_secs_f64((left as f64 / allowed.max(1e-9)).min(1e12));
            let remaining = match left {
                1 => "the remaining row takes".to_owned(),
                _ => format!("the remaining {} take", human::counted(left, "row")),
            };
            lines.push(format!("  At this rate, {remaining} about {}.", human::time(time)));
            if let Some((_, seconds, in_words)) = PROPOSALS.iter().find(|(longer, ..)| time.as_secs() > *longer) {
                let proposed = (self.units_of_row(resource) * left as f64 / *seconds as f64).ceil() as u64;
                lines.push(format!("  With {} WCU they take {in_words}:", human::count(proposed)));
                lines.extend(self.commands(resource, proposed, read));
            }
        } else {
            lines.push("  For ten times the speed:".to_owned());
            lines.extend(self.commands(resource, write * 10, read));
        }
        lines
    }

    fn back_pressure(&self, index: &str) -> Vec<String> {
        let table_has = self.capacity(&ThrottledResource::Table).map_or_else(String::new, |(write, _)| {
            format!(" The {} WCU of the table do not help.", human::count(write))
        });
        vec![
            format!(
                "  Each row is written to {index}, too, a little after the table, through a queue. The queue is full, and until"
            ),
            format!(
                "  {index} has caught up, all writes to the table are refused: this is called back-pressure.{table_has}"
            ),
        ]
    }

    fn part_of_the_table(&self, name: &str) -> Vec<String> {
        let some_rows = match (self.some_rows_are_refused_again, self.refused_at_any_rate) {
            (true, _) => "are refused although others are accepted",
            (_, true) => "are refused however slowly they are sent",
            _ => "are refused although it has capacity left",
        };
        let partition = format!("at most {} WCU: a hot key.", human::count(PARTITION_WRITE_UNITS));
        let mut lines = vec![
            format!("throttled: some rows of {name} {some_rows}."),
            "  Rows with the same value of a partition key, of the table or of an index, are in one partition, which accepts".to_owned(),
        ];
        if self.some_rows_are_refused_again {
            lines.push(format!("  {partition}"));
            lines.push("  These rows now wait for a turn of their own; the others do not wait for them.".to_owned());
        } else {
            lines.push(format!("  {partition} Or another program uses the rest of the capacity."));
        }
        lines
    }

    fn hot_key(&self, resource: &ThrottledResource, name: &str) -> Vec<String> {
        let key = match (resource, self.description) {
            (ThrottledResource::Index(index), Some(description)) => {
                description.index(index).map(|index| partition_key(&index.key))
            }
            _ => None,
        };
        let key = key.unwrap_or_else(|| "the partition key".to_owned());
        let mut lines = vec![
            format!("throttled: in {name}, too many rows have the same value of {key}: a hot key."),
            format!(
                "  One partition accepts at most {} WCU, and rows with the same value are all in one.",
                human::count(PARTITION_WRITE_UNITS)
            ),
        ];
        if matches!(resource, ThrottledResource::Index(_)) {
            lines.push(
                "  While the index waits for it, all writes to the table are refused: this is called back-pressure."
                    .to_owned(),
            );
        }
        lines.push(format!("  More capacity does not help; more different values of {key} do."));
        lines
    }

    /// The commands that provision this many WCU.
    fn commands(&self, resource: &ThrottledResource, write: u64, read: u64) -> Vec<String> {
        let (table, endpoint) = (self.table, self.endpoint_option());
        let (option, aws) = match resource {
            ThrottledResource::Index(index) => (
                "--index-capacity",
                format!(
                    "--global-secondary-index-updates '[{{\"Update\":{{\"IndexName\":\"{index}\",\"ProvisionedThroughput\":\
                     {{\"ReadCapacityUnits\":{read},\"WriteCapacityUnits\":{write}}}}}}}]'"
                ),
            ),
            _ => {
                ("--capacity", format!("--provisioned-throughput ReadCapacityUnits={read},WriteCapacityUnits={write}"))
            }
        };
        let ours = tables::table(table).map(|_| format!("    create_tables {table} {option} {read}/{write}{endpoint}"));
        ours.into_iter()
            .chain([format!("    aws dynamodb update-table --table-name {table} {aws}{endpoint}")])
            .collect()
    }

    fn endpoint_option(&self) -> String {
        self.endpoint_url.map_or_else(String::new, |url| format!(" --endpoint-url {url}"))
    }
}

fn partition_key(key: &[KeyElement]) -> String {
    let partition = key.iter().filter(|element| element.key_type == KeyType::Hash);
    partition.map(|element| element.attribute.as_str()).collect::<Vec<_>>().join(", ")
}

fn rows(number: f64) -> String {
    match number {
        10.0.. => human::counted(number as u64, "row"),
        _ if number.fract() == 0.0 => human::counted(number as u64, "row"),
        _ => format!("{number:.1} rows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::Throughput;

    fn situation<'a>(table: &'a str, description: Option<&'a TableDescription>) -> Situation<'a> {
        Situation {
            table,
            description,
            endpoint_url: None,
            elapsed: Duration::from_secs(2),
            rows_per_second: 9_765.4,
            rows_left: Some(979_700),
            table_units: 1.0,
            index_units: &|_| 1.0,
            some_rows_are_refused_again: false,
            refused_at_any_rate: false,
        }
    }

    fn lab(name: &str) -> TableDescription {
        TableDescription::of_definition(tables::table(name).unwrap())
    }

    fn named(resource: ThrottledResource) -> ThrottleCause {
        ThrottleCause { resource, limit: ThrottleLimit::ProvisionedThroughput }
    }

    #[test]
    fn an_index_with_too_little_capacity() {
        let description = lab("logfile_gsi_low");
        let situation = situation("logfile_gsi_low", Some(&description));
        let cause = named(ThrottledResource::Index("GSI_1".into()));
        assert_eq!(situation.deduce(&ThrottleCause::UNKNOWN), cause);
        assert_eq!(situation.deduce(&named(ThrottledResource::UnnamedIndex)), cause);
        assert_eq!(
            situation.explain(&cause),
            [
                "throttled: index GSI_1 of logfile_gsi_low has 1 WCU, enough for 1 row a second; this load has written 9,766 a second \
                 so far.",
                "  Each row is written to GSI_1, too, a little after the table, through a queue. The queue is full, and until",
                "  GSI_1 has caught up, all writes to the table are refused: this is called back-pressure. The 1,000 WCU of the table \
                 do not help.",
                "  At this rate, the remaining 979,700 rows take about 11 days 8 h.",
                "  With 1,633 WCU they take 10 minutes:",
                "    create_tables logfile_gsi_low --index-capacity 1/1633",
                "    aws dynamodb update-table --table-name logfile_gsi_low --global-secondary-index-updates \
                 '[{\"Update\":{\"IndexName\":\"GSI_1\",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":1,\"WriteCapacityUnits\":1633}}}]'",
                "  Nothing is lost: the load continues as fast as DynamoDB accepts rows.",
            ]
        );
    }

    #[test]
    fn a_table_whose_burst_is_used_up() {
        let description = lab("logfile");
        let situation = Situation {
            rows_left: Some(500),
            endpoint_url: Some("http://127.0.0.1:8000"),
            table_units: 2.0,
            ..situation("logfile", Some(&description))
        };
        // The index has as many units and needs half as many for a row.
        assert_eq!(situation.deduce(&ThrottleCause::UNKNOWN), named(ThrottledResource::Table));
        let lines = situation.explain(&named(ThrottledResource::Table));
        assert!(
            lines[0].starts_with("throttled: table logfile has 5 WCU, enough for 2.5 rows a second; "),
            "{}",
            lines[0]
        );
        assert_eq!(lines[2], "  At this rate, the remaining 500 rows take about 3 min 20 s.");
        assert_eq!(lines[3], "  With 17 WCU they take a minute:");
        let few = Situation { rows_left: Some(200), ..situation.clone() };
        assert_eq!(few.explain(&named(ThrottledResource::Table)).len(), 4, "it takes a minute and a half");
        let unknown = Situation { rows_left: None, ..situation };
        let lines = unknown.explain(&named(ThrottledResource::Table));
        assert_eq!(lines[3], "    create_tables logfile --capacity 5/50 --endpoint-url http://127.0.0.1:8000");
    }

    /// What the responses to a load of `logfile_scan` (5,000 WCU) do not name is deduced from what it has written.
    fn deduced(rows_per_second: f64, some_rows_are_refused_again: bool) -> String {
        let description = lab("logfile_scan");
        let base = situation("logfile_scan", Some(&description));
        let situation = Situation { rows_per_second, some_rows_are_refused_again, ..base };
        situation.explain(&situation.deduce(&ThrottleCause::UNKNOWN)).remove(0)
    }

    #[test]
    fn a_bucket_is_the_capacity_of_the_table() {
        for (rows_per_second, written) in [(6_000.0, "6,000"), (5_000.0, "5,000"), (4_000.0, "4,000")] {
            let capacity = "throttled: table logfile_scan has 5,000 WCU, enough for 5,000 rows a second";
            let expected = format!("{capacity}; this load has written {written} a second so far.");
            assert_eq!(deduced(rows_per_second, false), expected);
        }
    }

    #[test]
    fn a_table_with_little_capacity_is_not_taken_for_a_part_while_the_rate_is_looked_for() {
        let description = lab("logfile");
        let situation = Situation { rows_per_second: 1.5, ..situation("logfile", Some(&description)) };
        assert_eq!(situation.deduce(&ThrottleCause::UNKNOWN), named(ThrottledResource::Table));
    }

    #[test]
    fn a_table_that_accepts_nothing_is_no_part_of_a_table() {
        let expected = "throttled: table logfile_scan has 5,000 WCU, enough for 5,000 rows a second; none of this load has been accepted so \
                        far.";
        assert_eq!(deduced(0.0, false), expected);
    }

    #[test]
    fn a_hot_key_or_a_slow_partition_is_not_taken_for_the_capacity_of_the_table() {
        for rows_per_second in [90.0, 4_900.0, 9_000.0] {
            let expected = "throttled: some rows of table logfile_scan are refused although others are accepted.";
            assert_eq!(deduced(rows_per_second, true), expected);
        }
    }

    #[test]
    fn refusals_by_chance_are_not_taken_for_the_capacity_of_the_table() {
        for rows_per_second in [1.0, 3_500.0] {
            let expected = "throttled: some rows of table logfile_scan are refused although it has capacity left.";
            assert_eq!(deduced(rows_per_second, false), expected);
        }
    }

    #[test]
    fn refusals_at_any_rate_are_not_taken_for_the_capacity_of_the_table() {
        let description = lab("logfile_scan");
        for rows_per_second in [1.0, 3_500.0, 6_000.0] {
            let base = situation("logfile_scan", Some(&description));
            let situation = Situation { rows_per_second, refused_at_any_rate: true, ..base };
            let lines = situation.explain(&situation.deduce(&ThrottleCause::UNKNOWN));
            assert_eq!(
                lines[0],
                "throttled: some rows of table logfile_scan are refused however slowly they are sent."
            );
        }
    }

    #[test]
    fn what_responses_name_is_not_deduced() {
        let description = lab("logfile_scan");
        let base = situation("logfile_scan", Some(&description));
        let situation = Situation { rows_per_second: 90.0, some_rows_are_refused_again: true, ..base };
        assert_eq!(situation.deduce(&named(ThrottledResource::Table)), named(ThrottledResource::Table));
    }

    #[test]
    fn a_table_on_demand_may_grow_or_have_a_hot_key() {
        let description =
            TableDescription { throughput: Throughput::OnDemand, indexes: Vec::new(), ..lab("logfile_scan") };
        let on_demand = situation("logfile_scan", Some(&description));
        let lines = on_demand.explain(&on_demand.deduce(&ThrottleCause::UNKNOWN));
        assert_eq!(
            lines[0],
            "throttled: table logfile_scan is on demand, and this load asks for more than it accepts at the moment."
        );
        assert!(lines[2].contains("at most 1,000 WCU"), "{lines:#?}");
    }

    #[test]
    fn a_hot_key() {
        let description = lab("logfile_scan");
        let cause =
            ThrottleCause { resource: ThrottledResource::Index("GSI_1".into()), limit: ThrottleLimit::KeyRange };
        let lines = situation("logfile_scan", Some(&description)).explain(&cause);
        assert_eq!(
            lines[0],
            "throttled: in index GSI_1 of logfile_scan, too many rows have the same value of GSI_1_PK: a hot key."
        );
        assert!(lines.iter().any(|line| line.contains("at most 1,000 WCU")), "{lines:#?}");
        assert!(!lines.iter().any(|line| line.contains("update-table")), "{lines:#?}");
    }

    #[test]
    fn without_a_description_it_says_what_it_knows() {
        let lines = situation("logs", None).explain(&named(ThrottledResource::UnnamedIndex));
        assert_eq!(lines[0], "throttled: an index of logs has less write capacity than this load asks for.");
        assert!(lines[1].contains("dynamodb:DescribeTable"), "{}", lines[1]);
    }
}
