//! Conditions that the engine takes and DynamoDB refuses, and the reverse.
//!
//! Refused here, in DynamoDB's words: BETWEEN with bounds in the wrong order or of different types, and comparisons of order
//! with values that have none. `size(:v)` and `attribute_type(:v, :t)`, which the engine does not parse, have a value that
//! is known before it runs.

use std::cmp::Ordering;
use std::collections::HashMap;

use dynoxide::actions::transact_write_items::TransactWriteItem;
use dynoxide::{AttributeValue, DynoxideError};
use serde_json::Value;

use super::Operation;
use super::update_expression::tokens;

const TYPES: [&str; 10] = ["S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M"];
/// The names of values that no client has.
const PREFIX: &str = ":local_dynamodb_";

type Values = Option<HashMap<String, AttributeValue>>;

/// Checks the conditions of an operation, and makes them such that the engine takes them.
///
/// # Errors
/// `ValidationException` for a condition that DynamoDB refuses.
pub(super) fn prepare(operation: &mut Operation) -> Result<(), DynoxideError> {
    const CONDITION: &str = "ConditionExpression";
    const FILTER: &str = "FilterExpression";
    let enveloped = DynoxideError::EnvelopedValidation;
    let bare = DynoxideError::ValidationException;
    match operation {
        Operation::PutItem(put) => {
            check_legacy(put.expected.as_ref())?;
            prepare_one(CONDITION, &mut put.condition_expression, &mut put.expression_attribute_values, &[])
                .map_err(enveloped)
        }
        Operation::DeleteItem(delete) => {
            check_legacy(delete.expected.as_ref())?;
            prepare_one(CONDITION, &mut delete.condition_expression, &mut delete.expression_attribute_values, &[])
                .map_err(enveloped)
        }
        Operation::UpdateItem(update) => {
            check_legacy(update.expected.as_ref())?;
            let others = [update.update_expression.as_deref()];
            let values = &mut update.expression_attribute_values;
            prepare_one(CONDITION, &mut update.condition_expression, values, &others).map_err(enveloped)
        }
        Operation::Query(query) => {
            check_legacy(query.query_filter.as_ref())?;
            let others = [query.key_condition_expression.as_deref()];
            let values = &mut query.expression_attribute_values;
            prepare_one(FILTER, &mut query.filter_expression, values, &others).map_err(bare)
        }
        Operation::Scan(scan) => {
            check_legacy(scan.scan_filter.as_ref())?;
            prepare_one(FILTER, &mut scan.filter_expression, &mut scan.expression_attribute_values, &[]).map_err(bare)
        }
        Operation::TransactWriteItems(transaction) => {
            transaction.transact_items.iter_mut().try_for_each(|item| prepare_action(CONDITION, item).map_err(bare))
        }
        _ => Ok(()),
    }
}

fn prepare_action(name: &str, item: &mut TransactWriteItem) -> Result<(), String> {
    if let Some(put) = &mut item.put {
        prepare_one(name, &mut put.condition_expression, &mut put.expression_attribute_values, &[])?;
    }
    if let Some(delete) = &mut item.delete {
        prepare_one(name, &mut delete.condition_expression, &mut delete.expression_attribute_values, &[])?;
    }
    if let Some(update) = &mut item.update {
        let others = [Some(update.update_expression.as_str())];
        let values = &mut update.expression_attribute_values;
        prepare_one(name, &mut update.condition_expression, values, &others)?;
    }
    if let Some(check) = &mut item.condition_check {
        let mut condition = Some(std::mem::take(&mut check.condition_expression));
        let prepared = prepare_one(name, &mut condition, &mut check.expression_attribute_values, &[]);
        check.condition_expression = condition.unwrap_or_default();
        prepared?;
    }
    Ok(())
}

/// `others` are the expressions of the request that share `values` with the condition.
fn prepare_one(
    name: &str,
    condition: &mut Option<String>,
    values: &mut Values,
    others: &[Option<&str>],
) -> Result<(), String> {
    let (Some(text), Some(values)) = (condition, values) else { return Ok(()) };
    check(text, values).map_err(|reason| format!("Invalid {name}: {reason}"))?;
    let folded = fold(text, values).map_err(|reason| format!("Invalid {name}: {reason}"))?;
    if let Some(folded) = folded {
        let before: Vec<_> = tokens(text).map(str::to_owned).collect();
        let used: Vec<_> = tokens(&folded).chain(others.iter().flatten().flat_map(|other| tokens(other))).collect();
        // A value that only stood in what is replaced by its result was used, and is not any more.
        values.retain(|name, _| used.contains(&name.as_str()) || !before.contains(name));
        *text = folded;
    }
    Ok(())
}

fn check(condition: &str, values: &HashMap<String, AttributeValue>) -> Result<(), String> {
    let tokens: Vec<_> = tokens(condition).collect();
    let value = |at: usize| tokens.get(at).and_then(|token| values.get(*token));
    let incorrect = |operator: &str, value: &AttributeValue| {
        Err(format!(
            "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {}",
            value.type_name()
        ))
    };
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "<" | ">" if tokens.get(at + 1) != Some(&">") && (at == 0 || tokens[at - 1] != "<") => {
                let has_equals = tokens.get(at + 1) == Some(&"=");
                let operator = if has_equals { format!("{token}=") } else { (*token).to_owned() };
                let right = value(at + 1 + usize::from(has_equals));
                let left = at.checked_sub(1).and_then(value);
                if let Some(operand) = left.into_iter().chain(right).find(|operand| !is_ordered(operand)) {
                    return incorrect(&operator, operand);
                }
            }
            word if word.eq_ignore_ascii_case("BETWEEN") => {
                let (lower, upper) = (value(at + 1), value(at + 3));
                if let Some(operand) = lower.into_iter().chain(upper).find(|operand| !is_ordered(operand)) {
                    return incorrect("BETWEEN", operand);
                }
                if let (Some(lower), Some(upper)) = (lower, upper) {
                    check_bounds(lower, upper)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_bounds(lower: &AttributeValue, upper: &AttributeValue) -> Result<(), String> {
    let requirement = if lower.type_name() != upper.type_name() {
        "same data type for lower and upper bounds"
    } else if order(lower, upper) == Some(Ordering::Greater) {
        "upper bound to be greater than or equal to lower bound"
    } else {
        return Ok(());
    };
    Err(format!(
        "The BETWEEN operator requires {requirement}; lower bound operand: AttributeValue: {}, upper bound operand: \
         AttributeValue: {}",
        written(lower),
        written(upper)
    ))
}

fn is_ordered(value: &AttributeValue) -> bool {
    matches!(value, AttributeValue::S(_) | AttributeValue::N(_) | AttributeValue::B(_))
}

/// `None` if one of them has no order, or they are of different types.
fn order(a: &AttributeValue, b: &AttributeValue) -> Option<Ordering> {
    match (a, b) {
        (AttributeValue::S(a), AttributeValue::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (AttributeValue::B(a), AttributeValue::B(b)) => Some(a.cmp(b)),
        // In the engine's form for keys the order of texts is the order of numbers.
        (AttributeValue::N(_), AttributeValue::N(_)) => Some(a.to_key_string()?.cmp(&b.to_key_string()?)),
        _ => None,
    }
}

/// As DynamoDB writes a value in a message: `{N:5}`.
fn written(value: &AttributeValue) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    let text = json.get(value.type_name()).and_then(Value::as_str).unwrap_or_default();
    format!("{{{}:{text}}}", value.type_name())
}

/// The condition with the results of functions of values in their place; `None` if it has no such function.
fn fold(condition: &str, values: &mut HashMap<String, AttributeValue>) -> Result<Option<String>, String> {
    let tokens: Vec<_> = tokens(condition).collect();
    let (mut folded, mut at, mut number) = (String::new(), 0, 0);
    let mut constant = |values: &mut HashMap<String, AttributeValue>, value: usize| {
        let name = format!("{PREFIX}{number}");
        number += 1;
        values.insert(name.clone(), AttributeValue::N(value.to_string()));
        name
    };
    let offset = |token: &str| token.as_ptr() as usize - condition.as_ptr() as usize;
    let mut copied = 0;
    while at < tokens.len() {
        let is_function = |name: &str| tokens[at].eq_ignore_ascii_case(name) && tokens.get(at + 1) == Some(&"(");
        let result = match (tokens.get(at + 2), tokens.get(at + 3), tokens.get(at + 4), tokens.get(at + 5)) {
            (Some(value), Some(&")"), ..) if is_function("size") && value.starts_with(':') => {
                let Some(size) = values.get(*value).map(size) else { return Ok(None) };
                Some((constant(values, size?), at + 3))
            }
            (Some(value), Some(&","), Some(kind), Some(&")"))
                if is_function("attribute_type") && value.starts_with(':') =>
            {
                let (Some(value), Some(AttributeValue::S(kind))) = (values.get(*value), values.get(*kind)) else {
                    return Ok(None);
                };
                if !TYPES.contains(&kind.as_str()) {
                    return Err(format!(
                        "Invalid attribute type name found; type: {kind}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
                    ));
                }
                let holds = value.type_name() == kind;
                let (one, other) = (constant(values, 1), constant(values, usize::from(holds)));
                Some((format!("{one} = {other}"), at + 5))
            }
            _ => None,
        };
        if let Some((result, last)) = result {
            folded.push_str(&condition[copied..offset(tokens[at])]);
            folded.push_str(&result);
            copied = offset(tokens[last]) + tokens[last].len();
            at = last;
        }
        at += 1;
    }
    folded.push_str(&condition[copied..]);
    Ok((copied > 0).then_some(folded))
}

/// What `size` returns.
fn size(value: &AttributeValue) -> Result<usize, String> {
    Ok(match value {
        AttributeValue::S(text) => text.encode_utf16().count(),
        AttributeValue::B(bytes) => bytes.len(),
        AttributeValue::SS(set) => set.len(),
        AttributeValue::NS(set) => set.len(),
        AttributeValue::BS(set) => set.len(),
        AttributeValue::L(list) => list.len(),
        AttributeValue::M(map) => map.len(),
        AttributeValue::N(_) | AttributeValue::BOOL(_) | AttributeValue::NULL(_) => {
            return Err(format!(
                "Incorrect operand type for operator or function; operator or function: size, operand type: {}",
                value.type_name()
            ));
        }
    })
}

/// The older conditions, by attribute: `{"a": {"ComparisonOperator": "BETWEEN", "AttributeValueList": […]}}`.
fn check_legacy(conditions: Option<&Value>) -> Result<(), DynoxideError> {
    for condition in conditions.and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values) {
        if condition["ComparisonOperator"] == "BETWEEN"
            && let Some([lower, upper]) = condition["AttributeValueList"].as_array().map(Vec::as_slice)
            && let (Ok(lower), Ok(upper)) =
                (serde_json::from_value(lower.clone()), serde_json::from_value(upper.clone()))
            && order(&lower, &upper) == Some(Ordering::Greater)
        {
            return Err(DynoxideError::ValidationException(
                "One or more parameter values were invalid: The BETWEEN condition was provided a range where the lower \
                 bound is greater than the upper bound"
                    .into(),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(json: Value) -> HashMap<String, AttributeValue> {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn bounds_and_comparisons_without_an_order_are_refused() {
        let values = values(json!({
            ":1": {"N": "1"}, ":9": {"N": "9"}, ":10": {"N": "10"}, ":s": {"S": "x"}, ":b": {"BOOL": true}, ":l": {"L": []},
        }));
        for condition in
            ["a BETWEEN :9 AND :10", "a <> :b", "a = :b", "a < :s AND b IN (:b)", "a<=:9", "a BETWEEN b AND :1"]
        {
            assert_eq!(check(condition, &values), Ok(()), "{condition}");
        }
        for (condition, part) in [
            (
                "a BETWEEN :10 AND :9",
                "greater than or equal to lower bound; lower bound operand: AttributeValue: {N:10}, upper",
            ),
            ("NOT (a between :s AND :1)", "same data type"),
            ("a < :b", "operator or function: <, operand type: BOOL"),
            (":l>=a", "operator or function: >=, operand type: L"),
            ("a BETWEEN :b AND :b", "operator or function: BETWEEN, operand type: BOOL"),
        ] {
            let refused = check(condition, &values).unwrap_err();
            assert!(refused.contains(part), "{condition}: {refused}");
        }
    }

    #[test]
    fn functions_of_values_are_replaced_by_their_results() {
        for (condition, expected, left) in [
            ("size(:s) < a", ":local_dynamodb_0 < a", vec![":local_dynamodb_0"]),
            (
                "size ( :s ) < size(:s) OR a = :s",
                ":local_dynamodb_0 < :local_dynamodb_1 OR a = :s",
                vec![":local_dynamodb_0", ":local_dynamodb_1", ":s"],
            ),
            (
                "NOT attribute_type(:s, :t)",
                "NOT :local_dynamodb_0 = :local_dynamodb_1",
                vec![":local_dynamodb_0", ":local_dynamodb_1"],
            ),
        ] {
            let mut text = Some(condition.to_owned());
            let mut values = Some(values(json!({":s": {"S": "xyz"}, ":t": {"S": "N"}})));
            if !condition.contains(":t") {
                values.as_mut().unwrap().remove(":t");
            }
            prepare_one("FilterExpression", &mut text, &mut values, &[]).unwrap();
            assert_eq!(text.unwrap(), expected);
            let mut names: Vec<_> = values.unwrap().into_keys().collect();
            names.sort();
            assert_eq!(names, left);
        }
        let mut number = Some(values(json!({":n": {"N": "1"}})));
        assert!(prepare_one("X", &mut Some("size(:n) = a".into()), &mut number, &[]).is_err());
        assert_eq!(fold("size(a) = :n", &mut values(json!({":n": {"N": "1"}}))), Ok(None));
    }
}
