//! Projections: paths with commas between them.

use std::collections::HashSet;

use super::condition::{Element, path};
use super::tokens::{Token, leading_underscore, syntax_error, tokens};
use super::{MAX_INDEX, Names, index_beyond};

/// Checks the syntax of a ProjectionExpression, and that it uses all `names` if it is the only expression of its request.
///
/// # Errors
/// The whole message.
pub(in crate::engine) fn check(expression: &str, names: &Names, is_only: bool) -> Result<(), String> {
    let tokens: Vec<_> = tokens(expression).collect();
    // The engine's tokenizer reports what it cannot read, as DynamoDB words it.
    if tokens.is_empty() || !tokens.iter().enumerate().all(|(at, token)| is_readable(&tokens, at, token.text)) {
        return Ok(());
    }
    if let Some(error) = leading_underscore(expression, &tokens) {
        return Err(invalid(&error));
    }
    let mut used = HashSet::new();
    let mut at = 0;
    loop {
        let (path, end) = path(&tokens, at).map_err(|at| invalid(&syntax_error(expression, &tokens, at)))?;
        for element in path {
            match element {
                Element::Name(name) => drop(used.insert(name)),
                Element::Index(index) if index.parse().is_ok_and(|index: u64| index <= MAX_INDEX) => {}
                Element::Index(index) => {
                    return Err(invalid(&index_beyond(index)));
                }
            }
        }
        match tokens.get(end).map(|token| token.text) {
            None => break,
            Some(",") => at = end + 1,
            Some(_) => return Err(invalid(&syntax_error(expression, &tokens, end))),
        }
    }
    let has_undefined =
        used.iter().any(|name| name.starts_with('#') && !names.as_ref().is_some_and(|names| names.contains_key(*name)));
    let unused = names.iter().flatten().map(|(name, _)| name.as_str()).filter(|name| !used.contains(name));
    let mut unused: Vec<_> = unused.collect();
    if !is_only || has_undefined || unused.is_empty() || !unused.iter().all(|name| name.starts_with('#')) {
        return Ok(());
    }
    unused.sort_unstable();
    Err(format!("Value provided in ExpressionAttributeNames unused in expressions: keys: {{{}}}", unused.join(", ")))
}

fn invalid(reason: &str) -> String {
    format!("Invalid ProjectionExpression: {reason}")
}

/// Whether DynamoDB's tokenizer knows the token: a number stands in brackets only.
fn is_readable(tokens: &[Token<'_>], at: usize, text: &str) -> bool {
    match text.chars().next() {
        Some(first) if first.is_ascii_digit() => at > 0 && tokens[at - 1].text == "[",
        Some('#' | ':') => text.len() > 1,
        Some(first) => first.is_ascii_alphabetic() || "_,.[]()=<>+-".contains(first),
        None => false,
    }
}
