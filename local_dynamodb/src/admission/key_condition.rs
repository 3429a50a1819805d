//! The partition key that a Query reads, as far as it can be found without parsing the full grammar of expressions.

use dynoxide::actions::query::QueryRequest;
use dynoxide::types::AttributeValue;

/// The value that `query` compares the key attribute `name` with.
pub(crate) fn value_of(query: &QueryRequest, name: &str) -> Option<AttributeValue> {
    match &query.key_condition_expression {
        Some(expression) => {
            let placeholder = placeholder_of(expression, name, |alias| {
                query.expression_attribute_names.as_ref()?.get(alias).map(String::as_str)
            })?;
            query.expression_attribute_values.as_ref()?.get(placeholder).cloned()
        }
        None => {
            let condition = query.key_conditions.as_ref()?.get(name)?;
            serde_json::from_value(condition.get("AttributeValueList")?.get(0)?.clone()).ok()
        }
    }
}

/// The placeholder (`:host`) after `name =`, or after `alias =` where the alias stands for that name. A value before its
/// attribute (`:host = PK`) is not found: the read then has no known key.
fn placeholder_of<'a>(expression: &'a str, name: &str, named: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    let is_name = |token: &str| token == name || named(token).is_some_and(|of_alias| of_alias == name);
    let tokens: Vec<&str> = tokens(expression).collect();
    let found = tokens.windows(3).find(|tokens| is_name(tokens[0]) && tokens[1] == "=" && tokens[2].starts_with(':'));
    found.map(|tokens| tokens[2])
}

fn tokens(expression: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '#' | ':');
    let mut rest = expression;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholder(expression: &str) -> Option<&str> {
        placeholder_of(expression, "PK", |alias| (alias == "#key").then_some("PK"))
    }

    #[test]
    fn the_value_stands_behind_the_name() {
        for expression in
            ["PK = :v", "PK=:v", "(PK = :v) AND SK > :low", "SK > :low and #key=:v", "\tPK\n= :v AND SK = :w"]
        {
            assert_eq!(placeholder(expression), Some(":v"), "{expression}");
        }
        for expression in ["SK = :v", "PKX = :v", "#other = :v", "PK > :v", "", "PK =", "ü = :v"] {
            assert_eq!(placeholder(expression), None, "{expression}");
        }
    }

    #[test]
    fn both_ways_of_asking_are_understood() {
        let query = |json: serde_json::Value| serde_json::from_value::<QueryRequest>(json).unwrap();
        let a = Some(AttributeValue::S("a".into()));
        let new = query(serde_json::json!({
            "TableName": "logfile", "KeyConditionExpression": "PK = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}
        }));
        assert_eq!(value_of(&new, "PK"), a);
        let old = query(serde_json::json!({
            "TableName": "logfile",
            "KeyConditions": {"PK": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}
        }));
        assert_eq!(value_of(&old, "PK"), a);
        assert_eq!(value_of(&old, "SK"), None);
    }
}
