//! How many connections the system lets this process have.

use std::fs::File;

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::close;

/// Files that a load with hundreds of connections may have open.
const MANY: u64 = 1024;

/// Open files besides connections: the inputs, the standard streams, checkpoint and rejected rows, and the SDK's own.
const OTHERS: u64 = 32;

/// What the runtime of a worker needs.
const OF_A_WORKER: u64 = 4;

/// Has the system make room for the connections of a load. To be called while the program has one thread, first thing in `main`.
///
/// Linux doubles its table of a program's open files whenever it is full, and stops the thread that asks for about 10 ms each time if there
/// are others: three or four times while the connections of a load are opened. It never makes the table smaller again.
pub fn make_room_for_connections() {
    let highest = raise_limit(MANY).min(MANY).saturating_sub(1);
    // Without it the load begins a little slower.
    let Ok(any) = File::open("/dev/null") else { return };
    if let Ok(file) = fcntl(any, FcntlArg::F_DUPFD_CLOEXEC(highest as i32)) {
        let _ = close(file);
    }
}

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

    #[cfg(target_os = "linux")]
    #[test]
    fn the_table_of_open_files_grows_before_it_is_needed() {
        make_room_for_connections();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(size.trim().parse::<u64>().unwrap() >= soft.min(MANY), "{size}");
    }

    #[test]
    fn what_is_wanted_is_had_where_there_is_room() {
        assert_eq!(connections(10, 2), 10);
        assert!(connections(10, 2) >= 2 && connections(1, 8) == 8);
        let many = connections(usize::MAX / 2, 2) as u64;
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(many < soft && soft <= hard, "{many} connections where {soft} of {hard} files may be open");
    }
}
