//! A load by either loader under faults, and its expected result.

use std::collections::BTreeMap;
use std::thread;

use crate::canned::Request;
use crate::contract::{Items, assert_same_items, parallel, sequential};
use crate::fault::Fault;
use crate::lab::{Lab, without_times};
use crate::program::{Counts, Program, Run};
use crate::proxy::Proxy;

/// A load that has not started.
#[derive(Debug)]
pub struct Trial {
    /// The table, empty, and the files.
    pub lab: Lab,
    args: Vec<String>,
    expected: Items,
    rows: usize,
    last_line: String,
}

/// The end of a load that did not complete.
#[derive(Debug)]
pub struct Failed {
    pub run: Run,
    pub counts: Counts,
    pub items: Items,
    /// BatchWriteItem calls that it made.
    pub calls: usize,
}

impl Trial {
    /// The loader of one file, `log.csv`, in `lab`.
    pub fn sequential(lab: Lab, log: &str) -> Self {
        lab.file("log.csv", log);
        let (rows, expected) = (log.lines().count(), sequential(log.as_bytes()));
        let last_line = format!("RowCount: {rows}, Total seconds: S");
        Self { lab, args: vec!["log.csv".to_owned()], expected, rows, last_line }
    }

    /// The loader of several files, `log0.csv` and so on, in `lab`, which has the table `logfile_scan`; ids must be less than 2,000.
    pub fn parallel(lab: Lab, logs: &[String], copies: u16, threads: u16) -> Self {
        let mut args = vec![format!("--copies={copies}"), format!("--threads={threads}")];
        for (number, log) in logs.iter().enumerate() {
            args.push(format!("log{number}.csv"));
            lab.file(&format!("log{number}.csv"), log);
        }
        let rows = logs.iter().map(|log| log.lines().count() * usize::from(copies)).sum();
        let logs: Vec<&[u8]> = logs.iter().map(String::as_bytes).collect();
        let expected = parallel("logfile_scan", &logs, copies.into(), 2000, 500_000);
        Self { lab, args, expected, rows, last_line: format!("total rows {rows} in S seconds") }
    }

    /// The same with additional arguments.
    #[must_use]
    pub fn with_args(mut self, more: &[&str]) -> Self {
        self.args.extend(more.iter().map(|&arg| arg.to_owned()));
        self
    }

    /// Its arguments after the table's name.
    pub fn args(&self) -> Vec<&str> {
        self.args.iter().map(String::as_str).collect()
    }

    /// Rows that are to be written; each copy counts.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The loader, at the endpoint `url`.
    pub fn program(&self, url: &str) -> Program {
        self.lab.program(&self.args()).endpoint(url)
    }

    /// Fails the test unless the run has loaded everything, its last line says so, and the table is what a load without faults leaves.
    #[track_caller]
    pub fn assert_done(&self, run: &Run, what: &str) {
        assert_eq!((run.code, run.news().as_str()), (Some(0), ""), "{what}: {}", run.stdout);
        let Counts { read, written, rejected, not_written } = run.counts();
        assert_eq!((read, written, rejected, not_written), (self.rows, self.rows, 0, 0), "{what}");
        assert_eq!(without_times(&run.stdout).lines().last(), Some(self.last_line.as_str()), "{what}");
        assert_same_items(&self.lab.items(), &self.expected);
    }

    /// Loads through a proxy with `plan`, and checks that everything was written.
    ///
    /// # Panics
    /// If it is not.
    pub fn survives(self, what: &str, plan: impl FnMut(usize, &Request) -> Fault + Send + 'static) {
        let proxy = Proxy::start(&self.lab.url(), plan);
        let run = self.program(&proxy.url()).run();
        self.assert_done(&run, what);
        assert!(proxy.requests() >= self.rows, "{what}");
        proxy.assert_well_behaved();
    }

    /// Loads through a proxy with `plan`, which must fail. No id may occur twice.
    ///
    /// # Panics
    /// If it succeeds, if its counts do not add up or do not match these rows, or if the table contains other items.
    pub fn fails(&self, plan: impl FnMut(usize, &Request) -> Fault + Send + 'static) -> Failed {
        let proxy = Proxy::start(&self.lab.url(), plan);
        let run = self.program(&proxy.url()).run();
        proxy.assert_well_behaved();
        self.failed(run, proxy.calls())
    }

    /// A run of this load that failed after `calls` calls.
    ///
    /// # Panics
    /// Like [`fails`](Self::fails).
    #[track_caller]
    pub fn failed(&self, run: Run, calls: usize) -> Failed {
        assert_eq!(self.expected.len(), self.rows, "an id occurs twice");
        assert!(run.code != Some(0) && !without_times(&run.stdout).contains(&self.last_line), "{run:?}");
        let (counts, items) = (run.counts(), self.lab.items());
        assert!(counts.read <= self.rows, "{counts:?}");
        assert!(counts.written <= items.len(), "{counts:?}, and {} items", items.len());
        let found: BTreeMap<_, _> =
            self.expected.clone().into_iter().filter(|(key, _)| items.contains_key(key)).collect();
        assert_same_items(&items, &found);
        Failed { run, counts, items, calls }
    }
}

/// Runs a trial under each of these faults, in parallel. The fault affects the calls with these numbers.
///
/// # Panics
/// If it does not.
pub fn survives_each(trial: impl Fn() -> Trial + Sync, faults: Vec<Fault>, calls: &'static [usize]) {
    thread::scope(|scope| {
        for fault in faults {
            let trial = &trial;
            scope.spawn(move || {
                let what = format!("{fault:?}");
                trial().survives(&what, move |call, _| if calls.contains(&call) { fault.clone() } else { Fault::None });
            });
        }
    });
}

/// Runs a trial under random faults of all kinds, once for each seed.
///
/// # Panics
/// If it does not; the message names the seed.
pub fn survives_random_faults(trial: impl Fn() -> Trial + Sync, seeds: impl IntoIterator<Item = u64>) {
    thread::scope(|scope| {
        for seed in seeds {
            let trial = &trial;
            let mut random = fastrand::Rng::with_seed(seed);
            // Throttled only once: more would slow the loader down and make the test slow.
            let throttled = random.usize(..10);
            let plan = move |call, _: &Request| match call {
                _ if call == throttled => Fault::random_throttling(&mut random),
                ..25 => Fault::random(&mut random),
                _ => Fault::None,
            };
            scope.spawn(move || trial().survives(&format!("seed {seed}"), plan));
        }
    });
}
