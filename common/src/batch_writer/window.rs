//! How many batches may be in flight at once.

use std::time::Duration;

/// An answer this much later than the fastest one tells that requests wait for each other at the other end, so that more of them
/// would not be answered sooner.
const QUEUEING: Duration = Duration::from_millis(2);

/// A window that opens by one for each batch answered in good time, so it doubles with every round trip as TCP's slow start does, and
/// closes by half when the service is in trouble. Where answers slow down because requests queue up, it stops opening: more in flight
/// would then only mean more of them refused at once when the table's burst ends. Throttling does not close it: the pacer then spaces
/// batches out, and where answers take long, several must be in flight to use even a small capacity.
#[derive(Debug, Clone)]
pub(super) struct Window {
    size: usize,
    largest: usize,
    fastest: Option<Duration>,
}

impl Window {
    /// A window of one that may open up to `largest`.
    pub(super) fn new(largest: usize) -> Self {
        Self { size: 1, largest: largest.max(1), fastest: None }
    }

    /// Batches that may be in flight.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// A batch was taken, this long after it was sent.
    pub(super) fn answered(&mut self, round_trip: Duration) {
        let fastest = self.fastest.map_or(round_trip, |fastest| fastest.min(round_trip));
        self.fastest = Some(fastest);
        if round_trip <= fastest * 2 + QUEUEING {
            self.size = (self.size + 1).min(self.largest);
        }
    }

    /// The service failed.
    pub(super) fn shrink(&mut self) {
        self.size = (self.size / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(5);

    #[test]
    fn it_doubles_with_every_round_trip_up_to_its_limit() {
        let mut window = Window::new(20);
        for expected in [2, 4, 8, 16, 20, 20] {
            for _ in 0..window.size() {
                window.answered(FAST);
            }
            assert_eq!(window.size(), expected);
        }
    }

    #[test]
    fn it_closes_by_half_and_never_wholly() {
        let mut window = Window::new(8);
        (0..7).for_each(|_| window.answered(FAST));
        let sizes: Vec<_> = std::iter::repeat_with(|| (window.shrink(), window.size()).1).take(4).collect();
        assert_eq!(sizes, [4, 2, 1, 1]);
    }

    #[test]
    fn it_stays_where_requests_queue_up() {
        let mut window = Window::new(64);
        (0..3).for_each(|_| window.answered(FAST));
        (0..50).for_each(|_| window.answered(FAST * 3));
        assert_eq!(window.size(), 4);
    }
}
