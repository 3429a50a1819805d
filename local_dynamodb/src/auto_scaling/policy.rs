//! Scaling policies, and the CloudWatch alarms that each of them has.

use std::time::Duration;

use capacity::Access;
use serde::{Deserialize, Serialize};

use super::target::TargetId;
use super::target_tracking::{HIGH_MINUTES, LOW_MINUTES, TargetTracking};
use crate::alarms::{AlarmDefinition, Comparison, MetricId};
use crate::metrics::Statistic;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) target: TargetId,
    pub(crate) tracking: TargetTracking,
    pub(crate) created: Duration,
    pub(crate) alarms: Vec<PolicyAlarm>,
}

/// An alarm of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyAlarm {
    pub(super) kind: AlarmKind,
    pub(crate) name: String,
    pub(crate) arn: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AlarmKind {
    High,
    Low,
    /// Application Auto Scaling learns from these two that someone else has changed the capacity.
    ProvisionedHigh,
    ProvisionedLow,
}

impl AlarmKind {
    pub(super) const ALL: [Self; 4] = [Self::High, Self::Low, Self::ProvisionedHigh, Self::ProvisionedLow];

    fn name(self) -> &'static str {
        match self {
            Self::High => "AlarmHigh",
            Self::Low => "AlarmLow",
            Self::ProvisionedHigh => "ProvisionedCapacityHigh",
            Self::ProvisionedLow => "ProvisionedCapacityLow",
        }
    }
}

impl PolicyAlarm {
    pub(super) fn new(kind: AlarmKind, target: &TargetId, region: &str, id: &str) -> Self {
        let name = format!("TargetTracking-{}-{}-{id}", target.resource_id(), kind.name());
        Self { kind, arn: format!("arn:aws:cloudwatch:{region}:{}:alarm:{name}", crate::identifiers::ACCOUNT), name }
    }
}

impl Policy {
    pub(super) fn alarm(&self, kind: AlarmKind) -> Option<&str> {
        self.alarms.iter().find(|alarm| alarm.kind == kind).map(|alarm| &*alarm.name)
    }

    /// An alarm's definition for a capacity. Names, periods and thresholds are those that AWS's alarms have.
    pub(super) fn definition(&self, alarm: &PolicyAlarm, capacity: u64) -> AlarmDefinition {
        let (consumed, provisioned) = match self.target.access {
            Access::Read => ("ConsumedReadCapacityUnits", "ProvisionedReadCapacityUnits"),
            Access::Write => ("ConsumedWriteCapacityUnits", "ProvisionedWriteCapacityUnits"),
        };
        let units = capacity as f64;
        let (above, below) = (Comparison::GreaterThan, Comparison::LessThan);
        let (metric, statistic, period_minutes, evaluation_periods, comparison, threshold) = match alarm.kind {
            AlarmKind::High => {
                (consumed, Statistic::Sum, 1, HIGH_MINUTES, above, self.tracking.high_threshold(capacity))
            }
            AlarmKind::Low => (consumed, Statistic::Sum, 1, LOW_MINUTES, below, self.tracking.low_threshold(capacity)),
            AlarmKind::ProvisionedHigh => (provisioned, Statistic::Average, 5, 3, above, units),
            AlarmKind::ProvisionedLow => (provisioned, Statistic::Average, 5, 3, below, units),
        };
        AlarmDefinition {
            name: alarm.name.clone(),
            description: Some(format!("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {}.", self.arn)),
            actions_enabled: true,
            ok_actions: Vec::new(),
            alarm_actions: vec![self.arn.clone()],
            insufficient_data_actions: Vec::new(),
            metric: MetricId {
                namespace: "AWS/DynamoDB".into(),
                name: metric.into(),
                dimensions: self.target.metric_dimensions(),
            },
            statistic,
            unit: None,
            period_minutes,
            evaluation_periods,
            datapoints_to_alarm: None,
            threshold,
            comparison,
            treat_missing_data: None,
        }
    }
}
