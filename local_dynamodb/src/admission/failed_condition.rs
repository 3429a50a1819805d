//! What has to be known to price a write whose condition has failed.

use crate::operation::Operation;
use crate::table_definition::Attributes;

/// The engine tells the item that the condition failed on, if it is asked to.
#[derive(Default)]
pub(super) struct FailedCondition {
    /// What a put would have made of it.
    pub(super) put: Option<Attributes>,
    /// Whether the client asked to be told the item.
    pub(super) item_wanted: bool,
}

impl FailedCondition {
    /// Makes `operation` ask for the item.
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
                let item_wanted = member.as_deref() == Some("ALL_OLD");
                *member = Some("ALL_OLD".into());
                Self { put, item_wanted }
            }
            // The engine refuses it.
            Some(_) => Self { put, item_wanted: true },
        }
    }
}
