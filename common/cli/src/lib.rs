//! Shared by the command lines of all binaries: arguments, messages, exit codes, logging, terminal output, number
//! formats.

#![allow(missing_docs, reason = "an internal crate: names say most of it")]

mod definition;
mod exit;
pub mod human;
mod logging;
mod message;
pub mod screen;

pub use self::definition::parse;
pub use self::exit::{EXIT_CODES_HELP, Exit, LOAD_EXIT_CODES_HELP};
pub use self::logging::{init_logging, init_logging_on};
pub use self::message::{ErrorWithAdvice, folded, print_error, print_failures, say};
