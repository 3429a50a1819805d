//! Loads that are stopped, killed, and run again.

use std::time::Duration;

use test_support::contract::{assert_same_items, sequential};
use test_support::lab::{Lab, without_times};
use test_support::log::{Row, csv, row, rows};
use test_support::program::{Program, eventually};
use test_support::proxy::{Fault, Proxy};

use crate::lab;

/// 3,000 rows, a third of them for ids that were there before.
fn log() -> String {
    let row = |line: i64| match line % 3 {
        0 => row(line / 3 % 400).url(&format!("/line/{line}")),
        _ => rows([1000 + line]).remove(0),
    };
    csv(&(0..3000).map(row).collect::<Vec<Row>>())
}

/// A load through a proxy that lets every answer wait, so that there is time to do something to it.
struct Slow {
    lab: Lab,
    proxy: Proxy,
    log: String,
}

impl Slow {
    fn new(log: String) -> Self {
        let lab = lab();
        lab.file("log.csv", &log);
        let proxy = Proxy::start(&lab.url(), |_, _| Fault::Late(Duration::from_millis(40)));
        Self { lab, proxy, log }
    }

    fn program(&self, more: &[&str]) -> Program {
        self.lab.program(&[&["log.csv"], more].concat()).endpoint(&self.proxy.url())
    }

    /// Waits until so many more calls have reached the table.
    fn wait_for_calls(&self, more: usize) {
        let until = self.proxy.calls() + more;
        eventually("calls of BatchWriteItem", || self.proxy.calls() >= until);
    }
}

#[test]
fn a_load_that_was_killed_is_simply_run_again() {
    let slow = Slow::new(log());
    let running = slow.program(&[]).start();
    slow.wait_for_calls(20);
    drop(running); // kills it
    assert!(slow.lab.items().len() < 2000);
    let run = slow.program(&[]).run();
    run.assert_code(0);
    assert!(run.stdout.contains("RowCount: 3000, "), "{}", run.stdout);
    assert_same_items(&slow.lab.items(), &sequential(slow.log.as_bytes()));
}

#[test]
fn with_a_checkpoint_it_goes_on_however_often_it_is_killed() {
    let bad = (0..5).map(|n| format!("bad {n}"));
    let log: String = log()
        .split_inclusive('\n')
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .chunks(600)
        .zip(bad.clone())
        .map(|(rows, bad)| format!("{}{bad}\n", rows.concat()))
        .collect();
    let slow = Slow::new(log);
    let args = ["--checkpoint", "progress", "--rejects", "bad.csv"];
    for more in [1, 5, 20, 30] {
        let running = slow.program(&args).start();
        slow.wait_for_calls(more);
        drop(running); // kills it
    }
    let run = slow.program(&args).run();
    run.assert_code(3);
    let counts = run.counts();
    assert_eq!((counts.read, counts.rejected, counts.not_written), (3005, 5, 0));
    assert!(run.stdout.ends_with('\n') && run.stdout.contains("RowCount: 3000, "), "{}", run.stdout);
    let good: String = slow.log.split_inclusive('\n').filter(|line| !line.starts_with("bad")).collect();
    assert_same_items(&slow.lab.items(), &sequential(good.as_bytes()));
    assert_eq!(slow.lab.read("bad.csv"), bad.map(|row| row + "\n").collect::<String>(), "each once");
    assert!(!slow.lab.folder().join("progress").exists());
}

#[test]
fn a_signal_stops_it_with_exact_counts_and_it_goes_on_without_sending_a_row_twice() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let slow = Slow::new(log());
        let args = ["--checkpoint", "progress"];
        let running = slow.program(&args).start();
        slow.wait_for_calls(10);
        running.signal(signal);
        let run = running.finish();
        run.assert_code(code);
        let written = run.counts().written;
        assert!(written > 0 && written < 3000, "{}", run.stderr);
        assert!(!run.stdout.contains("RowCount"), "{}", run.stdout);
        assert_eq!(slow.proxy.requests(), written, "what was in flight was waited for");
        let run = slow.program(&args).run();
        run.assert_code(0);
        assert!(run.stdout.contains("RowCount: 3000, "), "{}", without_times(&run.stdout));
        assert_same_items(&slow.lab.items(), &sequential(slow.log.as_bytes()));
        // What was written out of order behind the first gap is sent again.
        let twice = slow.proxy.requests() - 3000;
        assert!(twice <= 32 * 25, "{twice} rows were sent twice");
        slow.proxy.assert_well_behaved();
    }
}
