//! The real binary as a child process.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running `local_dynamodb`; killed if the test ends without stopping it.
pub(crate) struct Binary {
    child: Child,
    pub(crate) url: String,
}

impl Binary {
    /// Starts it with `arguments` and a free port, and waits for its first line.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(Path::new("."), arguments)
    }

    /// Starts it in a folder.
    pub(crate) fn start_in(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command(&["--port", "0"]);
        let mut child = command.args(arguments).current_dir(folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("local_dynamodb listening on ").expect(&line).trim_end().to_owned();
        Self { child, url }
    }

    /// Sends the signal `name`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Sends the signal `name` and waits for the end: how it ended, and what it wrote to stderr.
    pub(crate) fn stop(mut self, name: &str) -> (ExitStatus, String) {
        self.signal(name);
        let mut waited = (0..2_000).map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            self.child.try_wait().unwrap()
        });
        let status = waited.find_map(|status| status).expect("it stops within 20 seconds");
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (status, stderr)
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, its stderr captured.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local_dynamodb"));
    command.args(arguments).env_remove("RUST_LOG").stderr(Stdio::piped());
    command
}
