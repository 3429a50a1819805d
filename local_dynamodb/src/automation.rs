//! Automatic actions in each minute of the server's clock: alarms are evaluated, and auto scaling changes the capacity
//! of tables and indexes through UpdateTable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dynoxide::DynoxideError;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::json;

use crate::admission::{AdmissionGate, Failure};
use crate::alarms::Alarms;
use crate::auto_scaling::{Adjustment, AutoScaling, Outcome, View, api};
use crate::cloudwatch;
use crate::engine::OperationName;
use crate::identifiers::uuid;
use crate::metrics::{self, HISTORY_MINUTES, Snapshot};
use crate::protocol::{decode, signing_region};

/// How often it is looked whether a minute of the server's clock is over: a tenth of that minute, within these limits.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Automation {
    gate: Arc<AdmissionGate>,
    /// Taken before the gate's own locks.
    state: Mutex<State>,
}

/// The name of the state in the database.
const KEPT: &str = "automation";

/// What the next server on the same database resumes with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Kept {
    alarms: Alarms,
    auto_scaling: AutoScaling,
}

#[derive(Default)]
struct State {
    alarms: Alarms,
    auto_scaling: AutoScaling,
    /// As it was last kept.
    kept: String,
    /// The first minute whose end has not been handled.
    minute: u64,
    /// A change could not be made because of another one, and is due before the minute is over.
    again: bool,
}

impl Automation {
    pub(crate) fn new(gate: Arc<AdmissionGate>) -> Self {
        let kept = gate.kept(KEPT).unwrap_or_else(|error| {
            log::error!("auto scaling and alarms cannot be read: {error}");
            None
        });
        let Kept { mut alarms, mut auto_scaling } = match kept.as_deref().map(serde_json::from_str).transpose() {
            Ok(kept) => kept.unwrap_or_default(),
            Err(error) => {
                log::warn!("auto scaling and alarms in the database are left out: {error}");
                Kept::default()
            }
        };
        // The clock may have been ahead of the time.
        alarms.limit_times(gate.now());
        auto_scaling.limit_times(gate.now());
        Self { gate, state: Mutex::new(State { alarms, auto_scaling, ..State::default() }) }
    }

    /// A thread that panicked left the state consistent: every change is one call of a pure module.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request to CloudWatch.
    pub(crate) fn cloudwatch(&self, call: &cloudwatch::Call, body: &[u8]) -> cloudwatch::Reply {
        match call.decode(body) {
            Ok(request) => {
                let mut state = self.state();
                let reply = self.gate.snapshot(|snapshot| call.answer(&request, snapshot, &mut state.alarms));
                self.keep(&mut state);
                reply
            }
            Err(refusal) => refusal,
        }
    }

    /// Answers a request to Application Auto Scaling: the HTTP status and the body.
    pub(crate) fn application_auto_scaling(&self, operation: &str, headers: &HeaderMap, body: &[u8]) -> (u16, Vec<u8>) {
        if !headers.contains_key(AUTHORIZATION) {
            return api::unsigned();
        }
        let mut state = self.state();
        let State { alarms, auto_scaling, .. } = &mut *state;
        let answer = self.gate.observe(|now, tables, metrics| {
            let mut context = api::Context {
                view: View { now, tables, metrics },
                auto_scaling,
                alarms,
                region: signing_region(headers),
                throttling: self.gate.is_enforcing(),
                new_id: uuid,
            };
            api::run(operation, body, &mut context)
        });
        self.keep(&mut state);
        answer
    }

    /// Keeps the state in the database, if that is a file and the state has changed.
    fn keep(&self, state: &mut State) {
        if !self.gate.is_persistent() {
            return;
        }
        let json = json!({ "alarms": state.alarms, "auto_scaling": state.auto_scaling }).to_string();
        if json == state.kept {
            return;
        }
        match self.gate.keep(KEPT, &json) {
            Ok(()) => state.kept = json,
            Err(error) => log::error!("auto scaling and alarms cannot be kept: {error}"),
        }
    }

    /// Calls `look` with a copy of the current state of the tables, and with what scales and watches them.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Snapshot<'_>, &AutoScaling, &Alarms) -> T) -> T {
        let state = self.state();
        self.gate.snapshot(|snapshot| look(snapshot, &state.auto_scaling, &state.alarms))
    }

    /// The pause between two calls of [`tick`](Self::tick).
    pub(crate) fn pause(&self) -> Duration {
        (Duration::from_secs(6) / self.gate.speed().get()).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    /// Performs the actions that are due. The state is not locked while tables change.
    pub(crate) fn tick(&self) {
        let (due, is_new_minute) = self.due();
        for adjustment in due {
            let outcome = self.update_table(&adjustment);
            let mut state = self.state();
            state.again |= outcome == Outcome::InUse;
            state.auto_scaling.settle(self.gate.now(), uuid(), adjustment, &outcome);
            self.keep(&mut state);
        }
        if is_new_minute {
            self.keep(&mut self.state());
        }
    }

    /// The changes that are due, and whether a minute has ended.
    fn due(&self) -> (Vec<Adjustment>, bool) {
        let mut state = self.state();
        let State { alarms, auto_scaling, minute, again, .. } = &mut *state;
        if alarms.is_empty() && auto_scaling.is_empty() {
            *minute = 0;
            return (Vec::new(), false);
        }
        self.gate.observe(|now, tables, metrics| {
            let view = View { now, tables, metrics };
            auto_scaling.advance(&view, alarms);
            let current = metrics::minute(now);
            // What is new has nothing to catch up on.
            let first = if *minute == 0 { current } else { (*minute).max(current.saturating_sub(HISTORY_MINUTES)) };
            (first..current).for_each(|minute| alarms.evaluate(minute, metrics));
            *minute = current;
            // While an alarm is in the state ALARM, it triggers its policy once a minute.
            let is_new_minute = first < current;
            let triggers = std::mem::take(again) || is_new_minute;
            (if triggers { auto_scaling.plan(&view, alarms) } else { Vec::new() }, is_new_minute)
        })
    }

    fn update_table(&self, adjustment: &Adjustment) -> Outcome {
        let request = adjustment.request().to_string();
        log::info!("auto scaling: UpdateTable {request}");
        let ran = decode(OperationName::UpdateTable, &request)
            .map_err(Failure::Engine)
            .and_then(|operation| self.gate.run(operation));
        match ran {
            Ok(_) => Outcome::Accepted,
            Err(Failure::Engine(DynoxideError::ResourceInUseException(_))) => Outcome::InUse,
            Err(Failure::Engine(error)) => Outcome::Refused(error.to_string()),
            Err(Failure::Throttled(_) | Failure::ExpiredIterator) => {
                Outcome::Refused("UpdateTable was throttled".into())
            }
        }
    }
}
