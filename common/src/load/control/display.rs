//! What a load shows while it runs: progress bars on a terminal, and one explanation of each cause of throttling.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior};

use super::explanation::Situation;
use crate::batch_writer::client::Retries;
use crate::batch_writer::{ThrottleCause, ThrottleLimit, ThrottledResource};
use crate::human;
use crate::input::SourceProgress;
use crate::load::job::Job;
use crate::load::progress::{Progress, Sample};
use crate::load::sink::{Sinks, TableSinks};
use crate::report::RowCounts;
use crate::screen::{Bar, Screen};
use crate::tables::TableDescription;

/// How often the load is sampled where there are no bars.
const INTERVAL: Duration = Duration::from_millis(500);

/// How long a cause that no response names is left unexplained, because a later response may name it.
const DEDUCTION_DELAY: Duration = Duration::from_secs(2);

/// The timeout for the table's description.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Samples a load at intervals. Its bars disappear when it is dropped.
pub(super) struct Display {
    program: &'static str,
    screen: Screen,
    /// `None` where nothing is written to a table.
    sinks: Option<TableSinks>,
    names: Vec<String>,
    counts: Arc<RowCounts>,
    sources: Vec<Arc<SourceProgress>>,
    start: Instant,
    progress: Progress,
    /// Causes that responses have named.
    seen: BTreeSet<ThrottleCause>,
    /// Causes that were explained, deduced ones included.
    explained: BTreeSet<ThrottleCause>,
    /// When requests were first throttled without a cause that is explained.
    unknown_since: Option<Duration>,
}

impl Display {
    pub(super) fn new(
        job: &Job,
        sinks: &Sinks,
        counts: &Arc<RowCounts>,
        sources: &[Arc<SourceProgress>],
        start: Instant,
    ) -> Self {
        Self {
            program: job.script.program(),
            screen: job.screen.clone(),
            sinks: sinks.of_table().cloned(),
            names: job.sources.iter().map(|source| source.name().to_owned()).collect(),
            counts: Arc::clone(counts),
            sources: sources.to_vec(),
            start,
            progress: Progress::default(),
            seen: BTreeSet::new(),
            explained: BTreeSet::new(),
            unknown_since: None,
        }
    }

    pub(super) async fn run(&mut self) {
        let mut continued = signal(SignalKind::from_raw(nix::sys::signal::Signal::SIGCONT as i32)).ok();
        let bars = self.bars();
        let mut interval = tokio::time::interval(if bars.is_some() { Bar::INTERVAL } else { INTERVAL });
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut shown = true;
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                _ = async { match &mut continued {
                    Some(stream) => stream.recv().await,
                    None => std::future::pending().await,
                }} => self.screen.hide_bars_until_shown(&mut shown),
            }
            self.update(bars.as_ref(), &mut shown);
            self.explain_new_causes().await;
        }
    }

    /// One for each source where there are several, and one for all.
    fn bars(&self) -> Option<Vec<Bar>> {
        let sources = if self.sources.len() > 1 { self.sources.len() } else { 0 };
        self.screen.has_bars().then(|| (0..=sources).map(|_| self.screen.bar()).collect())
    }

    fn update(&mut self, bars: Option<&Vec<Bar>>, shown: &mut bool) {
        let sample = self.sample();
        self.progress.add(sample);
        let Some((all, each)) = bars.and_then(|bars| bars.split_last()) else { return };
        if !self.screen.is_in_foreground() {
            self.screen.hide_bars_until_shown(shown);
            return;
        }
        if !*shown {
            self.screen.show_bars();
            *shown = true;
        }
        for (index, ((bar, source), name)) in each.iter().zip(&self.sources).zip(&self.names).enumerate() {
            let share = source.share();
            let percent = share.map_or_else(String::new, |share| format!("{:.0} %  ", share * 100.0));
            let written = human::counted(self.counts.of_source(index).written, "row");
            bar.show(share, &format!("{percent}{written}  {name}"));
        }
        all.show(sample.share, &self.progress.text());
    }

    fn sample(&self) -> Sample {
        let at = self.start.elapsed();
        let shares: Option<Vec<(f64, f64)>> = self
            .sources
            .iter()
            .map(|source| source.share().map(|share| (share, source.length.load(Ordering::Relaxed) as f64)))
            .collect();
        let share = shares.map(|shares| {
            let total: f64 = shares.iter().map(|(_, length)| length).sum();
            shares.iter().map(|(share, length)| share * length).sum::<f64>() / total.max(1.0)
        });
        let written = self.counts.total().written;
        let Some(sinks) = &self.sinks else { return Sample { at, written, share, ..Sample::default() } };
        sinks.traffic.with(|traffic| Sample {
            at,
            written,
            throttled: traffic.throttled(),
            consumed: traffic.consumed_by_table.rounded_up(),
            in_flight: traffic.in_flight,
            share,
        })
    }

    /// Explains new causes. One that no response names is deduced only after [`DEDUCTION_DELAY`].
    async fn explain_new_causes(&mut self) {
        let Some(sinks) = self.sinks.clone() else { return };
        let mut new_causes: Vec<_> = sinks.traffic.with(|traffic| {
            traffic.throttle_events.keys().filter(|cause| !self.seen.contains(*cause)).cloned().collect()
        });
        if let Some(index) = new_causes.iter().position(|cause| cause.resource == ThrottledResource::Unknown) {
            let now = self.start.elapsed();
            let since = *self.unknown_since.get_or_insert(now);
            let others_are_known = new_causes.len() > 1 || !self.explained.is_empty();
            if now < since + DEDUCTION_DELAY && !others_are_known {
                new_causes.remove(index);
            } else if others_are_known {
                self.seen.insert(new_causes.remove(index));
            }
        }
        // This shows only after a while.
        let of_some_rows = ThrottleCause { resource: ThrottledResource::Unknown, limit: ThrottleLimit::KeyRange };
        let is_explained = self.explained.iter().any(|cause| cause.limit == ThrottleLimit::KeyRange);
        if sinks.pacer.throttles_some_again() && !is_explained {
            new_causes.push(of_some_rows);
        }
        if new_causes.is_empty() {
            return;
        }
        let description = describe(&sinks).await;
        for cause in new_causes {
            self.seen.insert(cause.clone());
            let (lines, cause) = self.with_situation(&sinks, description.as_ref(), |situation| {
                let cause = situation.deduce(&cause);
                (situation.explain(&cause), cause)
            });
            if self.explained.insert(cause) {
                self.screen.line(&format!("{}: {}", self.program, lines.join("\n")));
            }
        }
    }

    fn with_situation<R>(
        &self,
        sinks: &TableSinks,
        description: Option<&TableDescription>,
        with: impl FnOnce(&Situation<'_>) -> R,
    ) -> R {
        let (written, measured, table, indexes) = sinks.traffic.with(|traffic| {
            let measured = traffic.written.saturating_sub(traffic.written_without_consumption);
            (traffic.written, measured, traffic.consumed_by_table, traffic.consumed_by_index.clone())
        });
        // Until consumed capacity is known, a row is assumed to cost one unit in the table and in each index.
        let of_row = |units: f64| if measured == 0 { 1.0 } else { units / measured as f64 };
        let index_units = |name: &str| of_row(indexes.get(name).map_or(0.0, |units| units.as_f64()));
        let elapsed = self.start.elapsed();
        with(&Situation {
            table: &sinks.name,
            description,
            endpoint_url: sinks.connection.endpoint_url(),
            elapsed,
            rows_per_second: written as f64 / elapsed.as_secs_f64().max(1e-3),
            rows_left: self.progress.rows_left(),
            table_units: of_row(table.as_f64()),
            index_units: &index_units,
            some_rows_are_refused_again: sinks.pacer.throttles_some_again(),
            refused_at_any_rate: sinks.pacer.throttles_at_any_rate(),
        })
    }
}

/// The table's capacity now, which may have changed since the start.
async fn describe(sinks: &TableSinks) -> Option<TableDescription> {
    let client = sinks.connection.client(Retries::Sdk);
    tokio::time::timeout(DESCRIBE_TIMEOUT, TableDescription::read(&client, &sinks.name)).await.ok()?.ok()
}
