//! A run of one of the binaries, isolated from the developer's AWS settings.

mod running;

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

pub use self::running::{Running, eventually};

/// A command line to run.
#[derive(Debug)]
pub struct Program {
    command: Command,
    stdin: Vec<u8>,
    stdout: Option<Stdio>,
    timeout: Duration,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
}

impl Program {
    /// The binary at `path` (`env!("CARGO_BIN_EXE_…")` in a test), without any AWS setting: no variables, no home directory, no
    /// instance metadata. A run may take a minute.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command.env_clear().env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
        for kept in ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        Self { command, stdin: Vec::new(), stdout: None, timeout: Duration::from_secs(60) }
    }

    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(self, url: &str) -> Self {
        self.env("AWS_ENDPOINT_URL", url)
    }

    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// The program's standard input; empty by default.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// How long the run may take before it is killed and the test fails.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The command as prepared so far, for a test that starts and stops the process itself.
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Where its standard output goes; without it the test reads it.
    #[must_use]
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// As on a full disk: no file that it writes may exceed this many blocks of 512 bytes, and further writes fail.
    #[must_use]
    pub fn with_file_size_limit(self, blocks: u64) -> Self {
        // With its signal ignored, exceeding the limit is an error of the write.
        self.limited(&format!("trap '' XFSZ; ulimit -f {blocks}"))
    }

    /// With a limit on open files, such as `-n 64`, or `-S -n 64` for one that it may raise itself.
    #[must_use]
    pub fn with_open_files(self, limit: &str) -> Self {
        self.limited(&format!("ulimit {limit}"))
    }

    fn limited(mut self, shell: &str) -> Self {
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("{shell}; exec \"$@\""), "sh"]);
        limited.arg(self.command.get_program()).args(self.command.get_args()).env_clear();
        limited.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(directory) = self.command.get_current_dir() {
            limited.current_dir(directory);
        }
        self.command = limited;
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// If it cannot be started, writes invalid UTF-8, or does not finish in time (with its output so far).
    pub fn run(mut self) -> Run {
        let input = std::mem::take(&mut self.stdin);
        let mut running = self.start();
        let mut stdin = running.stdin.take().unwrap();
        // The program may end without reading everything.
        thread::spawn(move || drop(stdin.write_all(&input)));
        running.finish()
    }

    /// Starts it, for a test that does something to it while it runs. Its standard input stays open.
    pub fn start(mut self) -> Running {
        let stdout = self.stdout.take().unwrap_or_else(Stdio::piped);
        let child = self.command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        Running::new(child, self.timeout, format!("{:?}", self.command))
    }
}

/// The row counts of a load, from its summary on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub read: usize,
    /// Rows acknowledged.
    pub written: usize,
    pub rejected: usize,
    /// The others.
    pub not_written: usize,
}

impl Run {
    /// Standard error without the summary and the explanation of throttling.
    pub fn news(&self) -> String {
        let is_summary = |line: &str| {
            let text = line.split_once(": ").map_or(line, |(_, text)| text);
            text.contains(" read = ") && text.contains(" rows/s)")
                || text.starts_with("consumed ") && text.contains(" WCU of ")
                || text.contains(" answered within ")
                || text.contains(" the key of an earlier row and ")
                || text.starts_with("throttled: ")
                || line.starts_with("  ")
        };
        self.stderr.split_inclusive('\n').filter(|line| !is_summary(line.trim_end())).collect()
    }

    /// The counts on stderr.
    ///
    /// # Panics
    /// If there are none, or if they do not add up.
    #[track_caller]
    pub fn counts(&self) -> Counts {
        let line = self.stderr.lines().find(|line| line.contains(" read = "));
        let line = line.unwrap_or_else(|| panic!("no counts in stderr:\n{}", self.stderr));
        let numbers: Vec<usize> = line.split([' ', ',']).filter_map(|word| word.parse().ok()).take(4).collect();
        let [read, written, rejected, not_written] = numbers[..] else { panic!("{line}") };
        assert_eq!(read, written + rejected + not_written, "{line}");
        Counts { read, written, rejected, not_written }
    }

    /// Fails the test unless the exit code is `code`; shows the program's output.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless the run ended with `code` and stderr has one fatal error, and contains all of `texts`; no backtrace.
    #[track_caller]
    pub fn assert_error(&self, code: i32, texts: &[&str]) -> &Self {
        self.assert_errors(code, 1, texts)
    }

    /// Like [`assert_error`](Self::assert_error), with this many fatal errors.
    #[track_caller]
    pub fn assert_errors(&self, code: i32, errors: usize, texts: &[&str]) -> &Self {
        self.assert_code(code);
        let found = self.stderr.lines().filter(|line| line.contains("error: ")).count();
        assert_eq!(found, errors, "stderr:\n{}", self.stderr);
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is not in stderr:\n{}", self.stderr);
        }
        for text in ["panicked", "backtrace", "Backtrace"] {
            assert!(!self.stderr.contains(text), "{text:?} is in stderr:\n{}", self.stderr);
        }
        self
    }
}
