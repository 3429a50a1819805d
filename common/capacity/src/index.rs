//! A global secondary index and its queue.

use std::sync::Arc;
use std::time::Duration;

use super::index_backlog::{IndexBacklog, Obstacle};
use super::meter::Meter;
use super::partition_key::PartitionKey;
use super::settings::Settings;
use super::state::IndexState;
use super::throttle::{Access, Limit, Resource, Throttle};
use super::throughput::Throughput;
use super::units::CapacityUnits;

#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) name: Arc<str>,
    pub(super) write: Meter,
    pub(super) read: Meter,
    pub(super) backlog: IndexBacklog,
}

impl Index {
    pub(super) fn new(now: Duration, name: Arc<str>, throughput: Throughput, settings: &Settings) -> Self {
        Self {
            name,
            write: Meter::new(now, throughput.write(), Access::Write, settings),
            read: Meter::new(now, throughput.read(), Access::Read, settings),
            backlog: IndexBacklog::new(settings.index_backlog),
        }
    }

    pub(super) fn set_throughput(&mut self, now: Duration, throughput: Throughput) {
        self.write.set_rate(now, throughput.write());
        self.read.set_rate(now, throughput.read());
        self.drain(now);
    }

    /// The table's refusal while this index's backlog is full.
    pub(super) fn back_pressure(&self) -> Option<Throttle> {
        if !self.backlog.is_full() {
            return None;
        }
        let next = self.backlog.next(&self.write.bucket, &self.write.keys);
        let limit = match next {
            Some((_, Obstacle::PartitionKey)) => Limit::KeyRange,
            _ => self.write.limit(),
        };
        let resource = Resource::Index(self.name.clone());
        Some(Throttle { resource, access: Access::Write, limit, retry_at: next.map(|(at, _)| at) })
    }

    /// Accepts an index write from the table.
    pub(super) fn enqueue(&mut self, now: Duration, key: PartitionKey, units: CapacityUnits) {
        self.write.count(now, units);
        self.backlog.push(key, units);
        self.drain(now);
    }

    /// Withdraws index writes that were not made.
    pub(super) fn withdraw(&mut self, now: Duration, units: CapacityUnits) {
        let written = self.backlog.withdraw(units);
        self.write.discount(units.saturating_sub(written));
        self.write.refund(now, written);
    }

    /// Writes what the index accepts until `now`.
    pub(super) fn drain(&mut self, now: Duration) {
        if let Some(due) = self.write.due(now) {
            self.backlog.drain(due, &mut self.write.bucket, &mut self.write.keys);
            self.write.grow(due, now);
        }
        self.read.advance(now);
        self.backlog.drain(now, &mut self.write.bucket, &mut self.write.keys);
    }

    pub(super) fn state(&self, now: Duration) -> IndexState {
        IndexState {
            name: self.name.clone(),
            write: self.write.state(now),
            read: self.read.state(now),
            backlog: self.backlog.writes(),
            backlog_units: self.backlog.units(),
            backlog_limit: self.backlog.capacity(),
        }
    }
}
