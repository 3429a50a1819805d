//! Where the queries find what they ask for.

use std::num::NonZeroU32;

use super::error::Error;
use super::value::{Members, Value};
use crate::clock;
use crate::metrics::Snapshot;
use crate::metrics::{Datapoint, Series};

/// The metric with exactly these dimensions, and in the unit `unit` if there is one: its unit, and its minutes. None, if
/// nothing was counted.
pub(super) fn find<'a>(
    snapshot: &Snapshot<'a>,
    metric: &MetricName<'_>,
    unit: Option<&str>,
) -> Option<(&'static str, &'a [Datapoint])> {
    let (series, minutes) = snapshot.series.iter().find(|(series, _)| metric.is(series))?;
    let own = series.metric.unit();
    unit.is_none_or(|unit| unit == own).then_some((own, minutes))
}

/// A message for a client that requests times until `end`: a client that uses real time misses metrics, because the
/// server's clock is ahead.
pub(super) fn warning(snapshot: &Snapshot<'_>, end: u64) -> Option<String> {
    (snapshot.speed > NonZeroU32::MIN && end < snapshot.now.as_secs()).then(|| {
        format!(
            "The clock of this server runs {} times as fast as the wall's and shows {}. Metrics have the times of that clock; \
             what was counted after EndTime is not in this answer.",
            snapshot.speed,
            clock::timestamp(snapshot.now)
        )
    })
}

/// A metric as a request names it.
#[derive(Debug)]
pub(super) struct MetricName<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) dimensions: Vec<(&'a str, &'a str)>,
}

impl<'a> MetricName<'a> {
    /// Reads the members `Namespace`, `MetricName` and `Dimensions`.
    pub(super) fn read(members: &Members<'a>) -> Result<Self, Error> {
        let namespace = members.required_text("Namespace")?;
        let name = members.required_text("MetricName")?;
        let dimensions = members.structures("Dimensions")?;
        let dimensions = dimensions.iter().map(|each| Ok((each.required_text("Name")?, each.required_text("Value")?)));
        Ok(Self { namespace, name, dimensions: dimensions.collect::<Result<_, Error>>()? })
    }

    fn is(&self, series: &Series) -> bool {
        series.metric.name() == self.name
            && series.metric.namespace().name() == self.namespace
            && series.dimensions().count() == self.dimensions.len()
            && series.dimensions().all(|dimension| self.dimensions.contains(&dimension))
    }
}

/// A series as named in a response.
pub(super) fn metric_value(series: &Series) -> Value {
    let dimension =
        |(name, value): (&'static str, &str)| Value::structure([("Name", name.into()), ("Value", value.into())]);
    Value::structure([
        ("Namespace", series.metric.namespace().name().into()),
        ("MetricName", series.metric.name().into()),
        ("Dimensions", Value::List(series.dimensions().map(dimension).collect())),
    ])
}
