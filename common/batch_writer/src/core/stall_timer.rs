//! How long to go on when nothing at all is taken.

use std::time::Duration;

use super::batch_response::Stop;
use crate::service_error::ServiceError;

/// Knows since when everything has been refused.
#[derive(Debug, Clone, Default)]
pub(super) struct StallTimer {
    /// Without it, there is no end to it.
    pub(super) give_up_after: Option<Duration>,
    /// When the first of the batches was sent since which nothing was taken, and why the last one was refused.
    refused: Option<(Duration, ServiceError)>,
}

impl StallTimer {
    /// Something was taken, if only one request of a batch.
    pub(super) fn taken(&mut self) {
        self.refused = None;
    }

    /// A batch was sent, and nothing of it was taken.
    pub(super) fn refused(&mut self, sent_at: Duration, error: &ServiceError) {
        let since = self.refused.as_ref().map_or(sent_at, |(since, _)| *since);
        self.refused = Some((since, error.clone()));
    }

    /// When it is time to give up, unless something is taken before.
    pub(super) fn ends_at(&self) -> Option<Duration> {
        Some(self.refused.as_ref()?.0.saturating_add(self.give_up_after?))
    }

    /// Why to give up now.
    pub(super) fn stop(&self, now: Duration) -> Option<Stop> {
        let (since, last) = self.refused.as_ref()?;
        let waited = now.saturating_sub(*since);
        (self.ends_at()? <= now).then(|| Stop::Stalled { waited, last: last.clone() })
    }
}
