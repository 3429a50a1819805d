//! The part of CloudWatch's API that reads the metrics of AWS/DynamoDB: ListMetrics, GetMetricStatistics, GetMetricData.
//!
//! A request comes in one of three protocols ([`Protocol`]), each with a codec of its own ([`json`], [`cbor`], [`query`]);
//! in between it is a tree ([`value`]), and the operations are pure: a request and a [`Snapshot`] in, an answer or an
//! [`error`] out.
//!
//! Source of names, limits and errors: Amazon CloudWatch API Reference; the wording of the errors is that of CloudWatch
//! where it is known.

mod cbor;
mod error;
mod get_metric_data;
mod get_metric_statistics;
mod json;
mod list_metrics;
mod metric_name;
mod period;
mod protocol;
mod query;
mod value;

pub(crate) use protocol::Call;

use error::{Error, Kind};
use value::{Members, Value};

use crate::metrics::Snapshot;

/// An operation, decoded but for its members.
#[derive(Debug)]
pub(crate) struct Request {
    operation: Operation,
    members: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    GetMetricData,
    GetMetricStatistics,
    ListMetrics,
}

impl Operation {
    const ALL: [Self; 3] = [Self::GetMetricData, Self::GetMetricStatistics, Self::ListMetrics];

    fn name(self) -> &'static str {
        match self {
            Self::GetMetricData => "GetMetricData",
            Self::GetMetricStatistics => "GetMetricStatistics",
            Self::ListMetrics => "ListMetrics",
        }
    }

    fn parse(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|each| each.name() == name).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            Error::new(
                Kind::InvalidAction,
                format!("The action {name} is not valid for this web service: local_dynamodb has {all}."),
            )
        })
    }
}

fn run(request: &Request, snapshot: &Snapshot<'_>) -> Result<Value, Error> {
    let members = Members::of_request(&request.members)?;
    match request.operation {
        Operation::GetMetricData => get_metric_data::run(&members, snapshot),
        Operation::GetMetricStatistics => get_metric_statistics::run(&members, snapshot),
        Operation::ListMetrics => list_metrics::run(&members, snapshot),
    }
}

#[cfg(test)]
mod tests;
