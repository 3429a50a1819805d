//! Errors for people: what is wrong, with its causes, and what to do.

use std::error::Error;
use std::io::{self, Write as _};

use crate::Exit;

/// Prints a fatal error on stderr, and what to do about it where one of its causes is [`ErrorWithAdvice`].
pub fn print_error(program: &str, error: &(dyn Error + 'static)) {
    let advised = std::iter::successors(Some(error), |&cause| cause.source()).find_map(|cause| cause.downcast_ref());
    let advice: Vec<_> = advised.map(|error: &ErrorWithAdvice| error.advice.clone()).into_iter().collect();
    print_failures(program, &[error], &advice);
}

/// Prints fatal errors on stderr: `PROGRAM: error: …` with its causes in one line each, and what to do about them in lines of their own.
///
/// A closed stderr is ignored.
pub fn print_failures(program: &str, errors: &[&(dyn Error + 'static)], advice: &[String]) {
    let _ = io::stderr().lock().write_all(error_lines(program, errors, advice).as_bytes());
}

/// Prints a line on stderr. A closed stderr is ignored.
pub fn say(program: &str, text: &str) {
    let _ = writeln!(io::stderr(), "{program}: {text}");
}

/// An error that knows what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ErrorWithAdvice {
    message: String,
    advice: String,
    exit: Exit,
}

impl ErrorWithAdvice {
    /// `message` says what is wrong, `advice` what to do.
    pub fn new(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { message: message.into(), advice: advice.into(), exit: Exit::Failed }
    }

    /// An invalid command line.
    pub fn usage(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(message, advice) }
    }

    /// How a program ends that cannot continue.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    pub fn advice(&self) -> &str {
        &self.advice
    }
}

fn error_lines(program: &str, errors: &[&(dyn Error + 'static)], advice: &[String]) -> String {
    let mut lines = String::new();
    for error in errors {
        lines.push_str(&format!("{program}: error: {}\n", folded(*error)));
    }
    for advice in advice {
        lines.push_str(&format!("{program}: what to do: {advice}\n"));
    }
    lines
}

/// The error and its causes in one line. A cause that is already quoted in the text before it is left out.
pub fn folded(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_already_quoted_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read x.csv: {0}")]
        struct Quoting(#[source] io::Error);
        let error = Quoting(io::Error::from_raw_os_error(2));
        assert_eq!(folded(&error), "cannot read x.csv: No such file or directory (os error 2)");
        assert_eq!(error_lines("p", &[&error], &[]), format!("p: error: {error}\n"));
    }

    #[test]
    fn advice_is_a_line_of_its_own() {
        let lines = error_lines("p", &[&io::Error::other("wrong")], &["do this".to_owned(), "or that".to_owned()]);
        assert_eq!(lines, "p: error: wrong\np: what to do: do this\np: what to do: or that\n");
    }
}
