//! Tables named by their ARN. DynamoDB accepts an ARN wherever it accepts a table's name; the engine does not. ARNs are
//! therefore replaced by names before the request is decoded, and put back into the response.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The tables that a request names by their ARN: name and ARN.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TableArns(Vec<(String, String)>);

/// The members of a response that are maps by table.
const MAPS_BY_TABLE: [&str; 4] = ["Responses", "UnprocessedKeys", "UnprocessedItems", "ItemCollectionMetrics"];

impl TableArns {
    /// Replaces the ARNs of tables in the body of a request by their names.
    pub(crate) fn take_from(body: &str) -> (Cow<'_, str>, Self) {
        let unchanged = (Cow::Borrowed(body), Self::default());
        if !body.contains("\"arn:") {
            return unchanged;
        }
        let Ok(Value::Object(mut request)) = serde_json::from_str(body) else { return unchanged };
        let mut arns = Self::default();
        arns.take_name(&mut request);
        if let Some(Value::Object(items)) = request.get_mut("RequestItems") {
            let names: Vec<_> =
                items.keys().filter_map(|key| Some((key.clone(), table_name(key)?.to_owned()))).collect();
            for (arn, name) in names {
                // One table under two names: the engine refuses the ARN, as it does not know it.
                if !items.contains_key(&name)
                    && let Some(value) = items.remove(&arn)
                {
                    items.insert(name.clone(), value);
                    arns.0.push((name, arn));
                }
            }
        }
        for action in request.get_mut("TransactItems").and_then(Value::as_array_mut).into_iter().flatten() {
            for action in action.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut)
            {
                arns.take_name(action);
            }
        }
        if arns.0.is_empty() { unchanged } else { (Cow::Owned(Value::Object(request).to_string()), arns) }
    }

    fn take_name(&mut self, object: &mut Map<String, Value>) {
        if let Some(Value::String(arn)) = object.get_mut("TableName")
            && let Some(name) = table_name(arn).map(str::to_owned)
        {
            self.0.push((name.clone(), std::mem::replace(arn, name)));
        }
    }

    /// Replaces the tables' names in the response by ARNs: "If you had specified the ARN of a table in the input,
    /// you'll see the table ARN in the response" (API Reference, "ConsumedCapacity").
    pub(crate) fn put_into(&self, json: Vec<u8>) -> Vec<u8> {
        if self.0.is_empty() {
            return json;
        }
        let Ok(Value::Object(mut answer)) = serde_json::from_slice(&json) else { return json };
        for map in MAPS_BY_TABLE {
            let Some(Value::Object(tables)) = answer.get_mut(map) else { continue };
            for (name, arn) in &self.0 {
                if let Some(value) = tables.remove(name) {
                    tables.insert(arn.clone(), value);
                }
            }
        }
        let consumed = match answer.get_mut("ConsumedCapacity") {
            Some(Value::Array(list)) => list.as_mut_slice(),
            Some(one) => std::slice::from_mut(one),
            None => &mut [],
        };
        for name in consumed.iter_mut().filter_map(|consumed| consumed.get_mut("TableName")) {
            if let Some((_, arn)) = self.0.iter().find(|(given, _)| name == given) {
                *name = Value::String(arn.clone());
            }
        }
        Value::Object(answer).to_string().into_bytes()
    }
}

/// The table's name in `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`.
pub(crate) fn table_name(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let is_dynamodb =
        parts.next() == Some("arn") && parts.next()?.starts_with("aws") && parts.next() == Some("dynamodb");
    let name = parts.nth(2)?.strip_prefix("table/")?;
    (is_dynamodb && !name.is_empty() && !name.contains('/')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/logfile";

    #[test]
    fn arns_become_names_and_names_become_arns_again() {
        let cases = [
            (json!({"TableName": ARN}), json!({"TableName": "logfile"})),
            (json!({"RequestItems": {ARN: {}, "b": {}}}), json!({"RequestItems": {"logfile": {}, "b": {}}})),
            (
                json!({"TransactItems": [{"Put": {"TableName": ARN}}]}),
                json!({"TransactItems": [{"Put": {"TableName": "logfile"}}]}),
            ),
        ];
        for (request, expected) in cases {
            let text = request.to_string();
            let (body, arns) = TableArns::take_from(&text);
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
            let answer = json!({"Responses": {"logfile": []}, "ConsumedCapacity": [{"TableName": "logfile"}]});
            let answer: Value = serde_json::from_slice(&arns.put_into(answer.to_string().into_bytes())).unwrap();
            assert_eq!(answer, json!({"Responses": {ARN: []}, "ConsumedCapacity": [{"TableName": ARN}]}));
        }
    }

    #[test]
    fn what_is_no_table_arn_is_left_alone() {
        for arn in [
            "arn:aws:s3:::bucket",
            "arn:aws:dynamodb:a:1:table/x/index/y",
            "arn:aws:dynamodb:a:1:table/",
            "arn:aws:dynamodb",
        ] {
            let text = json!({"TableName": arn, "Item": {"a": {"S": "arn:"}}}).to_string();
            assert_eq!(TableArns::take_from(&text), (Cow::Borrowed(&*text), TableArns::default()), "{arn}");
        }
    }
}
