//! Functions and indexes of updates, where the engine takes what DynamoDB refuses.

use super::condition::{Call, Operand, calls};
use super::tokens::Token;
use super::{MAX_INDEX, index_beyond};

const FUNCTIONS: [&str; 2] = ["if_not_exists", "list_append"];
const OPERANDS: usize = 2;

/// Checks an UpdateExpression.
pub(super) fn check(tokens: &[Token<'_>]) -> Result<(), String> {
    let calls = calls(tokens);
    calls.iter().try_for_each(check_names)?;
    calls.iter().try_for_each(|call| check_nesting(call, false))?;
    calls.iter().try_for_each(check_operands)?;
    let index = tokens.iter().zip(tokens.iter().skip(1)).find_map(|(bracket, index)| {
        let is_beyond = |index: &str| index.parse().map_or(true, |index: u64| index > MAX_INDEX);
        let is_index = bracket.text == "[" && index.text.bytes().all(|digit| digit.is_ascii_digit());
        (is_index && is_beyond(index.text)).then_some(index.text)
    });
    index.map_or(Ok(()), |index| Err(index_beyond(index)))
}

fn nested<'c, 'a>(call: &'c Call<'a>) -> impl Iterator<Item = &'c Call<'a>> {
    call.operands.iter().filter_map(|operand| if let Operand::Call(call) = operand { Some(call) } else { None })
}

/// The names of functions are case-sensitive.
fn check_names(call: &Call<'_>) -> Result<(), String> {
    if !FUNCTIONS.contains(&call.function) {
        return Err(format!("Invalid function name; function: {}", call.function));
    }
    nested(call).try_for_each(check_names)
}

/// `if_not_exists` may be an operand of a function, `list_append` may not.
fn check_nesting(call: &Call<'_>, is_nested: bool) -> Result<(), String> {
    if is_nested && call.function == "list_append" {
        let function = call.function;
        return Err(format!("The function is not allowed to be used this way in an expression; function: {function}"));
    }
    nested(call).try_for_each(|call| check_nesting(call, true))
}

fn check_operands(call: &Call<'_>) -> Result<(), String> {
    if call.operands.len() != OPERANDS {
        return Err(format!(
            "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}",
            call.function,
            call.operands.len()
        ));
    }
    nested(call).try_for_each(check_operands)
}
