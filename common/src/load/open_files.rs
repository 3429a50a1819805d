//! How many connections the system lets this process have.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Open files besides connections: the inputs, the standard streams, checkpoint and rejected rows, and the SDK's own.
const OTHERS: u64 = 32;

/// What the runtime of a worker needs.
const OF_A_WORKER: u64 = 4;

/// How many connections there may be at once: as many as `wanted`, or as the limit on open files leaves room for, and at least one for
/// each worker.
///
/// The limit is raised as far as the system allows without asking: shells set a low one (256 on macOS, 1,024 on most Linux systems) for
/// programs of old that cannot count further.
pub(super) fn connections(wanted: usize, workers: usize) -> usize {
    let others = OTHERS + OF_A_WORKER * workers as u64;
    let room = raise_limit(wanted as u64 + others).saturating_sub(others);
    usize::try_from(room).unwrap_or(usize::MAX).min(wanted).max(workers)
}

/// The limit on open files, after it was raised to `wanted` if need be and possible.
fn raise_limit(wanted: u64) -> u64 {
    // A system that does not tell its limit is taken to have none; connections that fail are sent again.
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return u64::MAX };
    let raised = wanted.clamp(soft, hard.max(soft));
    match setrlimit(Resource::RLIMIT_NOFILE, raised, hard) {
        Ok(()) => raised,
        Err(error) => {
            log::debug!("the limit of {soft} open files cannot be raised to {raised}: {error}");
            soft
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_had_where_there_is_room() {
        assert_eq!(connections(10, 2), 10);
        assert!(connections(10, 2) >= 2 && connections(1, 8) == 8);
        let many = connections(usize::MAX / 2, 2) as u64;
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(many < soft && soft <= hard, "{many} connections where {soft} of {hard} files may be open");
    }
}
