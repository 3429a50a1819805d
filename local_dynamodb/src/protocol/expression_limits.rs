//! Limits of expressions that the engine does not have: how many operators, and how deep in parentheses.
//!
//! The engine's parser and its evaluation recurse, so an expression without these limits could exhaust the stack.

use dynoxide::DynoxideError;

use crate::engine::{MAX_EXPRESSION_SIZE, Operation, tokens};

/// Operators and functions in one expression. Source: Developer Guide, "Quotas in Amazon DynamoDB".
const MAX_OPERATORS: usize = 300;
/// Each pair of parentheses that is not redundant encloses an operator, so a valid expression is nested no deeper.
const MAX_NESTING: usize = MAX_OPERATORS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Condition,
    Filter,
    KeyCondition,
    Update,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Condition => "ConditionExpression",
            Self::Filter => "FilterExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Update => "UpdateExpression",
        }
    }
}

/// Checks the expressions of `operation`.
///
/// # Errors
/// An expression has too many operators, or parentheses too deep.
pub(super) fn check(operation: &Operation) -> Result<(), DynoxideError> {
    expressions(operation).into_iter().try_for_each(|(kind, expression)| {
        // Each operator and each level takes at least one character. The engine refuses what is too long.
        if !(MAX_OPERATORS..=MAX_EXPRESSION_SIZE).contains(&expression.len()) {
            return Ok(());
        }
        check_expression(kind, expression)
            .map_err(|reason| DynoxideError::EnvelopedValidation(format!("Invalid {}: {reason}", kind.name())))
    })
}

fn expressions(operation: &Operation) -> Vec<(Kind, &str)> {
    fn some(kind: Kind, expression: &Option<String>) -> Option<(Kind, &str)> {
        expression.as_deref().map(|expression| (kind, expression))
    }
    let condition = |expression| some(Kind::Condition, expression);
    match operation {
        Operation::PutItem(put) => condition(&put.condition_expression).into_iter().collect(),
        Operation::DeleteItem(delete) => condition(&delete.condition_expression).into_iter().collect(),
        Operation::UpdateItem(update) => {
            let expressions = [some(Kind::Update, &update.update_expression), condition(&update.condition_expression)];
            expressions.into_iter().flatten().collect()
        }
        Operation::Query(query) => {
            let key_condition = some(Kind::KeyCondition, &query.key_condition_expression);
            [key_condition, some(Kind::Filter, &query.filter_expression)].into_iter().flatten().collect()
        }
        Operation::Scan(scan) => some(Kind::Filter, &scan.filter_expression).into_iter().collect(),
        Operation::TransactWriteItems(transaction) => {
            let of_item = transaction.transact_items.iter().flat_map(|item| {
                [
                    item.put.as_ref().and_then(|put| condition(&put.condition_expression)),
                    item.delete.as_ref().and_then(|delete| condition(&delete.condition_expression)),
                    item.update.as_ref().map(|update| (Kind::Update, update.update_expression.as_str())),
                    item.update.as_ref().and_then(|update| condition(&update.condition_expression)),
                    item.condition_check.as_ref().map(|check| (Kind::Condition, check.condition_expression.as_str())),
                ]
            });
            of_item.flatten().collect()
        }
        _ => Vec::new(),
    }
}

fn check_expression(kind: Kind, expression: &str) -> Result<(), String> {
    let (mut depth, mut deepest) = (0_usize, 0);
    for character in expression.bytes() {
        match character {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let operators = operators(kind, expression);
    if operators > MAX_OPERATORS {
        // DynamoDB stops counting at the first one too many.
        return Err(format!("The expression contains too many operators; operator count: {}", MAX_OPERATORS + 1));
    }
    match (deepest > MAX_NESTING, depth) {
        (false, _) => Ok(()),
        (true, 0) => Err("The expression has redundant parentheses;".into()),
        (true, _) => Err(format!("Syntax error; token: \"<EOF>\", near: \"{}\"", last_token(expression))),
    }
}

/// Comparisons, `AND`, `OR`, `NOT`, `BETWEEN` and `IN` (one each), functions, and in an update `+` and `-`.
fn operators(kind: Kind, expression: &str) -> usize {
    let mut tokens = tokens(expression).map(|token| token.text).peekable();
    // The `AND` of a `BETWEEN` belongs to it.
    let (mut operators, mut open_betweens) = (0, 0_usize);
    while let Some(token) = tokens.next() {
        let is = |keyword: &str| token.eq_ignore_ascii_case(keyword);
        operators += usize::from(if is("AND") && open_betweens > 0 {
            open_betweens -= 1;
            false
        } else if is("BETWEEN") {
            open_betweens += 1;
            true
        } else if is("AND") || is("OR") || is("NOT") || is("IN") {
            true
        } else {
            match token {
                "<" | ">" | "<=" | ">=" | "<>" => true,
                "=" => kind != Kind::Update,
                "+" | "-" => kind == Kind::Update,
                _ => token.starts_with(|c: char| c.is_ascii_alphabetic()) && tokens.peek() == Some(&"("),
            }
        });
    }
    operators
}

fn last_token(expression: &str) -> &str {
    tokens(expression).last().map_or("", |token| token.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn operators_are_counted_as_dynamodb_counts_them() {
        for (expression, count) in [
            ("a < :b", 1),
            ("a <> :b AND NOT c >= d", 4),
            ("a BETWEEN :low AND :high and b in (:c, :d, :e)", 3),
            ("attribute_exists(a) OR size(b) > :c", 4),
            ("#in = :and AND between1 = :or", 3),
            ("", 0),
        ] {
            assert_eq!(operators(Kind::Condition, expression), count, "{expression}");
        }
        assert_eq!(operators(Kind::Update, "SET a = if_not_exists(a, :zero) + :one, b = b - :c REMOVE d"), 3);
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let check = |expression: &str| check_expression(Kind::Filter, expression);
        let chain = |terms| vec!["a=b"; terms].join(" AND ");
        assert_eq!(check(&chain(150)), Ok(()));
        let too_many = Err("The expression contains too many operators; operator count: 301".into());
        assert_eq!(check(&chain(151)), too_many);
        assert_eq!(check(&format!("{}a=b", "NOT ".repeat(300))), too_many);
        let wrapped = |depth| format!("{}a=b{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(check(&wrapped(300)), Ok(()), "the engine finds them redundant");
        assert_eq!(check(&wrapped(301)), Err("The expression has redundant parentheses;".into()));
        assert_eq!(check(&"(".repeat(4096)), Err("Syntax error; token: \"<EOF>\", near: \"(\"".into()));
    }

    proptest! {
        #[test]
        fn any_text_is_checked(expression in "[ -~é]{0,600}") {
            let _ = check_expression(Kind::Condition, &expression);
        }
    }
}
