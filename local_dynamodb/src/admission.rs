//! The one gate between the wire and the engine: every operation passes it, typed, on its way in, and its answer,
//! typed, on its way out.
//!
//! Today everything is let in. Provisioned capacity is enforced here: decide before the engine runs (on the typed
//! request, so that a batch can be let in in part), settle after it with what the answer says was consumed.

use dynoxide::DynoxideError;

use crate::engine::Engine;
use crate::operation::{Answer, Operation};

/// Runs `operation` if it may run now.
///
/// # Errors
/// The engine's, or the refusal.
pub(crate) fn admit(engine: &Engine, operation: Operation) -> Result<Answer, DynoxideError> {
    engine.run(operation)
}
