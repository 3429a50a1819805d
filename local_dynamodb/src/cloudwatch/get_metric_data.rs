//! GetMetricData: one statistic of each of several metrics.

use std::collections::HashSet;

use super::error::{Error, Kind};
use super::metric_name::{MetricName, find, warning};
use super::period::{Periods, parse_statistic};
use super::value::{Members, Name, Value};
use crate::metrics::{Snapshot, Statistic, Statistics};

/// Source of the limits: API Reference, "GetMetricData".
const MAX_QUERIES: usize = 500;
const MAX_DATAPOINTS: usize = 100_800;

/// Answers a request.
pub(super) fn run(request: &Members<'_>, snapshot: &Snapshot<'_>) -> Result<Value, Error> {
    let request = Request::read(request).map_err(Error::into_validation)?;
    let mut left = request.max_datapoints;
    let mut results = Vec::new();
    let mut next = None;
    let (first, after) = request.resume;
    for (position, query) in request.queries.iter().enumerate().skip(first).filter(|(_, query)| query.returned) {
        if left == 0 {
            next = Some(Token { position, after: None });
            break;
        }
        let (_, minutes) = find(snapshot, &query.metric, query.unit).unwrap_or_default();
        let mut points = query.periods.merge(minutes);
        if request.descending {
            points.reverse();
        }
        if let (true, Some(after)) = (position == first, after) {
            points.retain(|(time, _)| if request.descending { *time < after } else { *time > after });
        }
        let complete = points.len() <= left;
        points.truncate(left);
        left -= points.len();
        results.push(query.result(&request.label(query), &points, complete));
        if !complete {
            next = Some(Token { position, after: points.last().map(|(time, _)| *time) });
            break;
        }
    }
    let message = warning(snapshot, request.end).map(|text| message("ServerClock", &text));
    let mut members = vec![
        (Name::Borrowed("MetricDataResults"), Value::List(results)),
        (Name::Borrowed("Messages"), Value::List(message.into_iter().collect())),
    ];
    if let Some(token) = next {
        members.push((Name::Borrowed("NextToken"), Value::Text(token.to_text())));
    }
    Ok(Value::Structure(members))
}

struct Request<'a> {
    queries: Vec<Query<'a>>,
    end: u64,
    descending: bool,
    max_datapoints: usize,
    /// The query to continue with, and the time after which.
    resume: (usize, Option<u64>),
}

struct Query<'a> {
    id: &'a str,
    metric: MetricName<'a>,
    periods: Periods,
    statistic: Statistic,
    unit: Option<&'a str>,
    label: Option<&'a str>,
    returned: bool,
}

impl<'a> Request<'a> {
    fn read(members: &Members<'a>) -> Result<Self, Error> {
        let start = members.required("StartTime", members.timestamp("StartTime")?)?;
        let end = members.required("EndTime", members.timestamp("EndTime")?)?;
        let queries = members.structures("MetricDataQueries")?;
        if queries.is_empty() {
            return Err(Error::missing("MetricDataQueries"));
        }
        if queries.len() > MAX_QUERIES {
            return Err(Error::invalid(format!(
                "The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
            )));
        }
        let queries = queries.iter().map(|query| Query::read(query, start, end)).collect::<Result<Vec<_>, Error>>()?;
        let mut ids = HashSet::new();
        if let Some(twice) = queries.iter().find(|query| !ids.insert(query.id)) {
            return Err(Error::invalid(format!(
                "The values for parameter Id in MetricDataQueries are not unique: {}.",
                twice.id
            )));
        }
        let resume = match members.text("NextToken")? {
            None => (0, None),
            Some(text) => Token::parse(text, queries.len())
                .map(|token| (token.position, token.after))
                .ok_or_else(|| Error::new(Kind::InvalidNextToken, "The token is not one that GetMetricData gave."))?,
        };
        Ok(Self { queries, end, descending: descending(members)?, max_datapoints: max_datapoints(members)?, resume })
    }

    /// The one asked for; or the metric's name, with the values of its dimensions where several metrics have that name.
    fn label(&self, query: &Query<'_>) -> String {
        if let Some(label) = query.label {
            return label.to_owned();
        }
        let alike = self.queries.iter().filter(|other| other.metric.name == query.metric.name);
        if alike.count() == 1 {
            return query.metric.name.to_owned();
        }
        let values = query.metric.dimensions.iter().map(|(_, value)| *value);
        values.chain([query.metric.name]).collect::<Vec<_>>().join(" ")
    }
}

impl<'a> Query<'a> {
    fn read(members: &Members<'a>, start: u64, end: u64) -> Result<Self, Error> {
        let id = members.required_text("Id")?;
        let begins_well = id.starts_with(|first: char| first.is_ascii_lowercase());
        if !begins_well || !id.chars().all(|each| each.is_ascii_alphanumeric() || each == '_') {
            return Err(Error::invalid(format!(
                "The value {id} for parameter {} is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                members.path("Id")
            )));
        }
        if members.text("Expression")?.is_some() {
            return Err(Error::invalid(format!(
                "The parameter {} is not supported by local_dynamodb, which does no metric math: use MetricStat, and \
                 calculate with the values.",
                members.path("Expression")
            )));
        }
        let label = members.text("Label")?.filter(|label| !label.is_empty());
        if label.is_some_and(|label| label.contains("${")) {
            return Err(Error::invalid(format!(
                "The parameter {} has a dynamic label, which local_dynamodb does not support.",
                members.path("Label")
            )));
        }
        let stat = members.required("MetricStat", members.structure("MetricStat")?)?;
        let metric = stat.required("Metric", stat.structure("Metric")?)?;
        let period = stat.required("Period", stat.integer("Period")?)?;
        Ok(Self {
            id,
            metric: MetricName::read(&metric)?,
            periods: Periods::new(start, end, period)?,
            statistic: parse_statistic(&stat.path("Stat"), stat.required_text("Stat")?)?,
            unit: stat.text("Unit")?,
            label,
            returned: members.bool("ReturnData")?.unwrap_or(true),
        })
    }

    fn result(&self, label: &str, points: &[(u64, Statistics)], complete: bool) -> Value {
        Value::structure([
            ("Id", self.id.into()),
            ("Label", label.into()),
            ("Timestamps", points.iter().map(|(time, _)| Value::Timestamp(*time as f64)).collect()),
            ("Values", points.iter().map(|(_, all)| Value::Double(self.statistic.of(all))).collect()),
            ("StatusCode", if complete { "Complete" } else { "PartialData" }.into()),
        ])
    }
}

fn descending(members: &Members<'_>) -> Result<bool, Error> {
    match members.text("ScanBy")? {
        None | Some("TimestampDescending") => Ok(true),
        Some("TimestampAscending") => Ok(false),
        Some(other) => Err(Error::invalid(format!(
            "The value {other} for parameter ScanBy is not TimestampDescending or TimestampAscending."
        ))),
    }
}

fn max_datapoints(members: &Members<'_>) -> Result<usize, Error> {
    let wanted = members.integer("MaxDatapoints")?.map_or(Ok(MAX_DATAPOINTS), usize::try_from);
    wanted
        .ok()
        .filter(|wanted| (1..=MAX_DATAPOINTS).contains(wanted))
        .ok_or_else(|| Error::invalid(format!("The parameter MaxDatapoints must be between 1 and {MAX_DATAPOINTS}.")))
}

fn message(code: &'static str, text: &str) -> Value {
    Value::structure([("Code", code.into()), ("Value", text.into())])
}

/// Where a response ended: at a query, after its values up to a time, if it had any.
struct Token {
    position: usize,
    after: Option<u64>,
}

impl Token {
    fn to_text(&self) -> String {
        match self.after {
            None => self.position.to_string(),
            Some(after) => format!("{}:{after}", self.position),
        }
    }

    fn parse(text: &str, queries: usize) -> Option<Self> {
        let (position, after) = match text.split_once(':') {
            None => (text, None),
            Some((position, after)) => (position, Some(after.parse().ok()?)),
        };
        let position = position.parse().ok().filter(|position| *position < queries)?;
        Some(Self { position, after })
    }
}
