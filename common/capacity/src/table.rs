//! A table with its indexes: which write and which read gets in.

use std::sync::Arc;
use std::time::Duration;

use super::index::Index;
use super::meter::Meter;
use super::request::{Read, ReadAdmission, Write, WriteAdmission};
use super::settings::Settings;
use super::state::TableState;
use super::throttle::{Access, RefusedGroup, Resource, Throttle};
use super::throughput::Throughput;
use super::units::CapacityUnits;
use super::write_cost::WriteCost;

/// A table's capacity and that of its indexes.
///
/// Times are since an epoch of the caller's choice, the same for all calls. A time before the latest one seen
/// counts as that one, so that threads may ask the clock before they get hold of the table.
///
/// A write is asked for with what it will cost as far as known, usually from the new item alone, and settled when the
/// old item is known. A read is asked for with the least and settled with what was read. So a balance can fall below
/// nothing, by what the requests in flight cost more than asked for; then everything is refused until it is paid off.
#[derive(Clone, Debug)]
pub struct Table {
    settings: Settings,
    pub(super) write: Meter,
    read: Meter,
    pub(super) indexes: Vec<Index>,
    latest: Duration,
}

impl Table {
    /// A table without indexes.
    pub fn new(now: Duration, throughput: Throughput, settings: Settings) -> Self {
        Self {
            write: Meter::new(now, throughput.write(), Access::Write, &settings),
            read: Meter::new(now, throughput.read(), Access::Read, &settings),
            indexes: Vec::new(),
            settings,
            latest: now,
        }
    }

    /// Adds a global secondary index. What filling it costs is the caller's to take, by [`fill_index`](Self::fill_index).
    /// One of that name is replaced.
    pub fn add_index(&mut self, now: Duration, name: impl Into<Arc<str>>, throughput: Throughput) {
        let now = self.advance(now);
        let name = name.into();
        self.indexes.retain(|index| index.name != name);
        self.indexes.push(Index::new(now, name, throughput, &self.settings));
    }

    /// Removes a global secondary index, and with it the writes that it waits for.
    pub fn remove_index(&mut self, name: &str) {
        self.indexes.retain(|index| &*index.name != name);
    }

    /// Changes the table's throughput. Balances are kept, cut to the new ceilings; a table that was on demand
    /// starts as a new one.
    pub fn set_throughput(&mut self, now: Duration, throughput: Throughput) {
        let now = self.advance(now);
        self.write.set_rate(now, throughput.write());
        self.read.set_rate(now, throughput.read());
    }

    /// Changes an index's throughput, in the same way. An index that the table does not have is ignored.
    pub fn set_index_throughput(&mut self, now: Duration, name: &str, throughput: Throughput) {
        let now = self.advance(now);
        if let Some(index) = self.indexes.iter_mut().find(|index| &*index.name == name) {
            index.set_throughput(now, throughput);
        }
    }

    /// Sets the most that the table serves on demand, in RCU and WCU; `None` is no maximum. Without effect on provisioned
    /// throughput.
    pub fn set_on_demand_maximum(&mut self, now: Duration, read: Option<u64>, write: Option<u64>) {
        let now = self.advance(now);
        self.read.set_maximum(now, read);
        self.write.set_maximum(now, write);
    }

    /// The same for an index. An index that the table does not have is ignored.
    pub fn set_index_on_demand_maximum(&mut self, now: Duration, name: &str, read: Option<u64>, write: Option<u64>) {
        let now = self.advance(now);
        if let Some(index) = self.indexes.iter_mut().find(|index| &*index.name == name) {
            index.read.set_maximum(now, read);
            index.write.set_maximum(now, write);
            index.drain(now);
        }
    }

    /// Raises the warm throughput of the table, in RCU and WCU. Lower values change nothing.
    pub fn raise_warm_throughput(&mut self, now: Duration, read: u64, write: u64) {
        let now = self.advance(now);
        self.read.raise_warm_throughput(now, read);
        self.write.raise_warm_throughput(now, write);
    }

    /// The same for an index. An index that the table does not have is ignored.
    pub fn raise_index_warm_throughput(&mut self, now: Duration, name: &str, read: u64, write: u64) {
        let now = self.advance(now);
        if let Some(index) = self.indexes.iter_mut().find(|index| &*index.name == name) {
            index.read.raise_warm_throughput(now, read);
            index.write.raise_warm_throughput(now, write);
            index.drain(now);
        }
    }

    /// The whole units that filling a new index may take at once: what its own write capacity has left. Writes that wait
    /// for the index come first: while there are any, or after a debt, it is 0. Documented: Developer Guide, "Managing
    /// Global Secondary Indexes in DynamoDB", for the capacity; that writes come first is assumed.
    pub fn fill_allowance(&mut self, now: Duration, index: &str) -> u64 {
        let now = self.advance(now);
        let index = self.indexes.iter().find(|each| &*each.name == index);
        let free = index.filter(|index| index.backlog.writes() == 0);
        free.map_or(0, |index| u64::try_from(index.write.bucket.balance(now)).unwrap_or(0))
    }

    /// Takes what filling a new index has cost. It is not part of what the index [`consumed`](super::CapacityState): it has
    /// a metric of its own.
    pub fn fill_index(&mut self, now: Duration, index: &str, units: CapacityUnits) {
        let now = self.advance(now);
        if let Some(index) = self.indexes.iter_mut().find(|each| &*each.name == index) {
            index.write.bucket.charge(now, units);
        }
    }

    /// Lets a write in, or tells why not.
    pub fn admit_write(&mut self, now: Duration, write: Write) -> Result<WriteAdmission, Throttle> {
        self.check_writes(now, std::slice::from_ref(&write)).map_err(|refused| refused.throttle)?;
        Ok(self.take_write(write))
    }

    /// Lets all writes in or none, as in a transaction. Several tables take part in one by
    /// [`check_writes`](Self::check_writes) on each before this on each, at the same `now`.
    pub fn admit_writes(&mut self, now: Duration, writes: Vec<Write>) -> Result<WriteAdmission, RefusedGroup> {
        self.check_writes(now, &writes)?;
        let mut admission = WriteAdmission::default();
        for write in writes {
            admission.join(self.take_write(write));
        }
        Ok(admission)
    }

    /// Whether all writes would get in together. The table itself is asked first, then the partition key, then the
    /// indexes: a table without capacity refuses at once, whatever waits behind it.
    pub fn check_writes(&mut self, now: Duration, writes: &[Write]) -> Result<(), RefusedGroup> {
        let now = self.advance(now);
        let mut units = CapacityUnits::ZERO;
        for (position, write) in writes.iter().enumerate() {
            units += write.cost.table;
            let before = writes[..position].iter().filter(|other| other.key == write.key);
            let of_key = before.map(|other| other.cost.table).sum::<CapacityUnits>() + write.cost.table;
            if let Some((limit, retry_at)) = self.write.obstacle(now, units, Some((write.key, of_key))) {
                let throttle = Throttle { resource: Resource::Table, access: Access::Write, limit, retry_at };
                return Err(RefusedGroup { position, throttle });
            }
            if let Some(throttle) = self.indexes.iter().find_map(Index::back_pressure) {
                return Err(RefusedGroup { position, throttle });
            }
        }
        Ok(())
    }

    /// Takes what a write costs that has been checked at the latest time.
    fn take_write(&mut self, write: Write) -> WriteAdmission {
        let (now, Write { key, cost }) = (self.latest, write);
        self.write.charge(now, cost.table);
        self.write.charge_key(now, key, cost.table);
        for index_write in &cost.indexes {
            if let Some(index) = self.indexes.iter_mut().find(|index| index.name == index_write.index) {
                index.enqueue(now, index_write.key, index_write.units);
            }
        }
        WriteAdmission { keys: vec![(key, cost.table)], cost }
    }

    /// Corrects what was taken by what the writes really cost, or by nothing at all if they were not made (a request
    /// that the engine refused: `WriteCost::default()`). Of indexes only the units of each count.
    ///
    /// In a joined admission the difference cannot be told apart by partition key; unless everything is given back,
    /// the keys keep what was taken.
    pub fn settle_write(&mut self, now: Duration, admission: &WriteAdmission, actual: &WriteCost) {
        let now = self.advance(now);
        let taken = &admission.cost;
        self.write.settle(now, taken.table, actual.table);
        match &admission.keys[..] {
            [(key, units)] => self.write.settle_key(now, *key, *units, actual.table),
            keys if actual.table.is_zero() => {
                keys.iter().for_each(|(key, units)| self.write.settle_key(now, *key, *units, CapacityUnits::ZERO));
            }
            _ => {}
        }
        for index in &mut self.indexes {
            let (taken_units, actual_units) = (taken.of_index(&index.name), actual.of_index(&index.name));
            if actual_units > taken_units {
                let writes = actual.indexes.iter().rev().chain(&taken.indexes);
                if let Some(write) = writes.into_iter().find(|write| write.index == index.name) {
                    index.enqueue(now, write.key, actual_units.saturating_sub(taken_units));
                }
            } else {
                index.withdraw(now, taken_units.saturating_sub(actual_units));
            }
        }
    }

    /// Lets a read in, or tells why not.
    pub fn admit_read(&mut self, now: Duration, read: Read) -> Result<ReadAdmission, Throttle> {
        self.check_reads(now, std::slice::from_ref(&read)).map_err(|refused| refused.throttle)?;
        Ok(self.take_read(read))
    }

    /// Lets all reads in or none, as in a transaction; see [`admit_writes`](Self::admit_writes).
    pub fn admit_reads(&mut self, now: Duration, reads: Vec<Read>) -> Result<Vec<ReadAdmission>, RefusedGroup> {
        self.check_reads(now, &reads)?;
        Ok(reads.into_iter().map(|read| self.take_read(read)).collect())
    }

    /// Whether all reads would get in together.
    pub fn check_reads(&mut self, now: Duration, reads: &[Read]) -> Result<(), RefusedGroup> {
        let now = self.advance(now);
        for (position, read) in reads.iter().enumerate() {
            let before = || reads[..position].iter().filter(|other| other.index == read.index);
            let units = before().map(|other| other.units).sum::<CapacityUnits>() + read.units;
            let of_key = before().filter(|other| other.key == read.key).map(|other| other.units).sum::<CapacityUnits>();
            let (resource, meter) = self.read_meter(read.index.as_deref());
            if let Some((limit, retry_at)) = meter.obstacle(now, units, read.key.map(|key| (key, of_key + read.units)))
            {
                let throttle = Throttle { resource, access: Access::Read, limit, retry_at };
                return Err(RefusedGroup { position, throttle });
            }
        }
        Ok(())
    }

    fn take_read(&mut self, read: Read) -> ReadAdmission {
        let now = self.latest;
        let (_, meter) = self.read_meter(read.index.as_deref());
        meter.charge(now, read.units);
        if let Some(key) = read.key {
            meter.charge_key(now, key, read.units);
        }
        ReadAdmission(read)
    }

    /// Corrects what was taken by what the read really cost, or by nothing if it was not made.
    pub fn settle_read(&mut self, now: Duration, admission: &ReadAdmission, actual: CapacityUnits) {
        let now = self.advance(now);
        let Read { index, key, units } = &admission.0;
        let (_, meter) = self.read_meter(index.as_deref());
        meter.settle(now, *units, actual);
        if let Some(key) = key {
            meter.settle_key(now, *key, *units, actual);
        }
    }

    /// Takes what a read cost that nobody asked for before it was made.
    pub fn consume_read(&mut self, now: Duration, read: Read) {
        self.advance(now);
        let _ = self.take_read(read);
    }

    /// The whole units that can be spent at once, also on demand; a debt is negative.
    pub fn balance(&mut self, now: Duration, access: Access) -> i64 {
        let now = self.advance(now);
        match access {
            Access::Read => self.read.bucket.balance(now),
            Access::Write => self.write.bucket.balance(now),
        }
    }

    /// How the table stands.
    pub fn state(&mut self, now: Duration) -> TableState {
        let now = self.advance(now);
        TableState {
            write: self.write.state(now),
            read: self.read.state(now),
            indexes: self.indexes.iter().map(|index| index.state(now)).collect(),
        }
    }

    fn read_meter(&mut self, index: Option<&str>) -> (Resource, &mut Meter) {
        match self.indexes.iter_mut().find(|each| index == Some(&*each.name)) {
            Some(index) => (Resource::Index(index.name.clone()), &mut index.read),
            None => (Resource::Table, &mut self.read),
        }
    }

    /// Brings the indexes up to `now`, and answers it, or the latest time seen if that was later.
    pub(super) fn advance(&mut self, now: Duration) -> Duration {
        self.latest = self.latest.max(now);
        self.write.advance(self.latest);
        self.read.advance(self.latest);
        self.indexes.iter_mut().for_each(|index| index.drain(self.latest));
        self.latest
    }
}

#[cfg(test)]
mod tests;
