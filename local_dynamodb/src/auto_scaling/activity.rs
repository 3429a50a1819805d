//! Scaling activities: what was changed, why, and how it went.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::target::TargetId;

/// Activities kept. AWS keeps six weeks.
const MAX_ACTIVITIES: usize = 1_000;
/// How long UpdateTable may take until the activity counts as unfulfilled.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    InProgress,
    Successful,
    Unfulfilled,
    Failed,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Unfulfilled => "Unfulfilled",
            Self::Failed => "Failed",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) target: TargetId,
    pub(crate) to: u64,
    pub(crate) cause: String,
    pub(crate) start: Duration,
    pub(crate) end: Option<Duration>,
    pub(crate) status: Status,
    pub(crate) message: String,
}

impl Activity {
    pub(crate) fn description(&self) -> String {
        format!("Setting {} to {}.", self.target.description(), self.to)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Activities(VecDeque<Activity>);

impl Activities {
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Activity> {
        self.0.iter().rev()
    }

    /// Sets times after `now` to it.
    pub(super) fn limit_times(&mut self, now: Duration) {
        for activity in &mut self.0 {
            activity.start = now.min(activity.start);
            activity.end = activity.end.map(|end| now.min(end));
        }
    }

    pub(super) fn is_in_progress(&self, target: &TargetId) -> bool {
        self.0.iter().any(|activity| activity.status == Status::InProgress && activity.target == *target)
    }

    pub(super) fn begin(&mut self, mut activity: Activity) {
        activity.message = format!(
            "Successfully set {} to {}. Waiting for change to be fulfilled by dynamodb.",
            activity.target.description(),
            activity.to
        );
        self.push(activity);
    }

    /// An UpdateTable that was refused. One that is refused minute after minute is one activity.
    pub(super) fn fail(&mut self, mut activity: Activity, reason: &str) {
        let message = format!(
            "Failed to set {} to {}. Reason: Failed updating table: {reason}",
            activity.target.description(),
            activity.to
        );
        (activity.status, activity.end) = (Status::Failed, Some(activity.start));
        let last = self.0.iter_mut().rev().find(|each| each.target == activity.target);
        if let Some(last) = last.filter(|last| last.status == Status::Failed && last.to == activity.to) {
            (last.end, last.message) = (activity.end, message);
            return;
        }
        activity.message = message;
        self.push(activity);
    }

    /// Ends the activities whose change is in force by now.
    pub(super) fn advance(&mut self, now: Duration, capacity: impl Fn(&TargetId) -> Option<u64>) {
        for activity in self.0.iter_mut().filter(|activity| activity.status == Status::InProgress) {
            let what = activity.target.description();
            if capacity(&activity.target) == Some(activity.to) {
                activity.status = Status::Successful;
                activity.message =
                    format!("Successfully set {what} to {}. Change successfully fulfilled by dynamodb.", activity.to);
            } else if now >= activity.start + LONGEST {
                activity.status = Status::Unfulfilled;
                activity.message = format!("The {what} were not set to {} by dynamodb.", activity.to);
            } else {
                continue;
            }
            activity.end = Some(now);
        }
    }

    fn push(&mut self, activity: Activity) {
        self.0.push_back(activity);
        while self.0.len() > MAX_ACTIVITIES {
            self.0.pop_front();
        }
    }
}
