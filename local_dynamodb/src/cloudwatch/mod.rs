//! The part of CloudWatch's API that reads the metrics of AWS/DynamoDB and watches them with alarms.
//!
//! A request comes in one of three protocols ([`Protocol`]), each with a codec of its own ([`json`], [`cbor`], [`query`]);
//! in between it is a tree ([`value`]), and the operations are pure: a request, a [`Snapshot`] and the [`Alarms`] in, an
//! answer or an [`error`] out.
//!
//! Source of names, limits and errors: Amazon CloudWatch API Reference; the wording of the errors is that of CloudWatch
//! where it is known.

mod alarms;
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

pub(crate) use protocol::{Call, Reply};

use error::{Error, Kind};
use value::{Members, Value};

use crate::alarms::Alarms;
use crate::metrics::Snapshot;

/// An operation, decoded but for its members.
#[derive(Debug)]
pub(crate) struct Request {
    operation: Operation,
    members: Value,
}

macro_rules! operations {
    ($($name:ident)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Operation {
            $($name,)*
        }

        impl Operation {
            const NAMES: &[&str] = &[$(stringify!($name)),*];

            fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            fn find(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

operations! {
    DeleteAlarms
    DescribeAlarmHistory
    DescribeAlarms
    DescribeAlarmsForMetric
    DisableAlarmActions
    EnableAlarmActions
    GetMetricData
    GetMetricStatistics
    ListMetrics
    PutMetricAlarm
    SetAlarmState
}

impl Operation {
    fn parse(name: &str) -> Result<Self, Error> {
        Self::find(name).ok_or_else(|| {
            let all = Self::NAMES.join(", ");
            Error::new(
                Kind::InvalidAction,
                format!("The action {name} is not valid for this web service: local_dynamodb has {all}."),
            )
        })
    }
}

/// Runs an operation for a client whose requests are signed for `region`.
fn run(request: &Request, region: &str, snapshot: &Snapshot<'_>, all: &mut Alarms) -> Result<Value, Error> {
    let members = Members::of_request(&request.members)?;
    let now = snapshot.now;
    match request.operation {
        Operation::DeleteAlarms => alarms::delete_alarms(&members, now, all),
        Operation::DescribeAlarmHistory => alarms::describe_alarm_history(&members, all),
        Operation::DescribeAlarms => alarms::describe_alarms(&members, all),
        Operation::DescribeAlarmsForMetric => alarms::describe_alarms_for_metric(&members, all),
        Operation::DisableAlarmActions => alarms::set_actions_enabled(&members, now, all, false),
        Operation::EnableAlarmActions => alarms::set_actions_enabled(&members, now, all, true),
        Operation::GetMetricData => get_metric_data::run(&members, snapshot),
        Operation::GetMetricStatistics => get_metric_statistics::run(&members, snapshot),
        Operation::ListMetrics => list_metrics::run(&members, snapshot),
        Operation::PutMetricAlarm => alarms::put_metric_alarm(&members, now, region, all),
        Operation::SetAlarmState => alarms::set_alarm_state(&members, now, all),
    }
}

#[cfg(test)]
mod tests;
