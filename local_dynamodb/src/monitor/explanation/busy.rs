//! Why a table that throttles nothing will not stay so.

use std::fmt::Write as _;

use super::wording::{Kind, count, provisioned, seconds, units};
use crate::monitor::situation::Situation;

/// An index that is asked for more than it has, and will hold up the table.
pub(super) fn falling_behind(situation: &Situation<'_>) -> Option<(String, String)> {
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
pub(super) fn bursting(situation: &Situation<'_>, kind: Kind) -> Option<(String, String)> {
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
