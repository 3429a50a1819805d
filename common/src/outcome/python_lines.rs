//! The lines that the workshop's Python scripts print on stdout, to the letter. Everything that imitates them is here.

use std::io::{self, Write};
use std::time::Duration;

/// `load_logfile.py` prints a line after every so many rows.
const SEQUENTIAL_STEP: u64 = 100;
/// `load_logfile_parallel.py` does so for each of its threads.
const PARALLEL_STEP: u64 = 5000;

/// Seconds as Python prints a float: the shortest digits that give the same number again, and at least one behind the point.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds != 0.0 && seconds < 1e-4 {
        // Python turns to the exponent one place earlier than Rust does, and writes two digits of it.
        let text = format!("{seconds:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{digits}e-{:0>2}", exponent.trim_start_matches('-'))
    } else {
        format!("{seconds:?}")
    }
}

/// stdout, flushed line by line because people watch it in a file. When nobody reads it any more the load goes on.
#[derive(Debug)]
struct Lines<W> {
    out: Option<W>,
}

impl<W: Write> Lines<W> {
    fn print(&mut self, line: &str) {
        let Some(out) = &mut self.out else { return };
        if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
            self.out = None;
            if error.kind() != io::ErrorKind::BrokenPipe {
                log::warn!("cannot write to standard output ({error}); the load goes on without it");
            }
        }
    }
}

/// What `load_logfile.py` prints.
#[derive(Debug)]
pub struct SequentialLines<W> {
    lines: Lines<W>,
    written: u64,
    previous: Duration,
}

impl<W: Write> SequentialLines<W> {
    /// On `out`, which is flushed after every line.
    pub fn new(out: W) -> Self {
        Self { lines: Lines { out: Some(out) }, written: 0, previous: Duration::ZERO }
    }

    /// So many rows were acknowledged in an earlier run of the same load: they count, and their lines have been printed.
    pub fn resume(&mut self, rows: u64) {
        self.written = rows;
    }

    /// So many more rows were acknowledged, `now` after the start.
    pub fn written(&mut self, rows: u64, now: Duration) {
        let before = self.written / SEQUENTIAL_STEP;
        self.written += rows;
        for step in before + 1..=self.written / SEQUENTIAL_STEP {
            let took = seconds(now.saturating_sub(self.previous));
            self.lines.print(&format!("row: {} in {took}", step * SEQUENTIAL_STEP));
            self.previous = now;
        }
    }

    /// All rows are written, `now` after the start.
    pub fn finished(&mut self, now: Duration) {
        self.lines.print(&format!("RowCount: {}, Total seconds: {}", self.written, seconds(now)));
    }
}

/// What `load_logfile_parallel.py` prints. Its thread is a file of the input.
#[derive(Debug)]
pub struct ParallelLines<W> {
    lines: Lines<W>,
    /// Rows written, and when the last line was printed, of each file.
    threads: Vec<(u64, Duration)>,
}

impl<W: Write> ParallelLines<W> {
    /// On `out`, which is flushed after every line. Prints the line about the start of each file.
    pub fn new<'a>(out: W, files: impl IntoIterator<Item = &'a str>) -> Self {
        let mut lines = Lines { out: Some(out) };
        let mut threads = Vec::new();
        for file in files {
            lines.print(&format!("starting thread for file: {file}"));
            threads.push((0, Duration::ZERO));
        }
        Self { lines, threads }
    }

    /// So many rows of a file were acknowledged in an earlier run of the same load: they count, and their lines have been printed.
    pub fn resume(&mut self, thread_id: usize, rows: u64) {
        self.threads[thread_id].0 = rows;
    }

    /// So many more rows of a file were acknowledged, `now` after the start.
    pub fn written(&mut self, thread_id: usize, rows: u64, now: Duration) {
        let (written, previous) = &mut self.threads[thread_id];
        let before = *written / PARALLEL_STEP;
        *written += rows;
        for step in before + 1..=*written / PARALLEL_STEP {
            let took = seconds(now.saturating_sub(*previous));
            self.lines.print(&format!("thread_id: {thread_id}, row: {}, {took}", step * PARALLEL_STEP));
            *previous = now;
        }
    }

    /// All rows are written, `now` after the start.
    pub fn finished(&mut self, now: Duration) {
        let total: u64 = self.threads.iter().map(|(written, _)| written).sum();
        self.lines.print(&format!("total rows {total} in {} seconds", seconds(now)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(act: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        act(&mut out);
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

    #[test]
    fn sequential_lines_come_after_every_100th_row() {
        let text = printed(|out| {
            let mut lines = SequentialLines::new(out);
            lines.written(99, Duration::from_millis(500));
            lines.written(1, Duration::from_millis(750));
            lines.written(225, Duration::from_millis(1000));
            lines.finished(Duration::from_millis(1500));
        });
        assert_eq!(text, "row: 100 in 0.75\nrow: 200 in 0.25\nrow: 300 in 0.0\nRowCount: 325, Total seconds: 1.5\n");
    }

    #[test]
    fn parallel_lines_are_counted_for_each_file() {
        let text = printed(|out| {
            let mut lines = ParallelLines::new(out, ["./a.csv", "./b.csv"]);
            lines.written(1, 4999, Duration::from_secs(1));
            lines.written(0, 5000, Duration::from_secs(2));
            lines.written(1, 2, Duration::from_secs(3));
            lines.finished(Duration::from_secs(4));
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
        let mut lines = SequentialLines::new(Closed);
        lines.written(1000, Duration::ZERO);
        lines.finished(Duration::ZERO);
    }
}
