//! A program in a real pseudo-terminal, and the screen that a user sees.

use std::io::{Read as _, Write as _};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;

use pty_process::Size;
use pty_process::blocking::{Command, Pty};

use crate::program::{Program, eventually};

/// Tall, so that nothing scrolls away, and wide enough for a path in a temporary folder.
const ROWS: u16 = 200;
const COLUMNS: u16 = 180;

/// A program with its own terminal.
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<Mutex<Seen>>,
    reader: Option<thread::JoinHandle<()>>,
}

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Starts it in a full-featured terminal.
    pub fn start(program: Program) -> Self {
        let prepared = program.env("TERM", "xterm-256color").into_command();
        Self::start_command(&prepared)
    }

    /// Starts it with its environment unchanged.
    pub fn start_command(prepared: &std::process::Command) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let mut command = Command::new(prepared.get_program()).args(prepared.get_args()).env_clear();
        command = command.envs(prepared.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(directory) = prepared.get_current_dir() {
            command = command.current_dir(directory);
        }
        let child = command.spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let seen = Arc::new(Mutex::new(Seen { parser: vt100::Parser::new(ROWS, COLUMNS, 0), bytes: Vec::new() }));
        let (source, shown) = (Arc::clone(&pty), Arc::clone(&seen));
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // When the program has ended, Linux gives an error here.
            while let Ok(read @ 1..) = (&*source).read(&mut buffer) {
                let mut seen = shown.lock().unwrap();
                seen.parser.process(&buffer[..read]);
                seen.bytes.extend_from_slice(&buffer[..read]);
            }
        });
        Self { pty, child, seen, reader: Some(reader) }
    }

    /// What is on the screen now, without empty lines at its end.
    pub fn screen(&self) -> String {
        self.seen.lock().unwrap().parser.screen().contents()
    }

    /// Everything that was written to the terminal.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen.lock().unwrap().bytes.clone()
    }

    /// Waits until the screen shows this text.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let mut screen = String::new();
        let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(text, || {
                screen = self.screen();
                screen.contains(text)
            });
        }));
        assert!(shown.is_ok(), "{text:?} is not on the screen:\n{screen}");
    }

    /// Types this; `\x03` is Ctrl-C, `\x1a` Ctrl-Z.
    pub fn type_text(&self, text: &str) {
        (&*self.pty).write_all(text.as_bytes()).unwrap();
    }

    /// Resizes the window.
    pub fn resize(&self, rows: u16, columns: u16) {
        self.seen.lock().unwrap().parser.screen_mut().set_size(rows, columns);
        self.pty.resize(Size::new(rows, columns)).unwrap();
    }

    /// Waits for the program's end. Returns its exit code and the final screen.
    pub fn finish(mut self) -> (Option<i32>, String) {
        let mut code = None;
        eventually("the program ends", || {
            code = self.child.try_wait().unwrap().map(|status| status.code());
            code.is_some()
        });
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (code.flatten(), self.screen())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
