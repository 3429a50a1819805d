//! Application Auto Scaling for the tables and indexes of this server.
//!
//! Pure: time, identifiers and the state of tables and alarms are arguments. [`AutoScaling::plan`] returns the
//! UpdateTable that is due; the caller runs it, and passes the result to [`AutoScaling::settle`]. [`api`] is the
//! service's own protocol.

mod activity;
pub(crate) mod api;
mod policy;
mod target;
mod target_tracking;

use std::sync::Arc;
use std::time::Duration;

use capacity::{Access, TableState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::activity::Activities;
pub(crate) use self::activity::{Activity, Status};
use self::policy::AlarmKind;
pub(crate) use self::policy::Policy;
pub(crate) use self::target::{ScalableTarget, SuspendedState, TargetId};
pub(crate) use self::target_tracking::TargetTracking;
use self::target_tracking::{Decision, LOW_MINUTES, Observation};
use crate::alarms::{Alarms, StateValue};
use crate::metrics::{self, Metrics};

/// Targets, policies and what they have done.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct AutoScaling {
    targets: Vec<ScalableTarget>,
    policies: Vec<Policy>,
    activities: Activities,
}

/// The tables and what was counted, at a moment.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) now: Duration,
    pub(crate) tables: &'a [(Arc<str>, TableState)],
    pub(crate) metrics: &'a Metrics,
}

/// A change of capacity that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adjustment {
    target: TargetId,
    from: u64,
    to: u64,
    /// The capacity of the other kind, which UpdateTable wants as well.
    other: u64,
    cause: String,
}

impl Adjustment {
    /// The UpdateTable request.
    pub(crate) fn request(&self) -> Value {
        let (read, write) =
            if self.target.access == Access::Read { (self.to, self.other) } else { (self.other, self.to) };
        let throughput = json!({ "ReadCapacityUnits": read, "WriteCapacityUnits": write });
        match &self.target.index {
            None => json!({ "TableName": self.target.table, "ProvisionedThroughput": throughput }),
            Some(index) => json!({
                "TableName": self.target.table,
                "GlobalSecondaryIndexUpdates": [{ "Update": { "IndexName": index, "ProvisionedThroughput": throughput } }],
            }),
        }
    }
}

/// How an UpdateTable went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// Another change is in progress: it is tried again.
    InUse,
    Refused(String),
}

impl AutoScaling {
    /// Sets times after `now` to it.
    pub(crate) fn limit_times(&mut self, now: Duration) {
        let limit = |time: &mut Duration| *time = now.min(*time);
        for target in &mut self.targets {
            limit(&mut target.created);
            [&mut target.last_scale_out, &mut target.last_scale_in].into_iter().flatten().for_each(limit);
        }
        self.policies.iter_mut().for_each(|policy| limit(&mut policy.created));
        self.activities.limit_times(now);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    pub(crate) fn targets(&self) -> &[ScalableTarget] {
        &self.targets
    }

    pub(crate) fn policies(&self) -> &[Policy] {
        &self.policies
    }

    pub(crate) fn activities(&self) -> impl Iterator<Item = &Activity> {
        self.activities.newest_first()
    }

    fn target(&self, id: &TargetId) -> Option<&ScalableTarget> {
        self.targets.iter().find(|target| target.id == *id)
    }

    /// Registers a target, or replaces it.
    fn register(&mut self, target: ScalableTarget) {
        match self.targets.iter_mut().find(|each| each.id == target.id) {
            Some(existing) => *existing = target,
            None => self.targets.push(target),
        }
    }

    /// Whether there was such a target. Its policies and their alarms go with it.
    fn deregister(&mut self, now: Duration, id: &TargetId, alarms: &mut Alarms) -> bool {
        let before = self.targets.len();
        self.targets.retain(|target| target.id != *id);
        let names: Vec<_> =
            self.policies.iter().filter(|each| each.target == *id).map(|each| each.name.clone()).collect();
        names.iter().for_each(|name| {
            self.delete_policy(now, id, name, alarms);
        });
        self.targets.len() < before
    }

    fn policy(&self, id: &TargetId, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.target == *id && policy.name == name)
    }

    /// Puts a policy and its alarms, in place of the one with its name.
    fn put_policy(&mut self, view: &View<'_>, region: &str, policy: Policy, alarms: &mut Alarms) {
        self.delete_policy(view.now, &policy.target, &policy.name, alarms);
        let capacity = policy.target.capacity(view.tables).unwrap_or(1);
        for alarm in &policy.alarms {
            alarms.put(view.now, region, policy.definition(alarm, capacity));
        }
        self.policies.push(policy);
    }

    /// Whether there was such a policy. Its alarms go with it.
    fn delete_policy(&mut self, now: Duration, id: &TargetId, name: &str, alarms: &mut Alarms) -> bool {
        let Some(position) = self.policies.iter().position(|each| each.target == *id && each.name == name) else {
            return false;
        };
        let policy = self.policies.swap_remove(position);
        for alarm in &policy.alarms {
            alarms.delete(now, &alarm.name);
        }
        true
    }

    /// Brings activities and alarms up to date with the tables. To be called often.
    pub(crate) fn advance(&mut self, view: &View<'_>, alarms: &mut Alarms) {
        self.activities.advance(view.now, |target| target.capacity(view.tables));
        for policy in &self.policies {
            let Some(capacity) = policy.target.capacity(view.tables) else { continue };
            for alarm in &policy.alarms {
                alarms.set_threshold(view.now, &alarm.name, policy.definition(alarm, capacity).threshold);
            }
        }
    }

    /// The changes that are due at the end of a minute: increases first, so that no decrease keeps one waiting.
    pub(crate) fn plan(&self, view: &View<'_>, alarms: &Alarms) -> Vec<Adjustment> {
        let mut due: Vec<_> = self.targets.iter().filter_map(|target| self.adjustment(target, view, alarms)).collect();
        due.sort_by_key(|adjustment| adjustment.to < adjustment.from);
        due
    }

    fn adjustment(&self, target: &ScalableTarget, view: &View<'_>, alarms: &Alarms) -> Option<Adjustment> {
        if self.activities.is_in_progress(&target.id) {
            return None;
        }
        let (read, write) = target.id.capacities(view.tables)?;
        let (from, other) = if target.id.access == Access::Read { (read, write) } else { (write, read) };
        let (to, cause) = if from < target.min {
            (target.min, format!("minimum capacity was set to {}", target.min))
        } else if from > target.max {
            (target.max, format!("maximum capacity was set to {}", target.max))
        } else {
            let policies = self.policies.iter().filter(|policy| policy.target == target.id);
            policies.filter_map(|policy| wish(policy, target, from, view, alarms)).next()?
        };
        Some(Adjustment { target: target.id.clone(), from, to, other, cause })
    }

    /// Records what became of an adjustment.
    pub(crate) fn settle(&mut self, now: Duration, id: String, adjustment: Adjustment, outcome: &Outcome) {
        let Adjustment { target, from, to, cause, .. } = adjustment;
        let registered = self.targets.iter_mut().find(|each| each.id == target);
        let (message, status) = (String::new(), Status::InProgress);
        let activity = Activity { id, target, to, cause, start: now, end: None, status, message };
        match outcome {
            Outcome::InUse => {}
            Outcome::Refused(reason) => self.activities.fail(activity, reason),
            Outcome::Accepted => {
                if let Some(registered) = registered {
                    let last = if to > from { &mut registered.last_scale_out } else { &mut registered.last_scale_in };
                    *last = Some(now);
                }
                self.activities.begin(activity);
            }
        }
    }
}

/// What a policy wants, and why.
fn wish(
    policy: &Policy,
    target: &ScalableTarget,
    capacity: u64,
    view: &View<'_>,
    alarms: &Alarms,
) -> Option<(u64, String)> {
    // An alarm that someone has deleted, disabled or given other actions does not trigger the policy.
    let triggers = |kind| {
        let alarm = policy.alarm(kind).and_then(|name| alarms.get(name));
        alarm.is_some_and(|alarm| {
            let own = &alarm.definition;
            alarm.state == StateValue::Alarm && own.actions_enabled && own.alarm_actions.contains(&policy.arn)
        })
    };
    let consumed = consumed(&target.id, view);
    let decision = policy.tracking.decide(
        view.now,
        &Observation {
            capacity,
            min: target.min,
            max: target.max,
            high: !target.suspended.scale_out && triggers(AlarmKind::High),
            low: !target.suspended.scale_in && triggers(AlarmKind::Low),
            consumed: &consumed,
            last_scale_out: target.last_scale_out,
            last_scale_in: target.last_scale_in,
        },
    )?;
    let (to, kind) = match decision {
        Decision::ScaleOut(to) => (to, AlarmKind::High),
        Decision::ScaleIn(to) => (to, AlarmKind::Low),
    };
    let alarm = policy.alarm(kind).unwrap_or_default();
    Some((to, format!("monitor alarm {alarm} in state ALARM triggered policy {}", policy.name)))
}

/// Units consumed in each of the minutes that are over.
fn consumed(target: &TargetId, view: &View<'_>) -> Vec<Option<f64>> {
    let name = match target.access {
        Access::Read => "ConsumedReadCapacityUnits",
        Access::Write => "ConsumedWriteCapacityUnits",
    };
    let points = view.metrics.find("AWS/DynamoDB", name, &target.metric_dimensions());
    let current = metrics::minute(view.now);
    let minutes = current.saturating_sub(LOW_MINUTES as u64)..current;
    let units = |minute| points?.iter().find(|(each, _)| *each == minute).map(|(_, statistics)| statistics.sum);
    minutes.map(units).collect()
}

#[cfg(test)]
mod tests;
