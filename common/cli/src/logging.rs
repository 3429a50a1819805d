//! Warnings on stderr, and what `RUST_LOG` asks for.

use std::io::Write as _;

use crate::screen::Screen;

/// Starts env_logger: warnings on stderr in the form of the program's other messages (`create_tables: warning: …`), or
/// what `RUST_LOG` asks for, with time and module. Call it once, first thing in `main`.
pub fn init_logging(program: &'static str) {
    init_logging_on(program, &Screen::PLAIN);
}

/// Like [`init_logging`], on a terminal that may show bars.
pub fn init_logging_on(program: &'static str, screen: &Screen) {
    let asked_for = std::env::var("RUST_LOG").is_ok_and(|filter| !filter.is_empty());
    let mut builder = env_logger::Builder::new();
    if asked_for {
        builder.parse_default_env();
    } else {
        // Warnings of the SDK either reach the user as errors or do not concern them.
        builder.parse_filters("warn,aws=error,hyper=error,rustls=error");
        builder.format(move |out, record| {
            let level = if record.level() == log::Level::Error { "error" } else { "warning" };
            writeln!(out, "{program}: {level}: {}", record.args())
        });
    }
    if screen.has_bars() {
        builder.target(env_logger::Target::Pipe(Box::new(screen.stderr())));
    }
    // A second call, in a test, finds the logger in place.
    let _ = builder.try_init();
}
