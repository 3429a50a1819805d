//! Values of columns: text by its type, and JSON as DynamoDB's attribute values.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::value::RawValue;

use super::compiled::ColumnType;
use super::timestamp::Time;
use super::{integer, number};

/// Levels of maps and lists that DynamoDB accepts (Developer Guide, "Quotas": nested attribute depth).
const MAX_DEPTH: usize = 32;

/// A value of a column. Texts are where the record has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Absent,
    Null,
    Text,
    Integer(i128),
    /// Decimal digits, in the mapper's memory from here to there.
    Number(usize, usize),
    Boolean(bool),
    Time(Time),
    Json,
    Attribute,
    Binary,
}

/// Parses a text as a value of a type. Digits of a number are appended to `numbers`.
///
/// # Errors
/// What is wrong, to be put behind the text.
pub(super) fn parse(kind: &ColumnType, text: &str, numbers: &mut String) -> Result<Value, String> {
    Ok(match kind {
        ColumnType::Native | ColumnType::String => Value::Text,
        ColumnType::Integer => match integer::parse(text) {
            Ok(value) => Value::Integer(value),
            Err(_) if text == "-" => {
                return Err("is not an integer; --absent=- takes it as no value, and a mapping file also as zero: \
                            { type = \"integer\", absent = [\"-\"], default = 0 }"
                    .to_owned());
            }
            Err(error) => return Err(error.to_string()),
        },
        ColumnType::Number => {
            let begin = numbers.len();
            number::normalize(text, numbers).map_err(|error| error.to_string())?;
            Value::Number(begin, numbers.len())
        }
        ColumnType::Boolean => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            _ => return Err("is not a boolean (true or false)".to_owned()),
        },
        ColumnType::Timestamp(format) => match format.parse(text) {
            Ok(time) => Value::Time(time),
            Err(reason) => return Err(format!("is not a timestamp of the format {}: {reason}", format.name())),
        },
        ColumnType::Json => match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => Value::Json,
            Err(error) => return Err(format!("is not JSON: {error}")),
        },
        ColumnType::Binary => match base64(text) {
            Ok(_) => Value::Binary,
            Err(error) => return Err(error),
        },
    })
}

/// Whether a text is a value of a type; the error is what is wrong with it.
pub(super) fn check(kind: &ColumnType, text: &str) -> Result<(), String> {
    parse(kind, text, &mut String::new()).map(drop)
}

pub(super) fn base64(text: &str) -> Result<Vec<u8>, String> {
    aws_smithy_types::base64::decode(text.trim()).map_err(|_| "is not Base64".to_owned())
}

/// JSON as an attribute's value: objects become maps, arrays lists, numbers keep their digits.
pub(super) fn json_attribute(raw: &str) -> Result<AttributeValue, String> {
    nested(raw.trim(), 0)
}

fn nested(raw: &str, depth: usize) -> Result<AttributeValue, String> {
    if depth > MAX_DEPTH {
        return Err(format!("is nested deeper than {MAX_DEPTH} levels, the most that DynamoDB takes"));
    }
    let invalid = |error: serde_json::Error| format!("is not JSON: {error}");
    Ok(match raw.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw).map_err(invalid)?;
            let value = |(name, value): (String, &RawValue)| Ok((name, nested(value.get(), depth + 1)?));
            AttributeValue::M(members.into_iter().map(value).collect::<Result<HashMap<_, _>, String>>()?)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(raw).map_err(invalid)?;
            let value = |value: &RawValue| nested(value.get(), depth + 1);
            AttributeValue::L(elements.into_iter().map(value).collect::<Result<_, String>>()?)
        }
        Some(b'"') => AttributeValue::S(serde_json::from_str(raw).map_err(invalid)?),
        Some(b't' | b'f') => AttributeValue::Bool(serde_json::from_str(raw).map_err(invalid)?),
        Some(b'n') => AttributeValue::Null(true),
        _ => AttributeValue::N(decimal(raw)?),
    })
}

fn decimal(text: &str) -> Result<String, String> {
    let mut out = String::new();
    number::normalize(text, &mut out).map_err(|error| format!("has the number {text}, which {error}"))?;
    Ok(out)
}

/// A value in DynamoDB's JSON.
pub(super) fn dynamodb_attribute(raw: &str) -> Result<AttributeValue, String> {
    typed(raw, 0)
}

fn typed(raw: &str, depth: usize) -> Result<AttributeValue, String> {
    if depth > MAX_DEPTH {
        return Err(format!("is nested deeper than {MAX_DEPTH} levels, the most that DynamoDB takes"));
    }
    let invalid = |error: serde_json::Error| format!("is not DynamoDB JSON: {error}");
    let value: BTreeMap<String, &RawValue> = serde_json::from_str(raw).map_err(invalid)?;
    let mut members = value.into_iter();
    let (Some((kind, inner)), None) = (members.next(), members.next()) else {
        return Err("is not DynamoDB JSON: a value has one type".to_owned());
    };
    let inner = inner.get();
    let texts = || serde_json::from_str::<Vec<String>>(inner).map_err(invalid);
    let text = || serde_json::from_str::<String>(inner).map_err(invalid);
    let binary = |text: String| base64(&text).map(Blob::new);
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(text()?),
        "N" => AttributeValue::N(decimal(&text()?)?),
        "B" => AttributeValue::B(binary(text()?)?),
        "BOOL" => AttributeValue::Bool(serde_json::from_str(inner).map_err(invalid)?),
        "NULL" => AttributeValue::Null(true),
        "SS" => AttributeValue::Ss(texts()?),
        "NS" => AttributeValue::Ns(texts()?.iter().map(|text| decimal(text)).collect::<Result<_, _>>()?),
        "BS" => AttributeValue::Bs(texts()?.into_iter().map(binary).collect::<Result<_, _>>()?),
        "L" => {
            let elements: Vec<&RawValue> = serde_json::from_str(inner).map_err(invalid)?;
            AttributeValue::L(elements.into_iter().map(|each| typed(each.get(), depth + 1)).collect::<Result<_, _>>()?)
        }
        "M" => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(inner).map_err(invalid)?;
            let value = |(name, value): (String, &RawValue)| Ok((name, typed(value.get(), depth + 1)?));
            AttributeValue::M(members.into_iter().map(value).collect::<Result<HashMap<_, _>, String>>()?)
        }
        other => return Err(format!("is not DynamoDB JSON: there is no type {other}")),
    })
}
