//! GetMetricStatistics: several statistics of one metric.

use super::error::Error;
use super::metric_name::{MetricName, find};
use super::period::{Periods, parse_statistic};
use super::value::{Members, Name, Value};
use crate::metrics::{Snapshot, Statistic, Statistics};

/// Data points in a response. Source: API Reference, "GetMetricStatistics".
const MAX_DATAPOINTS: u64 = 1440;

/// Answers a request.
pub(super) fn run(request: &Members<'_>, snapshot: &Snapshot<'_>) -> Result<Value, Error> {
    let metric = MetricName::read(request)?;
    let start = request.required("StartTime", request.timestamp("StartTime")?)?;
    let end = request.required("EndTime", request.timestamp("EndTime")?)?;
    let period = request.required("Period", request.integer("Period")?)?;
    let statistics = statistics(request)?;
    let periods = Periods::new(start, end, period)?;
    if periods.count() > MAX_DATAPOINTS {
        return Err(Error::combination(format!(
            "You have requested up to {} datapoints, which exceeds the limit of 1,440. You may reduce the datapoints \
             requested by increasing Period, or decreasing the time range.",
            with_thousands(periods.count())
        )));
    }
    let (unit, minutes) = find(snapshot, &metric, request.text("Unit")?).unwrap_or_default();
    let datapoints =
        periods.merge(minutes).iter().map(|(time, all)| datapoint(*time, all, &statistics, unit)).collect();
    Ok(Value::structure([("Label", metric.name.into()), ("Datapoints", Value::List(datapoints))]))
}

fn statistics(request: &Members<'_>) -> Result<Vec<Statistic>, Error> {
    let (names, extended) = (request.texts("Statistics")?, request.texts("ExtendedStatistics")?);
    if names.is_empty() && extended.is_empty() {
        return Err(Error::combination(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        ));
    }
    let names = names.into_iter().map(|name| ("Statistics", name));
    let extended = extended.into_iter().map(|name| ("ExtendedStatistics", name));
    names.chain(extended).map(|(parameter, name)| parse_statistic(parameter, name)).collect()
}

fn datapoint(time: u64, all: &Statistics, wanted: &[Statistic], unit: &'static str) -> Value {
    let mut members = vec![(Name::Borrowed("Timestamp"), Value::Timestamp(time as f64))];
    for statistic in Statistic::ALL.into_iter().filter(|each| wanted.contains(each)) {
        members.push((statistic.name().into(), Value::Double(statistic.of(all))));
    }
    members.push((Name::Borrowed("Unit"), unit.into()));
    Value::Structure(members)
}

fn with_thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}
