//! A table with its indexes: which writes and reads are admitted.

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
/// Times are since an epoch of the caller's choice, the same for all calls. A time before the latest one seen counts as
/// that one, so that threads may read the clock before they lock the table.
///
/// A write is admitted at the cost known so far, usually from the new item alone, and settled when the old item is
/// known. A read is admitted at the minimum cost and settled with what was read. A balance can therefore become
/// negative by the additional cost of the requests in flight; then everything is refused until the debt is paid off.
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

    /// Adds a global secondary index. The caller charges the cost of filling it with [`fill_index`](Self::fill_index).
    /// An index of the same name is replaced.
    pub fn add_index(&mut self, now: Duration, name: impl Into<Arc<str>>, throughput: Throughput) {
        let now = self.advance(now);
        let name = name.into();
        self.indexes.retain(|index| index.name != name);
        self.indexes.push(Index::new(now, name, throughput, &self.settings));
    }

    /// Removes a global secondary index and the writes in its queue.
    pub fn remove_index(&mut self, name: &str) {
        self.indexes.retain(|index| &*index.name != name);
    }

    /// Changes the table's throughput. Balances are kept, up to the new ceilings; a table that was on demand starts as
    /// a new one.
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

    /// Sets the table's maximum on demand, in RCU and WCU; `None` removes it. No effect on provisioned throughput.
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

    /// The whole units that filling a new index may consume at once: what is left of its own write capacity. Waiting
    /// writes take precedence: while there are any, or during a debt, it is 0. Documented: Developer Guide, "Managing
    /// Global Secondary Indexes in DynamoDB", for the capacity; that writes take precedence is assumed.
    pub fn fill_allowance(&mut self, now: Duration, index: &str) -> u64 {
        let now = self.advance(now);
        let index = self.indexes.iter().find(|each| &*each.name == index);
        let free = index.filter(|index| index.backlog.writes() == 0);
        free.map_or(0, |index| u64::try_from(index.write.bucket.balance(now)).unwrap_or(0))
    }

    /// Charges the cost of filling a new index. It is not included in [`consumed`](super::CapacityState), because it
    /// has its own metric.
    pub fn fill_index(&mut self, now: Duration, index: &str, units: CapacityUnits) {
        let now = self.advance(now);
        if let Some(index) = self.indexes.iter_mut().find(|each| &*each.name == index) {
            index.write.bucket.charge(now, units);
        }
    }

    /// Admits a write, or returns the reason why not.
    pub fn admit_write(&mut self, now: Duration, write: Write) -> Result<WriteAdmission, Throttle> {
        self.check_writes(now, std::slice::from_ref(&write)).map_err(|refused| refused.throttle)?;
        Ok(self.charge_write(write))
    }

    /// Admits all writes or none, as in a transaction. For a transaction over several tables, call
    /// [`check_writes`](Self::check_writes) on each and then this on each, at the same `now`.
    pub fn admit_writes(&mut self, now: Duration, writes: Vec<Write>) -> Result<WriteAdmission, RefusedGroup> {
        self.check_writes(now, &writes)?;
        let mut admission = WriteAdmission::default();
        for write in writes {
            admission.join(self.charge_write(write));
        }
        Ok(admission)
    }

    /// Checks whether all writes would be admitted together. The table itself is checked first, then the partition key,
    /// then the indexes: a table without capacity refuses at once, whatever the state of its indexes.
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

    /// Charges a write that has been checked at the latest time.
    fn charge_write(&mut self, write: Write) -> WriteAdmission {
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

    /// Corrects the charge to the real cost of the writes, or to nothing if they were not made
    /// (`WriteCost::default()`). For each index only the units count.
    ///
    /// In a joined admission the difference cannot be attributed to partition keys. Unless everything is refunded, the
    /// keys keep their charges.
    pub fn settle_write(&mut self, now: Duration, admission: &WriteAdmission, actual: &WriteCost) {
        let now = self.advance(now);
        let charged = &admission.cost;
        self.write.settle(now, charged.table, actual.table);
        match &admission.keys[..] {
            [(key, units)] => self.write.settle_key(now, *key, *units, actual.table),
            keys if actual.table.is_zero() => {
                keys.iter().for_each(|(key, units)| self.write.settle_key(now, *key, *units, CapacityUnits::ZERO));
            }
            _ => {}
        }
        for index in &mut self.indexes {
            let (charged_units, actual_units) = (charged.of_index(&index.name), actual.of_index(&index.name));
            if actual_units > charged_units {
                let writes = actual.indexes.iter().rev().chain(&charged.indexes);
                if let Some(write) = writes.into_iter().find(|write| write.index == index.name) {
                    index.enqueue(now, write.key, actual_units.saturating_sub(charged_units));
                }
            } else {
                index.withdraw(now, charged_units.saturating_sub(actual_units));
            }
        }
    }

    /// Admits a read, or returns the reason why not.
    pub fn admit_read(&mut self, now: Duration, read: Read) -> Result<ReadAdmission, Throttle> {
        self.check_reads(now, std::slice::from_ref(&read)).map_err(|refused| refused.throttle)?;
        Ok(self.charge_read(read))
    }

    /// Admits all reads or none, as in a transaction; see [`admit_writes`](Self::admit_writes).
    pub fn admit_reads(&mut self, now: Duration, reads: Vec<Read>) -> Result<Vec<ReadAdmission>, RefusedGroup> {
        self.check_reads(now, &reads)?;
        Ok(reads.into_iter().map(|read| self.charge_read(read)).collect())
    }

    /// Checks whether all reads would be admitted together.
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

    fn charge_read(&mut self, read: Read) -> ReadAdmission {
        let now = self.latest;
        let (_, meter) = self.read_meter(read.index.as_deref());
        meter.charge(now, read.units);
        if let Some(key) = read.key {
            meter.charge_key(now, key, read.units);
        }
        ReadAdmission(read)
    }

    /// Corrects the charge to the real cost of the read, or to nothing if it was not made.
    pub fn settle_read(&mut self, now: Duration, admission: &ReadAdmission, actual: CapacityUnits) {
        let now = self.advance(now);
        let Read { index, key, units } = &admission.0;
        let (_, meter) = self.read_meter(index.as_deref());
        meter.settle(now, *units, actual);
        if let Some(key) = key {
            meter.settle_key(now, *key, *units, actual);
        }
    }

    /// Charges a read that was not admitted beforehand.
    pub fn consume_read(&mut self, now: Duration, read: Read) {
        self.advance(now);
        let _ = self.charge_read(read);
    }

    /// The whole units that can be spent at once, also on demand; a debt is negative.
    pub fn balance(&mut self, now: Duration, access: Access) -> i64 {
        let now = self.advance(now);
        match access {
            Access::Read => self.read.bucket.balance(now),
            Access::Write => self.write.bucket.balance(now),
        }
    }

    /// The state of the table.
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

    /// Brings the indexes up to `now`, and returns `now` or the latest time seen, if later.
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
