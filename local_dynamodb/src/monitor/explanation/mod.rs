//! What is going on at a table, for a reader who has just met provisioned capacity.

mod busy;
mod throttled;
mod wording;

use std::fmt::Write as _;

use capacity::CapacityState;

use self::busy::{bursting, falling_behind};
use self::throttled::throttled;
use self::wording::{KINDS, Kind, capitalised, count, provisioned, units};
use super::situation::{Events, Resource, Situation};
use crate::ledger::CreationPhase;

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
    said(Status::Calm, creating_index(situation).unwrap_or_else(|| calm(situation)))
}

/// An index that UpdateTable is adding.
fn creating_index(situation: &Situation<'_>) -> Option<(String, String)> {
    let table = situation.table;
    situation.resources.iter().find_map(|resource| {
        let (index, phase) = (resource.index?, resource.creation?);
        let mut now = format!("UpdateTable is adding the index {index} to the table. ");
        match phase {
            CreationPhase::Allocation => now.push_str("Resources are allocated for it first; no item is in it yet. "),
            CreationPhase::Backfilling { progress, is_throttled } => {
                let _ = write!(now, "{} % of the table's items have been read to fill it. ", count(progress));
                if let Some(own) = provisioned(&resource.write) {
                    let _ = write!(
                        now,
                        "What goes in is paid by the index, from its {} a second. ",
                        units(own, Kind::Write)
                    );
                }
                if is_throttled {
                    now.push_str(
                        "It is waiting for that capacity now: with more of it, the index would be filled sooner. ",
                    );
                }
            }
        }
        now.push_str("It takes new writes already, and can be read when it is ACTIVE.");
        Some((format!("{table}: its new index {index} is being created"), now))
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

#[cfg(test)]
mod tests;
