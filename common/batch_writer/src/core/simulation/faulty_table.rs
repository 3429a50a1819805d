//! A table in memory whose service fails by a seeded script.

use std::time::Duration;

use super::workers::{Row, Service};
use crate::service_error::ServiceError;
use crate::{BatchResponse, BatchResult, WriteBatch};

/// What befalls a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Some requests come back unprocessed.
    PartlyThrottled,
    /// All of them, in a successful response.
    AllUnprocessed,
    Throttled,
    /// 5xx; some of the requests may have been written.
    ServerError,
    /// The connection breaks before the service has the batch.
    LostBefore,
    /// The connection breaks, or the time is up, and the service may write some of the requests now or later, or has done so.
    LostAfter,
    Slow,
    /// Access is denied.
    Fatal,
}

const FAULTS: [Fault; 8] = [
    Fault::PartlyThrottled,
    Fault::AllUnprocessed,
    Fault::Throttled,
    Fault::ServerError,
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::Slow,
    Fault::Fatal,
];

/// A write that the service has started and that takes effect later.
struct Effect {
    at: Duration,
    row: Row,
}

pub(super) struct FaultyTable {
    /// The number of the row that each key holds.
    pub(super) rows: Vec<Option<usize>>,
    /// Faults that are still to come. They are limited, so that every load can end.
    pub(super) faults_left: u32,
    pub(super) faults: u64,
    /// Batches refused for a bad row.
    pub(super) refused: u64,
    weights: [u32; FAULTS.len()],
    latency: Duration,
    effects: Vec<Effect>,
    random: fastrand::Rng,
}

impl FaultyTable {
    pub(super) fn new(keys: usize, mut random: fastrand::Rng) -> Self {
        let mut weights = [0; FAULTS.len()].map(|_: u32| [0, 0, 1, 4][random.usize(..4)]);
        weights[FAULTS.len() - 1] = u32::from(random.u32(..16) == 0); // Fault::Fatal, after which a load ends
        Self {
            rows: vec![None; keys],
            faults_left: [0, 3, 30, 100][random.usize(..4)],
            faults: 0,
            refused: 0,
            weights,
            latency: Duration::from_micros(random.u64(100..20_000)),
            effects: Vec::new(),
            random,
        }
    }

    fn next_fault(&mut self) -> Fault {
        let total: u32 = self.weights.iter().sum();
        if self.faults_left == 0 || total == 0 || self.random.u32(..8) < 4 {
            return Fault::None;
        }
        self.faults_left -= 1;
        self.faults += 1;
        let mut drawn = self.random.u32(..total);
        for (fault, weight) in FAULTS.into_iter().zip(self.weights) {
            if drawn < weight {
                return fault;
            }
            drawn -= weight;
        }
        Fault::None
    }

    /// Applies the writes that take effect by `now`.
    ///
    /// A late effect that a newer row for its key has overtaken is dropped, for it is assumed to have come before: no writer can defend
    /// itself against one that comes after, see the dispatcher's documentation.
    pub(super) fn take_effect(&mut self, now: Duration) {
        while let Some(place) = (0..self.effects.len())
            .filter(|place| self.effects[*place].at <= now)
            .min_by_key(|place| self.effects[*place].at)
        {
            let row = self.effects.swap_remove(place).row;
            self.rows[row.key] = Some(row.number);
            self.effects.retain(|effect| effect.row.key != row.key || effect.row.number >= row.number);
        }
    }

    /// The program has ended: writes that the service had not finished by `now` take effect then, later or never.
    pub(super) fn killed(&mut self, now: Duration) {
        self.take_effect(now);
        let Self { effects, random, .. } = self;
        effects.retain_mut(|effect| {
            effect.at += Duration::from_millis(random.u64(..20_000));
            random.bool()
        });
    }

    fn write(&mut self, row: Row, from: Duration, to: Duration) {
        let at = Duration::from_nanos(self.random.u64(from.as_nanos() as u64..=to.as_nanos() as u64));
        self.effects.push(Effect { at, row });
    }

    /// Writes each of the requests or not, at any time until much later.
    fn write_some(&mut self, now: Duration, batch: &WriteBatch<Row>) {
        for request in batch.requests() {
            if self.random.bool() {
                let late = [0, 100, 30_000, 3_600_000][self.random.usize(..4)];
                self.write(request.tag, now, now + Duration::from_millis(late));
            }
        }
    }
}

impl Service for FaultyTable {
    fn send(&mut self, now: Duration, batch: &WriteBatch<Row>) -> (Duration, BatchResult) {
        self.take_effect(now);
        let requests = batch.requests();
        let fault = self.next_fault();
        let slow = matches!(fault, Fault::Slow | Fault::LostBefore | Fault::LostAfter) && self.random.bool();
        let latency = if slow { Duration::from_millis(self.random.u64(..10_000)) } else { self.latency };
        let at = now + latency.mul_f64(self.random.f64() + 0.5);
        let has_bad_row = requests.iter().any(|request| request.tag.bad);
        let answer = match fault {
            Fault::Throttled => Err(refusal(400, "ProvisionedThroughputExceededException")),
            Fault::Fatal => Err(refusal(400, "AccessDeniedException")),
            Fault::LostBefore => Err(refusal(500, "")),
            Fault::ServerError | Fault::LostAfter => {
                if !has_bad_row {
                    self.write_some(now, batch);
                }
                Err(refusal(500, "InternalServerError"))
            }
            _ if has_bad_row => {
                self.refused += 1;
                Err(refusal(400, "ValidationException"))
            }
            Fault::None | Fault::Slow | Fault::PartlyThrottled | Fault::AllUnprocessed => {
                let mut unprocessed: Vec<usize> = (0..requests.len()).collect();
                unprocessed.retain(|_| match fault {
                    Fault::AllUnprocessed => true,
                    Fault::PartlyThrottled => self.random.bool(),
                    _ => false,
                });
                for (place, request) in requests.iter().enumerate() {
                    if !unprocessed.contains(&place) {
                        self.write(request.tag, now, at);
                    }
                }
                self.random.shuffle(&mut unprocessed);
                Ok(BatchResponse { unprocessed, consumed: None })
            }
        };
        (at, answer)
    }
}

fn refusal(status: u16, code: &str) -> ServiceError {
    ServiceError::from_response(status, (!code.is_empty()).then_some(code), Some("scripted"))
}
