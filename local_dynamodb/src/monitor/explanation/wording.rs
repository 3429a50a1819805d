//! Numbers, units and times in the words of the explanations.

use crate::monitor::situation::{Activity, Resource};

/// Reads or writes, in words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Write,
    Read,
}

impl Kind {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Write => "WCU",
            Self::Read => "RCU",
        }
    }

    pub(super) fn partition_limit(self) -> u32 {
        match self {
            Self::Write => 1000,
            Self::Read => 3000,
        }
    }

    pub(super) fn of<'a>(self, resource: &'a Resource<'_>) -> &'a Activity<'a> {
        match self {
            Self::Write => &resource.write,
            Self::Read => &resource.read,
        }
    }
}

pub(super) const KINDS: [Kind; 2] = [Kind::Write, Kind::Read];

pub(super) fn provisioned(activity: &Activity<'_>) -> Option<f64> {
    Some(activity.capacity?.provisioned? as f64)
}

pub(super) fn units(number: f64, kind: Kind) -> String {
    format!("{} {}", count(number), kind.unit())
}

/// A number as people write it: no more than one decimal, and that only below ten.
pub(super) fn count(number: f64) -> String {
    let tenths = (number.max(0.0) * 10.0).round() as u64;
    if tenths < 100 && !tenths.is_multiple_of(10) {
        return format!("{}.{}", tenths / 10, tenths % 10);
    }
    let digits = (number.max(0.0).round() as u64).to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// The time for these units at this rate per second, as text. `None` is forever.
pub(super) fn seconds(units: f64, rate: f64) -> Option<String> {
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

pub(super) fn capitalised(text: &str) -> String {
    // Names of tables stay as they are.
    match text.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None if text == "write" => "Write".into(),
        None if text == "read" => "Read".into(),
        None => text.to_owned(),
    }
}
