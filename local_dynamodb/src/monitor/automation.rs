//! Data for the page about auto scaling and alarms.

use capacity::Access;
use serde_json::{Value, json};

use crate::alarms::{Alarm, Alarms};
use crate::auto_scaling::{Activity, AutoScaling};
use crate::clock;

/// Activities of a table that are shown.
const MAX_ACTIVITIES: usize = 20;
/// Alarms that tell a policy about changes made by others. They are not shown.
const NOT_SHOWN: [&str; 2] = ["-ProvisionedCapacityHigh-", "-ProvisionedCapacityLow-"];

/// What scales and watches the tables.
#[derive(Clone, Copy)]
pub(crate) struct Automatic<'a> {
    pub(crate) auto_scaling: &'a AutoScaling,
    pub(crate) alarms: &'a Alarms,
}

impl Automatic<'_> {
    /// The auto scaling of a table or an index; null if there is none.
    pub(super) fn target(&self, table: &str, index: Option<&str>, access: Access) -> Value {
        let mut targets = self.auto_scaling.targets().iter();
        let Some(target) = targets.find(|target| {
            target.id.table == table && target.id.index.as_deref() == index && target.id.access == access
        }) else {
            return Value::Null;
        };
        let policy = self.auto_scaling.policies().iter().find(|policy| policy.target == target.id);
        json!({
            "Min": target.min,
            "Max": target.max,
            "TargetValue": policy.map(|policy| policy.tracking.target_value),
            "Suspended": target.suspended.scale_in || target.suspended.scale_out,
        })
    }

    pub(super) fn activities(&self, table: &str) -> Value {
        let own = self.auto_scaling.activities().filter(|activity| activity.target.table == table);
        own.take(MAX_ACTIVITIES).map(activity_json).collect()
    }

    pub(super) fn alarms(&self, table: &str) -> Value {
        let is_own = |alarm: &&Alarm| {
            let dimensions = &alarm.definition.metric.dimensions;
            dimensions.iter().any(|(name, value)| name == "TableName" && value == table)
        };
        let is_shown = |alarm: &&Alarm| !NOT_SHOWN.iter().any(|part| alarm.definition.name.contains(part));
        self.alarms.iter().filter(is_own).filter(is_shown).map(alarm_json).collect()
    }
}

fn activity_json(activity: &Activity) -> Value {
    json!({
        "Time": clock::timestamp(activity.start).to_string(),
        "Resource": activity.target.resource_id(),
        "Description": activity.description(),
        "Status": activity.status.name(),
        "Cause": if activity.status.name() == "Failed" { &activity.message } else { &activity.cause },
    })
}

fn alarm_json(alarm: &Alarm) -> Value {
    let own = &alarm.definition;
    json!({
        "Name": own.name,
        "State": alarm.state.name(),
        "Condition": own.condition(),
        "Reason": alarm.reason,
        "Since": clock::timestamp(alarm.transitioned).to_string(),
    })
}
