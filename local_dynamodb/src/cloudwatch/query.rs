//! The AWS query protocol: a form in, XML out. What clients from before 2026 speak.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::error::Error;
use super::value::{Name, Value};
use crate::clock;

const NAMESPACE: &str = "http://monitoring.amazonaws.com/doc/2010-08-01/";
/// Levels in the name of a parameter. `MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name` has nine.
const MAX_DEPTH: usize = 16;

/// Reads a form: the operation that it asks for, and the request.
pub(super) fn decode(body: &[u8]) -> Result<(Option<String>, Value), Error> {
    let mut operation = None;
    let mut request = Node::default();
    for (name, value) in form_urlencoded::parse(body) {
        match &*name {
            "Action" => operation = Some(value.into_owned()),
            "Version" => {}
            _ if name.split('.').count() > MAX_DEPTH => {
                return Err(Error::malformed(format!("the parameter {name} has too many levels")));
            }
            _ => {
                let node = name.split('.').fold(&mut request, |node, part| node.parts.entry(part.into()).or_default());
                if node.value.replace(value.into_owned()).is_some() {
                    return Err(Error::malformed(format!("the parameter {name} is given twice")));
                }
            }
        }
    }
    Ok((operation, request.into_value("")?))
}

/// The tree that the names of parameters form, part by part.
#[derive(Default)]
struct Node {
    value: Option<String>,
    parts: BTreeMap<String, Node>,
}

impl Node {
    fn into_value(mut self, path: &str) -> Result<Value, Error> {
        let mixed = || Error::malformed(format!("the parameter {path} is more than one thing"));
        if let Some(text) = self.value {
            return if self.parts.is_empty() { Ok(Value::Text(text)) } else { Err(mixed()) };
        }
        if let Some(list) = self.parts.remove("member") {
            if list.value.is_some() || !self.parts.is_empty() {
                return Err(mixed());
            }
            let elements = list.parts.into_iter().map(|(position, node)| {
                let position: usize = position.parse().map_err(|_| mixed())?;
                Ok((position, node.into_value(&format!("{path}.member.{position}"))?))
            });
            let mut elements = elements.collect::<Result<Vec<_>, Error>>()?;
            elements.sort_unstable_by_key(|(position, _)| *position);
            return Ok(Value::List(elements.into_iter().map(|(_, value)| value).collect()));
        }
        let members = self.parts.into_iter().map(|(name, node)| {
            let value = node.into_value(&name)?;
            Ok((Name::Owned(name), value))
        });
        Ok(Value::Structure(members.collect::<Result<_, Error>>()?))
    }
}

/// Writes a response.
pub(super) fn encode(operation: &str, answer: &Value, request_id: &str) -> Vec<u8> {
    let mut xml = format!("<{operation}Response xmlns=\"{NAMESPACE}\">");
    element(&mut xml, &format!("{operation}Result"), answer);
    let metadata = Value::structure([("RequestId", request_id.into())]);
    element(&mut xml, "ResponseMetadata", &metadata);
    xml.push_str(&format!("</{operation}Response>\n"));
    xml.into_bytes()
}

/// Writes an error.
pub(super) fn encode_error(error: &Error, request_id: &str) -> Vec<u8> {
    let mut xml = format!("<ErrorResponse xmlns=\"{NAMESPACE}\">");
    let body = Value::structure([
        ("Type", error.kind.fault().into()),
        ("Code", error.kind.code().into()),
        ("Message", error.message.as_str().into()),
    ]);
    element(&mut xml, "Error", &body);
    element(&mut xml, "RequestId", &request_id.into());
    xml.push_str("</ErrorResponse>\n");
    xml.into_bytes()
}

fn element(xml: &mut String, name: &str, value: &Value) {
    let _ = write!(xml, "<{name}>"); // Writing into a string does not fail.
    match value {
        Value::Null => {}
        Value::Bool(truth) => xml.push_str(&truth.to_string()),
        Value::Integer(integer) => xml.push_str(&integer.to_string()),
        Value::Double(number) => xml.push_str(&format!("{number:?}")),
        Value::Timestamp(seconds) => {
            xml.push_str(&clock::timestamp(Duration::try_from_secs_f64(*seconds).unwrap_or_default()).to_string());
        }
        Value::Text(text) => escape(xml, text),
        Value::List(elements) => elements.iter().for_each(|value| element(xml, "member", value)),
        Value::Structure(members) => members.iter().for_each(|(name, value)| element(xml, name, value)),
    }
    let _ = write!(xml, "</{name}>");
}

/// Characters that XML does not allow at all become the replacement character.
fn escape(xml: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\n' => xml.push_str("&#10;"),
            '\r' => xml.push_str("&#13;"),
            '\t' => xml.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push(char::REPLACEMENT_CHARACTER),
            other => xml.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_tree() {
        let form = "Action=GetMetricStatistics&Version=2010-08-01&Namespace=AWS%2FDynamoDB&Statistics.member.1=Sum\
            &Dimensions.member.2.Value=GSI+1&Dimensions.member.1.Name=TableName&Dimensions.member.2.Name=Index";
        let (operation, request) = decode(form.as_bytes()).unwrap();
        assert_eq!(operation.as_deref(), Some("GetMetricStatistics"));
        let dimensions = vec![
            Value::structure([("Name", "TableName".into())]),
            Value::structure([("Name", "Index".into()), ("Value", "GSI 1".into())]),
        ];
        assert_eq!(
            request,
            Value::structure([
                ("Dimensions", Value::List(dimensions)),
                ("Namespace", "AWS/DynamoDB".into()),
                ("Statistics", Value::List(vec!["Sum".into()])),
            ])
        );
        assert_eq!(decode(b""), Ok((None, Value::Structure(Vec::new()))));
    }

    #[test]
    fn forms_that_make_no_tree_are_refused() {
        let deep = format!("{}a=1", "a.".repeat(100));
        for form in [
            "a=1&a=2",
            "a.member.1=1&a=2",
            "a=1&a.b=2",
            "a.b=1&a.member.1=2",
            "a.member.x=1",
            "a.member=1&a.member.1=2",
            &deep,
        ] {
            assert!(decode(form.as_bytes()).is_err(), "{form}");
        }
    }

    #[test]
    fn an_answer_is_xml() {
        let answer = Value::structure([
            ("Label", "<a> & \"b\"\u{1}\n".into()),
            ("Values", Value::List(vec![Value::Double(2.0), Value::Double(0.5)])),
            ("Timestamp", Value::Timestamp(60.0)),
            ("Empty", Value::List(Vec::new())),
        ]);
        assert_eq!(
            String::from_utf8(encode("GetMetricData", &answer, "1-2")).unwrap(),
            "<GetMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><GetMetricDataResult>\
             <Label>&lt;a&gt; &amp; \"b\"\u{fffd}&#10;</Label><Values><member>2.0</member><member>0.5</member></Values>\
             <Timestamp>1970-01-01T00:01:00Z</Timestamp><Empty></Empty></GetMetricDataResult>\
             <ResponseMetadata><RequestId>1-2</RequestId></ResponseMetadata></GetMetricDataResponse>\n"
        );
    }
}
