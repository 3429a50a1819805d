//! The operations on alarms. Source of members and limits: Amazon CloudWatch API Reference.

mod describe;
mod history;
mod put;

pub(super) use describe::{describe_alarms, describe_alarms_for_metric};
pub(super) use history::describe_alarm_history;
pub(super) use put::put_metric_alarm;

use std::time::Duration;

use super::error::{Error, Kind};
use super::value::{Members, Value};
use crate::alarms::{Alarms, StateValue};

/// Alarms named in a request and in a response.
const MAX_ALARMS: usize = 100;

pub(super) fn delete_alarms(members: &Members<'_>, now: Duration, alarms: &mut Alarms) -> Result<Value, Error> {
    let names = names(members)?;
    // "If you specify any incorrect alarm names, the alarms you specify with correct names are still deleted."
    let unknown: Vec<_> = names.into_iter().filter(|name| !alarms.delete(now, name)).collect();
    if unknown.is_empty() { Ok(nothing()) } else { Err(not_found(&unknown)) }
}

pub(super) fn set_alarm_state(members: &Members<'_>, now: Duration, alarms: &mut Alarms) -> Result<Value, Error> {
    let name = members.required_text("AlarmName").map_err(Error::into_validation)?;
    let state = members.required_text("StateValue").map_err(Error::into_validation)?;
    let reason = members.required("StateReason", members.text("StateReason")?).map_err(Error::into_validation)?;
    let state =
        StateValue::parse(state).ok_or_else(|| not_one_of("stateValue", state, "OK, ALARM, INSUFFICIENT_DATA"))?;
    let data = members.text("StateReasonData")?;
    if data.is_some_and(|data| serde_json::from_str::<serde::de::IgnoredAny>(data).is_err()) {
        return Err(Error::new(Kind::InvalidFormat, "StateReasonData is not valid JSON."));
    }
    if alarms.set_state(now, name, state, reason, data) { Ok(nothing()) } else { Err(not_found(&[name])) }
}

/// Enables or disables the actions of alarms. Names that no alarm has are ignored.
pub(super) fn set_actions_enabled(
    members: &Members<'_>,
    now: Duration,
    alarms: &mut Alarms,
    enabled: bool,
) -> Result<Value, Error> {
    for name in names(members)? {
        alarms.set_actions_enabled(now, name, enabled);
    }
    Ok(nothing())
}

fn names<'a>(members: &Members<'a>) -> Result<Vec<&'a str>, Error> {
    let names = members.texts("AlarmNames")?;
    match names.len() {
        0 => Err(Error::missing("AlarmNames").into_validation()),
        1..=MAX_ALARMS => Ok(names),
        _ => Err(too_many_names()),
    }
}

fn too_many_names() -> Error {
    Error::new(
        Kind::Validation,
        format!(
            "1 validation error detected: Value at 'alarmNames' failed to satisfy constraint: Member must have length less \
             than or equal to {MAX_ALARMS}"
        ),
    )
}

fn max_records(members: &Members<'_>) -> Result<usize, Error> {
    let wanted = members.integer("MaxRecords")?.unwrap_or(MAX_ALARMS as i64);
    usize::try_from(wanted).ok().filter(|wanted| (1..=MAX_ALARMS).contains(wanted)).ok_or_else(|| {
        let limit = if wanted < 1 { "greater than or equal to 1".to_owned() } else { format!("less than or equal to {MAX_ALARMS}") };
        Error::new(
            Kind::Validation,
            format!(
                "1 validation error detected: Value '{wanted}' at 'maxRecords' failed to satisfy constraint: Member must \
                 have value {limit}"
            ),
        )
    })
}

fn not_one_of(parameter: &str, value: &str, allowed: &str) -> Error {
    Error::new(
        Kind::Validation,
        format!(
            "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy constraint: Member must \
             satisfy enum value set: [{allowed}]"
        ),
    )
}

fn not_found(names: &[&str]) -> Error {
    Error::new(Kind::ResourceNotFound, format!("There is no alarm named {}.", names.join(", ")))
}

fn nothing() -> Value {
    Value::Structure(Vec::new())
}

#[cfg(test)]
mod tests;
