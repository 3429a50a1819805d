//! Key conditions: conditions that are well-formed, but that a Query does not take.

use super::condition::{Call, Condition, Operand};

/// Checks what the engine's parser refuses in its own words.
pub(super) fn check(condition: &Condition<'_>) -> Result<(), String> {
    let operator = |name: &str| Err(format!("Invalid operator used in KeyConditionExpression: {name}"));
    let (operator, operands) = match condition {
        Condition::Joined("AND", terms) => return terms.iter().try_for_each(|term| check(term)),
        Condition::Joined(keyword, _) => return operator(keyword),
        Condition::Not(_) => return operator("NOT"),
        Condition::Operator(not_allowed @ ("<>" | "IN"), _) => return operator(not_allowed),
        Condition::Function(Call { function, .. }) if *function != "begins_with" => return operator(function),
        Condition::Operator(name, operands) | Condition::Function(Call { function: name, operands }) => {
            (*name, operands)
        }
    };
    let key_is_first = matches!(operands.first(), Some(Operand::Path(_)));
    if matches!(operator, "BETWEEN" | "begins_with") && !key_is_first {
        return Err(invalid(&format!("{operator} operator must have the key attribute as its first operand")));
    }
    if operands.iter().any(|operand| matches!(operand, Operand::Call(_))) {
        return Err("KeyConditionExpressions cannot contain nested operations".into());
    }
    match operands.iter().filter(|operand| matches!(operand, Operand::Path(_))).count() {
        0 => Err(invalid("No key attribute specified")),
        1 => Ok(()),
        _ => Err(invalid("Multiple attribute names used in one condition")),
    }
}

fn invalid(reason: &str) -> String {
    format!("Invalid condition in KeyConditionExpression: {reason}")
}
