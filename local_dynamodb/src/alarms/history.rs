//! What happened to the alarms, for DescribeAlarmHistory.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Alarm;
use super::definition::StateValue;

/// Items kept, of all alarms together. CloudWatch keeps two weeks.
const MAX_ITEMS: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HistoryItemType {
    ConfigurationUpdate,
    StateUpdate,
}

impl HistoryItemType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ConfigurationUpdate => "ConfigurationUpdate",
            Self::StateUpdate => "StateUpdate",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HistoryItem {
    pub(crate) alarm: String,
    pub(crate) time: Duration,
    pub(crate) kind: HistoryItemType,
    pub(crate) summary: String,
    /// JSON.
    pub(crate) data: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct History(VecDeque<HistoryItem>);

impl History {
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &HistoryItem> {
        self.0.iter().rev()
    }

    /// An alarm was "created", "updated" or "deleted".
    pub(super) fn configured(&mut self, time: Duration, alarm: &str, what: &str) {
        let kind = what.strip_suffix('d').map(|word| word[..1].to_uppercase() + &word[1..]).unwrap_or_default();
        self.push(HistoryItem {
            alarm: alarm.to_owned(),
            time,
            kind: HistoryItemType::ConfigurationUpdate,
            summary: format!("Alarm \"{alarm}\" {what}"),
            data: json!({ "version": "1.0", "type": kind }).to_string(),
        });
    }

    /// An alarm is about to have the state `new`.
    pub(super) fn changed(
        &mut self,
        time: Duration,
        alarm: &Alarm,
        new: StateValue,
        reason: &str,
        reason_data: Option<&str>,
    ) {
        let state = |state: StateValue, reason: &str, data: Option<&str>| {
            let mut json = json!({ "stateValue": state.name(), "stateReason": reason });
            if let Some(data) = data {
                json["stateReasonData"] = serde_json::from_str(data).unwrap_or_else(|_| Value::from(data));
            }
            json
        };
        let data = json!({
            "version": "1.0",
            "oldState": state(alarm.state, &alarm.reason, alarm.reason_data.as_deref()),
            "newState": state(new, reason, reason_data),
        });
        self.push(HistoryItem {
            alarm: alarm.definition.name.clone(),
            time,
            kind: HistoryItemType::StateUpdate,
            summary: format!("Alarm updated from {} to {}", alarm.state.name(), new.name()),
            data: data.to_string(),
        });
    }

    fn push(&mut self, item: HistoryItem) {
        self.0.push_back(item);
        while self.0.len() > MAX_ITEMS {
            self.0.pop_front();
        }
    }
}
