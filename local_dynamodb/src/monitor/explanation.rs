//! What is going on at a table, in words that somebody understands who has just met provisioned capacity.

use std::fmt::Write as _;

use capacity::CapacityState;

use super::situation::{Activity, Events, Resource, Situation};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Nothing is refused.
    Calm,
    /// Nothing is refused yet, but that will not last.
    Busy,
    /// Requests are refused.
    Throttled,
    /// The table is gone.
    Deleted,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Busy => "busy",
            Self::Throttled => "throttled",
            Self::Deleted => "deleted",
        }
    }
}

/// What to say of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Explanation {
    pub(super) status: Status,
    /// A few words.
    pub(super) headline: String,
    /// Some sentences about now.
    pub(super) now: String,
    /// A sentence about the minutes kept; empty if nothing was refused in them.
    pub(super) past: String,
}

/// Reads or writes, in words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Write,
    Read,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Write => "WCU",
            Self::Read => "RCU",
        }
    }

    fn partition_limit(self) -> u32 {
        match self {
            Self::Write => 1000,
            Self::Read => 3000,
        }
    }

    fn of<'a>(self, resource: &'a Resource<'_>) -> &'a Activity<'a> {
        match self {
            Self::Write => &resource.write,
            Self::Read => &resource.read,
        }
    }
}

const KINDS: [Kind; 2] = [Kind::Write, Kind::Read];

/// Says it.
pub(super) fn of(situation: &Situation<'_>) -> Explanation {
    let past = past(situation);
    let table = situation.table;
    if !situation.exists {
        let now = "The table is gone. Its metrics are kept for a day of the server's clock.".into();
        return Explanation { status: Status::Deleted, headline: format!("{table} was deleted"), now, past };
    }
    let said = |status, (headline, now)| Explanation { status, headline, now, past: past.clone() };
    if let Some(words) = KINDS.iter().find_map(|kind| throttled(situation, *kind)) {
        return said(Status::Throttled, words);
    }
    if let Some(words) = falling_behind(situation).or_else(|| KINDS.iter().find_map(|kind| bursting(situation, *kind)))
    {
        return said(Status::Busy, words);
    }
    said(Status::Calm, calm(situation))
}

/// The resource at which most was refused lately, and why.
fn throttled(situation: &Situation<'_>, kind: Kind) -> Option<(String, String)> {
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

/// An index that is asked for more than it has, and will hold up the table.
fn falling_behind(situation: &Situation<'_>) -> Option<(String, String)> {
    let table = situation.table;
    situation.resources.iter().find_map(|resource| {
        let (index, backlog, own) = (resource.index?, resource.backlog?, provisioned(&resource.write)?);
        if backlog.backlog == 0 {
            return None;
        }
        let mut now = format!(
            "{} writes wait for the index {index}, which takes {} a second",
            count(backlog.backlog as f64),
            units(own, Kind::Write),
        );
        match seconds(backlog.backlog_units.as_f64(), own) {
            Some(time) => {
                let _ = write!(now, ": that is {time} of work. ");
            }
            None => now.push_str(". "),
        }
        let _ = write!(
            now,
            "Nothing is refused now; when {} wait, the table will refuse every write.",
            count(backlog.backlog_limit as f64)
        );
        Some((format!("{table}: its index {index} is behind"), now))
    })
}

/// A table or index that takes more than it has.
fn bursting(situation: &Situation<'_>, kind: Kind) -> Option<(String, String)> {
    let table = situation.table;
    situation.resources.iter().find_map(|resource| {
        let activity = kind.of(resource);
        let own = provisioned(activity)?;
        let (balance, ceiling) = activity.capacity.and_then(|state| Some((state.balance?, state.ceiling?)))?;
        if activity.rate <= own {
            return None;
        }
        let name = resource.index.map_or_else(|| "The table".to_owned(), |index| format!("The index {index}"));
        let mut now = format!(
            "{name} has taken {} a second in the last minute and has {}: the rest came from the burst that it saved up while it \
             was not used, of which {} of {} are left. ",
            units(activity.rate, kind),
            count(own),
            count(balance.max(0) as f64),
            count(ceiling as f64),
        );
        if let Some(time) = seconds(balance.max(0) as f64, activity.rate - own) {
            let _ = write!(now, "At that rate it lasts for another {time}.");
        }
        Some((format!("{table}: more {}s than provisioned, from the burst", kind.noun()), now.trim_end().into()))
    })
}

fn calm(situation: &Situation<'_>) -> (String, String) {
    let table = &situation.resources[0];
    let headline = format!("{}: nothing is refused", situation.table);
    let Some(own) = provisioned(&table.write) else {
        return (headline, calm_on_demand(table));
    };
    let mut now = format!("The table takes {} of its {} a second.", count(table.write.rate), units(own, Kind::Write));
    let full = |state: &CapacityState| state.balance >= state.ceiling.and_then(|ceiling| i64::try_from(ceiling).ok());
    match table.write.capacity {
        Some(state) if full(state) => {
            let _ = write!(now, " Its burst is full: {} WCU.", count(state.balance.unwrap_or_default() as f64));
        }
        Some(CapacityState { balance: Some(balance), ceiling: Some(ceiling), .. }) => {
            let _ = write!(
                now,
                " Its burst fills up again while it takes less: {} of {} WCU.",
                count(*balance as f64),
                count(*ceiling as f64)
            );
        }
        _ => {}
    }
    (headline, now)
}

fn calm_on_demand(table: &Resource<'_>) -> String {
    let limits = KINDS.iter().filter_map(|kind| {
        let state = kind.of(table).capacity?;
        let warm = units(state.warm as f64, *kind);
        Some(match state.maximum {
            Some(maximum) => format!("{warm} (at most {} as it is set)", count(maximum as f64)),
            None => warm,
        })
    });
    let limits = limits.collect::<Vec<_>>().join(" and ");
    format!("The table is on demand: it serves {limits} a second at once, and grows with its load.")
}

/// Where the events of the minutes kept are, and what follows from that.
fn past(situation: &Situation<'_>) -> String {
    let sentences = KINDS.iter().filter_map(|kind| {
        let events = |resource: &Resource<'_>| kind.of(resource).all;
        let all: Vec<(Option<&str>, Events)> =
            situation.resources.iter().map(|resource| (resource.index, events(resource))).collect();
        if all.iter().all(|(_, events)| events.total() == 0.0) {
            return None;
        }
        let parts: Vec<_> = all
            .iter()
            .map(|(index, events)| {
                let name = index.map_or_else(|| "the table".to_owned(), ToOwned::to_owned);
                let number = if events.total() == 0.0 { "none".into() } else { count(events.total()) };
                format!("{number} on {name}")
            })
            .collect();
        Some(format!("{} throttle events in the minutes kept: {}.", capitalised(kind.noun()), parts.join(", ")))
    });
    sentences.collect::<Vec<_>>().join(" ")
}

fn provisioned(activity: &Activity<'_>) -> Option<f64> {
    Some(activity.capacity?.provisioned? as f64)
}

fn units(number: f64, kind: Kind) -> String {
    format!("{} {}", count(number), kind.unit())
}

/// A number as people write it: no more than one decimal, and that only below ten.
fn count(number: f64) -> String {
    let tenths = (number.max(0.0) * 10.0).round() as u64;
    if tenths < 100 && !tenths.is_multiple_of(10) {
        return format!("{}.{}", tenths / 10, tenths % 10);
    }
    let digits = (number.max(0.0).round() as u64).to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// How long so many units take at so many a second, in words. `None` for ever.
fn seconds(units: f64, rate: f64) -> Option<String> {
    if rate <= 0.0 {
        return None;
    }
    let seconds = (units / rate).ceil() as u64;
    let (minutes, hours, days) = (seconds.div_ceil(60), seconds / 3600, seconds / 86_400);
    Some(match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{minutes} min"),
        7200..172_800 => format!("{hours} h"),
        _ => format!("{} days", count(days as f64)),
    })
}

fn capitalised(text: &str) -> String {
    // Names of tables stay as they are.
    match text.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None if text == "write" => "Write".into(),
        None if text == "read" => "Read".into(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
