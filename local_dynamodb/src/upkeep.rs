//! What happens to data because time passes: items expire, stream records become too old, new indexes are filled, and large
//! tables are counted again.

use std::sync::Arc;
use std::time::Duration;

use dynoxide::DynoxideError;

use crate::admission::AdmissionGate;

/// The real time between two looks at the data.
const INTERVAL: Duration = Duration::from_millis(250);
/// The same while an index is being filled.
const FILL_INTERVAL: Duration = Duration::from_millis(20);
/// The looks between two at the age of stream records.
const LOOKS_BETWEEN_TRIMS: u32 = 240;
/// The pause between two pages, in which requests get their turn.
const PAUSE: Duration = Duration::from_millis(1);

/// Does what is due, until the runtime ends.
pub(crate) async fn run(gate: Arc<AdmissionGate>, ttl_delay: Duration) {
    for look in 1_u32.. {
        tokio::time::sleep(INTERVAL).await;
        let worker = Arc::clone(&gate);
        let trims = look.is_multiple_of(LOOKS_BETWEEN_TRIMS);
        match tokio::task::spawn_blocking(move || do_due(&worker, ttl_delay, trims)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::error!("expired items cannot be deleted: {error}"),
            Err(panic) => log::error!("the deletion of expired items failed: {panic}"),
        }
    }
}

fn do_due(gate: &AdmissionGate, ttl_delay: Duration, trims: bool) -> Result<(), DynoxideError> {
    while gate.delete_expired(ttl_delay)? {
        std::thread::sleep(PAUSE);
    }
    gate.count_outdated()?;
    gate.keep_accounts()?;
    if trims { gate.trim_streams() } else { Ok(()) }
}

/// Fills new indexes, until the runtime ends.
pub(crate) async fn fill_indexes(gate: Arc<AdmissionGate>) {
    loop {
        tokio::time::sleep(if gate.has_fills() { FILL_INTERVAL } else { INTERVAL }).await;
        if !gate.has_fills() {
            continue;
        }
        let worker = Arc::clone(&gate);
        match tokio::task::spawn_blocking(move || fill(&worker)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log::error!("an index cannot be filled: {error}"),
            Err(panic) => log::error!("the fill of an index failed: {panic}"),
        }
    }
}

fn fill(gate: &AdmissionGate) -> Result<(), DynoxideError> {
    while gate.fill_indexes()? {
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
