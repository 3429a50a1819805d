//! How long to continue when nothing at all is accepted.

use std::time::Duration;

use super::batch_response::Stop;
use crate::service_error::ServiceError;

/// Measures for how long nothing has been accepted.
#[derive(Debug, Clone, Default)]
pub(super) struct StallTimer {
    /// `None`: forever.
    pub(super) give_up_after: Option<Duration>,
    /// When the first batch since the last accepted one was sent, and the last failure.
    stalled: Option<(Duration, ServiceError)>,
}

impl StallTimer {
    /// Something was accepted, if only one request of a batch.
    pub(super) fn accepted(&mut self) {
        self.stalled = None;
    }

    /// Nothing of a batch was accepted.
    pub(super) fn nothing_accepted(&mut self, sent_at: Duration, error: &ServiceError) {
        let since = self.stalled.as_ref().map_or(sent_at, |(since, _)| *since);
        self.stalled = Some((since, error.clone()));
    }

    /// When it is time to give up, unless something is accepted before.
    pub(super) fn ends_at(&self) -> Option<Duration> {
        Some(self.stalled.as_ref()?.0.saturating_add(self.give_up_after?))
    }

    /// Why to give up now, if it is time.
    pub(super) fn stop(&self, now: Duration) -> Option<Stop> {
        let (since, last) = self.stalled.as_ref()?;
        let waited = now.saturating_sub(*since);
        (self.ends_at()? <= now).then(|| Stop::Stalled { waited, last: last.clone() })
    }
}
