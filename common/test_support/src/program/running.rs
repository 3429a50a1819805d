//! A process that runs.

use std::io::{Read, Write as _};
use std::process::{Child, ChildStdin, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::Run;

/// A process. It is killed when the value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pub(super) stdin: Option<ChildStdin>,
    stdout: Stream,
    stderr: Stream,
    timeout: Duration,
    command: String,
}

impl Running {
    /// A process with these pipes. `command` is its command line, for messages.
    pub(super) fn new(mut child: Child, timeout: Duration, command: String) -> Self {
        let stdout = child.stdout.take().map(Stream::collect).unwrap_or_default();
        let stderr = child.stderr.take().map(Stream::collect).unwrap_or_default();
        let stdin = child.stdin.take();
        Self { child, stdin, stdout, stderr, timeout, command }
    }

    /// Writes to its standard input.
    pub fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Its standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Its standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Sends it a signal by name, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success(), "{name}: {}", self.command);
    }

    /// Whether it still runs (or is stopped).
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Whether it is suspended, as `ps` sees it.
    pub fn is_stopped(&self) -> bool {
        let shown = Command::new("ps").args(["-o", "state=", "-p", &self.child.id().to_string()]).output().unwrap();
        shown.stdout.starts_with(b"T")
    }

    /// Its CPU time so far, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the command's name, which is in parentheses, user time is the 12th field and system time the next, in
        // hundredths.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11..13].iter().map(|field| field.parse::<f64>().unwrap() / 100.0).sum()
    }

    /// Closes its standard input and waits until it ends.
    ///
    /// # Panics
    /// If it is not done in time.
    pub fn finish(mut self) -> Run {
        self.close_stdin();
        let code = wait(&mut self.child, self.timeout);
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        match code {
            Some(code) => Run { stdout, stderr, code },
            None => panic!("not done after {:?}: {}\n{stdout}\n{stderr}", self.timeout, self.command),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of a process so far.
#[derive(Debug, Default)]
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Stream {
    fn collect(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                collected.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// All of it. The process has ended.
    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        String::from_utf8(std::mem::take(&mut self.bytes.lock().unwrap())).unwrap()
    }
}

/// The exit code (`None` inside for a signal), or `None` after a timeout, when the child has been killed.
fn wait(child: &mut Child, timeout: Duration) -> Option<Option<i32>> {
    let mut code = None;
    let ended = becomes_true(timeout, || {
        code = child.try_wait().unwrap().map(|status| status.code());
        code.is_some()
    });
    if !ended {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    code
}

/// Waits until `condition` is true. A minute is far more than any test needs, even on a busy machine.
///
/// # Panics
/// If it does not become true; the message contains `what`.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(becomes_true(Duration::from_secs(60), condition), "timed out waiting until {what}");
}

#[expect(clippy::disallowed_methods, reason = "waits for a real process")]
fn becomes_true(timeout: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + timeout;
    while !condition() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}
