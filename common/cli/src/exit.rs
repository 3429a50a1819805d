//! How a program ends, as shell scripts see it.

use std::process::ExitCode;

/// How a program of this workspace ends. The numbers are part of its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed, or stopped before it was done.
    Failed,
    /// 2: the command line is invalid; nothing was done. (clap exits with the same number.)
    Usage,
    /// 3: done, except for rejected rows.
    Rejected,
    /// 4: failed, and the same command will fail again unless something else changes first.
    NotRetryable,
    /// 130: stopped by SIGINT (128 + 2, the shell's convention).
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
            Self::NotRetryable => 4,
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
Exit codes: 0 done; 1 failed or stopped; 2 wrong usage; 3 done except for rejected rows; 130 interrupted (SIGINT); 143 terminated (SIGTERM)";

/// The same for a loader, whose exit codes show the engine of an array job whether to retry.
pub const LOAD_EXIT_CODES_HELP: &str = "\
Exit codes: 0 done; 1 failed or stopped, a retry may succeed; 2 wrong usage; 3 done except for rejected rows; 4 failed, a retry will fail again: no such table, access denied, the checkpoint belongs to a different input; 130 interrupted (SIGINT); 143 terminated (SIGTERM)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_codes_are_the_documented_ones() {
        let exits = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Rejected, Exit::Interrupted, Exit::Terminated];
        for exit in exits {
            assert!(EXIT_CODES_HELP.contains(&format!("{} ", exit.code())), "{exit:?}");
        }
        for exit in exits.into_iter().chain([Exit::NotRetryable]) {
            assert!(LOAD_EXIT_CODES_HELP.contains(&format!("{} ", exit.code())), "{exit:?}");
        }
    }
}
