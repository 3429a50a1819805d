//! The reason for an alarm's state, as CloudWatch's text and as the JSON of `StateReasonData`.

use std::time::Duration;

use serde_json::json;

use super::definition::{AlarmDefinition, StateValue};
use crate::clock::timestamp;

/// When each period starts, oldest first, and its value.
pub(super) type Points = Vec<(Duration, Option<f64>)>;

pub(super) fn of(
    now: Duration,
    definition: &AlarmDefinition,
    old: StateValue,
    new: StateValue,
    points: &Points,
) -> (String, String) {
    let real: Vec<_> = points.iter().rev().filter_map(|(time, value)| Some((*time, (*value)?))).collect();
    let latest = &real[..real.len().min(definition.evaluation_periods)];
    (text(definition, old, new, latest), data(now, definition, latest))
}

/// `latest`: newest first.
fn text(definition: &AlarmDefinition, old: StateValue, new: StateValue, latest: &[(Duration, f64)]) -> String {
    let AlarmDefinition { evaluation_periods, comparison, threshold, .. } = definition;
    if new == StateValue::InsufficientData || latest.is_empty() {
        let were = if *evaluation_periods == 1 { "datapoint was" } else { "datapoints were" };
        let treated = if new == StateValue::InsufficientData {
            "unknown".to_owned()
        } else {
            format!("missing and treated as {}", definition.missing_data().name())
        };
        let kind = if new == StateValue::InsufficientData { "Insufficient Data" } else { "Threshold Crossed" };
        return format!("{kind}: {evaluation_periods} {were} {treated}.");
    }
    let breaches = |value: f64| comparison.is_breached(value, *threshold);
    let wanted = new == StateValue::Alarm;
    let shown: Vec<_> = latest.iter().filter(|(_, value)| breaches(*value) == wanted).collect();
    let list: Vec<_> = shown.iter().map(|(time, value)| format!("{value:?} ({})", short(*time))).collect();
    let (count, list) = (shown.len(), list.join(", "));
    let were = if count == 1 { "was" } else { "were" };
    let not = if wanted { "" } else { "not " };
    let plural = if *evaluation_periods == 1 { "" } else { "s" };
    let needed = if wanted {
        definition.datapoints_to_alarm()
    } else {
        evaluation_periods + 1 - definition.datapoints_to_alarm()
    };
    format!(
        "Threshold Crossed: {count} out of the last {evaluation_periods} datapoint{plural} [{list}] {were} {not}{} the \
         threshold ({threshold:?}) (minimum {needed} datapoint{} for {} -> {} transition).",
        comparison.text(),
        if needed == 1 { "" } else { "s" },
        old.name(),
        new.name(),
    )
}

fn data(now: Duration, definition: &AlarmDefinition, latest: &[(Duration, f64)]) -> String {
    let oldest_first = || latest.iter().rev();
    let full = |time: Duration| timestamp(time).strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
    let mut data = json!({
        "version": "1.0",
        "queryDate": full(now),
        "statistic": definition.statistic.name(),
        "period": definition.period_minutes * 60,
        "recentDatapoints": oldest_first().map(|(_, value)| *value).collect::<Vec<_>>(),
        "threshold": definition.threshold,
        "evaluatedDatapoints": latest
            .iter()
            .map(|(time, value)| json!({ "timestamp": full(*time), "value": value }))
            .collect::<Vec<_>>(),
    });
    if let Some((start, _)) = oldest_first().next() {
        data["startDate"] = full(*start).into();
    }
    data.to_string()
}

fn short(time: Duration) -> String {
    timestamp(time).strftime("%d/%m/%y %H:%M:%S").to_string()
}
