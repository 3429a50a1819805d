//! KeyConditions together with expressions. DynamoDB does not let the older parameters be mixed with expressions, with
//! this exception, which the Java SDK's DynamoDBMapper relies on; the engine has no exception.

use dynoxide::actions::query::QueryRequest;
use serde_json::Value;

/// Writes the KeyConditions of a Query that also has expressions as a KeyConditionExpression.
pub(super) fn rewrite(query: &mut QueryRequest) {
    let has_expressions = query.filter_expression.is_some() || query.projection_expression.is_some();
    let has_others = query.key_condition_expression.is_some()
        || query.query_filter.is_some()
        || query.attributes_to_get.is_some()
        || query.conditional_operator.is_some();
    if !has_expressions || has_others {
        return;
    }
    let mut written = Vec::new();
    let mut names = query.expression_attribute_names.clone().unwrap_or_default();
    let mut values = query.expression_attribute_values.clone().unwrap_or_default();
    let conditions = query.key_conditions.as_ref().and_then(Value::as_object).into_iter().flatten();
    for (number, (attribute, condition)) in conditions.enumerate() {
        let name = format!("#local_dynamodb_{number}");
        let operands = condition["AttributeValueList"].as_array().into_iter().flatten();
        let operands: Vec<_> = operands
            .enumerate()
            .filter_map(|(operand, value)| {
                let placeholder = format!(":local_dynamodb_{number}_{operand}");
                values.insert(placeholder.clone(), serde_json::from_value(value.clone()).ok()?);
                Some(placeholder)
            })
            .collect();
        written.push(match (condition["ComparisonOperator"].as_str(), &operands[..]) {
            (Some("EQ"), [value]) => format!("{name} = {value}"),
            (Some("LE"), [value]) => format!("{name} <= {value}"),
            (Some("LT"), [value]) => format!("{name} < {value}"),
            (Some("GE"), [value]) => format!("{name} >= {value}"),
            (Some("GT"), [value]) => format!("{name} > {value}"),
            (Some("BEGINS_WITH"), [value]) => format!("begins_with({name}, {value})"),
            (Some("BETWEEN"), [lower, upper]) => format!("{name} BETWEEN {lower} AND {upper}"),
            // The engine reports what is wrong with it, without mentioning the expressions.
            _ => {
                query.filter_expression = None;
                query.projection_expression = None;
                query.expression_attribute_names = None;
                query.expression_attribute_values = None;
                return;
            }
        });
        names.insert(name, attribute.clone());
    }
    if !written.is_empty() {
        query.key_conditions = None;
        query.key_condition_expression = Some(written.join(" AND "));
        query.expression_attribute_names = Some(names);
        query.expression_attribute_values = Some(values);
    }
}
