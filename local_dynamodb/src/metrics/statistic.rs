//! The statistics of a minute, and which of them a question is about.

use serde::{Deserialize, Serialize};

/// What was counted in a minute. Sums of halves are exact up to 2^52.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) sample_count: u64,
    pub(crate) sum: f64,
    pub(crate) minimum: f64,
    pub(crate) maximum: f64,
}

impl Statistics {
    pub(super) fn of(value: f64) -> Self {
        Self { sample_count: 1, sum: value, minimum: value, maximum: value }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.sample_count += other.sample_count;
        self.sum += other.sum;
        self.minimum = self.minimum.min(other.minimum);
        self.maximum = self.maximum.max(other.maximum);
    }
}

/// A statistic, named as in CloudWatch. Percentiles and trimmed means cannot be had: only sums are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
}

impl Statistic {
    /// In the order in which CloudWatch writes them.
    pub(crate) const ALL: [Self; 5] = [Self::SampleCount, Self::Average, Self::Sum, Self::Minimum, Self::Maximum];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SampleCount => "SampleCount",
            Self::Average => "Average",
            Self::Sum => "Sum",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
        }
    }

    pub(crate) fn of(self, statistics: &Statistics) -> f64 {
        match self {
            Self::SampleCount => statistics.sample_count as f64,
            Self::Average => statistics.sum / statistics.sample_count as f64,
            Self::Sum => statistics.sum,
            Self::Minimum => statistics.minimum,
            Self::Maximum => statistics.maximum,
        }
    }
}
