//! DescribeAlarms and DescribeAlarmsForMetric.

use super::super::error::{Error, Kind};
use super::super::metric_name::MetricName;
use super::super::value::{Members, Name, Value};
use super::{MAX_ALARMS, max_records, not_one_of, too_many_names};
use crate::alarms::{Alarm, Alarms, StateValue};

pub(in super::super) fn describe_alarms(members: &Members<'_>, alarms: &Alarms) -> Result<Value, Error> {
    let filter = Filter::read(members)?;
    let max = max_records(members)?;
    let after = members.text("NextToken")?;
    if after.is_some_and(|token| !token.starts_with(TOKEN)) {
        return Err(Error::new(Kind::InvalidNextToken, "The token is not one that DescribeAlarms gave."));
    }
    let after = after.and_then(|token| token.strip_prefix(TOKEN));
    let mut found = alarms
        .iter()
        .filter(|alarm| after.is_none_or(|after| &*alarm.definition.name > after))
        .filter(|alarm| filter.takes(alarm));
    let shown: Vec<_> = found.by_ref().take(max).collect();
    let mut answer = vec![
        (Name::Borrowed("MetricAlarms"), shown.iter().map(|alarm| alarm_value(alarm)).collect()),
        (Name::Borrowed("CompositeAlarms"), Value::List(Vec::new())),
    ];
    if let (Some(last), Some(_)) = (shown.last(), found.next()) {
        answer.push((Name::Borrowed("NextToken"), Value::Text(format!("{TOKEN}{}", last.definition.name))));
    }
    Ok(Value::Structure(answer))
}

/// Followed by the name of the last alarm shown.
const TOKEN: &str = "after:";

pub(in super::super) fn describe_alarms_for_metric(members: &Members<'_>, alarms: &Alarms) -> Result<Value, Error> {
    let metric = MetricName::read(members).map_err(Error::into_validation)?;
    let (statistic, period, unit) = (members.text("Statistic")?, members.integer("Period")?, members.text("Unit")?);
    let same_metric = |alarm: &Alarm| {
        let own = &alarm.definition.metric;
        own.namespace == metric.namespace
            && own.name == metric.name
            && own.dimensions.len() == metric.dimensions.len()
            && own.dimensions.iter().all(|(name, value)| metric.dimensions.contains(&(name, value)))
    };
    let found = alarms.iter().filter(|alarm| same_metric(alarm)).filter(|alarm| {
        let own = &alarm.definition;
        statistic.is_none_or(|statistic| own.statistic.name() == statistic)
            && period.is_none_or(|period| own.period_minutes * 60 == period.unsigned_abs())
            && unit.is_none_or(|unit| own.unit.as_deref() == Some(unit))
    });
    Ok(Value::structure([("MetricAlarms", found.map(alarm_value).collect())]))
}

struct Filter<'a> {
    names: Vec<&'a str>,
    prefix: &'a str,
    metric_alarms: bool,
    state: Option<StateValue>,
    action_prefix: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn read(members: &Members<'a>) -> Result<Self, Error> {
        let names = members.texts("AlarmNames")?;
        let prefix = members.text("AlarmNamePrefix")?;
        if names.len() > MAX_ALARMS {
            return Err(too_many_names());
        }
        if !names.is_empty() && prefix.is_some() {
            return Err(Error::new(Kind::Validation, "AlarmNamePrefix and AlarmNames cannot be specified together."));
        }
        let state = members.text("StateValue")?.map(|name| {
            StateValue::parse(name).ok_or_else(|| not_one_of("stateValue", name, "OK, ALARM, INSUFFICIENT_DATA"))
        });
        let types = members.texts("AlarmTypes")?;
        Ok(Self {
            names,
            prefix: prefix.unwrap_or_default(),
            metric_alarms: types.is_empty() || types.contains(&"MetricAlarm"),
            state: state.transpose()?,
            action_prefix: members.text("ActionPrefix")?,
        })
    }

    fn takes(&self, alarm: &Alarm) -> bool {
        let own = &alarm.definition;
        let mut actions = own.alarm_actions.iter().chain(&own.ok_actions).chain(&own.insufficient_data_actions);
        self.metric_alarms
            && (self.names.is_empty() || self.names.contains(&&*own.name))
            && own.name.starts_with(self.prefix)
            && self.state.is_none_or(|state| alarm.state == state)
            && self.action_prefix.is_none_or(|prefix| actions.any(|action| action.starts_with(prefix)))
    }
}

fn alarm_value(alarm: &Alarm) -> Value {
    let own = &alarm.definition;
    let list = |actions: &[String]| actions.iter().map(|action| Value::from(&**action)).collect::<Value>();
    let dimension =
        |(name, value): &(String, String)| Value::structure([("Name", (&**name).into()), ("Value", (&**value).into())]);
    let time = |time: std::time::Duration| Some(Value::Timestamp(time.as_secs_f64()));
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let number = |number: usize| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let members = [
        ("AlarmName", Some((&*own.name).into())),
        ("AlarmArn", Some((&*alarm.arn).into())),
        ("AlarmDescription", text(&own.description)),
        ("AlarmConfigurationUpdatedTimestamp", time(alarm.configured)),
        ("ActionsEnabled", Some(Value::Bool(own.actions_enabled))),
        ("OKActions", Some(list(&own.ok_actions))),
        ("AlarmActions", Some(list(&own.alarm_actions))),
        ("InsufficientDataActions", Some(list(&own.insufficient_data_actions))),
        ("StateValue", Some(alarm.state.name().into())),
        ("StateReason", Some((&*alarm.reason).into())),
        ("StateReasonData", text(&alarm.reason_data)),
        ("StateUpdatedTimestamp", time(alarm.updated)),
        ("MetricName", Some((&*own.metric.name).into())),
        ("Namespace", Some((&*own.metric.namespace).into())),
        ("Statistic", Some(own.statistic.name().into())),
        ("Dimensions", Some(own.metric.dimensions.iter().map(dimension).collect())),
        ("Period", Some(number((own.period_minutes * 60) as usize))),
        ("Unit", text(&own.unit)),
        ("EvaluationPeriods", Some(number(own.evaluation_periods))),
        ("DatapointsToAlarm", own.datapoints_to_alarm.map(number)),
        ("Threshold", Some(Value::Double(own.threshold))),
        ("ComparisonOperator", Some(own.comparison.name().into())),
        ("TreatMissingData", own.treat_missing_data.map(|treatment| treatment.name().into())),
        ("StateTransitionedTimestamp", time(alarm.transitioned)),
    ];
    Value::Structure(members.into_iter().filter_map(|(name, value)| Some((Name::Borrowed(name), value?))).collect())
}
