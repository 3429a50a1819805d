//! Why requests are throttled.

use std::fmt::Write as _;

use super::wording::{Kind, capitalised, count, provisioned, seconds, units};
use crate::monitor::situation::{Resource, Situation};

/// The resource at which most was refused lately, and why.
pub(super) fn throttled(situation: &Situation<'_>, kind: Kind) -> Option<(String, String)> {
    let refused = |resource: &&Resource<'_>| kind.of(resource).recent.total();
    let worst = situation.resources.iter().max_by(|a, b| refused(a).total_cmp(&refused(b)))?;
    let recent = kind.of(worst).recent;
    if recent.total() == 0.0 {
        return None;
    }
    Some(match worst.index {
        _ if kind.of(worst).capacity.is_some_and(|state| state.provisioned.is_none()) => {
            on_demand(situation, worst, kind)
        }
        _ if recent.partition_key > recent.throughput => hot_key(situation, worst, kind),
        Some(index) if kind == Kind::Write => back_pressure(situation, worst, index),
        _ => out_of_capacity(situation, worst, kind),
    })
}

fn back_pressure(situation: &Situation<'_>, resource: &Resource<'_>, index: &str) -> (String, String) {
    let table = situation.table;
    let mut now = format!("All writes to {table} wait for its index {index}. ");
    if let (Some(backlog), Some(provisioned)) = (resource.backlog, provisioned(&resource.write)) {
        let _ = write!(
            now,
            "The index has {} a second and is asked for more: {} of its writes wait between the table and the index, of at \
             most {}. While no more fit in, every write to the table is refused, also one that would not enter the index. ",
            units(provisioned, Kind::Write),
            count(backlog.backlog as f64),
            count(backlog.backlog_limit as f64),
        );
        if let Some(time) = seconds(backlog.backlog_units.as_f64(), provisioned) {
            let _ = write!(now, "What waits takes the index {time}. ");
        }
    }
    if let Some(own) = provisioned(&situation.resources[0].write) {
        let rate = situation.resources[0].write.rate;
        let reason =
            if situation.resources[0].write.recent.total() == 0.0 { "is not the reason" } else { "refuses, too" };
        let _ = write!(now, "The table itself {reason}: it takes {} of its {}.", count(rate), units(own, Kind::Write));
    }
    (format!("{table}: writes are refused because of its index {index}"), now.trim_end().into())
}

fn out_of_capacity(situation: &Situation<'_>, resource: &Resource<'_>, kind: Kind) -> (String, String) {
    let (table, noun) = (situation.table, kind.noun());
    let name = resource.index.map_or_else(|| table.to_owned(), |index| format!("the index {index}"));
    let limit = provisioned(kind.of(resource)).map(|own| units(own, kind)).unwrap_or_default();
    let mut now = format!(
        "{} has {limit} a second. The burst that it had saved up is spent, so whatever is asked for beyond that is refused at \
         once, and has to be sent again later.",
        capitalised(&name),
    );
    let others = situation.resources.iter().filter(|each| each.index.is_some() && kind.of(each).recent.total() == 0.0);
    if let (Kind::Write, None) = (kind, resource.index) {
        for other in others {
            let index = other.index.unwrap_or_default();
            let waiting = other.backlog.map_or(0, |backlog| backlog.backlog);
            let _ = write!(
                now,
                " Its index {index} refuses nothing: a table refuses at once, but an index lets up to {} writes wait for it ({} \
                 do now), and gets no more of them than the table takes.",
                count(other.backlog.map_or(0, |backlog| backlog.backlog_limit) as f64),
                count(waiting as f64),
            );
        }
    }
    let reason = if resource.index.is_none() { "its own capacity" } else { "the capacity of an index" };
    (format!("{table}: {noun}s are refused because of {reason}"), now)
}

/// A table or index on demand that refuses.
fn on_demand(situation: &Situation<'_>, resource: &Resource<'_>, kind: Kind) -> (String, String) {
    let (table, noun) = (situation.table, kind.noun());
    let name = resource.index.map_or_else(|| table.to_owned(), |index| format!("the index {index}"));
    let name = capitalised(&name);
    let activity = kind.of(resource);
    let (recent, state) = (activity.recent, activity.capacity);
    let warm = state.map_or(0.0, |state| state.warm as f64);
    let (reason, now) = match state.and_then(|state| state.maximum) {
        Some(maximum) if recent.maximum >= recent.partition_key && recent.maximum >= recent.quota => (
            "its maximum",
            format!(
                "{name} is on demand and has a maximum of {} a second. Whatever is asked for beyond that is refused.",
                units(maximum as f64, kind)
            ),
        ),
        _ if recent.quota > recent.partition_key => (
            "the quota of a table",
            format!("{name} is on demand, and asked for more than the account's quota gives to one table."),
        ),
        _ => (
            "its partitions",
            format!(
                "{name} is on demand: its partitions serve {} a second, and one value of the partition key {} at most. They \
                 grow when the load has grown, up to twice its peak.",
                units(warm, kind),
                units(kind.partition_limit().into(), kind),
            ),
        ),
    };
    (format!("{table}: {noun}s are refused because of {reason}"), now)
}

fn hot_key(situation: &Situation<'_>, resource: &Resource<'_>, kind: Kind) -> (String, String) {
    let (table, noun) = (situation.table, kind.noun());
    let name = resource.index.map_or_else(|| table.to_owned(), |index| format!("the index {index}"));
    let now = format!(
        "One value of the partition key of {name} is asked for more than a partition gives: {} {} a second. More capacity does \
         not help; {noun}s that are spread over more values do.",
        count(kind.partition_limit().into()),
        kind.unit(),
    );
    (format!("{table}: {noun}s are refused because of one partition key"), now)
}
