//! CloudWatch's metric alarms. Pure: time is an argument, and the metrics are whatever the caller has counted.

mod definition;
mod evaluation;
mod history;
mod reason;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::definition::{AlarmDefinition, Comparison, MetricId, MissingData, StateValue};
pub(crate) use self::history::HistoryItem;
use self::reason::Points;
use crate::metrics::{Datapoint, Metrics, Statistics};

/// Source: API Reference, "PutMetricAlarm": the reason that a new alarm has.
const INITIAL_REASON: &str = "Unchecked: Initial alarm creation";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Alarm {
    pub(crate) definition: AlarmDefinition,
    pub(crate) arn: String,
    pub(crate) state: StateValue,
    pub(crate) reason: String,
    /// JSON.
    pub(crate) reason_data: Option<String>,
    pub(crate) configured: Duration,
    pub(crate) updated: Duration,
    pub(crate) transitioned: Duration,
}

/// All alarms, by name, and what happened to them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Alarms {
    alarms: BTreeMap<String, Alarm>,
    history: history::History,
}

impl Alarms {
    /// Sets times after `now` to it.
    pub(crate) fn limit_times(&mut self, now: Duration) {
        for alarm in self.alarms.values_mut() {
            for time in [&mut alarm.configured, &mut alarm.updated, &mut alarm.transitioned] {
                *time = now.min(*time);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.alarms.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Alarm> {
        self.alarms.get(name)
    }

    /// By name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.values()
    }

    /// Newest first.
    pub(crate) fn history(&self) -> impl Iterator<Item = &HistoryItem> {
        self.history.newest_first()
    }

    /// Creates an alarm, or gives one another definition; its state stays until the next evaluation.
    pub(crate) fn put(&mut self, now: Duration, region: &str, definition: AlarmDefinition) {
        let name = definition.name.clone();
        let summary = match self.alarms.get_mut(&name) {
            Some(alarm) => {
                alarm.definition = definition;
                alarm.configured = now;
                "updated"
            }
            None => {
                let alarm = Alarm {
                    arn: format!("arn:aws:cloudwatch:{region}:{}:alarm:{name}", crate::identifiers::ACCOUNT),
                    definition,
                    state: StateValue::InsufficientData,
                    reason: INITIAL_REASON.into(),
                    reason_data: None,
                    configured: now,
                    updated: now,
                    transitioned: now,
                };
                self.alarms.insert(name.clone(), alarm);
                "created"
            }
        };
        self.history.configured(now, &name, summary);
    }

    /// Whether there was one.
    pub(crate) fn delete(&mut self, now: Duration, name: &str) -> bool {
        let found = self.alarms.remove(name).is_some();
        if found {
            self.history.configured(now, name, "deleted");
        }
        found
    }

    /// Sets the state until the next evaluation. `false` if there is no such alarm.
    pub(crate) fn set_state(
        &mut self,
        now: Duration,
        name: &str,
        state: StateValue,
        reason: &str,
        reason_data: Option<&str>,
    ) -> bool {
        let Some(alarm) = self.alarms.get_mut(name) else { return false };
        alarm.change(now, state, reason.to_owned(), reason_data.map(ToOwned::to_owned), &mut self.history);
        true
    }

    /// Sets whether the actions of an alarm are enabled, if there is one.
    pub(crate) fn set_actions_enabled(&mut self, now: Duration, name: &str, enabled: bool) {
        let Some(alarm) = self.alarms.get_mut(name).filter(|alarm| alarm.definition.actions_enabled != enabled) else {
            return;
        };
        alarm.definition.actions_enabled = enabled;
        alarm.configured = now;
        self.history.configured(now, name, "updated");
    }

    /// Sets the threshold of an alarm, if there is one.
    pub(crate) fn set_threshold(&mut self, now: Duration, name: &str, threshold: f64) {
        let Some(alarm) = self.alarms.get_mut(name).filter(|alarm| alarm.definition.threshold != threshold) else {
            return;
        };
        alarm.definition.threshold = threshold;
        alarm.configured = now;
        self.history.configured(now, name, "updated");
    }

    /// Evaluates all alarms at the end of a minute.
    pub(crate) fn evaluate(&mut self, minute: u64, metrics: &Metrics) {
        let now = Duration::from_secs((minute + 1) * 60);
        for alarm in self.alarms.values_mut().filter(|alarm| alarm.configured <= now) {
            let points = points(&alarm.definition, minute, metrics);
            let values: Vec<_> = points.iter().map(|(_, value)| *value).collect();
            let Some(state) = evaluation::state(&alarm.definition, &values) else { continue };
            if state != alarm.state {
                let (reason, data) = reason::of(now, &alarm.definition, alarm.state, state, &points);
                alarm.change(now, state, reason, Some(data), &mut self.history);
            }
        }
    }
}

impl Alarm {
    fn change(
        &mut self,
        now: Duration,
        state: StateValue,
        reason: String,
        reason_data: Option<String>,
        history: &mut history::History,
    ) {
        if state != self.state {
            history.changed(now, self, state, &reason, reason_data.as_deref());
            self.transitioned = now;
        }
        (self.state, self.reason, self.reason_data, self.updated) = (state, reason, reason_data, now);
    }
}

/// The periods that an evaluation at the end of `minute` looks at, oldest first: when each starts, and its value. An alarm
/// is evaluated every minute, whatever its period: the periods end now. Source: User Guide, "Evaluating an alarm".
fn points(definition: &AlarmDefinition, minute: u64, metrics: &Metrics) -> Points {
    let MetricId { namespace, name, dimensions } = &definition.metric;
    let found = metrics.find(namespace, name, dimensions);
    let period = definition.period_minutes;
    let periods = (0..evaluation::range(definition) as u64).rev();
    periods
        .filter_map(|back| {
            let end = (minute + 1).checked_sub(back * period)?;
            let start = end.checked_sub(period)?;
            let own = found.into_iter().flatten().filter(|(each, _)| (start..end).contains(each));
            Some((Duration::from_secs(start * 60), merge(own).map(|all| definition.statistic.of(&all))))
        })
        .collect()
}

fn merge<'a>(points: impl Iterator<Item = &'a Datapoint>) -> Option<Statistics> {
    points.map(|(_, statistics)| *statistics).reduce(|mut all, each| {
        all.merge(each);
        all
    })
}

#[cfg(test)]
mod tests;
