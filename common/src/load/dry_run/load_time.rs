//! How long a load takes, and what limits it.

use std::time::Duration;

use super::DryRun;
use super::row_costs::RowCosts;
use crate::human;
use crate::tables::{TableDescription, provisioned};
use capacity::limits::PARTITION_WRITE_UNITS;
use capacity::{RequiredCapacity, Resource, Settings};

/// The load time for which the required capacity is printed.
const A_MINUTE: Duration = Duration::from_secs(60);

/// What limits the rate of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Limit {
    Capacity(Resource),
    HotKey(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct LoadTime {
    duration: Option<Duration>,
    limit: Option<Limit>,
    caught_up: Option<Duration>,
}

impl LoadTime {
    fn description(&self, table: &str) -> String {
        let Some(duration) = self.duration else { return "it never ends: there is no capacity".to_owned() };
        let because = match &self.limit {
            None => return "as fast as requests are answered: capacity is not the limit".to_owned(),
            Some(Limit::Capacity(Resource::Table)) => format!("as table {table} allows"),
            Some(Limit::Capacity(Resource::Index(index))) => {
                format!("as index {index} allows, which throttles the whole table")
            }
            Some(Limit::HotKey(index)) => {
                format!(
                    "as a hot key of index {index} allows ({} WCU at the most)",
                    human::count(PARTITION_WRITE_UNITS)
                )
            }
        };
        format!("{} ({because})", human::time(duration))
    }

    fn catching_up(&self) -> Option<String> {
        let (duration, caught_up) = (self.duration?, self.caught_up?);
        let longer = caught_up.checked_sub(duration).filter(|longer| *longer > Duration::from_secs(1))?;
        Some(format!("the indexes then need {} more to catch up", human::time(longer)))
    }
}

impl DryRun<'_> {
    pub(super) fn time_lines(&self, all: &RowCosts, description: &TableDescription) -> Vec<String> {
        if all.valid == 0 {
            return Vec::new();
        }
        let full = self.time(all, description, Settings::default().burst);
        let empty = self.time(all, description, Duration::ZERO);
        let mut lines = vec![format!("with {}:", self.capacity_line(description))];
        let mut line = format!("  {}", full.description(self.table));
        if full.limit.is_some() || full != empty {
            line.push_str(", if the table has been idle for 5 minutes (its burst is full)");
        }
        lines.push(line);
        if full != empty {
            lines.push(format!(
                "  {}, if its burst is used up; DynamoDB does not report how much is left",
                empty.description(self.table)
            ));
        }
        lines.extend(self.minute_line(all, description));
        if let Some(catching_up) = full.catching_up() {
            lines.push(catching_up);
        }
        lines
    }

    fn capacity_line(&self, description: &TableDescription) -> String {
        let capacity = |name: &str, throughput| match provisioned(throughput) {
            Some((write, _)) => format!("{} WCU for {name}", human::count(write)),
            None => format!("{name} on demand"),
        };
        let table = capacity(self.table, description.throughput);
        let indexes = description.global_indexes().map(|index| capacity(&index.name, index.throughput));
        std::iter::once(table).chain(indexes).collect::<Vec<_>>().join(", ")
    }

    fn time(&self, all: &RowCosts, description: &TableDescription, burst: Duration) -> LoadTime {
        let estimate = description.capacity_model(burst).estimate_load(Duration::ZERO, &all.totals);
        let mut time = LoadTime {
            duration: estimate.duration,
            limit: estimate.bottleneck.map(Limit::Capacity),
            caught_up: estimate.indexes_caught_up,
        };
        // The totals do not contain keys, so the model ignores that one value of an index's key accepts at most 1,000 WCU.
        for index in description.global_indexes().filter(|index| provisioned(index.throughput).is_some()) {
            let (needed, caught_up) = all.hot_key_time(&index.name);
            if time.duration.is_some_and(|duration| duration < needed) {
                time.duration = Some(needed);
                time.limit = Some(Limit::HotKey(index.name.clone()));
            }
            time.caught_up = time.caught_up.map(|time| time.max(caught_up));
        }
        time
    }

    fn minute_line(&self, all: &RowCosts, description: &TableDescription) -> Option<String> {
        let mut model = description.capacity_model(Settings::default().burst);
        let needed = model.capacity_for_load(Duration::ZERO, &all.totals, A_MINUTE);
        let lacking: Vec<&RequiredCapacity> =
            needed.iter().filter(|each| each.required.is_none_or(|required| required > each.provisioned)).collect();
        if lacking.is_empty() {
            return None;
        }
        let required = |each: &&RequiredCapacity| {
            let name = match &each.resource {
                Resource::Table => self.table,
                Resource::Index(name) => name,
            };
            match each.required {
                Some(required) => format!("{} WCU for {name}", human::count(required)),
                None => format!("more than can be had for {name}"),
            }
        };
        Some(format!("for a minute it needs {}", lacking.iter().map(required).collect::<Vec<_>>().join(", ")))
    }
}
