//! What a person at a terminal sees, through a real pseudo-terminal.

use std::process::Command;

use test_support::capacity::lab_without_burst;
use test_support::lab::Lab;
use test_support::log::{csv, rows};
use test_support::table::Wcu;
use test_support::terminal::Terminal;

use crate::{LOADER, lab};

/// Accepts 50 rows per second, limited by the table.
fn slow_table() -> Lab {
    lab_without_burst("logfile", LOADER, Wcu { table: 5, index: 1000 }, 10, 20_000)
}

/// Accepts 50 rows per second, limited by its index.
fn slow_index() -> Lab {
    lab_without_burst("logfile", LOADER, Wcu { table: 1000, index: 5 }, 10, 50)
}

#[test]
fn a_load_shows_how_far_it_is_and_leaves_its_lines_and_its_summary() {
    let lab = slow_table();
    lab.file("log.csv", csv(&rows(1..=200)));
    let terminal = Terminal::start(lab.program(&["log.csv"]));
    terminal.wait_for(" rows/s  ");
    terminal.wait_for(" in flight");
    let (code, screen) = terminal.finish();
    assert_eq!(code, Some(0), "{screen}");
    let lines: Vec<&str> = screen.lines().collect();
    for start in [
        "row: 100 in ",
        "row: 200 in ",
        "load_logfile: 200 rows read = 200 written + 0 rejected + 0 not written, in ",
        "load_logfile: consumed 200 WCU of logfile, 200 of GSI_1",
        "RowCount: 200, Total seconds: ",
    ] {
        assert_eq!(lines.iter().filter(|line| line.starts_with(start)).count(), 1, "{start}: {screen}");
    }
    assert!(lines.last().unwrap().starts_with("RowCount: "), "{screen}");
    assert!(!screen.contains(" in flight"), "the bar has gone: {screen}");
}

#[test]
fn throttling_is_explained_once_while_it_happens_and_ctrl_c_ends_with_the_summary() {
    let lab = slow_index();
    lab.file("log.csv", csv(&rows(1..=3000)));
    let terminal = Terminal::start(lab.program(&["log.csv"]));
    terminal.wait_for("throttled: index GSI_1 of logfile has 5 WCU, enough for 5 rows a second; ");
    terminal.wait_for("this is called back-pressure. The 1,000 WCU");
    terminal.wait_for("create_tables logfile --index-capacity 10000/");
    terminal.wait_for("aws dynamodb update-table --table-name logfile --global-secondary-index-updates");
    terminal.wait_for(" left  ");
    terminal.type_text("\x03");
    let (code, screen) = terminal.finish();
    assert_eq!(code, Some(130), "{screen}");
    assert_eq!(screen.matches("throttled: index GSI_1").count(), 1, "{screen}");
    assert!(screen.contains(" not written, in "), "{screen}");
    assert!(screen.contains("load_logfile: error: stopped by SIGINT"), "{screen}");
    assert!(screen.contains("load_logfile: what to do: run the same command again"), "{screen}");
    // The terminal's echo of Ctrl-C comes between the bar and its removal, so one copy of the bar may remain, but no
    // second one.
    assert!(screen.matches(" in flight").count() <= 1, "{screen}");
}

#[test]
fn on_a_pipe_the_explanation_is_plain_lines_and_there_is_no_bar() {
    let lab = slow_table();
    lab.file("log.csv", csv(&rows(1..=250)));
    let run = lab.load(&["log.csv"]);
    run.assert_code(0);
    let explained = "load_logfile: throttled: table logfile has 5 WCU, enough for 5 rows a second; ";
    assert_eq!(run.stderr.matches(explained).count(), 1, "{}", run.stderr);
    assert!(!run.stderr.contains(['\x1b', '\r']) && !run.stderr.contains(" in flight"), "{}", run.stderr);
    assert!(!run.stdout.contains("throttled"), "{}", run.stdout);
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_plain_lines() {
    let lab = lab();
    lab.file("log.csv", csv(&rows(1..=100)));
    let terminal = Terminal::start_command(&lab.program(&["log.csv"]).env("TERM", "dumb").into_command());
    terminal.wait_for("RowCount: 100");
    assert!(!terminal.bytes().contains(&b'\x1b'));
    assert_eq!(terminal.finish().0, Some(0));
}

#[test]
fn nothing_has_a_colour_and_quiet_has_no_bar() {
    let lab = slow_table();
    lab.file("log.csv", csv(&rows(1..=100)));
    for (args, has_bar) in [(&["log.csv"][..], true), (&["log.csv", "--quiet"], false)] {
        let terminal = Terminal::start(lab.program(args).env("NO_COLOR", "1"));
        if has_bar {
            terminal.wait_for(" in flight");
        }
        terminal.wait_for("RowCount: 100");
        let text = String::from_utf8_lossy(&terminal.bytes()).into_owned();
        let coloured = text
            .split("\x1b[")
            .skip(1)
            .any(|rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == ';').starts_with('m'));
        assert!(!coloured, "{text:?}");
        assert_eq!(text.contains(" in flight"), has_bar, "{text:?}");
        assert_eq!(terminal.finish().0, Some(0));
    }
}

#[test]
fn another_size_of_the_window_does_no_harm() {
    let lab = slow_table();
    lab.file("log.csv", csv(&rows(1..=200)));
    let terminal = Terminal::start(lab.program(&["log.csv"]));
    terminal.wait_for(" in flight");
    terminal.resize(50, 30);
    terminal.wait_for("row: 100 in ");
    terminal.resize(200, 180);
    let (code, screen) = terminal.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("RowCount: 200, Total seconds: "), "{screen}");
    assert_eq!(lab.items().len(), 200);
}

/// In a shell, with Ctrl-Z and fg: what the shell wrote meanwhile stays on the screen.
#[test]
fn suspended_and_continued_in_a_shell_the_bar_continues_below() {
    let lab = slow_table();
    lab.file("log.csv", csv(&rows(1..=300)));
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]).current_dir(lab.folder()).envs([
        ("TERM", "xterm-256color"),
        ("PS1", "shell> "),
        ("AWS_ENDPOINT_URL", &lab.url()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("HOME", "/nonexistent"),
        ("PATH", &std::env::var("PATH").unwrap()),
    ]);
    let terminal = Terminal::start_command(&shell);
    terminal.wait_for("shell> ");
    terminal.type_text(&format!("{LOADER} logfile log.csv\n"));
    terminal.wait_for(" in flight");
    terminal.type_text("\x1a");
    terminal.wait_for("Stopped");
    terminal.type_text("echo mean''while\n");
    terminal.wait_for("meanwhile");
    terminal.type_text("fg\n");
    terminal.wait_for("RowCount: 300, Total seconds: ");
    terminal.type_text("exit\n");
    let (_, screen) = terminal.finish();
    for line in ["meanwhile", "row: 300 in "] {
        assert_eq!(screen.lines().filter(|each| each.starts_with(line)).count(), 1, "{line}: {screen}");
    }
    assert!(screen.contains("300 rows read = 300 written"), "{screen}");
    assert_eq!(lab.items().len(), 300);
}
