//! What all binaries share of their command line: the options of the connection, logging, exit codes, how a fatal error is printed.

mod definition;
mod loading;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::batch_writer::client::{Connection, ConnectionError, Settings};
use crate::batch_writer::service_error::ServiceError;
use crate::load::{LoadError, MaxWcu, Pace};
use crate::screen::Screen;

pub use self::definition::parse;
pub use self::loading::{OutputOptions, run_dry, run_load};

/// Options of the connection, with the AWS CLI's names.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionOptions {
    /// Endpoint, for example http://127.0.0.1:8000 [default: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, the profile's, AWS's own]
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// AWS region [default: AWS_REGION, AWS_DEFAULT_REGION, the profile's]
    #[arg(long)]
    pub region: Option<String>,
    /// Profile in the AWS configuration files [default: AWS_PROFILE]
    #[arg(long)]
    pub profile: Option<String>,
}

impl ConnectionOptions {
    /// Finds region, endpoint and credentials, without a request to DynamoDB.
    pub async fn connect(&self) -> Result<Connection, ConnectionError> {
        Connection::open(&Settings {
            endpoint_url: self.endpoint_url.clone(),
            region: self.region.clone(),
            profile: self.profile.clone(),
        })
        .await
    }

    /// As [`connect`](Self::connect), for a program without a runtime of its own.
    pub fn connect_blocking(&self) -> Result<Connection, ConnectionError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(ConnectionError::Runtime)?.block_on(self.connect())
    }
}

/// Options of a load's pace.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceOptions {
    /// Consume at most so many write units a second, of the table and of each index: a number, or a share of what is provisioned now
    /// [default: what the table takes]
    #[arg(long, value_name = "N|P%")]
    pub max_wcu: Option<MaxWcu>,
    /// End the load when nothing at all was taken for so long, for example 10m [default: wait for throttling without end]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub give_up_after: Option<Duration>,
}

impl PaceOptions {
    /// As the load wants it.
    pub fn pace(&self) -> Pace {
        Pace { max_wcu: self.max_wcu, give_up_after: self.give_up_after }
    }
}

/// `90s`, `10m`, `1h 30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<jiff::SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    let positive = duration.filter(|duration| !duration.is_zero());
    positive.ok_or_else(|| "expected a time with its unit, for example 90s, 10m or 1h30m".to_owned())
}

/// How a program of this workspace ends. The numbers are part of its contract with shell scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: all is done.
    Done,
    /// 1: failed, or stopped before all was done.
    Failed,
    /// 2: the command line makes no sense; nothing was done. (clap exits with the same number.)
    Usage,
    /// 3: done, except for rows that were rejected and set aside.
    Rejected,
    /// 130: stopped by SIGINT, as the shell counts it (128 + 2).
    Interrupted,
    /// 143: stopped by SIGTERM (128 + 15).
    Terminated,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Rejected => 3,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The exit codes, for the end of `--help`.
pub const EXIT_CODES_HELP: &str = "\
Exit codes: 0 all done; 1 failed or stopped before all was done; 2 wrong usage; 3 done except for rejected rows; 130 interrupted; 143 terminated";

/// Starts env_logger: warnings on stderr in the manner of the program's other messages (`create_tables: warning: …`), or what `RUST_LOG`
/// asks for, with time and module. Call it once, first thing in `main`.
pub fn init_logging(program: &'static str) {
    init_logging_on(program, &Screen::PLAIN);
}

/// As [`init_logging`], on a terminal that may have bars.
pub fn init_logging_on(program: &'static str, screen: &Screen) {
    let asked_for = std::env::var("RUST_LOG").is_ok_and(|filter| !filter.is_empty());
    let mut builder = env_logger::Builder::new();
    if asked_for {
        builder.parse_default_env();
    } else {
        // What the SDK warns of either reaches the user as an error or is no concern of theirs.
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

/// Prints a fatal error on stderr: `PROGRAM: error: …` with its causes in one line, and what to do about it in a second.
///
/// stderr may be closed; then there is nobody to tell.
pub fn print_error(program: &str, error: &(dyn Error + 'static)) {
    let advice: Vec<_> = hint(error).map(str::to_owned).into_iter().collect();
    print_failure(program, error, &advice);
}

fn print_failure(program: &str, error: &(dyn Error + 'static), advice: &[String]) {
    let _ = io::stderr().lock().write_all(error_lines(program, error, advice).as_bytes());
}

/// A line on stderr, which may be closed; then there is nobody to tell.
fn say(program: &str, words: &str) {
    let _ = writeln!(io::stderr(), "{program}: {words}");
}

/// An error that says itself what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Advised {
    message: String,
    advice: String,
}

impl Advised {
    /// `message` says what is wrong, `advice` what to do.
    pub fn new(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { message: message.into(), advice: advice.into() }
    }
}

fn error_lines(program: &str, error: &(dyn Error + 'static), advice: &[String]) -> String {
    let mut lines = format!("{program}: error: {}\n", folded(error));
    for advice in advice {
        lines.push_str(&format!("{program}: what to do: {advice}\n"));
    }
    lines
}

/// The error and its causes in one line. A cause that the text before it already quotes is not said twice.
pub fn folded(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !line.contains(&words) {
            line.push_str(": ");
            line.push_str(&words);
        }
        cause = error.source();
    }
    line
}

/// What to do, from the first of the causes that knows it.
fn hint<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a str> {
    std::iter::successors(Some(error), |&cause| cause.source()).find_map(|cause| {
        let advised = cause.downcast_ref::<Advised>().map(|error| error.advice.as_str());
        let service = || cause.downcast_ref::<ServiceError>().map(ServiceError::hint);
        let connection = || cause.downcast_ref::<ConnectionError>().map(ConnectionError::hint);
        let load = || cause.downcast_ref::<LoadError>().and_then(LoadError::hint);
        advised.or_else(service).or_else(connection).or_else(load)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    #[error("table logfile at {endpoint}")]
    struct OfTable {
        endpoint: &'static str,
        #[source]
        cause: ServiceError,
    }

    #[test]
    fn an_error_is_one_line_with_its_causes_and_one_with_advice() {
        let cause =
            ServiceError::from_answer(400, Some("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"), None);
        let error = OfTable { endpoint: "http://127.0.0.1:8000", cause };
        let text = error_lines("load_logfile", &error, &[hint(&error).unwrap().to_owned()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "load_logfile: error: table logfile at http://127.0.0.1:8000: there is no such table: HTTP status 400 \
             (ResourceNotFoundException)"
        );
        assert!(lines[1].starts_with("load_logfile: what to do: check the table's name"), "{}", lines[1]);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_cause_already_quoted_is_not_repeated() {
        #[derive(Debug, Error)]
        #[error("cannot read x.csv: {0}")]
        struct Quoting(#[source] io::Error);
        let error = Quoting(io::Error::from_raw_os_error(2));
        assert_eq!(folded(&error), "cannot read x.csv: No such file or directory (os error 2)");
        assert_eq!(error_lines("p", &error, &[]), format!("p: error: {error}\n"));
    }

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h 30m", 5400), ("2 hours", 7200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["90", "0s", "-1m", "10 minutes ago", "", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_exit_codes_are_the_documented_ones() {
        let exits = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Rejected, Exit::Interrupted, Exit::Terminated];
        for exit in exits {
            assert!(EXIT_CODES_HELP.contains(&format!("{} ", exit.code())), "{exit:?}");
        }
    }
}
