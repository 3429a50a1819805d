//! The exact lines that the workshop's Python scripts print on stdout. Everything that imitates them is here.

use std::io::{self, Write};
use std::time::Duration;

use super::RowCounts;

/// `load_logfile.py` prints a line after this many rows.
const SEQUENTIAL_STEP: u64 = 100;
/// `load_logfile_parallel.py` prints one after this many rows of each thread.
const PARALLEL_STEP: u64 = 5000;

/// The script that a load replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// `load_logfile.py`
    Sequential,
    /// `load_logfile_parallel.py`
    Parallel,
}

impl Script {
    /// The program that replaces the script.
    pub fn program(self) -> &'static str {
        match self {
            Self::Sequential => "load_logfile",
            Self::Parallel => "load_logfile_parallel",
        }
    }
}

/// Seconds as Python prints a float: the shortest digits that yield the same number, with at least one after the point.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds != 0.0 && seconds < 1e-4 {
        // Python switches to an exponent one digit earlier than Rust does, and writes it with two digits.
        let text = format!("{seconds:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{digits}e-{:0>2}", exponent.trim_start_matches('-'))
    } else {
        format!("{seconds:?}")
    }
}

/// The lines of one of the scripts on stdout, each flushed, because people watch them in a file. When stdout is closed,
/// the load continues without them.
#[derive(Debug)]
pub struct PythonLines<W> {
    out: Option<W>,
    script: Script,
    /// When the last line about each file was printed. The sequential script has one count for all, kept with the first file.
    previous: Vec<Duration>,
}

impl<W: Write> PythonLines<W> {
    /// Prints to `out`. The parallel script begins with a line for each of its files.
    pub fn new<'a>(script: Script, out: W, files: impl IntoIterator<Item = &'a str>) -> Self {
        let mut lines = Self { out: Some(out), script, previous: Vec::new() };
        for file in files {
            if script == Script::Parallel {
                lines.print(&format!("starting thread for file: {file}"));
            }
            lines.previous.push(Duration::ZERO);
        }
        lines
    }

    /// `rows` more rows of a source were acknowledged, `now` after the start. `counts` already includes them.
    pub fn written(&mut self, source: usize, rows: u64, counts: &RowCounts, now: Duration) {
        let (thread, step, written) = match self.script {
            Script::Sequential => (0, SEQUENTIAL_STEP, counts.total().written),
            Script::Parallel => (source, PARALLEL_STEP, counts.of_source(source).written),
        };
        for row in ((written - rows) / step + 1..=written / step).map(|number| number * step) {
            let took = seconds(now.saturating_sub(self.previous[thread]));
            self.print(&match self.script {
                Script::Sequential => format!("row: {row} in {took}"),
                Script::Parallel => format!("thread_id: {thread}, row: {row}, {took}"),
            });
            self.previous[thread] = now;
        }
    }

    /// All rows are written, `now` after the start.
    pub fn finish(&mut self, written: u64, now: Duration) {
        let took = seconds(now);
        self.print(&match self.script {
            Script::Sequential => format!("RowCount: {written}, Total seconds: {took}"),
            Script::Parallel => format!("total rows {written} in {took} seconds"),
        });
    }

    fn print(&mut self, line: &str) {
        let Some(out) = &mut self.out else { return };
        if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
            self.out = None;
            if error.kind() != io::ErrorKind::BrokenPipe {
                log::warn!("cannot write to standard output ({error}); the load continues without it");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Tally;

    fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        print(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn seconds_are_pythons_floats() {
        for (nanos, text) in [
            (0, "0.0"),
            (780_548_095, "0.780548095"),
            (17_000_000_000, "17.0"),
            (100_000, "0.0001"),
            (12_345, "1.2345e-05"),
            (1, "1e-09"),
        ] {
            assert_eq!(seconds(Duration::from_nanos(nanos)), text);
        }
    }

    /// Counts rows of each source as written, one after another, and prints the lines about them.
    fn written(lines: &mut PythonLines<impl Write>, counts: &RowCounts, rows: &[(usize, u64, u64)]) {
        for &(source, rows, millis) in rows {
            counts.add_written(source, rows);
            lines.written(source, rows, counts, Duration::from_millis(millis));
        }
    }

    #[test]
    fn sequential_lines_come_after_every_100th_row() {
        let text = printed(|out| {
            let (mut lines, counts) =
                (PythonLines::new(Script::Sequential, out, ["x.csv"]), RowCounts::new([Tally::default()]));
            written(&mut lines, &counts, &[(0, 99, 500), (0, 1, 750), (0, 225, 1000)]);
            lines.finish(counts.total().written, Duration::from_millis(1500));
        });
        assert_eq!(text, "row: 100 in 0.75\nrow: 200 in 0.25\nrow: 300 in 0.0\nRowCount: 325, Total seconds: 1.5\n");
    }

    #[test]
    fn rows_of_earlier_runs_count_and_are_not_printed_again() {
        let text = printed(|out| {
            let resumed = Tally { read: 250, written: 250, rejected: 0 };
            let (mut lines, counts) = (PythonLines::new(Script::Sequential, out, ["x.csv"]), RowCounts::new([resumed]));
            written(&mut lines, &counts, &[(0, 60, 1000)]);
        });
        assert_eq!(text, "row: 300 in 1.0\n");
    }

    #[test]
    fn parallel_lines_are_counted_for_each_file() {
        let text = printed(|out| {
            let mut lines = PythonLines::new(Script::Parallel, out, ["./a.csv", "./b.csv"]);
            let counts = RowCounts::new([Tally::default(); 2]);
            written(&mut lines, &counts, &[(1, 4999, 1000), (0, 5000, 2000), (1, 2, 3000)]);
            lines.finish(counts.total().written, Duration::from_secs(4));
        });
        assert_eq!(
            text,
            "starting thread for file: ./a.csv\nstarting thread for file: ./b.csv\n\
             thread_id: 0, row: 5000, 2.0\nthread_id: 1, row: 5000, 3.0\ntotal rows 10001 in 4.0 seconds\n"
        );
    }

    #[test]
    fn a_closed_stdout_is_no_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (mut lines, counts) =
            (PythonLines::new(Script::Sequential, Closed, ["x.csv"]), RowCounts::new([Tally::default()]));
        written(&mut lines, &counts, &[(0, 1000, 0)]);
        lines.finish(1000, Duration::ZERO);
    }
}
