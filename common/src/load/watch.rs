//! A thread that looks at a load from time to time: draws its bars, and explains what throttles it, once for each cause.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::explanation::Situation;
use super::progress::{Progress, Sample, SourceProgress};
use super::table_facts::TableFacts;
use super::{Job, LoadError};
use crate::batch_writer::client::{Connection, Retries};
use batch_writer::{SharedTraffic, ThrottleCause, ThrottledResource};

use crate::screen::{Bar, Screen};
use crate::words;

/// How often it looks without a terminal.
const LOOK: Duration = Duration::from_millis(500);

/// How long it waits for an answer that tells the cause, once requests have come back without one.
const BEFORE_DEDUCTION: Duration = Duration::from_secs(2);

/// How long it waits for the table's description.
const DESCRIBE: Duration = Duration::from_secs(5);

/// Watches a load until it is dropped; then nothing of it is on the terminal any more.
pub(super) struct Watch {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(
        job: &Job,
        traffic: &SharedTraffic,
        sources: &[Arc<SourceProgress>],
        start: Instant,
    ) -> Result<Self, LoadError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LoadError::Thread)?;
        let mut watcher = Watcher {
            program: job.script.program(),
            screen: job.screen.clone(),
            connection: job.connection.clone(),
            table: job.table.clone(),
            traffic: traffic.clone(),
            names: job.sources.iter().map(|source| source.name().to_owned()).collect(),
            sources: sources.to_vec(),
            start,
            progress: Progress::default(),
            seen: BTreeSet::new(),
            explained: BTreeSet::new(),
            untold_since: None,
        };
        let (stop, stopped) = oneshot::channel();
        let watch = move || watcher.run(&runtime, stopped);
        let thread = thread::Builder::new().name("watch".to_owned()).spawn(watch).map_err(LoadError::Thread)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Watcher {
    program: &'static str,
    screen: Screen,
    connection: Connection,
    table: String,
    traffic: SharedTraffic,
    names: Vec<String>,
    sources: Vec<Arc<SourceProgress>>,
    start: Instant,
    progress: Progress,
    /// Causes that answers have told.
    seen: BTreeSet<ThrottleCause>,
    /// Causes that were explained, deduced ones included.
    explained: BTreeSet<ThrottleCause>,
    /// Since when requests have come back without a cause that is explained.
    untold_since: Option<Duration>,
}

impl Watcher {
    fn run(&mut self, runtime: &Runtime, mut stopped: oneshot::Receiver<()>) {
        runtime.block_on(async {
            let mut continued = signal(SignalKind::from_raw(nix::sys::signal::Signal::SIGCONT as i32)).ok();
            let bars = self.bars();
            let mut interval = tokio::time::interval(if bars.is_some() { Bar::INTERVAL } else { LOOK });
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            let mut shown = true;
            loop {
                tokio::select! {
                    _ = &mut stopped => break,
                    _ = interval.tick() => {}
                    _ = async { match &mut continued {
                        Some(stream) => stream.recv().await,
                        None => std::future::pending().await,
                    }} => self.screen.hide_bars_until_shown(&mut shown),
                }
                self.look(bars.as_ref(), &mut shown);
                let explain = self.explain_news();
                tokio::select! {
                    _ = &mut stopped => break,
                    () = explain => {}
                }
            }
        });
    }

    /// One for each source where there are several, and one for all.
    fn bars(&self) -> Option<Vec<Bar>> {
        let sources = if self.sources.len() > 1 { self.sources.len() } else { 0 };
        self.screen.has_bars().then(|| (0..=sources).map(|_| self.screen.bar()).collect())
    }

    fn look(&mut self, bars: Option<&Vec<Bar>>, shown: &mut bool) {
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
        for ((bar, source), name) in each.iter().zip(&self.sources).zip(&self.names) {
            let share = source.share();
            let percent = share.map_or_else(String::new, |share| format!("{:.0} %  ", share * 100.0));
            let written = words::counted(source.written.load(Ordering::Relaxed), "row");
            bar.show(share, &format!("{percent}{written}  {name}"));
        }
        all.show(sample.share, &self.progress.words());
    }

    fn sample(&self) -> Sample {
        let at = self.start.elapsed();
        let written = self.sources.iter().map(|source| source.written.load(Ordering::Relaxed)).sum();
        let shares: Option<Vec<(f64, f64)>> = self
            .sources
            .iter()
            .map(|source| source.share().map(|share| (share, source.length.load(Ordering::Relaxed) as f64)))
            .collect();
        let share = shares.map(|shares| {
            let whole: f64 = shares.iter().map(|(_, length)| length).sum();
            shares.iter().map(|(share, length)| share * length).sum::<f64>() / whole.max(1.0)
        });
        self.traffic.with(|traffic| Sample {
            at,
            written,
            throttled: traffic.throttled(),
            consumed: traffic.consumed_by_table.rounded_up(),
            in_flight: traffic.in_flight,
            share,
        })
    }

    /// Explains causes that are new. One that the answer does not tell waits a little for an answer that does.
    async fn explain_news(&mut self) {
        let mut news: Vec<_> = self.traffic.with(|traffic| {
            traffic.throttle_events.keys().filter(|cause| !self.seen.contains(*cause)).cloned().collect()
        });
        if let Some(place) = news.iter().position(|cause| cause.resource == ThrottledResource::Unknown) {
            let now = self.start.elapsed();
            let since = *self.untold_since.get_or_insert(now);
            let others_tell = news.len() > 1 || !self.explained.is_empty();
            if now < since + BEFORE_DEDUCTION && !others_tell {
                news.remove(place);
            } else if others_tell {
                self.seen.insert(news.remove(place));
            }
        }
        if news.is_empty() {
            return;
        }
        let facts = self.describe().await;
        for cause in news {
            self.seen.insert(cause.clone());
            let lines = self.with_situation(facts.as_ref(), |situation| {
                let cause = situation.deduce(&cause);
                (situation.explain(&cause), cause)
            });
            let (lines, cause) = lines;
            if self.explained.insert(cause) {
                let text = lines.join("\n");
                self.screen.line(&format!("{}: {text}", self.program));
            }
        }
    }

    async fn describe(&self) -> Option<TableFacts> {
        let client = self.connection.client(Retries::Sdk);
        let described = tokio::time::timeout(DESCRIBE, client.describe_table().table_name(&self.table).send()).await;
        described.ok()?.ok()?.table.as_ref().map(TableFacts::of_description)
    }

    fn with_situation<R>(&self, facts: Option<&TableFacts>, act: impl FnOnce(&Situation<'_>) -> R) -> R {
        let (written, table, indexes) = self.traffic.with(|traffic| {
            let told = traffic.written.saturating_sub(traffic.written_without_consumption);
            (told, traffic.consumed_by_table, traffic.consumed_by_index.clone())
        });
        // Where nothing was told yet, a row is taken for a small one that enters every index.
        let of_row = |units: f64| if written == 0 { 1.0 } else { units / written as f64 };
        let index_units = |name: &str| of_row(indexes.get(name).map_or(0.0, |units| units.as_f64()));
        let rows: u64 = self.traffic.with(|traffic| traffic.written);
        act(&Situation {
            table: &self.table,
            facts,
            endpoint_url: self.connection.endpoint_url(),
            rows_per_second: rows as f64 / self.start.elapsed().as_secs_f64().max(1e-3),
            rows_left: self.progress.rows_left(),
            table_units: of_row(table.as_f64()),
            index_units: &index_units,
        })
    }
}
