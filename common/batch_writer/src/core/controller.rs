//! The rate controller: how fast a resource accepts writes, whatever limits it, and so how fast to send.
//!
//! It seeks goodput: accepted units over time. What is refused matters only as far as offering less would get as much accepted.
//!
//! | state | sends | ends when |
//! | --- | --- | --- |
//! | open | without limit; nothing has been throttled yet | something is throttled |
//! | search | one batch at a time | enough was accepted to measure a rate, or batches are accepted whole again |
//! | paced | at a rate, a little faster than the resource accepts | a larger batch than the rate allows is accepted whole |
//!
//! - **One bucket.** DynamoDB keeps capacity that is not used at once. The bucket is empty at one throttled response and empty again at
//!   a later one, so what was accepted in between is what flowed in. That measures the rate exactly. At one hundredth more, batches use
//!   up a small cushion, then one of them is throttled, usually in part.
//! - **Refusals that do not depend on the rate** (random partial batches, a partition or key of its own). They look like a bucket at
//!   first, and the rate is lowered. If what is accepted falls with what is offered, the rate was not the cause: the earlier rate is
//!   restored, and that share of refusals is the `baseline` from then on, which is not answered by a lower rate.
//! - **Outages.** While nothing at all is accepted, nothing is measured. The pause between probes is a fraction of the outage so far, and
//!   the earlier rate is resumed after it. Only a trickle, a few units and then nothing again, is a rate.
//! - **Growth.** While batches are accepted as expected, higher rates are tried in doubling steps. Where batches are kept small for a low
//!   rate, a larger batch is tried instead: it empties the bucket, which costs no request, and shows a raised capacity at once.
//!
//! Sources: the elasticity test is the experiment of PCC (Dong et al., NSDI 2015); the measured delivery rate and probing around it are
//! BBR's (Cardwell et al., ACM Queue 2016); capacity, bursts and partitions are as in "Amazon DynamoDB" (ATC 2022).

use std::time::Duration;

use capacity::limits::MAX_BATCH_WRITE_REQUESTS;

/// The longest that a batch of several requests should wait for its capacity. What the bucket holds when a load ends is what the load
/// was slower than it could have been, and that is up to one and a half batches.
const LONGEST_BATCH: f64 = 0.5;

/// The least that a batch may have, in units: two small items, so that one of them may come back alone.
const SMALLEST_BATCH: u64 = 2;

/// The pause between probes at the beginning of an outage. Four of them bring a unit at DynamoDB's smallest capacity, 1 WCU, so a slow
/// table sees few requests refused whole.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// During an outage the pause is this fraction of its length so far: the end is noticed within an eighth of it, and the earlier rate
/// resumed within a quarter.
const PAUSE_FRACTION: u32 = 8;

/// Items of so many units need longer to be accepted, and probes with them cost more: the pauses are longer.
const LARGE_ITEM: u64 = 12;
const LARGE_ITEM_PAUSE_FRACTION: u32 = 3;
const LARGE_ITEM_RATE: f64 = 4.0;

/// The longest pause, unless a batch needs longer at 1 WCU. A table that was throttled by others is noticed to be free within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// So many batches in a row that bring something after an outage are its end. Fewer, and then nothing, are a trickle.
const RECOVERED_BATCHES: u32 = 3;

/// A search measures at least so many batches and so long: shorter than the pauses that a slow table needs anyway.
const SEARCH_BATCHES: u32 = 4;
const SEARCH_TIME: f64 = 0.1;

/// A measurement is exact when so many batches' worth has been accepted, and after so long: what the bucket held at its beginning and at
/// its end may differ by one item, and responses may be late by a round trip.
const EXACT_BATCHES: u64 = 20;
const EXACT_TIME: f64 = 1.0;

/// The rate is far too high when less than this share of the expected units is accepted, over so many batches and so long. A changed
/// capacity is then followed within a second or two, and a batch that is refused by chance changes nothing.
const FAR_BELOW: f64 = 0.8;
const FAR_BELOW_BATCHES: u32 = 8;
const FAR_BELOW_TIME: f64 = 0.25;

/// A request that comes back so often at least, while most of its batch is accepted, has a reason of its own.
const FEWEST_RETURNS: u8 = 3;

/// An outage of so long is one. Shorter ones are chance, or a rate that is a little too high.
const OUTAGE: Duration = Duration::from_secs(1);

/// Two epochs are compared when their offered rates differ by this factor: less would drown in the noise of whole refusals.
const COMPARABLE: f64 = 0.8;

/// Refusals by chance are about as many at a lower rate: the shares accepted differ by less than this factor.
const SIMILAR_SHARE: f64 = 0.6;

/// With about the same offered rate, the later epoch replaces the earlier one.
const SAME_RATE: f64 = 0.95;

/// Below this, refusals by chance are the baseline, and single ones are no event.
const NO_LOSS: f64 = 0.97;

/// With a baseline, the accepted units may be short of it by so many batches before it is an event: chance alone exceeds this once in
/// hundreds of batches.
const CHANCE_BATCHES: f64 = 6.0;

/// A baseline is doubted when the rate has to be lowered, and from time to time: perhaps refusals would end at a lower rate. The experiment
/// costs a few batches at that rate, so each time that it confirms the baseline it is made half as often.
const FIRST_DOUBT: Duration = Duration::from_secs(1);
const LONGEST_DOUBT: Duration = Duration::from_secs(80);

/// How much faster batches are sent than the resource accepts them.
const HEADROOM: f64 = 1.01;

/// The soonest that a higher rate is tried after the last change, and the steps: first a tenth, then doubling steps, because then the
/// capacity must have been raised.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
const FIRST_PROBE: f64 = 0.1;
const LARGEST_PROBE: f64 = 1.0;

/// After how many batches a higher rate is tried. Too high a rate brings a few unprocessed items where batches have many, but whole
/// refusals where a batch is one large item; these are to stay well under one in twenty.
const PROBE_BATCHES: u32 = 4;
const CAREFUL_PROBE_BATCHES: u32 = 40;

/// After how many small batches a larger one is tried, and how much larger it is. A cushion is one and a half batches, so three
/// batches' worth accepted at once prove a higher rate.
const LARGE_BATCH_AFTER: u32 = 8;
const LARGE_BATCH: u64 = 6;
const LARGE_BATCH_PROOF: u64 = 4;

/// A pace that was raised by more than this is not lowered at once: the rate is measured at it.
const SETTLED: f64 = 1.5;

/// A rate of which less than this share was accepted is not tried once more.
const FEWEST_SHARE: f64 = 0.05;

/// When the best rate is tried once more, so many whole refusals in a row end the trial.
const RETRY_REFUSALS: u32 = 5;

/// The lowest rate, in units per second. DynamoDB's lowest is 1 WCU, and this load may not be the only one.
const LOWEST_RATE: f64 = 0.5;

/// How late a batch may be sent without making the next one later, too: timers are late by a millisecond or more, and a table of
/// 5,000 WCU wants a batch every five.
const SLACK: Duration = Duration::from_millis(50);

/// How long the first batch travels alone, unless its response is sooner. If the table is empty, or there is none, one batch finds out as
/// well as one of each worker.
const FIRST_BATCH_ALONE: Duration = Duration::from_millis(30);

/// How long a batch of a search travels alone.
const SEARCH_ALONE: Duration = Duration::from_secs(1);

/// How soon to ask again whether the first batch has a response: it may come to another worker, which does not call.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Over how long the goodput before an event is measured.
const GOODPUT_TIME: f64 = 0.1;

/// A batch that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// When.
    pub(crate) sent_at: Duration,
    /// Its expected cost in write units, by the sizes of its items.
    pub(crate) units: u64,
    /// Of its first request. A batch cannot be smaller.
    first_units: u64,
    /// Its cost under a limit that the user sets.
    pub(super) counted: u64,
    /// The lane it belongs to.
    pub(super) lane: super::pacer::Lane,
    /// Whether it is larger than the rate allows, to see what happens.
    large: bool,
}

/// Units since a moment.
#[derive(Debug, Clone, Copy)]
struct Epoch {
    since: Duration,
    offered: u64,
    accepted: u64,
    batches: u32,
}

impl Epoch {
    fn new(since: Duration) -> Self {
        Self { since, offered: 0, accepted: 0, batches: 0 }
    }

    fn add(&mut self, offered: u64, accepted: u64) {
        self.offered += offered;
        self.accepted += accepted;
        self.batches += 1;
    }

    fn seconds(&self, now: Duration) -> f64 {
        now.saturating_sub(self.since).as_secs_f64().max(0.001)
    }

    /// The share that was accepted.
    fn share(&self) -> f64 {
        self.accepted as f64 / self.offered.max(1) as f64
    }
}

/// What was offered and accepted in an earlier epoch, in units per second.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    offered: f64,
    accepted: f64,
}

impl Anchor {
    fn of(epoch: &Epoch, now: Duration) -> Self {
        let seconds = epoch.seconds(now);
        Self { offered: epoch.offered as f64 / seconds, accepted: epoch.accepted as f64 / seconds }
    }

    fn better(self, other: Self) -> Self {
        if other.accepted > self.accepted { other } else { self }
    }

    fn share(self) -> f64 {
        self.accepted / self.offered.max(1e-9)
    }

    /// Whether what was accepted fell along with what was offered, rather than staying as it was.
    fn is_proportional_to(self, before: Self) -> bool {
        let ratio = self.offered / before.offered.max(1e-9);
        // A share that fell as well is of a capacity that was lowered meanwhile, and one that was near 1 before of a bucket's surplus.
        let (share, share_before) = (self.share(), before.share());
        let same_share = share > SIMILAR_SHARE * share_before && 1.0 - share_before > 0.5 * (1.0 - share);
        same_share && ratio < COMPARABLE && self.accepted < before.accepted * ratio.sqrt()
    }
}

/// Nothing is accepted, or has only just been accepted again.
#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Duration,
    /// The last refusal.
    last: Duration,
    /// Batches from its first sign of an end on, and all units.
    stretch: Epoch,
}

impl Outage {
    fn new(since: Duration) -> Self {
        Self { since, last: since, stretch: Epoch::new(since) }
    }
}

/// Paces batches so that as much as possible is accepted. Pure: time and randomness are arguments.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    started: bool,
    first_travels: bool,
    /// No batch is sent before this.
    not_before: Duration,
    /// The offered rate in units per second, if it is paced.
    pace: Option<f64>,
    /// The accepted rate, once it was measured.
    rate: Option<f64>,
    /// Whether the rate is from an exact measurement.
    exact: bool,
    /// The share of units that is accepted even at a low rate.
    baseline: f64,
    /// Since the first throttled response; `None` while open.
    epoch: Option<Epoch>,
    /// From an empty bucket on.
    measurement: Epoch,
    anchor: Option<Anchor>,
    /// The pace was lowered, and whether that helped is not known yet.
    is_pending: bool,
    /// The best goodput that was measured, and whether it is tried once more.
    best: Anchor,
    is_retrying: bool,
    doubt: Duration,
    doubted_at: Duration,
    first_throttled_at: Duration,
    throttled_at: Duration,
    /// Units accepted since the last throttled response, when the bucket was empty.
    accepted: u64,
    /// By how many units acceptance is short of the baseline.
    shortfall: f64,
    /// Whole refusals in a row, and since when.
    refusals: u32,
    refused_since: Duration,
    outage: Option<Outage>,
    refused_whole: bool,
    /// Batches accepted as expected since the pace was changed, and when that was.
    batches: u32,
    changed_at: Duration,
    probe: f64,
    large_batch_due: bool,
    /// Whether a batch can be one large item, so that each probe may be a whole refusal.
    large_items: bool,
    /// Whether a higher rate is looked for with large batches.
    large_batches: bool,
    /// Goodput while open: of the interval before and of the present one.
    earlier_goodput: f64,
    goodput: Epoch,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            started: false,
            first_travels: false,
            not_before: Duration::ZERO,
            pace: None,
            rate: None,
            exact: false,
            baseline: 1.0,
            epoch: None,
            measurement: Epoch::new(Duration::ZERO),
            anchor: None,
            is_pending: false,
            best: Anchor { offered: 0.0, accepted: 0.0 },
            is_retrying: false,
            doubt: Duration::ZERO,
            doubted_at: Duration::ZERO,
            first_throttled_at: Duration::ZERO,
            throttled_at: Duration::ZERO,
            accepted: 0,
            shortfall: 0.0,
            refusals: 0,
            refused_since: Duration::ZERO,
            outage: None,
            refused_whole: false,
            batches: 0,
            changed_at: Duration::ZERO,
            probe: 0.0,
            large_batch_due: false,
            large_items: false,
            large_batches: false,
            earlier_goodput: 0.0,
            goodput: Epoch::new(Duration::ZERO),
        }
    }
}

impl Controller {
    /// When the next batch may be sent; then it is time to ask again.
    pub(super) fn ready_at(&self, now: Duration) -> Duration {
        if self.first_travels { self.not_before.min(now + LOOK_AGAIN) } else { self.not_before }
    }

    /// The most units that a batch should have whose first request has so many; `None`: no limit.
    pub(super) fn batch_limit(&self, first_units: u64) -> Option<u64> {
        let limit = self.usual_limit()?.max(first_units);
        Some(if self.large_batch_due { limit.saturating_mul(LARGE_BATCH) } else { limit })
    }

    /// Units per second that are accepted, if anything was throttled.
    pub(super) fn units_per_second(&self) -> Option<f64> {
        self.rate
    }

    /// How often a request comes back by chance; `None` while that is not known.
    pub(super) fn returns_by_chance(&self) -> Option<u8> {
        self.pace.filter(|_| !self.is_pending)?;
        let returns = (0.001_f64).ln() / (1.0 - self.baseline).max(1e-9).ln();
        Some((returns.ceil() as u8).max(FEWEST_RETURNS))
    }

    fn usual_limit(&self) -> Option<u64> {
        self.pace.map(|pace| ((pace * LONGEST_BATCH) as u64).max(SMALLEST_BATCH))
    }

    /// A batch of so many units is sent. Returns whether it is a large one.
    fn note_sent(&mut self, now: Duration, units: u64, first_units: u64) -> bool {
        if !self.started {
            (self.started, self.first_travels) = (true, true);
            self.not_before = now + FIRST_BATCH_ALONE;
        }
        if self.epoch.is_none() {
            return false;
        }
        if now.saturating_sub(self.not_before) > SLACK {
            self.batches = 0; // there was nothing to send, which says nothing about the pace
        }
        let Some(pace) = self.pace else {
            self.not_before = now + SEARCH_ALONE;
            return false;
        };
        let large = std::mem::take(&mut self.large_batch_due)
            && self.usual_limit().is_some_and(|limit| units >= limit.max(first_units) * LARGE_BATCH_PROOF);
        self.not_before = self.not_before.max(now.saturating_sub(SLACK)) + time_for(units as f64, pace);
        large
    }

    /// A batch of so many units is sent.
    pub(super) fn sent(
        &mut self,
        now: Duration,
        (first_units, units): (u64, u64),
        counted: u64,
        lane: super::pacer::Lane,
    ) -> Attempt {
        let large = self.note_sent(now, units, first_units);
        Attempt { sent_at: now, units, first_units, counted, lane, large }
    }

    /// A batch has its response: so many of its units were accepted, and the others throttled. `jitter` is a random number in 0..1, so
    /// that writers who do not know of each other do not come back together.
    pub(super) fn responded(&mut self, attempt: Attempt, accepted: u64, now: Duration, jitter: f64) {
        self.first_travels = false;
        self.large_items = attempt.first_units >= LARGE_ITEM;
        if self.epoch.is_none() {
            self.not_before = Duration::ZERO;
            self.add_goodput(accepted, now);
        } else if attempt.sent_at < self.first_throttled_at {
            return; // from the time before anything was throttled
        }
        if let Some(epoch) = &mut self.epoch {
            // A large batch shows what the bucket holds, not what the pace gets.
            let offered = if attempt.large { accepted } else { attempt.units };
            epoch.add(offered, accepted);
            self.measurement.add(offered, accepted);
        }
        self.shortfall = (self.shortfall + self.baseline * attempt.units as f64 - accepted as f64).max(0.0);
        if accepted > 0 {
            self.accepted += accepted;
            self.refusals = 0;
        }
        self.recover(attempt, accepted, now);
        let tolerated = if self.baseline < NO_LOSS { CHANCE_BATCHES * attempt.units as f64 } else { 0.0 };
        let whole = accepted == 0;
        if whole {
            if self.refusals == 0 {
                self.refused_since = now;
            }
            self.refusals += 1;
        }
        let as_expected = accepted == attempt.units || (self.shortfall <= tolerated && !(whole && self.is_outage()));
        if as_expected {
            self.as_expected(attempt, accepted, now);
        } else {
            self.throttled(attempt, accepted, now, jitter);
        }
    }

    fn add_goodput(&mut self, accepted: u64, now: Duration) {
        let seconds = self.goodput.seconds(now);
        if seconds >= GOODPUT_TIME {
            self.earlier_goodput = self.goodput.accepted as f64 / seconds;
            self.goodput = Epoch::new(now);
        }
        self.goodput.add(accepted, accepted);
    }

    /// Whether so many whole refusals in a row are no longer chance.
    fn is_outage(&self) -> bool {
        // (1 - baseline)^refusals < 1 %
        f64::from(self.refusals) * (1.0 - self.baseline).max(1e-9).ln() < (0.01_f64).ln()
    }

    fn recover(&mut self, attempt: Attempt, accepted: u64, now: Duration) {
        let Some(outage) = &mut self.outage else { return };
        if outage.stretch.accepted == 0 && (accepted == 0 || outage.last.saturating_sub(outage.since) < OUTAGE) {
            outage.stretch.offered += attempt.units;
            outage.last = now;
            if accepted > 0 {
                self.outage = None;
            }
            return;
        }
        outage.stretch.add(attempt.units, accepted);
        if accepted > 0 && outage.stretch.batches >= RECOVERED_BATCHES {
            // Nothing was measured meanwhile. The earlier rate is resumed.
            self.outage = None;
            self.restart(now);
            if self.pace.is_none() && accepted == attempt.units {
                *self = Self { started: true, ..Self::default() };
            } else if let (None, true) = (self.pace, self.earlier_goodput > 0.0) {
                let pace = self.earlier_goodput / 2.0;
                self.set_pace(pace, now);
                self.probe = LARGEST_PROBE / 2.0;
                self.not_before = now;
            }
        }
    }

    fn restart(&mut self, now: Duration) {
        self.measurement = Epoch::new(now);
        self.epoch = Some(Epoch::new(now));
        self.shortfall = 0.0;
    }

    fn as_expected(&mut self, attempt: Attempt, accepted: u64, now: Duration) {
        self.batches += 1;
        let Some(epoch) = self.epoch else { return };
        self.end_retry(now);
        if self.resolve(now) || self.is_retrying {
            return;
        }
        if self.pace.is_none() {
            self.not_before = self.not_before.min(now);
            if self.outage.is_none() && self.batches >= RECOVERED_BATCHES && accepted == attempt.units {
                // One batch at a time is slower than what is accepted.
                let offered = attempt.units as f64 / now.saturating_sub(attempt.sent_at).as_secs_f64().max(0.001);
                self.set_pace(offered * 2.0, now);
                self.restart(now);
            }
            return;
        }
        if attempt.large {
            let usual = self.usual_limit().unwrap_or_default().max(attempt.first_units);
            let flowed_in = self.rate.unwrap_or_default() * now.saturating_sub(self.throttled_at).as_secs_f64();
            let cushion = (flowed_in - (self.accepted - accepted) as f64).max(0.0);
            if accepted as f64 > 1.2 * cushion + (2 * usual) as f64 {
                // The capacity must have been raised: begin again, without a limit.
                *self = Self { started: true, ..Self::default() };
            } else {
                self.large_batch_due = true;
            }
            return;
        }
        if self.baseline < NO_LOSS && epoch.batches >= 4 * FAR_BELOW_BATCHES && epoch.seconds(now) >= EXACT_TIME {
            if epoch.share() > self.baseline + 0.05 {
                self.baseline = epoch.share().min(1.0);
            }
            if self.doubt_baseline(now) {
                return;
            }
            self.epoch = Some(Epoch::new(now));
        }
        self.try_faster(attempt, now);
    }

    /// Whether batches are kept so small that several would fit into one, for the rate and not for one large item.
    fn tries_large_batches(&self, first_units: u64) -> bool {
        let requests = self.usual_limit().unwrap_or(u64::MAX) / first_units.max(1);
        first_units < LARGE_ITEM && (1..=MAX_BATCH_WRITE_REQUESTS as u64 / LARGE_BATCH_PROOF).contains(&requests)
    }

    fn try_faster(&mut self, attempt: Attempt, now: Duration) {
        let Some(pace) = self.pace else { return };
        if self.baseline >= NO_LOSS && self.tries_large_batches(attempt.first_units) {
            self.large_batches = true;
            self.large_batch_due |= self.batches >= LARGE_BATCH_AFTER;
            return;
        }
        self.large_batches = false;
        let careful = self.refused_whole && self.exact;
        let batches = if careful { CAREFUL_PROBE_BATCHES } else { PROBE_BATCHES };
        if self.batches >= batches && now.saturating_sub(self.changed_at) >= PROBE_INTERVAL {
            self.probe = (self.probe * 2.0).clamp(FIRST_PROBE, LARGEST_PROBE);
            self.set_pace(pace * (1.0 + self.probe), now);
        }
    }

    fn throttled(&mut self, attempt: Attempt, accepted: u64, now: Duration, jitter: f64) {
        let whole = accepted == 0;
        if self.epoch.is_none() {
            (self.first_throttled_at, self.throttled_at) = (now, now);
            self.restart(now);
            (self.batches, self.accepted) = (0, 0);
            let seconds = self.goodput.seconds(now);
            if seconds >= GOODPUT_TIME / 4.0 {
                self.earlier_goodput = self.earlier_goodput.max(self.goodput.accepted as f64 / seconds);
            }
            // Where something was accepted before, one more batch tells a single refusal from the end of a burst.
            let at_once = !whole || self.earlier_goodput > 0.0 || self.goodput.accepted > 0;
            self.not_before = if at_once { now } else { now + first_pause(attempt).0.mul_f64(1.0 + jitter / 8.0) };
            if whole {
                self.outage = Some(Outage::new(now));
            }
            return;
        }
        if attempt.sent_at < self.throttled_at {
            return; // sent before the last throttled response: the same event
        }
        if whole {
            self.trickled(now);
        }
        let had_accepted = self.accepted > 0;
        self.evaluate(attempt, whole, now);
        // A batch of one large item that is refused after others were accepted came only a little too early.
        let cushion = if had_accepted && self.exact && whole { 0.5 } else { 1.5 };
        (self.throttled_at, self.accepted, self.refused_whole) = (now, 0, whole);
        (self.batches, self.probe) = (0, 0.0);
        let pause = self.pause(attempt, whole, cushion, now, jitter);
        if attempt.large || self.pace.is_none() {
            self.not_before = now + pause;
        } else {
            self.not_before = self.not_before.max(now + pause);
        }
    }

    /// Something was accepted after an outage, and now nothing is again: that is a rate, and a low one.
    fn trickled(&mut self, now: Duration) {
        match self.outage {
            Some(outage) if outage.stretch.accepted > 0 && !self.is_retrying => {
                let stretch = Epoch { since: outage.since, batches: SEARCH_BATCHES, ..outage.stretch };
                let this = Anchor::of(&stretch, now);
                self.measurement = stretch;
                self.rate = Some(this.accepted.max(LOWEST_RATE));
                self.exact = false;
                self.outage = None;
                self.lower(this, now);
            }
            Some(_) => {}
            None if self.refusals > 1 || self.pace.is_none() => {
                self.outage = Some(Outage::new(self.refused_since));
            }
            None => {}
        }
    }

    /// Measures, at a throttled response.
    fn evaluate(&mut self, attempt: Attempt, whole: bool, now: Duration) {
        let Some(epoch) = self.epoch else { return };
        self.end_retry(now);
        let settling = self.is_pending || self.is_retrying;
        if self.outage.is_some() || epoch.accepted == 0 || self.resolve(now) || settling {
            return;
        }
        let (seconds, share) = (epoch.seconds(now), epoch.share());
        let far_below =
            share < FAR_BELOW * self.baseline && epoch.batches >= FAR_BELOW_BATCHES && seconds >= FAR_BELOW_TIME;
        let searched = self.pace.is_none() && seconds >= SEARCH_TIME && (epoch.batches >= SEARCH_BATCHES || whole);
        let measured = self.measurement.seconds(now);
        let exact = self.measurement.accepted >= EXACT_BATCHES * attempt.units && measured >= EXACT_TIME;
        if far_below || searched {
            self.measurement = epoch;
            self.exact = false;
        } else if self.baseline < NO_LOSS && share >= 0.9 * self.baseline {
            self.shortfall = 0.0; // chance
            self.doubt_baseline(now);
            return;
        } else if !exact && (self.exact || self.pace.is_none()) {
            self.settle(whole, now);
            return;
        } else if !exact && !self.large_items && (self.measurement.batches < SEARCH_BATCHES || measured < SEARCH_TIME) {
            return;
        }
        let rate = self.measurement.accepted as f64 / self.measurement.seconds(now);
        self.rate = Some(rate.max(LOWEST_RATE));
        let this = Anchor::of(&epoch, now);
        if exact {
            self.exact = true;
            self.measurement = Epoch::new(now);
        }
        if far_below || searched {
            self.lower(this, now);
        } else if exact {
            self.best = self.best.better(this);
            self.compare(this, share, now);
            self.epoch = Some(Epoch::new(now));
            self.shortfall = 0.0;
        } else {
            self.set_pace_for_rate(now);
        }
    }

    /// From time to time, offers no more than is accepted: perhaps nothing is refused then.
    fn doubt_baseline(&mut self, now: Duration) -> bool {
        let Some(epoch) = self.epoch else { return false };
        let enough = epoch.batches >= FAR_BELOW_BATCHES && epoch.seconds(now) >= FAR_BELOW_TIME;
        if !enough || self.is_pending || now.saturating_sub(self.doubted_at) < self.doubt.max(FIRST_DOUBT) {
            return false;
        }
        let this = Anchor::of(&epoch, now);
        (self.anchor, self.is_pending) = (Some(this), true);
        self.set_pace(this.accepted * HEADROOM, now);
        self.epoch = Some(Epoch::new(now));
        self.shortfall = 0.0;
        true
    }

    /// Lowers the pace to the rate. Whether that helps is to be seen.
    fn lower(&mut self, before: Anchor, now: Duration) {
        self.best = self.best.better(before);
        // With large items, every event is a whole refusal, and the rate is measured at each.
        (self.anchor, self.is_pending, self.is_retrying) = (Some(before), !self.large_items, false);
        if self.baseline < NO_LOSS && now.saturating_sub(self.doubted_at) >= self.doubt {
            self.set_pace(self.rate.unwrap_or(LOWEST_RATE) * HEADROOM, now);
        } else {
            self.set_pace_for_rate(now);
        }
        self.epoch = Some(Epoch::new(now));
        self.shortfall = 0.0;
    }

    /// Whether lowering the pace helped, once that can be told. Returns whether it did not.
    fn resolve(&mut self, now: Duration) -> bool {
        let (Some(epoch), Some(before), true) = (self.epoch, self.anchor, self.is_pending) else { return false };
        if epoch.batches < FAR_BELOW_BATCHES || epoch.seconds(now) < FAR_BELOW_TIME {
            return false;
        }
        self.is_pending = false;
        let this = Anchor::of(&epoch, now);
        self.epoch = Some(Epoch::new(now));
        self.shortfall = 0.0;
        if this.is_proportional_to(before) {
            self.ignore_refusals(before, epoch.share(), now);
            return true;
        }
        self.baseline = self.baseline.max(epoch.share());
        self.anchor = Some(this);
        if !self.large_items
            && this.accepted < self.best.accepted / 2.0
            && self.best.offered > this.offered
            && self.best.share() > FEWEST_SHARE
        {
            // The rate was lowered a good deal. The best one is tried once more, in case that was chance.
            self.is_retrying = true;
            self.set_pace(self.best.offered, now);
            self.not_before = now;
            return true;
        }
        self.best = self.best.better(this);
        false
    }

    /// Whether the best rate is still accepted, once that can be told.
    fn end_retry(&mut self, now: Duration) {
        let Some(epoch) = self.epoch.filter(|_| self.is_retrying) else { return };
        let is_over = epoch.batches >= FAR_BELOW_BATCHES && epoch.seconds(now) >= FAR_BELOW_TIME;
        if !is_over && self.refusals < RETRY_REFUSALS {
            return;
        }
        let this = Anchor::of(&epoch, now);
        self.is_retrying = false;
        if is_over && this.accepted >= self.best.accepted / 2.0 {
            if this.share() < self.baseline {
                (self.baseline, self.doubted_at) = (this.share(), now);
            }
            self.exact = false;
            self.restart(now);
        } else {
            let Anchor { offered, accepted } = self.best;
            self.best = Anchor { offered: offered / 4.0, accepted: accepted / 4.0 };
            (self.outage, self.epoch) = (None, Some(Epoch::new(now)));
            self.set_pace_for_rate(now);
        }
        self.shortfall = 0.0;
    }

    /// Less was offered and as much less accepted: the rate was not the cause.
    fn ignore_refusals(&mut self, before: Anchor, share: f64, now: Duration) {
        // A baseline that is confirmed is doubted less often.
        self.doubt =
            if self.baseline < NO_LOSS { (self.doubt * 2).clamp(FIRST_DOUBT, LONGEST_DOUBT) } else { Duration::ZERO };
        (self.baseline, self.doubted_at) = (share, now);
        self.set_pace(before.offered.max(self.best.offered), now);
        (self.exact, self.anchor) = (false, None);
        self.measurement = Epoch::new(now);
    }

    /// The bucket is empty at a pace that was raised: either by a little, then the earlier rate holds, or the rate is measured anew from
    /// here on.
    fn settle(&mut self, whole: bool, now: Duration) {
        let (Some(pace), Some(rate)) = (self.pace, self.rate) else { return };
        if !whole && pace > rate * SETTLED / self.baseline {
            self.exact = false;
            self.restart(now);
        } else {
            self.set_pace_for_rate(now);
        }
    }

    /// Whether a lower rate helped, and what to offer next.
    fn compare(&mut self, this: Anchor, share: f64, now: Duration) {
        let before = self.anchor.unwrap_or(this);
        let ratio = this.offered / before.offered.max(1e-9);
        if ratio < COMPARABLE {
            if this.is_proportional_to(before) {
                self.ignore_refusals(before, share, now);
                return;
            }
            self.anchor = Some(this);
            self.baseline = self.baseline.max(share);
        } else if self.anchor.is_none() || ratio >= SAME_RATE {
            self.anchor = Some(this);
        }
        self.set_pace_for_rate(now);
    }

    fn pause(&self, attempt: Attempt, whole: bool, cushion: f64, now: Duration, jitter: f64) -> Duration {
        let outage = self.outage.filter(|_| whole);
        let of_outage =
            outage.filter(|outage| outage.stretch.accepted == 0 && (self.refusals > 1 || self.pace.is_none()));
        let of_outage = of_outage.map_or(Duration::ZERO, |outage| {
            let (first, fraction) = first_pause(attempt);
            let pause = (now.saturating_sub(outage.since) / fraction).max(first);
            pause
                .mul_f64(1.0 + jitter / 8.0)
                .min(LONGEST_PAUSE.max(time_for(attempt.first_units as f64, LARGE_ITEM_RATE)))
        });
        let Some(pace) = self.pace else { return of_outage };
        if self.baseline < NO_LOSS {
            return of_outage;
        }
        // The batch may have been larger, but what came back from it goes in smaller ones.
        let limit = self.usual_limit().unwrap_or_default().max(attempt.first_units).min(attempt.units);
        let longest = LONGEST_PAUSE.max(time_for(attempt.first_units as f64, 1.0));
        time_for(limit as f64, pace / HEADROOM).mul_f64(cushion).max(of_outage).min(longest)
    }

    fn set_pace_for_rate(&mut self, now: Duration) {
        if let Some(rate) = self.rate {
            // Large batches find what is left over at a low rate, so no headroom is needed.
            let headroom = if self.large_batches { 1.0 } else { HEADROOM };
            self.set_pace(rate * headroom / self.baseline.max(0.01), now);
        }
    }

    fn set_pace(&mut self, pace: f64, now: Duration) {
        (self.pace, self.batches, self.changed_at) = (Some(pace.max(LOWEST_RATE)), 0, now);
        self.large_batch_due = false;
    }
}

/// The first pause of an outage, and which fraction of the outage each later one is.
fn first_pause(attempt: Attempt) -> (Duration, u32) {
    match attempt.first_units {
        0..LARGE_ITEM => (FIRST_PAUSE, PAUSE_FRACTION),
        units => (FIRST_PAUSE * u32::try_from(units / LARGE_ITEM).unwrap_or(u32::MAX), LARGE_ITEM_PAUSE_FRACTION),
    }
}

/// How long so many units take at a rate.
fn time_for(units: f64, rate: f64) -> Duration {
    Duration::from_secs_f64((units / rate.max(1e-9)).min(3600.0))
}
