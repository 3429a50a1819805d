//! The protocol awsJson 1.0: what the AWS CLI and boto3 speak.

use serde_json::{Map, Number, Value as Json};

use super::error::Error;
use super::value::{Name, Value};

/// Reads a request.
pub(super) fn decode(body: &[u8]) -> Result<Value, Error> {
    // serde_json follows 127 levels, no more.
    let json = serde_json::from_slice(body).map_err(|error| Error::malformed(format!("not JSON: {error}")))?;
    Ok(from_json(json))
}

fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Double(number.as_f64().unwrap_or(f64::MAX)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(elements) => Value::List(elements.into_iter().map(from_json).collect()),
        Json::Object(members) => {
            Value::Structure(members.into_iter().map(|(name, value)| (Name::Owned(name), from_json(value))).collect())
        }
    }
}

/// Writes a response.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    to_json(value).to_string().into_bytes()
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Integer(integer) => Json::from(*integer),
        Value::Double(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Timestamp(seconds) if seconds.fract() == 0.0 => Json::from(*seconds as i64),
        Value::Timestamp(seconds) => Number::from_f64(*seconds).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.clone()),
        Value::List(elements) => elements.iter().map(to_json).collect(),
        Value::Structure(members) => {
            members.iter().map(|(name, value)| (name.to_string(), to_json(value))).collect::<Map<_, _>>().into()
        }
    }
}
