//! The syntax of expressions, where the engine refuses one in the words of its own parser, or accepts what DynamoDB refuses.
//!
//! What cannot be parsed here is left to the engine, which words syntax errors of conditions and updates as DynamoDB does.

mod condition;
mod key_condition;
mod operands;
mod projection;
mod tokens;
mod update;

use std::collections::HashMap;

use dynoxide::AttributeValue;

use self::condition::{Element, Operand};
pub(super) use self::projection::check as check_projection;
pub(crate) use self::tokens::tokens;

/// The size of an expression in bytes; the engine refuses a longer one. Source: Developer Guide, "Quotas in Amazon DynamoDB".
pub(crate) const MAX_EXPRESSION_SIZE: usize = 4096;

/// The largest index of a list.
const MAX_INDEX: u64 = 2_147_483_647;

pub(super) type Names = Option<HashMap<String, String>>;
pub(super) type Values = HashMap<String, AttributeValue>;

/// Checks a ConditionExpression or FilterExpression.
///
/// # Errors
/// What is wrong with it, without "Invalid ConditionExpression".
pub(super) fn check_condition(expression: &str, names: &Names, values: &Values) -> Result<(), String> {
    check_first_letters(expression)?;
    match condition::parse(expression) {
        Some(condition) => operands::check(&condition, names, Some(values)),
        None => Ok(()),
    }
}

/// Checks a KeyConditionExpression. The engine checks the types of its operands.
///
/// # Errors
/// As [`check_condition`].
pub(super) fn check_key_condition(expression: &str, names: &Names) -> Result<(), String> {
    check_first_letters(expression)?;
    match condition::parse(expression) {
        Some(condition) => operands::check(&condition, names, None).and_then(|()| key_condition::check(&condition)),
        None => Ok(()),
    }
}

/// Checks an UpdateExpression.
///
/// # Errors
/// As [`check_condition`].
pub(super) fn check_update(expression: &str) -> Result<(), String> {
    check_first_letters(expression)?;
    if expression.len() > MAX_EXPRESSION_SIZE {
        return Ok(());
    }
    update::check(&tokens(expression).collect::<Vec<_>>())
}

fn check_first_letters(expression: &str) -> Result<(), String> {
    // Most expressions have none.
    if !expression.contains('_') || expression.len() > MAX_EXPRESSION_SIZE {
        return Ok(());
    }
    let tokens: Vec<_> = tokens(expression).collect();
    tokens::leading_underscore(expression, &tokens).map_or(Ok(()), Err)
}

fn index_beyond(index: &str) -> String {
    format!("List index is not within the allowable range; index: [{index}]")
}

/// The attributes and the placeholders that they are compared with in the conditions of `expression`.
pub(super) fn compared_values(expression: &str) -> Vec<(&str, &str)> {
    let mut clauses = Vec::new();
    let parsed = condition::parse(expression);
    if let Some(condition) = &parsed {
        operands::collect(condition, &mut clauses);
    }
    let pairs = clauses.into_iter().flat_map(|clause| {
        let operands = operands::operands(clause);
        let name = operands.iter().find_map(|operand| match operand {
            Operand::Path(path) => path.first().and_then(|element| match element {
                Element::Name(name) => Some(*name),
                Element::Index(_) => None,
            }),
            _ => None,
        });
        let values = operands.iter().filter_map(|operand| match operand {
            Operand::Value(value) => Some(*value),
            _ => None,
        });
        values.filter_map(move |value| Some((name?, value)))
    });
    pairs.collect()
}
