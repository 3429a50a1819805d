//! Loads that are stopped, killed, suspended or out of disk space, and run again; for both loaders.
//!
//! Every function needs a load without repeated ids, so that each row that is sent twice is noticed, and panics on
//! failure.

use std::io::{self, Write as _};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::contract::{assert_same_items, sequential};
use crate::fault::Fault;
use crate::lab::{Lab, without_times};
use crate::log::{csv, rows};
use crate::program::{Counts, Program, Run, Running, eventually};
use crate::proxy::Proxy;
use crate::table::with_client;
use crate::trial::Trial;

/// Responses are late enough to allow something to be done to the load.
const LATE: Fault = Fault::Late(Duration::from_millis(40));

/// Responses that do not arrive during a test.
const NEVER: Fault = Fault::Late(Duration::from_secs(600));

/// The default of `--in-flight`.
const MAX_IN_FLIGHT: usize = 128;

const CHECKPOINT: [&str; 2] = ["--checkpoint", "progress"];

/// A proxy that delays every response.
fn slow(trial: &Trial) -> Proxy {
    Proxy::start(&trial.lab.url(), |_, _| LATE)
}

/// Starts the load and waits for this many more calls.
fn start(trial: &Trial, proxy: &Proxy, calls: usize) -> Running {
    let until = proxy.calls() + calls;
    let running = trial.program(&proxy.url()).start();
    eventually("calls of BatchWriteItem", || proxy.calls() >= until);
    running
}

/// Waits until everything that a killed program sent has been processed: otherwise it would take effect later.
fn wait_until_nothing_is_in_flight(proxy: &Proxy) {
    eventually("the last requests of the killed program are processed", || proxy.in_flight() == 0);
}

/// Killed without a checkpoint, the load is simply run again.
pub fn killed_and_run_again(trial: &Trial) {
    let proxy = slow(trial);
    drop(start(trial, &proxy, 10)); // kills it
    wait_until_nothing_is_in_flight(&proxy);
    assert!(trial.lab.items().len() < trial.rows());
    trial.assert_done(&trial.program(&proxy.url()).run(), "after it was killed");
}

/// Killed and hung up repeatedly, early and late, the load is completed and writes little twice: at most `most_again`
/// rows each time. It writes `wcu` rows per second, each of one unit.
pub fn killed_until_it_is_done(trial: Trial, wcu: usize, most_again: usize) {
    let trial = trial.with_args(&CHECKPOINT).with_args(&["--max-wcu", &wcu.to_string()]);
    let proxy = Proxy::start(&trial.lab.url(), |_, _| Fault::None);
    let url = proxy.url();
    let mut last = None;
    for (round, signal) in ["KILL", "KILL", "HUP"].into_iter().cycle().enumerate() {
        let (sent, again) = (proxy.requests(), proxy.again());
        // The first time early in the first second, later after the second one.
        let enough = sent + if round == 0 { 30 } else { wcu * 11 / 4 };
        let mut running = trial.program(&url).start();
        eventually("enough rows are sent, or it is done", || proxy.requests() >= enough || !running.is_running());
        if running.is_running() {
            running.signal(signal);
            eventually("it has ended", || !running.is_running());
            wait_until_nothing_is_in_flight(&proxy);
        }
        let again = proxy.again() - again;
        assert!(again <= most_again, "{again} rows were sent twice in round {round}");
        let run = running.finish();
        if run.code.is_some() {
            last = Some((run, round));
            break;
        }
    }
    let (run, rounds) = last.expect("it is done in the end");
    trial.assert_done(&run, "after it was killed");
    assert!(rounds >= 2, "{rounds} rounds are too few to tell");
    proxy.assert_well_behaved();
    ends_again(&proxy, &run, || trial.program(&url));
}

/// Runs a program to its end after it was killed `kills` times, each time when about 40 more rows were sent. It has a
/// proxy of its own, so that everything that a killed run has sent is processed before the next one starts.
pub fn done_in_spite_of_kills(lab: &Lab, kills: usize, program: impl Fn() -> Program) -> (Run, Proxy) {
    let proxy = Proxy::start(&lab.url(), |_, _| LATE);
    for kill in 1..=kills {
        let enough = proxy.requests() + 40 * kill / kills;
        let mut running = program().endpoint(&proxy.url()).start();
        eventually("rows are sent, or it is done", || proxy.requests() >= enough || !running.is_running());
        drop(running); // kills it
        wait_until_nothing_is_in_flight(&proxy);
    }
    let run = program().endpoint(&proxy.url()).run();
    (run, proxy)
}

/// The same command again, after `run` was done: it ends in the same way and sends nothing.
pub fn ends_again(proxy: &Proxy, run: &Run, program: impl Fn() -> Program) {
    let calls = proxy.calls();
    let again = program().run();
    assert_eq!(again.code, run.code, "{}", again.stderr);
    assert!(
        again.stderr.contains("says that this load is done, so nothing is sent; --fresh starts over"),
        "{}",
        again.stderr
    );
    assert_eq!((again.counts(), proxy.calls()), (run.counts(), calls));
    assert_eq!(again.stdout.lines().last(), run.stdout.lines().last());
}

/// Killed while one request of the first second has no response yet, it does not write again what was acknowledged
/// after that request. It writes `wcu` rows per second, each of one unit; at most `most_again` of four times as many
/// are written again. A change of the acknowledged row in line `line` of the file `name` is then noticed.
pub fn killed_while_a_response_is_missing(trial: Trial, wcu: usize, most_again: usize, name: &str, line: usize) {
    let trial = trial.with_args(&CHECKPOINT).with_args(&["--max-wcu", &wcu.to_string()]);
    // By then each worker has received a response, and may have several batches in flight.
    let proxy = Proxy::start(&trial.lab.url(), |call, _| if call == 12 { NEVER } else { Fault::None });
    let running = trial.program(&proxy.url()).start();
    eventually("rows of four seconds", || proxy.requests() >= wcu * 4);
    drop(running); // kills it
    let right = trial.lab.read(name);
    let mut lines: Vec<&str> = right.lines().collect();
    lines[line] = "1,this,was,another,row";
    trial.lab.file(name, lines.join("\n"));
    let run = trial.program(&proxy.url()).run();
    run.assert_error(4, &[&format!("error: {name}: its first "), "bytes are not those that were loaded"]);
    assert_eq!(run.stdout, "", "noticed before anything is written");
    trial.lab.file(name, right);
    trial.assert_done(&trial.program(&proxy.url()).run(), "after it was killed");
    let again = proxy.again();
    assert!(again <= most_again, "{again} rows were sent twice");
}

/// A first signal lets what is in flight finish, the counts are exact, and the load resumes from there.
pub fn stopped_by_a_signal(trial: Trial, signal: &str, code: i32) {
    let trial = trial.with_args(&CHECKPOINT);
    let proxy = slow(&trial);
    let running = start(&trial, &proxy, 10);
    running.signal(signal);
    let failed = trial.failed(running.finish(), proxy.calls());
    failed.run.assert_code(code);
    assert!(
        failed.run.stderr.ends_with(": run the same command again: it resumes from here\n"),
        "{}",
        failed.run.stderr
    );
    let written = failed.counts.written;
    assert!(written > 0 && written < trial.rows(), "{}", failed.run.stderr);
    assert_eq!((proxy.requests(), failed.items.len()), (written, written), "what was in flight was waited for");
    trial.assert_done(&trial.program(&proxy.url()).run(), signal);
    proxy.assert_well_behaved();
}

/// A second signal ends it at once, although responses are missing; the counts are still exact.
pub fn stopped_by_a_second_signal(trial: Trial) {
    let trial = trial.with_args(&CHECKPOINT);
    let answers = Arc::new(AtomicBool::new(false));
    let does_answer = Arc::clone(&answers);
    let proxy = Proxy::start(&trial.lab.url(), move |call, _| {
        if call < 3 || does_answer.load(Ordering::Relaxed) { Fault::None } else { NEVER }
    });
    let url = proxy.url();
    let mut running = trial.program(&url).env("RUST_LOG", "common::load=debug").start();
    eventually("calls that are not answered", || proxy.calls() >= 5);
    eventually("it has ended", || {
        if running.is_running() {
            running.signal("INT");
        }
        !running.is_running()
    });
    let failed = trial.failed(running.finish(), proxy.calls());
    failed.run.assert_code(130);
    assert!(failed.run.stderr.contains("not waiting for batches in flight"), "{}", failed.run.stderr);
    // A response may have arrived without having been read.
    assert!((1..=proxy.acknowledged()).contains(&failed.counts.written), "{:?}", failed.counts);
    assert!(failed.items.len() > proxy.acknowledged(), "written, and never acknowledged");
    answers.store(true, Ordering::Relaxed);
    trial.assert_done(&trial.program(&url).run(), "afterwards");
}

/// If its standard output is full and never read, it cannot continue; a second signal ends it, and nothing is lost.
pub fn stopped_while_nobody_reads_its_output(trial: Trial) {
    const PIPE: usize = 64 * 1024; // pipe(7)
    let trial = trial.with_args(&CHECKPOINT);
    let proxy = Proxy::start(&trial.lab.url(), |_, _| Fault::None);
    let (unread, mut output) = io::pipe().unwrap();
    output.write_all(&[b'\n'; PIPE]).unwrap();
    let mut running = trial.program(&proxy.url()).stdout(output).start();
    eventually("a call", || proxy.calls() > 0);
    running.signal("TERM");
    eventually("it has ended", || {
        if running.is_running() {
            running.signal("TERM");
        }
        !running.is_running()
    });
    running.finish().assert_code(143);
    drop(unread);
    trial.assert_done(&trial.program(&proxy.url()).run(), "afterwards");
}

/// If responses do not arrive, a single signal is enough.
pub fn stopped_while_responses_are_missing(trial: &Trial) {
    let proxy = Proxy::start(&trial.lab.url(), |call, _| if call < 3 { Fault::None } else { NEVER });
    let running = start(trial, &proxy, 5);
    running.signal("TERM");
    let failed = trial.failed(running.finish(), proxy.calls());
    failed.run.assert_code(143);
    assert_eq!(failed.counts.written, proxy.acknowledged());
}

/// Suspended in the middle, with all its connections lost meanwhile, it continues with new connections and new
/// signatures.
pub fn suspended_and_continued(trial: &Trial) {
    let dates = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&dates);
    let proxy = Proxy::start(&trial.lab.url(), move |_, request| {
        seen.lock().unwrap().push(request.header("x-amz-date").unwrap_or_default());
        LATE
    });
    let running = start(trial, &proxy, 10);
    running.signal("STOP");
    eventually("it is stopped", || running.is_stopped());
    proxy.cut();
    let stopped_at = now();
    eventually("another second has begun", || now() > stopped_at);
    eventually("calls from before are done", || proxy.in_flight() == 0);
    let (before, continued_at) = (proxy.calls(), now());
    running.signal("CONT");
    let run = running.finish();
    trial.assert_done(&run, "after it was continued");
    let after = dates.lock().unwrap().split_off(before);
    // Batches in flight may have been signed and not yet sent when it was stopped; their signatures remain valid for
    // longer than an attempt may take. There may be as many of them as the load keeps in flight.
    let old = after.iter().filter(|date| **date < continued_at).count();
    assert!(old <= MAX_IN_FLIGHT && old < after.len(), "{old} of {} are signed before {continued_at}", after.len());
    assert!(after.last() >= Some(&continued_at), "{after:?}");
    proxy.assert_well_behaved();
}

/// Suspended while its standard input, the argument `-`, is open, it continues with what it reads then.
pub fn suspended_with_open_input(lab: &Lab, args: &[&str]) {
    let mut running = lab.program(args).start();
    running.write(&csv(&rows(1..=100)));
    eventually("the first hundred rows", || lab.items().len() == 100);
    running.signal("STOP");
    eventually("it is stopped", || running.is_stopped());
    running.write(&csv(&rows(101..=130)));
    assert_eq!(lab.items().len(), 100);
    running.signal("CONT");
    let run = running.finish();
    assert_eq!((run.code, run.news().as_str()), (Some(0), ""));
    assert_eq!(lab.items().len(), 130);
}

/// The time in the form of signatures.
fn now() -> String {
    let date = Command::new("date").args(["-u", "+%Y%m%dT%H%M%SZ"]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

/// A different file of the same name is refused, and nothing is changed; the right one resumes.
pub fn another_file_of_the_same_name(trial: Trial, name: &str) {
    let trial = trial.with_args(&CHECKPOINT);
    let proxy = slow(&trial);
    let running = start(&trial, &proxy, 40);
    running.signal("TERM");
    running.finish().assert_code(143);
    let (right, checkpoint, items) = (trial.lab.read(name), trial.lab.read("progress"), trial.lab.items());
    // Only one letter in the first row differs.
    trial.lab.file(name, right.replacen("GET", "PUT", 1));
    let run = trial.program(&proxy.url()).run();
    let refusal = format!("error: {name}: its first ");
    run.assert_error(4, &[&refusal, "bytes are not those that were loaded", "start over with --fresh"]);
    assert_eq!(without_times(&run.stdout), "");
    assert!(trial.lab.items() == items && trial.lab.read("progress") == checkpoint, "nothing is touched");
    trial.lab.file(name, right);
    trial.assert_done(&trial.program(&proxy.url()).run(), "the right file");
}

/// A table that is deleted during a load ends it with exact counts. When it has been created again, it is loaded
/// completely, without the checkpoint.
pub fn table_deleted_during_the_load(trial: Trial, table: &'static str) {
    let trial = trial.with_args(&CHECKPOINT);
    let proxy = slow(&trial);
    let running = start(&trial, &proxy, 10);
    with_client(&trial.lab.url(), async |client| {
        client.delete_table().table_name(table).send().await.unwrap();
    });
    let run = running.finish();
    run.assert_error(4, &[&format!("table {table}: "), "when a new table of its name exists, start over with --fresh"]);
    let counts = run.counts();
    assert!(counts.written > 0 && counts.not_written > 0 && counts.rejected == 0, "{}", run.stderr);
    crate::table::create_lab(&trial.lab.url(), table);
    trial.assert_done(&trial.program(&proxy.url()).args(["--fresh"]).run(), "the new table");
}

/// Killed repeatedly while some rows are bad: each of them is collected once. `log` is the file, `bad` its bad rows.
pub fn killed_while_rows_are_rejected(lab: &Lab, log: &str, bad: &[String]) {
    lab.file("log.csv", log);
    let good: String = log.split_inclusive('\n').filter(|line| !bad.iter().any(|bad| line.starts_with(bad))).collect();
    let proxy = Proxy::start(&lab.url(), |_, _| LATE);
    let program = || {
        let args = ["log.csv", "--checkpoint", "progress", "--rejects", "bad.csv", "--max-wcu", "1000"];
        lab.program(&args).endpoint(&proxy.url())
    };
    // At once, before and after bad rows, and after a checkpoint.
    for more in [1, 300, 10, 1500] {
        let until = proxy.requests() + more;
        let running = program().start();
        eventually("requests", || proxy.requests() >= until);
        drop(running); // kills it
        wait_until_nothing_is_in_flight(&proxy);
    }
    let run = program().run();
    run.assert_code(3);
    let (counts, rows) = (run.counts(), log.lines().count());
    let expected = Counts { read: rows, written: rows - bad.len(), rejected: bad.len(), not_written: 0 };
    assert_eq!(counts, expected);
    assert_same_items(&lab.items(), &sequential(good.as_bytes()));
    assert_eq!(lab.read("bad.csv").lines().collect::<Vec<_>>(), bad, "each once");
    assert_eq!(lab.read("bad.csv.reasons").lines().count(), bad.len());
    ends_again(&proxy, &run, program);
    assert_eq!(lab.read("bad.csv").lines().collect::<Vec<_>>(), bad, "each once");
}

/// The disk is full when bad rows are collected: the load ends with exact counts. With free space it resumes and has
/// each bad row once.
pub fn no_room_for_rejected_rows(lab: &Lab, log: &str, bad: &[String]) {
    lab.file("log.csv", log);
    let good: String = log.split_inclusive('\n').filter(|line| !bad.iter().any(|bad| line.starts_with(bad))).collect();
    let program = || lab.program(&["log.csv", "--checkpoint", "progress", "--rejects", "bad.csv"]);
    let run = program().with_file_size_limit(24).run();
    run.assert_error(
        1,
        &["cannot write bad.csv: ", "the free disk space", "run the same command again: it resumes from here"],
    );
    let counts = run.counts();
    // Some ids are repeated.
    assert!(counts.written >= lab.items().len() && counts.rejected > 0, "{counts:?}");
    let collected = lab.read("bad.csv");
    assert!(collected.lines().eq(&bad[..collected.lines().count()]), "complete rows only: {collected}");
    program().run().assert_code(3);
    assert_same_items(&lab.items(), &sequential(good.as_bytes()));
    assert_eq!(lab.read("bad.csv").lines().collect::<Vec<_>>(), bad, "each once");
    assert_eq!(lab.read("bad.csv.reasons").lines().count(), bad.len());
}

/// While it waits for a table that accepts nothing, it uses almost no CPU time.
pub fn waiting_uses_no_processor_time(trial: &Trial) {
    let proxy = Proxy::start(&trial.lab.url(), |_, _| Fault::all_unprocessed());
    // There are waits of one and of two seconds between them.
    let running = start(trial, &proxy, 3);
    let used = running.cpu_seconds();
    assert!(used < 0.8, "{used} s of processor time");
}

/// A checkpoint that does not fit on the disk is an error before anything is written.
pub fn no_room_for_the_checkpoint(trial: Trial) {
    let name = "p".repeat(200);
    let trial = trial.with_args(&["--checkpoint", &name]);
    let run = trial.program(&trial.lab.url()).with_file_size_limit(0).run();
    run.assert_error(1, &[&format!("checkpoint {name}: "), "the free disk space"]);
    assert!(trial.lab.items().is_empty());
    assert!(!trial.lab.folder().join(&name).exists() && !trial.lab.folder().join(name.clone() + ".new").exists());
    trial.assert_done(&trial.program(&trial.lab.url()).run(), "with room");
}
