//! Standard error: lines and, on a terminal, progress bars below them.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Updates of a bar per second.
const UPDATES_PER_SECOND: u8 = 10;

/// The maximum number of draws per second. Each bar is drawn separately, and a draw that comes too soon would be
/// skipped.
const MAX_DRAWS_PER_SECOND: u8 = u8::MAX;

/// The length of a bar in steps.
const STEPS: u64 = 10_000;

/// Standard error. On a terminal it can show bars, which are hidden while something is written through this value.
/// There are none on a pipe, in a file, and on a terminal that cannot move its cursor (`TERM=dumb`). There are no
/// colours.
#[derive(Debug, Clone)]
pub struct Screen {
    bars: Option<MultiProgress>,
    shares_stdout: bool,
}

impl Screen {
    /// Without bars.
    pub const PLAIN: Self = Self { bars: None, shares_stdout: false };

    /// With bars if standard error is a suitable terminal.
    pub fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(MAX_DRAWS_PER_SECOND);
        match target.is_hidden() {
            true => Self::PLAIN,
            false => {
                let bars = MultiProgress::with_draw_target(target);
                Self { bars: Some(bars), shares_stdout: io::stdout().is_terminal() }
            }
        }
    }

    pub fn has_bars(&self) -> bool {
        self.bars.is_some()
    }

    /// Writes a line. A closed stderr is ignored.
    pub fn line(&self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    fn write(&self, bytes: &[u8]) {
        self.without_bars(|| {
            let _ = io::stderr().lock().write_all(bytes);
        });
    }

    /// Calls `act` while no bar is on the terminal.
    pub fn without_bars<R>(&self, act: impl FnOnce() -> R) -> R {
        match &self.bars {
            Some(bars) => bars.suspend(act),
            None => act(),
        }
    }

    /// A writer to standard error.
    pub fn stderr(&self) -> impl Write + Send + 'static {
        ScreenWriter { screen: self.clone(), line: Vec::new(), write: |bytes| io::stderr().lock().write_all(bytes) }
    }

    /// A writer to standard output. If that is the same terminal, the bars are hidden during each write.
    pub fn stdout(&self) -> impl Write + Send + 'static {
        let screen = if self.shares_stdout { self.clone() } else { Self::PLAIN };
        ScreenWriter {
            screen,
            line: Vec::new(),
            write: |bytes| {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            },
        }
    }

    /// Adds a bar below the others. It is hidden without a terminal.
    pub fn bar(&self) -> Bar {
        let bar = ProgressBar::new(STEPS);
        Bar(match &self.bars {
            Some(bars) => bars.add(bar),
            None => ProgressBar::hidden(),
        })
    }

    /// Whether this process is in the foreground. The terminal of a background job belongs to the shell.
    pub fn is_in_foreground(&self) -> bool {
        nix::unistd::tcgetpgrp(io::stderr()).is_ok_and(|group| group == nix::unistd::getpgrp())
    }

    /// Stops drawing the bars, without touching what others have written to the terminal.
    pub fn hide_bars(&self) {
        if let Some(bars) = &self.bars {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Hides the bars if `shown` is set, and clears it.
    pub fn hide_bars_until_shown(&self, shown: &mut bool) {
        if *shown {
            self.hide_bars();
            *shown = false;
        }
    }

    /// Draws the bars from the current cursor position: while the job was stopped, others may have written to the
    /// terminal.
    pub fn show_bars(&self) {
        if let Some(bars) = &self.bars {
            bars.set_draw_target(ProgressDrawTarget::stderr_with_hz(MAX_DRAWS_PER_SECOND));
        }
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

/// A progress bar on the terminal. It is removed when it is dropped.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// Shows `text`. `share` is the share that is done, 0 to 1, if it is known.
    pub fn show(&self, share: Option<f64>, text: &str) {
        let template = match share {
            Some(_) => "[{bar:20}] {wide_msg}",
            None => "{spinner} {wide_msg}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.0.set_style(style.progress_chars("=> ").tick_chars("|/-\\ "));
        self.0.set_position((share.unwrap_or_default().clamp(0.0, 1.0) * STEPS as f64) as u64);
        self.0.set_message(text.to_owned());
        if share.is_none() {
            self.0.tick();
        }
    }

    /// The interval between updates.
    pub const INTERVAL: Duration = Duration::from_millis(1000 / UPDATES_PER_SECOND as u64);
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

struct ScreenWriter {
    screen: Screen,
    line: Vec<u8>,
    write: fn(&[u8]) -> io::Result<()>,
}

impl Write for ScreenWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if self.line.ends_with(b"\n") {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() { Ok(()) } else { self.screen.without_bars(|| (self.write)(&line)) }
    }
}
