//! What the rows of an input come to: how many are valid, what they cost, which index keys are hot.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::item::{Attributes, WholeItem};
use crate::batch_writer::{ItemJson, Key};
use crate::human;
use crate::input::{Fields, OddityCounts, ReadError, Record, RecordError, RecordReader, Source};
use crate::load::produce::key_types::key_mismatch;
use crate::load::{LoadError, RejectedRow};
use crate::mapping::{Mapper, Mapping, Numbering};
use crate::report::KeyCounter;
use capacity::limits::MAX_ITEM_SIZE;
use capacity::{
    CapacityUnits, IndexDefinition, IndexScope, Isolation, Item as _, LoadTotals, PartitionKey, Settings, write_cost,
};

/// Bad rows that are printed with their places and reasons.
pub(super) const SHOWN: usize = 10;

/// Values of an index's partition key that are counted separately. Of more, the first ones: a hot value appears early.
const INDEX_KEYS: usize = 100_000;

/// Keys that a source collects before it locks the counter that all sources share.
const KEYS_AT_ONCE: usize = 1024;

/// The rows of one source, or of all of them.
#[derive(Debug)]
pub(super) struct RowCosts {
    pub(super) valid: u64,
    pub(super) bad: u64,
    /// The first bad rows.
    pub(super) shown: Vec<RejectedRow>,
    pub(super) oddities: OddityCounts,
    pub(super) totals: LoadTotals,
    /// For each global index by name: the write units of each value of its partition key.
    keys: HashMap<String, HashMap<PartitionKey, CapacityUnits>>,
}

impl RowCosts {
    pub(super) fn new(definitions: &[IndexDefinition]) -> Self {
        let global = definitions.iter().filter(|index| index.scope == IndexScope::Global);
        let keys = global.map(|index| (index.name.to_string(), HashMap::new())).collect();
        let (shown, oddities, totals) = Default::default();
        Self { valid: 0, bad: 0, shown, oddities, totals, keys }
    }

    /// Reads a source and counts its rows.
    ///
    /// # Errors
    /// The source cannot be read to its end, or is of another format.
    pub(super) fn of_source(
        (mapping, numbering): (&Mapping, Numbering),
        (index, source): (usize, &Source),
        definitions: &[IndexDefinition],
        all_keys: &Mutex<KeyCounter>,
    ) -> Result<Self, LoadError> {
        let count_keys = |keys: &mut Vec<Key>| {
            let mut all_keys = all_keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.drain(..).for_each(|key| all_keys.add(key));
        };
        let unreadable = |error| LoadError::Unreadable { source_name: source.name().to_owned(), error };
        let mut reader = RecordReader::new(source.open()?, mapping.input());
        let mut mapper = Mapper::new(mapping, numbering, index, source.name());
        let copies = u64::from(mapper.copies());
        let mut count = Self::new(definitions);
        let mut own = ItemJson::keyed(mapping.key_schema());
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
                    count.valid += copies;
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

    fn add(&mut self, cost: &capacity::WriteCost) {
        self.totals.add(cost);
        for write in &cost.indexes {
            if let Some(keys) = self.keys.get_mut(&*write.index) {
                add_key(keys, write.key, write.units);
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.valid += other.valid;
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

    /// The table has other keys, if all rows that could be written say so.
    pub(super) fn key_mismatch(&self, table: &str) -> Option<LoadError> {
        let first = self.shown.iter().find_map(|row| key_mismatch(table, &row.reason));
        first.filter(|_| self.valid == 0)
    }

    pub(super) fn summary(&self) -> String {
        format!("{} valid, {} bad", human::count(self.valid), human::count(self.bad))
    }

    /// How long the hottest key of an index takes: until the table has accepted the last write, and until the index has caught up.
    pub(super) fn hot_key_time(&self, index: &str) -> (Duration, Duration) {
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

/// What each copy of a record costs, as a new item.
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
        let item = WholeItem(&own, &shared);
        let size = item.size();
        if size > MAX_ITEM_SIZE {
            return Err(RecordError::ItemTooLarge { size, limit: MAX_ITEM_SIZE });
        }
        Ok(write_cost(definitions, None, Some(&item), Isolation::Standard))
    };
    (0..copies).map(cost).collect()
}
