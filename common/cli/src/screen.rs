//! Standard error as people see it: lines, and on a terminal bars below them.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often bars are worth showing something new, each second.
const LOOKS: u8 = 10;

/// How often something is drawn at the most, each second: each bar by itself, and one that comes too soon would be left out.
const DRAWS: u8 = u8::MAX;

/// A bar is as long as this, in steps.
const STEPS: u64 = 10_000;

/// Standard error. On a terminal it can have bars, which are out of the way whenever something is written through this value; on a pipe, in
/// a file, and on a terminal that cannot move its cursor (`TERM=dumb`) there are none. Nothing has a colour.
#[derive(Debug, Clone)]
pub struct Screen {
    bars: Option<MultiProgress>,
    shares_stdout: bool,
}

impl Screen {
    /// Without bars.
    pub const PLAIN: Self = Self { bars: None, shares_stdout: false };

    /// As standard error allows it.
    pub fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(DRAWS);
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

    /// Writes a line. stderr may be closed; then there is nobody to tell.
    pub fn line(&self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    fn write(&self, bytes: &[u8]) {
        self.without_bars(|| {
            let _ = io::stderr().lock().write_all(bytes);
        });
    }

    /// Does something while no bar is on the terminal.
    pub fn without_bars<R>(&self, act: impl FnOnce() -> R) -> R {
        match &self.bars {
            Some(bars) => bars.suspend(act),
            None => act(),
        }
    }

    /// Standard error, for whoever wants to write there.
    pub fn stderr(&self) -> impl Write + Send + 'static {
        ScreenWriter { screen: self.clone(), line: Vec::new(), write: |bytes| io::stderr().lock().write_all(bytes) }
    }

    /// Standard output. Where it is the same terminal, it is written to while no bar is there.
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

    /// Another bar below those that are there. Hidden without a terminal.
    pub fn bar(&self) -> Bar {
        let bar = ProgressBar::new(STEPS);
        Bar(match &self.bars {
            Some(bars) => bars.add(bar),
            None => ProgressBar::hidden(),
        })
    }

    /// Whether this process may write to the terminal now. A job in the background may not: the terminal belongs to the shell then.
    pub fn is_in_foreground(&self) -> bool {
        nix::unistd::tcgetpgrp(io::stderr()).is_ok_and(|group| group == nix::unistd::getpgrp())
    }

    /// Takes the bars off the terminal, without touching what others have written there meanwhile.
    pub fn hide_bars(&self) {
        if let Some(bars) = &self.bars {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Hides them, once.
    pub fn hide_bars_until_shown(&self, shown: &mut bool) {
        if *shown {
            self.hide_bars();
            *shown = false;
        }
    }

    /// Draws the bars from where the cursor is: after the job was stopped, somebody else has written to the terminal.
    pub fn show_bars(&self) {
        if let Some(bars) = &self.bars {
            bars.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS));
        }
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

/// A line on the terminal that shows how far something is. It goes when it is dropped.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// Shows this. `share` is what is done, 0 to 1, if it is known.
    pub fn show(&self, share: Option<f64>, words: &str) {
        let template = match share {
            Some(_) => "[{bar:20}] {wide_msg}",
            None => "{spinner} {wide_msg}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.0.set_style(style.progress_chars("=> ").tick_chars("|/-\\ "));
        self.0.set_position((share.unwrap_or_default().clamp(0.0, 1.0) * STEPS as f64) as u64);
        self.0.set_message(words.to_owned());
        if share.is_none() {
            self.0.tick();
        }
    }

    /// How often it is worth showing something new.
    pub const INTERVAL: Duration = Duration::from_millis(1000 / LOOKS as u64);
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
