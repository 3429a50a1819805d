//! The endpoint of the tables: describing a table, waiting for it, reporting the wait.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::Client;
use common::batch_writer::client::{Connection, Retries};
use common::batch_writer::service_error::{ServiceError, ServiceErrorKind};
use common::cli::ErrorWithAdvice;
use common::screen::{Bar, Screen};
use common::tables::TableDescription;
use tokio::time::Instant;

/// Pauses between DescribeTable calls grow from the first to the second of these. A local endpoint needs milliseconds,
/// AWS tens of seconds. DescribeTable is free and may be called thousands of times per second.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(2);
/// A wait is reported again after this time, so that it does not look like a hang.
const REMINDER: Duration = Duration::from_secs(10);

/// The tables' endpoint, and how long to wait for a table.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) client: Client,
    pub(crate) connection: Connection,
    wait_timeout: Duration,
    screen: Screen,
}

impl Lab {
    /// Waits up to `wait_timeout` for each table.
    pub(crate) fn new(connection: Connection, wait_timeout: Duration) -> Self {
        Self { client: connection.client(Retries::Sdk), connection, wait_timeout, screen: Screen::new() }
    }

    /// The table as it is now, or `None` if there is none.
    pub(crate) async fn describe(&self, name: &str) -> Result<Option<TableDescription>> {
        self.try_describe(name).await.with_context(|| self.table_at(name))
    }

    async fn try_describe(&self, name: &str) -> Result<Option<TableDescription>, ServiceError> {
        match TableDescription::read(&self.client, name).await {
            Ok(table) => Ok(Some(table)),
            Err(error) if error.kind == ServiceErrorKind::NoSuchTable => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// For the messages about a table: `table logfile at http://127.0.0.1:8000`.
    pub(crate) fn table_at(&self, name: &str) -> String {
        format!("table {name} at {}", self.connection)
    }

    /// Describes the table until `done` returns something, and reports the wait. Transient failures are retried.
    ///
    /// `goal` completes the sentence "waiting for logfile to …".
    pub(crate) async fn wait<T>(
        &self,
        name: &str,
        goal: &str,
        mut done: impl FnMut(Option<&TableDescription>) -> Result<Option<T>>,
    ) -> Result<T> {
        let mut waiting = Waiting::new(self, name, goal);
        loop {
            let state = match self.try_describe(name).await {
                Ok(table) => match done(table.as_ref())? {
                    Some(result) => return Ok(result),
                    None => table.map_or_else(|| "not there".to_owned(), |table| table.state()),
                },
                Err(error) if error.is_retryable() => error.to_string(),
                Err(error) => return Err(error).with_context(|| self.table_at(name)),
            };
            waiting.pause(state).await?;
        }
    }

    /// Waits until the table is stable: ACTIVE with its indexes, or deleted.
    pub(crate) async fn wait_until_settled(&self, name: &str) -> Result<Option<TableDescription>> {
        match self.describe(name).await? {
            None => Ok(None),
            Some(table) if table.is_active() => Ok(Some(table)),
            Some(_) => {
                let settled = |table: Option<&TableDescription>| match table {
                    None => Ok(Some(None)),
                    Some(table) if table.is_active() => Ok(Some(Some(table.clone()))),
                    Some(_) => Ok(None),
                };
                self.wait(name, "settle", settled).await
            }
        }
    }

    /// Sends a request that changes a table. Retries while the table, or DynamoDB itself, is busy.
    pub(crate) async fn retry_while_busy<T>(
        &self,
        name: &str,
        goal: &str,
        request: impl AsyncFnMut() -> Result<T, ServiceError>,
    ) -> Result<T> {
        let passes = |error: &ServiceError| error.is_retryable() || error.kind == ServiceErrorKind::TableNotReady;
        self.retry(name, goal, passes, request).await
    }

    /// Sends a request that reads. Retries while it is throttled or the endpoint does not respond.
    pub(crate) async fn retry_while_unavailable<T>(
        &self,
        name: &str,
        goal: &str,
        request: impl AsyncFnMut() -> Result<T, ServiceError>,
    ) -> Result<T> {
        self.retry(name, goal, ServiceError::is_retryable, request).await
    }

    async fn retry<T>(
        &self,
        name: &str,
        goal: &str,
        passes: impl Fn(&ServiceError) -> bool,
        mut request: impl AsyncFnMut() -> Result<T, ServiceError>,
    ) -> Result<T> {
        let mut waiting = Waiting::new(self, name, goal);
        loop {
            match request().await {
                Err(error) if passes(&error) => waiting.pause(error.to_string()).await?,
                result => return Ok(result?),
            }
        }
    }
}

/// A wait for one table: growing pauses, lines that report it, a timeout.
struct Waiting<'a> {
    lab: &'a Lab,
    name: &'a str,
    goal: &'a str,
    start: Instant,
    pause: Duration,
    /// When the last line was printed, and which.
    said: Option<(Duration, String)>,
    /// On a terminal, shows the duration of the wait instead of lines.
    bar: Option<Bar>,
}

impl<'a> Waiting<'a> {
    fn new(lab: &'a Lab, name: &'a str, goal: &'a str) -> Self {
        Self { lab, name, goal, start: Instant::now(), pause: FIRST_PAUSE, said: None, bar: None }
    }

    /// Reports the state, if it is new, and sleeps. An error after the timeout.
    async fn pause(&mut self, state: String) -> Result<(), ErrorWithAdvice> {
        let Self { lab, name, goal, .. } = *self;
        let (waited, wait_timeout) = (self.start.elapsed(), lab.wait_timeout);
        if waited >= wait_timeout {
            return Err(ErrorWithAdvice::new(
                format!(
                    "{}: waited {} s for it to {goal}; its state: {state}",
                    lab.table_at(name),
                    wait_timeout.as_secs()
                ),
                format!("check it with: create_tables --status {name}; wait longer with --wait-timeout SECONDS"),
            ));
        }
        let text = format!("waiting for {name} to {goal} ({state}; {} s)", waited.as_secs());
        if lab.screen.has_bars() && lab.screen.is_in_foreground() {
            self.bar.get_or_insert_with(|| lab.screen.bar()).show(None, &text);
        }
        let is_news = self.said.as_ref().is_none_or(|(when, what)| *what != state || waited - *when >= REMINDER);
        if is_news && self.bar.is_none() {
            note(text);
            self.said = Some((waited, state));
        }
        tokio::time::sleep(self.pause.min(wait_timeout - waited)).await;
        self.pause = (self.pause * 3 / 2).min(LAST_PAUSE);
        Ok(())
    }
}

/// Prints a line that is not a result on stderr.
///
/// A closed stderr is ignored.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "create_tables: {line}");
}

/// Prints a result on stdout. A closed pipe (`| head -1`) does not stop the work.
pub(crate) fn report(line: impl Display) -> Result<()> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
}
