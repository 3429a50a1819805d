//! The constants of the controller, each with its reason.

use std::time::Duration;

/// The longest that a batch of several requests should wait for its capacity. What the bucket holds when a load ends is what the load
/// was slower than it could have been, and that is up to one and a half batches.
pub(super) const LONGEST_BATCH: f64 = 0.5;

/// The longest for a batch of a trial: what a trial offers less than flows in is lost where a bucket holds little, so its ten batches take no
/// longer than a second.
pub(super) const LONGEST_TRIAL_BATCH: f64 = 0.1;

/// The least that a batch may have, in units: two small items, so that one of them may come back alone.
pub(super) const SMALLEST_BATCH: u64 = 2;

/// The least write capacity that a table can have, in units per second.
pub(super) const LOWEST_CAPACITY: f64 = 1.0;

/// The lowest rate. This load may not be the only one.
pub(super) const LOWEST_RATE: f64 = LOWEST_CAPACITY / 2.0;

/// How much faster batches are sent than the resource accepts them.
pub(super) const HEADROOM: f64 = 1.01;

/// The pause between probes at the beginning of an outage. Four of them bring a unit at DynamoDB's smallest capacity, 1 WCU, so a slow
/// table sees few requests refused whole.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// During an outage the pause is this fraction of its length so far: the end is noticed within an eighth of it, and the earlier rate
/// resumed within a quarter.
pub(super) const PAUSE_FRACTION: u32 = 8;

/// Items of so many units need longer to be accepted, and probes with them cost more: the pauses are longer.
pub(super) const LARGE_ITEM: u64 = 12;
pub(super) const LARGE_ITEM_PAUSE_FRACTION: u32 = 2;

/// The longest pause, unless a batch needs longer at 1 WCU. A table that was throttled by others is noticed to be free within it.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// So many batches in a row that are accepted, or items after an outage, are not throttled at this rate. Fewer, and then nothing, are a
/// trickle.
pub(super) const RECOVERED: u32 = 3;

/// The minimum duration of an outage. After a shorter pause, batches are accepted for a while from what flowed in
/// meanwhile.
pub(super) const OUTAGE: Duration = Duration::from_secs(1);

/// A search measures this many accepted batches, for at least this long: shorter than the pauses that a slow table
/// needs anyway.
pub(super) const SEARCH_BATCHES: u32 = 4;
pub(super) const SEARCH_TIME: f64 = 0.1;

/// A measurement between two empty buckets is exact after so many batches and seconds: what the bucket held at its beginning and at its
/// end may differ by one item, and responses may be late by a round trip.
pub(super) const EXACT_BATCHES: u32 = 20;
pub(super) const EXACT_TIME: f64 = 1.0;

/// With fewer batches it is adopted where it differs by more than one item, and that is at most this share of it.
pub(super) const FEWEST_BATCHES: u32 = 4;
pub(super) const ROUGH: f64 = 1.0 / 3.0;

/// What a trial, or the measurement before it, needs: a changed capacity is followed within a second or two, and a share of a third is told
/// from chance.
pub(super) const TRIAL_BATCHES: u32 = 10;
pub(super) const TRIAL_TIME: f64 = 0.25;

/// So many batches are enough where so many items are accepted, and about the same share of each batch, so that its standard error is small.
pub(super) const CLEAR_BATCHES: u32 = 5;
pub(super) const CLEAR_ITEMS: u64 = 10;
pub(super) const CLEAR_ERROR: f64 = 0.05;

/// What a trial offers of what is accepted: so much less that no inexact measurement makes it more than flows in.
pub(super) const TRIAL_RATE: f64 = 0.75;

/// The rate is suspected to be far too high when the measurements have lowered it so much, or when so many batches in a row are
/// throttled.
pub(super) const FAR_BELOW: f64 = 0.8;
pub(super) const THROTTLED_BATCHES: u32 = 3;

/// Where a share is refused by chance, fewer than this share of what is expected.
pub(super) const FAR_BELOW_CHANCE: f64 = 0.7;

/// Where a share is refused by chance, a higher rate is tried while at least this share of what is expected is accepted: requests of a hot
/// key that are not yet aside would fill all batches.
pub(super) const GROWS_ABOVE: f64 = 0.9;

/// An outage is so many batches in a row refused whole that this is chance once in a hundred times.
pub(super) const FEWEST_REFUSALS: u32 = 3;
pub(super) const MOST_REFUSALS: u32 = 10;
pub(super) const IS_CHANCE: f64 = 0.01;

/// How soon it is tried again whether refusals end at a lower rate. The trial costs a few batches, so each time that it changes nothing it
/// is made half as often.
pub(super) const FIRST_DOUBT: Duration = Duration::from_secs(2);
pub(super) const LONGEST_DOUBT: Duration = Duration::from_secs(80);

/// The soonest that a higher rate is tried after the last change, and the steps: first a tenth, then doubling steps, because then the
/// capacity must have been raised.
pub(super) const GROWTH_INTERVAL: Duration = Duration::from_millis(250);
pub(super) const FIRST_GROWTH: f64 = 0.1;
pub(super) const LARGEST_GROWTH: f64 = 1.0;

/// After how many batches a higher rate is tried. Too high a rate brings a few unprocessed items where batches have many, but whole
/// refusals where a batch is one large item; these are to stay well under one in twenty.
pub(super) const GROWTH_BATCHES: u32 = 4;
pub(super) const CAREFUL_GROWTH_BATCHES: u32 = 40;

/// After how many small batches a larger one is tried, and how much larger it is. A cushion is one and a half batches, so more than that
/// and two batches accepted at once prove a higher rate. What is offered stays well under one and a half times what is accepted.
pub(super) const LARGE_BATCH_AFTER: u32 = 8;
pub(super) const LARGE_BATCH: u64 = 5;
pub(super) const LARGE_BATCH_PROOF: u64 = 4;

/// After a throttled response the bucket is given the time for so many batches; for half a one where batches are single large items, of
/// which one was only a little too early.
pub(super) const CUSHION: f64 = 1.5;
pub(super) const LARGE_ITEM_CUSHION: f64 = 0.5;

/// How late a batch may be sent without making the next one later, too: timers are late by a millisecond or more, and a table of
/// 5,000 WCU wants a batch every five.
pub(super) const SLACK: Duration = Duration::from_millis(50);

/// How long the first batch of a load and the batches of a search travel alone, unless their response is sooner. If the table is empty, or
/// there is none, one batch finds out as well as many.
pub(super) const ALONE: Duration = Duration::from_secs(1);
