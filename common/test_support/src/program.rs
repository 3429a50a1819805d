//! A run of one of the binaries, in an environment that the tester's own AWS settings do not reach.

use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A command line to run.
#[derive(Debug)]
pub struct Program {
    command: Command,
    stdin: Vec<u8>,
    timeout: Duration,
}

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
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
        Self { command, stdin: Vec::new(), timeout: Duration::from_secs(60) }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
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

    /// Sets the working directory.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// What the program reads from its standard input; nothing by default.
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

    /// Runs it to its end.
    ///
    /// # Panics
    /// If it cannot be started, writes what is not UTF-8, or is not done in time (with what it wrote until then).
    pub fn run(mut self) -> Run {
        let mut child =
            self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = std::mem::take(&mut self.stdin);
        // The program may end without reading everything.
        thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let code = wait(&mut child, self.timeout);
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        match code {
            Some(code) => Run { stdout, stderr, code },
            None => panic!("not done after {:?}: {:?}\n{stdout}\n{stderr}", self.timeout, self.command),
        }
    }
}

impl Run {
    /// Fails the test unless the exit code is `code`; shows what the program said.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless the run ended with `code` and stderr has one fatal error, which contains all of `texts`; no backtrace.
    #[track_caller]
    pub fn assert_error(&self, code: i32, texts: &[&str]) -> &Self {
        self.assert_code(code);
        let errors = self.stderr.lines().filter(|line| line.contains("error: ")).count();
        assert_eq!(errors, 1, "stderr:\n{}", self.stderr);
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is not in stderr:\n{}", self.stderr);
        }
        for text in ["panicked", "backtrace", "Backtrace"] {
            assert!(!self.stderr.contains(text), "{text:?} is in stderr:\n{}", self.stderr);
        }
        self
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    })
}

/// The exit code (`None` inside for a signal), or `None` if the time is up; then the child is dead.
#[expect(clippy::disallowed_methods, reason = "waits for a real process")]
fn wait(child: &mut Child, timeout: Duration) -> Option<Option<i32>> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code());
        }
        if Instant::now() >= deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}
