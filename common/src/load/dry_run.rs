//! What a load would do, without writing anything: good and bad rows, their cost, and how long they take.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _};

use super::sink::check_table;
use super::{LoadError, RejectedRow};
use crate::batch_writer::client::{Connection, ConnectionError, Retries};
use crate::batch_writer::service_error::ServiceErrorKind;
use crate::batch_writer::{ItemJson, Key};
use crate::human;
use crate::input::{Fields, OddityCounts, ReadError, Record, RecordError, RecordReader, Source};
use crate::mapping::{AttributeSink, Mapper, Mapping, Numbering};
use crate::report::{KEYS, KeyCounter, replaced_line};
use crate::tables::{self, TableDescription, provisioned};
use capacity::limits::{MAX_ITEM_SIZE, PARTITION_WRITE_UNITS};
use capacity::{
    CapacityUnits, IndexDefinition, IndexScope, Isolation, Item, LoadTotals, PartitionKey, RequiredCapacity, Resource,
    Settings, number_size, write_cost,
};

/// Bad rows that are shown with their places and reasons.
const SHOWN: usize = 10;

/// Values of an index's partition key that are told apart. Of more, those that come first: a value that is hot comes soon.
const INDEX_KEYS: usize = 100_000;

/// Keys that a source collects before it waits for the count that all sources share.
const KEYS_AT_ONCE: usize = 1024;

/// The time for which the needed capacity is told.
const A_MINUTE: Duration = Duration::from_secs(60);

/// What is to be looked at.
#[derive(Debug)]
pub struct DryRun<'a> {
    /// The table's name.
    pub table: &'a str,
    /// The inputs.
    pub sources: &'a [Source],
    /// How a record becomes an item.
    pub mapping: &'a Mapping,
    /// How often, and with which ids.
    pub numbering: Numbering,
}

/// What it came to.
#[derive(Debug)]
pub struct Forecast {
    /// For people.
    pub lines: Vec<String>,
    /// Bad rows; copies count.
    pub bad: u64,
}

impl DryRun<'_> {
    /// Reads everything, writes nothing. Only the description of the table is asked for; without one, what depends on it is left out.
    ///
    /// # Errors
    /// An input cannot be opened or read to its end, or the table has other keys than the items.
    pub fn run(&self, connection: Result<Connection, ConnectionError>) -> Result<Forecast, LoadError> {
        let (facts, note) = self.facts(connection);
        if let Some(description) = &facts {
            check_table(self.mapping, self.table, description)?;
        }
        let definitions = facts.as_ref().map(TableDescription::index_definitions).unwrap_or_default();
        let keys = Mutex::new(KeyCounter::new(KEYS));
        let count = |(index, source): (usize, &Source)| self.count(index, source, &definitions, &keys);
        let counts: Vec<Count> = self.sources.par_iter().enumerate().map(count).collect::<Result<_, _>>()?;
        let mut all = Count::new(&definitions);
        let mut lines = vec!["dry run: nothing is written".to_owned()];
        for (source, count) in self.sources.iter().zip(counts) {
            if self.sources.len() > 1 {
                lines.push(format!("{}: {}", source.name(), count.words()));
            }
            all.merge(count);
        }
        lines.push(format!("{} read: {}", human::counted(all.good + all.bad, "row"), all.words()));
        lines.extend(all.shown.iter().map(|row| format!("  {}:{}: {}", row.source, row.line, row.reason)));
        let copies = u64::from(self.numbering.copies());
        if let Some(more) = (all.bad / copies.max(1)).checked_sub(SHOWN as u64).filter(|more| *more > 0) {
            lines.push(format!("  and {} more", human::count(more)));
        }
        lines.extend(all.oddities.lines());
        let replaced = keys.into_inner().unwrap_or_else(PoisonError::into_inner).replaced();
        lines.extend(replaced_line(replaced, Some(all.good)));
        lines.push(self.cost_line(&all, facts.as_ref()));
        lines.extend(note);
        if let Some(facts) = &facts {
            lines.extend(self.time_lines(&all, facts));
        }
        Ok(Forecast { lines, bad: all.bad })
    }

    /// The table as it is, or as `create_tables` would make it, and what is to be said of that.
    fn facts(&self, connection: Result<Connection, ConnectionError>) -> (Option<TableDescription>, Option<String>) {
        let described = match connection {
            Ok(connection) => describe(&connection, self.table),
            Err(error) => Err(error.to_string()),
        };
        let reason = match described {
            Ok(facts) => return (Some(facts), None),
            Err(reason) => reason,
        };
        let table = self.table;
        match tables::table(table) {
            Some(definition) => {
                let note =
                    format!("the table cannot be looked at ({reason}); taken as `create_tables {table}` makes it");
                (Some(TableDescription::of_definition(definition)), Some(note))
            }
            None => {
                let note = format!(
                    "the table cannot be looked at ({reason}): not known are its indexes, what the load costs them, and how long it takes"
                );
                (None, Some(note))
            }
        }
    }

    fn count(
        &self,
        index: usize,
        source: &Source,
        definitions: &[IndexDefinition],
        all_keys: &Mutex<KeyCounter>,
    ) -> Result<Count, LoadError> {
        let count_keys = |keys: &mut Vec<Key>| {
            let mut all_keys = all_keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.drain(..).for_each(|key| all_keys.add(key));
        };
        let unreadable = |error| LoadError::Unreadable { source_name: source.name().to_owned(), error };
        let mut reader = RecordReader::new(source.open()?, self.mapping.input());
        let mut mapper = Mapper::new(self.mapping, self.numbering, index, source.name());
        let copies = u64::from(mapper.copies());
        let mut count = Count::new(definitions);
        let mut own = ItemJson::keyed(self.mapping.key_schema());
        let mut keys = Vec::new();
        let mut number = 0;
        while let Some(record) = reader.next_record() {
            let Record { line, raw, fields, oddities, .. } = record.map_err(unreadable)?;
            let costs = fields.and_then(|fields| {
                mapper.begin(number, raw, fields)?;
                let costs = costs(&mut mapper, fields, definitions)?;
                for copy in 0..mapper.copies() {
                    own.clear();
                    mapper.write_own(fields, copy, &mut own)?;
                    keys.extend(own.key());
                }
                Ok(costs)
            });
            number += 1;
            match costs {
                Ok(costs) => {
                    count.good += copies;
                    count.oddities.add(source.name(), line, oddities);
                    costs.iter().for_each(|cost| count.add(cost));
                    if keys.len() >= KEYS_AT_ONCE {
                        count_keys(&mut keys);
                    }
                }
                Err(reason) => {
                    if let Some(wrong) = reader.wrong_format() {
                        return Err(unreadable(ReadError::WrongFormat(Box::new(wrong))));
                    }
                    count.bad += copies;
                    if count.shown.len() < SHOWN {
                        let (source, raw) = (source.name().to_owned(), Box::default());
                        count.shown.push(RejectedRow { source, line, raw, reason });
                    }
                }
            }
        }
        count_keys(&mut keys);
        Ok(count)
    }

    fn cost_line(&self, all: &Count, facts: Option<&TableDescription>) -> String {
        let mut line = format!("they cost {} WCU of {}", amount(all.totals.table_units()), self.table);
        for index in facts.iter().flat_map(|facts| facts.global_indexes()) {
            let name = &index.name;
            let _ = write!(line, ", {} of {name}", amount(all.totals.index_units(name)));
        }
        line.push_str(", if none of them is in the table yet");
        line
    }

    fn time_lines(&self, all: &Count, facts: &TableDescription) -> Vec<String> {
        if all.good == 0 {
            return Vec::new();
        }
        let full = self.time(all, facts, Settings::default().burst);
        let empty = self.time(all, facts, Duration::ZERO);
        let mut lines = vec![format!("with {}:", self.capacity_words(facts))];
        lines.push(format!(
            "  {}, if the table has been idle for 5 minutes (its burst is full)",
            full.words(self.table)
        ));
        if full != empty {
            lines.push(format!(
                "  {}, if its burst is used up; DynamoDB does not tell how much is left",
                empty.words(self.table)
            ));
        }
        lines.extend(self.minute_line(all, facts));
        if let Some(catching_up) = full.catching_up() {
            lines.push(catching_up);
        }
        lines
    }

    fn capacity_words(&self, facts: &TableDescription) -> String {
        let words = |name: &str, throughput| match provisioned(throughput) {
            Some((write, _)) => format!("{} WCU for {name}", human::count(write)),
            None => format!("{name} on demand"),
        };
        let table = words(self.table, facts.throughput);
        let indexes = facts.global_indexes().map(|index| words(&index.name, index.throughput));
        std::iter::once(table).chain(indexes).collect::<Vec<_>>().join(", ")
    }

    fn time(&self, all: &Count, facts: &TableDescription, burst: Duration) -> Time {
        let estimate = facts.capacity_model(burst).estimate_load(Duration::ZERO, &all.totals);
        let mut time = Time {
            duration: estimate.duration,
            cause: estimate.bottleneck.map(Cause::Capacity),
            caught_up: estimate.indexes_caught_up,
        };
        // Sums do not tell keys, so the model leaves out that one value of an index's key takes 1,000 WCU at the most.
        for index in facts.global_indexes().filter(|index| provisioned(index.throughput).is_some()) {
            let (needed, caught_up) = all.hot_key_time(&index.name);
            if time.duration.is_some_and(|duration| duration < needed) {
                time.duration = Some(needed);
                time.cause = Some(Cause::HotKey(index.name.clone()));
            }
            time.caught_up = time.caught_up.map(|time| time.max(caught_up));
        }
        time
    }

    fn minute_line(&self, all: &Count, facts: &TableDescription) -> Option<String> {
        let mut model = facts.capacity_model(Settings::default().burst);
        let needed = model.capacity_for_load(Duration::ZERO, &all.totals, A_MINUTE);
        let lacking: Vec<&RequiredCapacity> =
            needed.iter().filter(|each| each.required.is_none_or(|required| required > each.provisioned)).collect();
        if lacking.is_empty() {
            return None;
        }
        let words = |each: &&RequiredCapacity| {
            let name = match &each.resource {
                Resource::Table => self.table,
                Resource::Index(name) => name,
            };
            match each.required {
                Some(required) => format!("{} WCU for {name}", human::count(required)),
                None => format!("more than can be had for {name}"),
            }
        };
        Some(format!("for a minute it needs {}", lacking.iter().map(words).collect::<Vec<_>>().join(", ")))
    }
}

/// What each copy of a record costs, taken as a new item.
fn costs(
    mapper: &mut Mapper,
    fields: &Fields,
    definitions: &[IndexDefinition],
) -> Result<Vec<capacity::WriteCost>, RecordError> {
    let mut shared = Attributes::default();
    mapper.write_shared(fields, &mut shared)?;
    let copies = mapper.copies();
    let cost = |copy| {
        let mut own = Attributes::default();
        mapper.write_own(fields, copy, &mut own)?;
        let item = Both(&own, &shared);
        let size = item.size();
        if size > MAX_ITEM_SIZE {
            return Err(RecordError::ItemTooLarge { size, limit: MAX_ITEM_SIZE });
        }
        Ok(write_cost(definitions, None, Some(&item), Isolation::Standard))
    };
    (0..copies).map(cost).collect()
}

fn describe(connection: &Connection, table: &str) -> Result<TableDescription, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let client = connection.client(Retries::Sdk);
    match runtime.block_on(TableDescription::read(&client, table)) {
        Ok(description) => Ok(description),
        Err(error) if error.kind == ServiceErrorKind::NoSuchTable => {
            Err(format!("there is none of this name at {connection}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn amount(units: CapacityUnits) -> String {
    human::count(units.rounded_up())
}

/// What makes a load last.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    Capacity(Resource),
    HotKey(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Time {
    duration: Option<Duration>,
    cause: Option<Cause>,
    caught_up: Option<Duration>,
}

impl Time {
    fn words(&self, table: &str) -> String {
        let Some(duration) = self.duration else { return "it never ends: there is no capacity".to_owned() };
        let because = match &self.cause {
            None => return "as fast as requests are answered: capacity does not hold it up".to_owned(),
            Some(Cause::Capacity(Resource::Table)) => format!("as table {table} allows"),
            Some(Cause::Capacity(Resource::Index(index))) => {
                format!("as index {index} allows, for which the whole table waits")
            }
            Some(Cause::HotKey(index)) => {
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

/// Rows of one source or all of them.
#[derive(Debug)]
struct Count {
    good: u64,
    bad: u64,
    shown: Vec<RejectedRow>,
    oddities: OddityCounts,
    totals: LoadTotals,
    /// For each global index by name: write units of the values of its partition key.
    keys: HashMap<String, HashMap<PartitionKey, CapacityUnits>>,
}

impl Count {
    fn new(definitions: &[IndexDefinition]) -> Self {
        let global = definitions.iter().filter(|index| index.scope == IndexScope::Global);
        let keys = global.map(|index| (index.name.to_string(), HashMap::new())).collect();
        let (shown, oddities, totals) = Default::default();
        Self { good: 0, bad: 0, shown, oddities, totals, keys }
    }

    fn add(&mut self, cost: &capacity::WriteCost) {
        self.totals.add(cost);
        for write in &cost.indexes {
            if let Some(keys) = self.keys.get_mut(&*write.index) {
                add_key(keys, write.key, write.units);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.good += other.good;
        self.bad += other.bad;
        let room = SHOWN - self.shown.len();
        self.shown.extend(other.shown.into_iter().take(room));
        self.oddities.merge(other.oddities);
        self.totals.merge(&other.totals);
        for (index, keys) in other.keys {
            let all = self.keys.entry(index).or_default();
            keys.into_iter().for_each(|(key, units)| add_key(all, key, units));
        }
    }

    fn words(&self) -> String {
        format!("{} good, {} bad", human::count(self.good), human::count(self.bad))
    }

    /// How long the hottest key of an index takes: until the last write gets into the table, and until the index has caught up.
    fn hot_key_time(&self, index: &str) -> (Duration, Duration) {
        let settings = Settings::default();
        let hottest = self.keys.get(index).and_then(|keys| keys.values().max().copied()).unwrap_or_default();
        let (hot, all) = (hottest.as_f64(), self.totals.index_units(index).as_f64().max(1.0));
        let kept = settings.partition_write_units as f64 * settings.partition_burst.as_secs_f64();
        // The last writes wait in the backlog, those of the hot key among them as everywhere.
        let in_backlog = settings.index_backlog as f64 * hot / all;
        let time = |units: f64| Duration::from_secs_f64((units / settings.partition_write_units as f64).max(0.0));
        (time(hot - kept - in_backlog), time(hot - kept))
    }
}

fn add_key(keys: &mut HashMap<PartitionKey, CapacityUnits>, key: PartitionKey, units: CapacityUnits) {
    if let Some(sum) = keys.get_mut(&key) {
        *sum += units;
    } else if keys.len() < INDEX_KEYS {
        keys.insert(key, units);
    }
}

/// Attributes by name, with the sizes of their values, and the bytes of those that can be keys.
#[derive(Debug, Default)]
struct Attributes(Vec<(String, usize, Option<Vec<u8>>)>);

impl AttributeSink for Attributes {
    fn string(&mut self, name: &str, parts: &[&str]) {
        let text = parts.concat();
        self.0.push((name.to_owned(), text.len(), Some(text.into())));
    }

    fn number(&mut self, name: &str, text: &str) {
        self.0.push((name.to_owned(), number_size(text), Some(text.into())));
    }

    fn value(&mut self, name: &str, value: &AttributeValue) {
        let bytes = match value {
            AttributeValue::B(blob) => Some(blob.as_ref().to_vec()),
            _ => None,
        };
        let mut alone = ItemJson::new();
        alone.attribute("", value);
        self.0.push((name.to_owned(), alone.size(), bytes));
    }
}

/// An item of two groups of attributes.
struct Both<'a>(&'a Attributes, &'a Attributes);

impl Both<'_> {
    fn all(&self) -> impl Iterator<Item = &(String, usize, Option<Vec<u8>>)> {
        self.0.0.iter().chain(&self.1.0)
    }
}

impl Item for Both<'_> {
    fn attribute_sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.all().map(|(name, size, _)| (name.as_str(), *size))
    }

    fn key_bytes(&self, name: &str) -> Option<&[u8]> {
        self.all().find(|(each, ..)| *each == name).and_then(|(.., bytes)| bytes.as_deref())
    }

    fn same_value(&self, other: &Self, name: &str) -> bool {
        self.key_bytes(name) == other.key_bytes(name)
    }
}
