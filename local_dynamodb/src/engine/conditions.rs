//! The expressions of a request, checked and adjusted so that the engine accepts them.
//!
//! What the engine accepts and DynamoDB refuses is refused here, in DynamoDB's words. `size(:v)` and `attribute_type(:v, :t)`,
//! which the engine does not parse, have a value that is known before it runs.

use std::cmp::Ordering;
use std::collections::HashMap;

use dynoxide::actions::transact_write_items::TransactWriteItem;
use dynoxide::{AttributeValue, DynoxideError};
use serde_json::Value;

use super::Operation;
use super::expressions::{self, Names, tokens};
use super::ordering::order;
use super::{local_index, set_values, update_expression};

/// The names of values that no client has.
const PREFIX: &str = ":local_dynamodb_";

const CONDITION: &str = "ConditionExpression";
const FILTER: &str = "FilterExpression";

type Values = Option<HashMap<String, AttributeValue>>;

/// [`Shared`] of a request whose names and values have their usual members.
macro_rules! shared {
    ($name:ident, $expression:expr, $request:ident, $others:expr) => {
        Shared {
            name: $name,
            expression: $expression,
            names: &$request.expression_attribute_names,
            values: &mut $request.expression_attribute_values,
            others: $others,
        }
    };
}

/// Checks the expressions of an operation, and adjusts its conditions so that the engine accepts them.
///
/// # Errors
/// `ValidationException` for an expression that DynamoDB refuses.
pub(super) fn prepare(operation: &mut Operation) -> Result<(), DynoxideError> {
    let enveloped = DynoxideError::EnvelopedValidation;
    let bare = DynoxideError::ValidationException;
    match operation {
        Operation::PutItem(put) => {
            check_legacy(put.expected.as_ref()).map_err(enveloped)?;
            prepare_one(&mut shared!(CONDITION, &mut put.condition_expression, put, &[])).map_err(enveloped)
        }
        Operation::DeleteItem(delete) => {
            check_legacy(delete.expected.as_ref()).map_err(enveloped)?;
            prepare_one(&mut shared!(CONDITION, &mut delete.condition_expression, delete, &[])).map_err(enveloped)
        }
        Operation::UpdateItem(update) => {
            set_values::prepare(update)?;
            check_legacy(update.expected.as_ref()).map_err(enveloped)?;
            prepare_one(&mut shared!(
                CONDITION,
                &mut update.condition_expression,
                update,
                &[update.update_expression.as_deref()]
            ))
            .and_then(|()| {
                check_update(
                    update.update_expression.as_deref().unwrap_or_default(),
                    &update.expression_attribute_names,
                    &update.expression_attribute_values,
                )
            })
            .map_err(enveloped)
        }
        Operation::Query(query) => {
            check_legacy(query.query_filter.as_ref()).map_err(bare)?;
            let names = &query.expression_attribute_names;
            let has_empty_expression = [&query.filter_expression, &query.projection_expression]
                .iter()
                .any(|expression| expression.as_deref().is_some_and(|text| text.trim().is_empty()));
            if let Some(condition) = &query.key_condition_expression
                && !has_empty_expression
                && are_well_formed(names, &query.expression_attribute_values)
            {
                expressions::check_key_condition(condition, names)
                    .map_err(|reason| bare(format!("Invalid KeyConditionExpression: {reason}")))?;
            }
            prepare_one(&mut Shared {
                name: FILTER,
                expression: &mut query.filter_expression,
                names,
                values: &mut query.expression_attribute_values,
                others: &[query.key_condition_expression.as_deref()],
            })
            .map_err(bare)?;
            check_projection(query.projection_expression.as_deref(), names, false)
        }
        Operation::Scan(scan) => {
            check_legacy(scan.scan_filter.as_ref()).map_err(bare)?;
            prepare_one(&mut shared!(FILTER, &mut scan.filter_expression, scan, &[])).map_err(bare)?;
            check_projection(scan.projection_expression.as_deref(), &scan.expression_attribute_names, false)
        }
        Operation::GetItem(get) => {
            check_projection(get.projection_expression.as_deref(), &get.expression_attribute_names, true)
        }
        Operation::BatchGetItem(batch) => batch.request_items.values().try_for_each(|keys| {
            check_projection(keys.projection_expression.as_deref(), &keys.expression_attribute_names, true)
        }),
        Operation::TransactGetItems(transaction) => transaction.transact_items.iter().try_for_each(|item| {
            check_projection(item.get.projection_expression.as_deref(), &item.get.expression_attribute_names, true)
        }),
        Operation::TransactWriteItems(transaction) => {
            transaction.transact_items.iter_mut().try_for_each(|item| prepare_action(item).map_err(bare))
        }
        _ => Ok(()),
    }
}

fn check_projection(expression: Option<&str>, names: &Names, is_only: bool) -> Result<(), DynoxideError> {
    let Some(expression) = expression else { return Ok(()) };
    let checked = expressions::check_projection(expression, names, is_only).and_then(|()| {
        let conflict = update_expression::conflict(&local_index::paths(expression, names.as_ref()));
        conflict.map_or(Ok(()), |reason| Err(format!("Invalid ProjectionExpression: {reason}")))
    });
    checked.map_err(DynoxideError::ValidationException)
}

fn check_update(expression: &str, names: &Names, values: &Values) -> Result<(), String> {
    if !are_well_formed(names, values) {
        return Ok(());
    }
    let invalid = |reason| format!("Invalid UpdateExpression: {reason}");
    expressions::check_update(expression).map_err(invalid)?;
    let paths: Vec<_> =
        update_expression::paths(expression, names.as_ref()).into_iter().map(|(_, path)| path).collect();
    update_expression::conflict(&paths).map_or(Ok(()), |reason| Err(invalid(reason)))
}

fn prepare_action(item: &mut TransactWriteItem) -> Result<(), String> {
    if let Some(put) = &mut item.put {
        prepare_in_transaction(&mut shared!(CONDITION, &mut put.condition_expression, put, &[]))?;
    }
    if let Some(delete) = &mut item.delete {
        prepare_in_transaction(&mut shared!(CONDITION, &mut delete.condition_expression, delete, &[]))?;
    }
    if let Some(update) = &mut item.update {
        set_values::normalize(update.expression_attribute_values.iter_mut().flat_map(|values| values.values_mut()));
        prepare_in_transaction(&mut shared!(
            CONDITION,
            &mut update.condition_expression,
            update,
            &[Some(update.update_expression.as_str())]
        ))?;
        check_update(
            &update.update_expression,
            &update.expression_attribute_names,
            &update.expression_attribute_values,
        )?;
    }
    if let Some(check) = &mut item.condition_check {
        let mut condition = Some(std::mem::take(&mut check.condition_expression));
        let prepared = prepare_in_transaction(&mut shared!(CONDITION, &mut condition, check, &[]));
        check.condition_expression = condition.unwrap_or_default();
        prepared?;
    }
    Ok(())
}

/// The engine takes empty maps of names and values in a transaction.
fn prepare_in_transaction(condition: &mut Shared<'_>) -> Result<(), String> {
    if condition.names.as_ref().is_some_and(HashMap::is_empty) {
        return Err("ExpressionAttributeNames must not be empty".into());
    }
    if condition.values.as_ref().is_some_and(HashMap::is_empty) {
        return Err("ExpressionAttributeValues must not be empty".into());
    }
    prepare_one(condition)
}

/// A condition or a filter with what it shares with `others`, the other expressions of its request.
struct Shared<'a> {
    name: &'static str,
    expression: &'a mut Option<String>,
    names: &'a Names,
    values: &'a mut Values,
    others: &'a [Option<&'a str>],
}

/// Whether the placeholders are as DynamoDB takes them. It looks at them before it reads expressions; so does the engine.
fn are_well_formed(names: &Names, values: &Values) -> bool {
    fn are_well_formed<V>(placeholders: &Option<HashMap<String, V>>, sign: char) -> bool {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        placeholders.as_ref().is_none_or(|map| {
            !map.is_empty()
                && map.keys().all(|name| {
                    name.strip_prefix(sign).is_some_and(|name| !name.is_empty() && name.chars().all(is_word))
                })
        })
    }
    are_well_formed(names, '#') && are_well_formed(values, ':')
}

fn prepare_one(condition: &mut Shared<'_>) -> Result<(), String> {
    let Some(text) = condition.expression.as_mut() else { return Ok(()) };
    if !are_well_formed(condition.names, condition.values) {
        return Ok(());
    }
    let no_values = HashMap::new();
    expressions::check_condition(text, condition.names, condition.values.as_ref().unwrap_or(&no_values))
        .map_err(|reason| format!("Invalid {}: {reason}", condition.name))?;
    let Some(values) = condition.values.as_mut() else { return Ok(()) };
    if let Some(folded) = fold(text, values) {
        let texts = |expression| tokens(expression).map(|token| token.text);
        let before: Vec<_> = texts(text).map(str::to_owned).collect();
        let used: Vec<_> =
            texts(&folded).chain(condition.others.iter().flatten().flat_map(|other| texts(other))).collect();
        // A value that only stood in what is replaced by its result was used, and is not any more.
        values.retain(|name, _| used.contains(&name.as_str()) || !before.contains(name));
        *text = folded;
    }
    Ok(())
}

/// The condition with the results of functions of values in their place; `None` if it has no such function, or one that the
/// engine will refuse.
fn fold(condition: &str, values: &mut HashMap<String, AttributeValue>) -> Option<String> {
    let texts: Vec<_> = tokens(condition).map(|token| token.text).collect();
    let (mut folded, mut at, mut number) = (String::new(), 0, 0);
    let mut constant = |values: &mut HashMap<String, AttributeValue>, value: usize| {
        let name = format!("{PREFIX}{number}");
        number += 1;
        values.insert(name.clone(), AttributeValue::N(value.to_string()));
        name
    };
    let offset = |token: &str| token.as_ptr() as usize - condition.as_ptr() as usize;
    let mut copied = 0;
    while at < texts.len() {
        let result = match texts[at..] {
            ["size", "(", value, ")", ..] if value.starts_with(':') => {
                let size = size(values.get(value)?)?;
                Some((constant(values, size), at + 3))
            }
            ["attribute_type", "(", value, ",", kind, ")", ..] if value.starts_with(':') => {
                let (value, AttributeValue::S(kind)) = (values.get(value)?, values.get(kind)?) else { return None };
                let holds = value.type_name() == kind;
                let (one, other) = (constant(values, 1), constant(values, usize::from(holds)));
                Some((format!("{one} = {other}"), at + 5))
            }
            _ => None,
        };
        if let Some((result, last)) = result {
            folded.push_str(&condition[copied..offset(texts[at])]);
            folded.push_str(&result);
            copied = offset(texts[last]) + texts[last].len();
            at = last;
        }
        at += 1;
    }
    folded.push_str(&condition[copied..]);
    (copied > 0).then_some(folded)
}

/// What `size` returns.
fn size(value: &AttributeValue) -> Option<usize> {
    match value {
        AttributeValue::S(text) => Some(text.encode_utf16().count()),
        AttributeValue::B(bytes) => Some(bytes.len()),
        AttributeValue::SS(set) => Some(set.len()),
        AttributeValue::NS(set) => Some(set.len()),
        AttributeValue::BS(set) => Some(set.len()),
        AttributeValue::L(list) => Some(list.len()),
        AttributeValue::M(map) => Some(map.len()),
        AttributeValue::N(_) | AttributeValue::BOOL(_) | AttributeValue::NULL(_) => None,
    }
}

/// The older conditions, by attribute: `{"a": {"ComparisonOperator": "BETWEEN", "AttributeValueList": […]}}`. Checks what the
/// engine takes; numbers of operands are left to it.
fn check_legacy(conditions: Option<&Value>) -> Result<(), String> {
    let conditions = conditions.and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values);
    conditions.into_iter().try_for_each(|condition| check_legacy_operands(condition).map_or(Ok(()), Err))
}

fn check_legacy_operands(condition: &Value) -> Option<String> {
    let operator = condition["ComparisonOperator"].as_str()?;
    let operands: Vec<AttributeValue> = serde_json::from_value(condition["AttributeValueList"].clone()).ok()?;
    let (count, types): (usize, &[&str]) = match operator {
        "LT" | "LE" | "GT" | "GE" | "CONTAINS" | "NOT_CONTAINS" => (1, &["S", "N", "B"]),
        "BEGINS_WITH" => (1, &["S", "B"]),
        "BETWEEN" => (2, &["S", "N", "B"]),
        "IN" => (operands.len(), &["S", "N", "B"]),
        _ => return None,
    };
    if operands.len() != count {
        return None;
    }
    let invalid = |reason: &str| Some(format!("One or more parameter values were invalid: {reason}"));
    if let Some(operand) = operands.iter().find(|operand| !types.contains(&operand.type_name())) {
        let kind = operand.type_name();
        return invalid(&format!("ComparisonOperator {operator} is not valid for {kind} AttributeValue type"));
    }
    if operands.iter().any(|operand| operand.type_name() != operands[0].type_name()) {
        return invalid("AttributeValues inside AttributeValueList must be of same type");
    }
    match &operands[..] {
        [lower, upper] if operator == "BETWEEN" && order(lower, upper) == Some(Ordering::Greater) => {
            invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(json: Value) -> HashMap<String, AttributeValue> {
        serde_json::from_value(json).unwrap()
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
            let mut condition =
                Shared { name: FILTER, expression: &mut text, names: &None, values: &mut values, others: &[] };
            prepare_one(&mut condition).unwrap();
            assert_eq!(text.unwrap(), expected);
            let mut names: Vec<_> = values.unwrap().into_keys().collect();
            names.sort();
            assert_eq!(names, left);
        }
        assert_eq!(fold("size(a) = :n", &mut values(json!({":n": {"N": "1"}}))), None);
    }
}
