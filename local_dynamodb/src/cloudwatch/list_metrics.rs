//! ListMetrics: which metrics there are.

use super::error::Error;
use super::metric_name::metric_value;
use super::value::{Members, Name, Value};
use crate::metrics::Snapshot;
use crate::metrics::{Datapoint, Series};

/// Metrics in a response. Source: API Reference, "ListMetrics".
const MAX_METRICS: usize = 500;
/// `RecentlyActive` has this one value: metrics with values in the last three hours.
const RECENTLY: &str = "PT3H";
const RECENT_MINUTES: u64 = 3 * 60;

/// Answers a request.
pub(super) fn run(request: &Members<'_>, snapshot: &Snapshot<'_>) -> Result<Value, Error> {
    let filter = Filter::read(request, snapshot)?;
    let after = match request.text("NextToken")? {
        None => 0,
        Some(token) => {
            let last = snapshot.series.iter().position(|(series, _)| token_of(series) == token);
            last.ok_or_else(|| Error::invalid("The value for parameter NextToken is not one that ListMetrics gave."))?
                + 1
        }
    };
    let mut found = snapshot.series[after..].iter().filter(|(series, minutes)| filter.takes(series, minutes));
    let metrics: Vec<_> = found.by_ref().take(MAX_METRICS).map(|(series, _)| *series).collect();
    let mut members = vec![(Name::Borrowed("Metrics"), metrics.iter().map(|series| metric_value(series)).collect())];
    if let (Some(last), Some(_)) = (metrics.last(), found.next()) {
        members.push((Name::Borrowed("NextToken"), Value::Text(token_of(last))));
    }
    Ok(Value::Structure(members))
}

struct Filter<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    dimensions: Vec<(&'a str, Option<&'a str>)>,
    since: u64,
}

impl<'a> Filter<'a> {
    fn read(request: &Members<'a>, snapshot: &Snapshot<'_>) -> Result<Self, Error> {
        let dimensions = request.structures("Dimensions")?;
        let dimensions = dimensions.iter().map(|each| Ok((each.required_text("Name")?, each.text("Value")?)));
        let since = match request.text("RecentlyActive")? {
            None => 0,
            Some(RECENTLY) => (snapshot.now.as_secs() / 60).saturating_sub(RECENT_MINUTES),
            Some(other) => {
                return Err(Error::invalid(format!(
                    "The value {other} for parameter RecentlyActive is not {RECENTLY}, the only one that it can have."
                )));
            }
        };
        Ok(Self {
            namespace: request.text("Namespace")?,
            name: request.text("MetricName")?,
            dimensions: dimensions.collect::<Result<_, Error>>()?,
            since,
        })
    }

    /// A metric may have more dimensions than were asked for.
    fn takes(&self, series: &Series, minutes: &[Datapoint]) -> bool {
        let has = |(name, value): &(&str, Option<&str>)| {
            series.dimensions().any(|(each, its)| each == *name && value.is_none_or(|value| value == its))
        };
        self.namespace.is_none_or(|namespace| namespace == series.metric.namespace().name())
            && self.name.is_none_or(|name| name == series.metric.name())
            && self.dimensions.iter().all(has)
            && minutes.last().is_some_and(|(minute, _)| *minute >= self.since)
    }
}

/// Identifies the last metric of a response. The next page starts after it, even if there are new metrics by then.
fn token_of(series: &Series) -> String {
    let dimensions: Vec<_> = series.dimensions().map(|(_, value)| value).collect();
    format!("{}:{}:{}", series.metric.name(), series.operation.unwrap_or_default(), dimensions.join(":"))
}
