//! Errors of Application Auto Scaling.

use serde_json::json;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Error {
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self { kind: "ValidationException", message: message.into() }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { kind: "ObjectNotFoundException", message: message.into() }
    }

    pub(super) fn of(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        json!({ "__type": self.kind, "Message": self.message }).to_string().into_bytes()
    }
}
