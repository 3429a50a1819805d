//! How many batches may be in flight at once.

use std::time::Duration;

/// So many in flight never overload a service.
const ALWAYS_ALLOWED: usize = 8;

/// The window opens from this share of its limit, so that the workers of a program, who divide the limit, begin with as many batches
/// together as one alone.
const FIRST_SHARE: usize = 16;

/// How many latencies are averaged: enough that times when other threads have the processor do not look like a slow service.
const AVERAGED: u32 = 64;

/// Responses that take longer than this on average, given the fastest one, queue up at the other end: more requests in flight would not
/// be faster.
fn longest_without_queue(fastest: Duration) -> Duration {
    fastest * 3 + Duration::from_micros(100)
}

/// A window that opens by one for each timely response while more batches wait, so it doubles with every round trip as in TCP's slow start.
/// It halves when the service fails.
///
/// Where responses slow down because requests queue up, it closes gradually: more requests in flight would only take memory, and more of
/// them would be refused at once when the table's burst ends. Throttling does not close it: the pacer then spaces batches out, and where
/// latency is long, several must be in flight to use even a small capacity.
#[derive(Debug, Clone)]
pub(super) struct Window {
    size: usize,
    largest: usize,
    fastest: Duration,
    /// A moving average of latencies.
    average: Duration,
    responses: u32,
    /// Whether more is to be sent than it allows.
    holds_back: bool,
    /// Responses since it last closed for being too wide.
    late: usize,
}

impl Window {
    /// A window that may open up to `largest`.
    pub(super) fn new(largest: usize) -> Self {
        let largest = largest.max(1);
        Self {
            size: largest.div_ceil(FIRST_SHARE),
            largest,
            fastest: Duration::MAX,
            average: Duration::ZERO,
            responses: 0,
            holds_back: false,
            late: 0,
        }
    }

    /// Batches that may be in flight.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// So many are in flight now, and more are to be sent, or not.
    pub(super) fn in_use(&mut self, in_flight: usize, more_wait: bool) {
        self.holds_back = more_wait && in_flight >= self.size;
    }

    /// Whether no more may be sent now.
    pub(super) fn holds_back(&self) -> bool {
        self.holds_back
    }

    /// Something of a batch was accepted, this long after it was sent.
    pub(super) fn responded(&mut self, round_trip: Duration) {
        self.fastest = self.fastest.min(round_trip);
        self.responses = (self.responses + 1).min(AVERAGED);
        self.average = (self.average * (self.responses - 1) + round_trip) / self.responses;
        let is_early = self.average <= longest_without_queue(self.fastest);
        if self.size < ALWAYS_ALLOWED || is_early {
            if self.holds_back {
                self.size = (self.size + 1).min(self.largest);
            }
            return;
        }
        // Once in a round trip, so that it finds its width slowly.
        self.late += 1;
        if self.late >= self.size {
            self.late = 0;
            self.size -= 1;
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

    fn respond(window: &mut Window, round_trip: Duration) {
        window.in_use(window.size(), true);
        window.responded(round_trip);
    }

    #[test]
    fn it_doubles_with_every_round_trip_up_to_its_limit() {
        let mut window = Window::new(40);
        for expected in [6, 12, 24, 40, 40] {
            for _ in 0..window.size() {
                respond(&mut window, FAST);
            }
            assert_eq!(window.size(), expected);
        }
    }

    #[test]
    fn it_stays_as_it_is_while_it_is_not_used_up() {
        let mut window = Window::new(40);
        for _ in 0..10 {
            window.in_use(0, true);
            window.responded(FAST);
        }
        assert_eq!(window.size(), 3);
    }

    #[test]
    fn it_closes_by_half_and_never_wholly() {
        let mut window = Window::new(8);
        (0..7).for_each(|_| respond(&mut window, FAST));
        let sizes: Vec<_> = std::iter::repeat_with(|| (window.shrink(), window.size()).1).take(4).collect();
        assert_eq!(sizes, [4, 2, 1, 1]);
    }

    /// Answers come one after another, `each` apart and at least [`FAST`] after they were sent.
    fn settled(largest: usize, each: Duration) -> usize {
        let mut window = Window::new(largest);
        window.responded(FAST.max(each)); // the first batch travels alone
        (0..20_000).for_each(|_| {
            let round_trip = FAST.max(each * window.size() as u32);
            respond(&mut window, round_trip);
        });
        window.size()
    }

    #[test]
    fn it_opens_no_further_where_requests_queue_up() {
        // 15.3 ms are in good time, so 30 of them.
        assert!((29..34).contains(&settled(256, Duration::from_micros(500))));
        assert_eq!(settled(256, Duration::from_micros(10)), 256);
        assert_eq!(settled(20, Duration::from_micros(500)), 20);
        assert!((ALWAYS_ALLOWED - 1..=ALWAYS_ALLOWED).contains(&settled(256, Duration::from_millis(50))));
    }

    #[test]
    fn it_closes_when_it_has_become_too_wide() {
        let mut window = Window::new(256);
        (0..256).for_each(|_| respond(&mut window, FAST));
        assert_eq!(window.size(), 256);
        (0..40_000).for_each(|_| respond(&mut window, FAST * 5));
        assert!(window.size() <= ALWAYS_ALLOWED, "{}", window.size());
    }
}
