//! What must be known to compute the cost of a write whose condition failed.

use crate::engine::Operation;
use crate::ledger::Attributes;

/// The engine returns the item that the condition failed on if the request asks for it.
#[derive(Default)]
pub(super) struct FailedCondition {
    /// The item of a put.
    pub(super) put: Option<Attributes>,
    /// Whether the client requested the item.
    pub(super) item_requested: bool,
}

impl FailedCondition {
    /// Makes `operation` request the item.
    pub(super) fn prepare(operation: &mut Operation) -> Self {
        let (put, member) = match operation {
            Operation::PutItem(request) => {
                let conditional = request.condition_expression.is_some() || request.expected.is_some();
                (conditional.then(|| request.item.clone()), &mut request.return_values_on_condition_check_failure)
            }
            Operation::UpdateItem(request) => (None, &mut request.return_values_on_condition_check_failure),
            Operation::DeleteItem(request) => (None, &mut request.return_values_on_condition_check_failure),
            Operation::ExecuteStatement(request) => (None, &mut request.return_values_on_condition_check_failure),
            _ => return Self::default(),
        };
        match member.as_deref() {
            None | Some("NONE" | "ALL_OLD") => {
                let item_requested = member.as_deref() == Some("ALL_OLD");
                *member = Some("ALL_OLD".into());
                Self { put, item_requested }
            }
            // The engine will refuse it.
            Some(_) => Self { put, item_requested: true },
        }
    }
}
