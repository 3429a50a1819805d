//! PutMetricAlarm.

use std::time::Duration;

use super::super::error::{Error, Kind};
use super::super::period::parse_statistic;
use super::super::value::{Members, Value};
use super::{not_one_of, nothing};
use crate::alarms::{AlarmDefinition, Alarms, Comparison, MetricId, MissingData};

const MAX_NAME: usize = 255;
const MAX_ACTIONS: usize = 5;
const MAX_DIMENSIONS: usize = 30;
const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
const HOUR: i64 = 3_600;

/// What a metric alarm could watch, and what local_dynamodb cannot.
const NOT_SUPPORTED: [(&str, &str); 5] = [
    ("Metrics", "it does no metric math: use MetricName"),
    ("ThresholdMetricId", "it has no anomaly detection: use Threshold"),
    ("ExtendedStatistic", "it keeps SampleCount, Average, Sum, Minimum and Maximum of each minute: use Statistic"),
    ("EvaluationCriteria", "it has no alarms on queries: use MetricName"),
    ("EvaluationInterval", "it evaluates alarms every minute"),
];

pub(in super::super) fn put_metric_alarm(
    members: &Members<'_>,
    now: Duration,
    region: &str,
    alarms: &mut Alarms,
) -> Result<Value, Error> {
    alarms.put(now, region, definition(members).map_err(Error::into_validation)?);
    Ok(nothing())
}

fn definition(members: &Members<'_>) -> Result<AlarmDefinition, Error> {
    for (parameter, why) in NOT_SUPPORTED {
        if members.has(parameter) {
            return Err(Error::invalid(format!(
                "The parameter {parameter} is not supported by local_dynamodb: {why}."
            )));
        }
    }
    let name = members.required_text("AlarmName")?;
    if name.chars().count() > MAX_NAME {
        return Err(Error::invalid(format!(
            "1 validation error detected: Value '{name}' at 'alarmName' failed to satisfy constraint: Member must have \
             length less than or equal to {MAX_NAME}"
        )));
    }
    let comparison = members.required_text("ComparisonOperator")?;
    let statistic = members.required_text("Statistic")?;
    let (period, evaluation_periods, datapoints_to_alarm) = periods(members)?;
    Ok(AlarmDefinition {
        name: name.to_owned(),
        description: members.text("AlarmDescription")?.map(ToOwned::to_owned),
        actions_enabled: members.bool("ActionsEnabled")?.unwrap_or(true),
        ok_actions: actions(members, "OKActions")?,
        alarm_actions: actions(members, "AlarmActions")?,
        insufficient_data_actions: actions(members, "InsufficientDataActions")?,
        metric: metric(members)?,
        statistic: parse_statistic("Statistic", statistic)?,
        unit: members.text("Unit")?.map(ToOwned::to_owned),
        period_minutes: period / 60,
        evaluation_periods,
        datapoints_to_alarm,
        threshold: members.required("Threshold", members.double("Threshold")?)?,
        comparison: Comparison::parse(comparison).ok_or_else(|| {
            let allowed =
                "GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold";
            not_one_of("comparisonOperator", comparison, allowed)
        })?,
        treat_missing_data: treat_missing_data(members)?,
    })
}

fn metric(members: &Members<'_>) -> Result<MetricId, Error> {
    let dimensions = members.structures("Dimensions")?;
    if dimensions.len() > MAX_DIMENSIONS {
        return Err(Error::invalid(format!(
            "The collection Dimensions must not have a size greater than {MAX_DIMENSIONS}."
        )));
    }
    let dimensions = dimensions
        .iter()
        .map(|each| Ok((each.required_text("Name")?.to_owned(), each.required_text("Value")?.to_owned())));
    Ok(MetricId {
        namespace: members.required_text("Namespace")?.to_owned(),
        name: members.required_text("MetricName")?.to_owned(),
        dimensions: dimensions.collect::<Result<_, Error>>()?,
    })
}

/// The period in seconds, the evaluation periods, and the data points to alarm.
fn periods(members: &Members<'_>) -> Result<(u64, usize, Option<usize>), Error> {
    let period = members.required("Period", members.integer("Period")?)?;
    let evaluated = members.required("EvaluationPeriods", members.integer("EvaluationPeriods")?)?;
    let needed = members.integer("DatapointsToAlarm")?;
    if period <= 0 || period % 60 != 0 {
        return Err(Error::invalid(format!(
            "Period must be a multiple of 60, and is {period}: these metrics have a value for each minute."
        )));
    }
    if evaluated < 1 {
        return Err(Error::invalid(format!(
            "1 validation error detected: Value '{evaluated}' at 'evaluationPeriods' failed to satisfy constraint: Member \
             must have value greater than or equal to 1"
        )));
    }
    if needed.is_some_and(|needed| needed < 1 || needed > evaluated) {
        return Err(Error::invalid("DatapointsToAlarm must be between 1 and EvaluationPeriods."));
    }
    let (longest, longest_text) = if period < HOUR { (DAY, "one day") } else { (WEEK, "7 days") };
    let checked = period.checked_mul(evaluated).filter(|whole| *whole <= longest);
    let whole = || {
        Error::invalid(format!(
            "Metrics cannot be checked across more than {longest_text} (EvaluationPeriods * Period must be <= {longest})."
        ))
    };
    checked.ok_or_else(whole)?;
    let count = |number: i64| usize::try_from(number).map_err(|_| whole());
    Ok((period.unsigned_abs(), count(evaluated)?, needed.map(count).transpose()?))
}

fn treat_missing_data(members: &Members<'_>) -> Result<Option<MissingData>, Error> {
    let Some(name) = members.text("TreatMissingData")? else { return Ok(None) };
    let known = MissingData::parse(name).ok_or_else(|| {
        Error::new(Kind::Validation, format!("TreatMissingData was set to invalid value {name}. Valid values are breaching, notBreaching, ignore and missing."))
    })?;
    Ok(Some(known))
}

/// They are kept and shown; no one is notified.
fn actions(members: &Members<'_>, name: &str) -> Result<Vec<String>, Error> {
    let actions = members.texts(name)?;
    if actions.len() > MAX_ACTIONS {
        return Err(Error::invalid(format!("The collection {name} must not have a size greater than {MAX_ACTIONS}.")));
    }
    if let Some(wrong) = actions.iter().find(|action| !action.starts_with("arn:")) {
        return Err(Error::invalid(format!("Invalid arn syntax: {wrong}")));
    }
    Ok(actions.into_iter().map(ToOwned::to_owned).collect())
}
