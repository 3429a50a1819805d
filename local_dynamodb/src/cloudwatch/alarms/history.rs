//! DescribeAlarmHistory.

use super::super::error::{Error, Kind};
use super::super::value::{Members, Name, Value};
use super::{max_records, not_one_of};
use crate::alarms::{Alarms, HistoryItem};

pub(in super::super) fn describe_alarm_history(members: &Members<'_>, alarms: &Alarms) -> Result<Value, Error> {
    let name = members.text("AlarmName")?;
    let kind = members.text("HistoryItemType")?;
    let (start, end) = (members.timestamp("StartDate")?, members.timestamp("EndDate")?);
    let max = max_records(members)?;
    let descending = match members.text("ScanBy")? {
        None | Some("TimestampDescending") => true,
        Some("TimestampAscending") => false,
        Some(other) => return Err(not_one_of("scanBy", other, "TimestampDescending, TimestampAscending")),
    };
    let first = members.text("NextToken")?.map_or(Ok(0), str::parse::<usize>);
    let first = first
        .map_err(|_| Error::new(Kind::InvalidNextToken, "The token is not one that DescribeAlarmHistory gave."))?;
    let mut found: Vec<_> = alarms
        .history()
        .filter(|item| {
            name.is_none_or(|name| item.alarm == name)
                && kind.is_none_or(|kind| item.kind.name() == kind)
                && start.is_none_or(|start| item.time.as_secs() >= start)
                && end.is_none_or(|end| item.time.as_secs() <= end)
        })
        .collect();
    if !descending {
        found.reverse();
    }
    let shown = found.iter().skip(first).take(max);
    let mut answer = vec![(Name::Borrowed("AlarmHistoryItems"), shown.map(|item| item_value(item)).collect())];
    if found.len() > first.saturating_add(max) {
        answer.push((Name::Borrowed("NextToken"), Value::Text((first + max).to_string())));
    }
    Ok(Value::Structure(answer))
}

fn item_value(item: &HistoryItem) -> Value {
    Value::structure([
        ("AlarmName", (&*item.alarm).into()),
        ("AlarmType", "MetricAlarm".into()),
        ("Timestamp", Value::Timestamp(item.time.as_secs_f64())),
        ("HistoryItemType", item.kind.name().into()),
        ("HistorySummary", (&*item.summary).into()),
        ("HistoryData", (&*item.data).into()),
    ])
}
