//! What an alarm watches, and when it changes its state.

use serde::{Deserialize, Serialize};

/// Named as in CloudWatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StateValue {
    Ok,
    Alarm,
    InsufficientData,
}

impl StateValue {
    const ALL: [Self; 3] = [Self::Ok, Self::Alarm, Self::InsufficientData];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.name() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Comparison {
    GreaterThanOrEqualTo,
    GreaterThan,
    LessThan,
    LessThanOrEqualTo,
}

impl Comparison {
    const ALL: [Self; 4] = [Self::GreaterThanOrEqualTo, Self::GreaterThan, Self::LessThan, Self::LessThanOrEqualTo];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualTo => "GreaterThanOrEqualToThreshold",
            Self::GreaterThan => "GreaterThanThreshold",
            Self::LessThan => "LessThanThreshold",
            Self::LessThanOrEqualTo => "LessThanOrEqualToThreshold",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.name() == name)
    }

    pub(crate) fn is_breached(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanOrEqualTo => value >= threshold,
            Self::GreaterThan => value > threshold,
            Self::LessThan => value < threshold,
            Self::LessThanOrEqualTo => value <= threshold,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualTo => "≥",
            Self::GreaterThan => ">",
            Self::LessThan => "<",
            Self::LessThanOrEqualTo => "≤",
        }
    }

    /// As in the reason of a state.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualTo => "greater than or equal to",
            Self::GreaterThan => "greater than",
            Self::LessThan => "less than",
            Self::LessThanOrEqualTo => "less than or equal to",
        }
    }
}

/// What a period without data points counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MissingData {
    Breaching,
    NotBreaching,
    Ignore,
    Missing,
}

impl MissingData {
    const ALL: [Self; 4] = [Self::Breaching, Self::NotBreaching, Self::Ignore, Self::Missing];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
            Self::Ignore => "ignore",
            Self::Missing => "missing",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.name() == name)
    }
}

/// A metric with exactly these dimensions. There need not be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetricId {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
}

/// Members as in PutMetricAlarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AlarmDefinition {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) actions_enabled: bool,
    pub(crate) ok_actions: Vec<String>,
    pub(crate) alarm_actions: Vec<String>,
    pub(crate) insufficient_data_actions: Vec<String>,
    pub(crate) metric: MetricId,
    pub(crate) statistic: crate::metrics::Statistic,
    pub(crate) unit: Option<String>,
    pub(crate) period_minutes: u64,
    pub(crate) evaluation_periods: usize,
    pub(crate) datapoints_to_alarm: Option<usize>,
    pub(crate) threshold: f64,
    pub(crate) comparison: Comparison,
    pub(crate) treat_missing_data: Option<MissingData>,
}

impl AlarmDefinition {
    pub(super) fn datapoints_to_alarm(&self) -> usize {
        self.datapoints_to_alarm.unwrap_or(self.evaluation_periods)
    }

    /// For people: `ConsumedWriteCapacityUnits > 210 in 2 of 2 minutes`.
    pub(crate) fn condition(&self) -> String {
        let Self { threshold, evaluation_periods, .. } = self;
        let minutes = match self.period_minutes {
            1 => "minutes".to_owned(),
            more => format!("periods of {more} minutes"),
        };
        format!(
            "{} {} {threshold} in {} of {evaluation_periods} {minutes}",
            self.metric.name,
            self.comparison.sign(),
            self.datapoints_to_alarm(),
        )
    }

    /// Alarms on metrics of AWS/DynamoDB ignore missing data whatever is set. Source: User Guide, "Configuring how
    /// CloudWatch alarms treat missing data".
    pub(super) fn missing_data(&self) -> MissingData {
        if self.metric.namespace == "AWS/DynamoDB" {
            MissingData::Ignore
        } else {
            self.treat_missing_data.unwrap_or(MissingData::Missing)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// More than 50 WCU a minute, in two minutes of two.
    pub(in crate::alarms) fn definition(name: &str) -> AlarmDefinition {
        AlarmDefinition {
            name: name.into(),
            description: None,
            actions_enabled: true,
            ok_actions: Vec::new(),
            alarm_actions: Vec::new(),
            insufficient_data_actions: Vec::new(),
            metric: MetricId {
                namespace: "AWS/DynamoDB".into(),
                name: "ConsumedWriteCapacityUnits".into(),
                dimensions: vec![("TableName".into(), "logfile".into())],
            },
            statistic: crate::metrics::Statistic::Sum,
            unit: None,
            period_minutes: 1,
            evaluation_periods: 2,
            datapoints_to_alarm: None,
            threshold: 50.0,
            comparison: Comparison::GreaterThan,
            treat_missing_data: None,
        }
    }
}
