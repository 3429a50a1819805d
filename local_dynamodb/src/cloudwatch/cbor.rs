//! The protocol Smithy RPC v2 CBOR: what the AWS SDKs for Rust, Go, Java and JavaScript speak.
//!
//! Source: <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>. Times have the tag 1; lengths may be left
//! open in requests; numbers may come in any width.

use std::convert::Infallible;

use minicbor::data::{Tag, Type};
use minicbor::decode::Error as DecodeError;
use minicbor::encode::Error as EncodeError;
use minicbor::{Decoder, Encoder};

use super::error::Error;
use super::value::{Name, Value};

/// Levels of lists and structures in a request. No request of this API has more than seven.
const MAX_DEPTH: usize = 32;
/// RFC 8949, 3.4.2: seconds since 1970.
const EPOCH_SECONDS: u64 = 1;

/// Reads a request. An empty body is a request without members.
pub(super) fn decode(body: &[u8]) -> Result<Value, Error> {
    if body.is_empty() {
        return Ok(Value::Structure(Vec::new()));
    }
    let mut decoder = Decoder::new(body);
    let value = item(&mut decoder, MAX_DEPTH).map_err(|error| Error::malformed(format!("not CBOR: {error}")))?;
    if decoder.position() < body.len() {
        return Err(Error::malformed("not CBOR: there is more than one item"));
    }
    Ok(value)
}

fn item(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, DecodeError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(DecodeError::message("too many levels"));
    };
    Ok(match decoder.datatype()? {
        Type::Bool => Value::Bool(decoder.bool()?),
        Type::Null => decoder.null().map(|()| Value::Null)?,
        Type::Undefined => decoder.undefined().map(|()| Value::Null)?,
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            Value::Integer(decoder.i64()?)
        }
        Type::F16 => Value::Double(decoder.f16()?.into()),
        Type::F32 => Value::Double(decoder.f32()?.into()),
        Type::F64 => Value::Double(decoder.f64()?),
        Type::String | Type::StringIndef => Value::Text(text(decoder)?),
        Type::Array | Type::ArrayIndef => {
            let mut left = decoder.array()?;
            let mut elements = Vec::new();
            while another(decoder, &mut left)? {
                elements.push(item(decoder, depth)?);
            }
            Value::List(elements)
        }
        Type::Map | Type::MapIndef => {
            let mut left = decoder.map()?;
            let mut members = Vec::new();
            while another(decoder, &mut left)? {
                members.push((Name::Owned(text(decoder)?), item(decoder, depth)?));
            }
            Value::Structure(members)
        }
        Type::Tag => match (u64::from(decoder.tag()?), item(decoder, depth)?) {
            (EPOCH_SECONDS, Value::Integer(seconds)) => Value::Timestamp(seconds as f64),
            (EPOCH_SECONDS, Value::Double(seconds)) => Value::Timestamp(seconds),
            (EPOCH_SECONDS, _) => return Err(DecodeError::message("a time is not a number")),
            (_, other) => other,
        },
        other => return Err(DecodeError::type_mismatch(other)),
    })
}

fn text(decoder: &mut Decoder<'_>) -> Result<String, DecodeError> {
    decoder.str_iter()?.collect()
}

/// Whether a list or a map continues. One of indefinite length ends with a break.
fn another(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, DecodeError> {
    match left {
        Some(0) => Ok(false),
        Some(left) => {
            *left -= 1;
            Ok(true)
        }
        None if decoder.datatype()? == Type::Break => {
            decoder.set_position(decoder.position() + 1);
            Ok(false)
        }
        None => Ok(true),
    }
}

/// Writes a response.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    match write(&mut encoder, value) {
        Ok(()) => encoder.into_writer(),
        // Only writers of values of other crates can fail in another way than the vector, which cannot.
        Err(_) => Vec::new(),
    }
}

fn write(encoder: &mut Encoder<Vec<u8>>, value: &Value) -> Result<(), EncodeError<Infallible>> {
    match value {
        Value::Null => encoder.null()?.ok(),
        Value::Bool(truth) => encoder.bool(*truth)?.ok(),
        Value::Integer(integer) => encoder.i64(*integer)?.ok(),
        Value::Double(number) => encoder.f64(*number)?.ok(),
        Value::Text(text) => encoder.str(text)?.ok(),
        Value::Timestamp(seconds) => {
            encoder.tag(Tag::new(EPOCH_SECONDS))?;
            if seconds.fract() == 0.0 { encoder.i64(*seconds as i64)?.ok() } else { encoder.f64(*seconds)?.ok() }
        }
        Value::List(elements) => {
            encoder.array(elements.len() as u64)?;
            elements.iter().try_for_each(|element| write(encoder, element))
        }
        Value::Structure(members) => {
            encoder.map(members.len() as u64)?;
            members.iter().try_for_each(|(name, value)| {
                encoder.str(name)?;
                write(encoder, value)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        Value::structure([
            ("Text", "ü".into()),
            ("List", Value::List(vec![Value::Double(1.5), Value::Integer(-70_000), Value::Null, Value::Bool(true)])),
            ("Whole", Value::Timestamp(1_795_435_200.0)),
            ("Half", Value::Timestamp(1_795_435_200.5)),
            ("Empty", Value::Structure(Vec::new())),
        ])
    }

    #[test]
    fn what_is_written_can_be_read() {
        assert_eq!(decode(&encode(&sample())), Ok(sample()));
        assert_eq!(decode(&[]), Ok(Value::Structure(Vec::new())));
    }

    #[test]
    fn bytes_are_those_of_the_specification() {
        assert_eq!(encode(&Value::structure([("a", Value::Timestamp(1.0))])), b"\xa1\x61a\xc1\x01");
    }

    #[test]
    fn open_lengths_and_narrow_numbers_are_read() {
        // {_ "a": [_ 1.5 (16 bits), 0.5 (32 bits)], (_ "b", "c"): 1(100)}
        let body = b"\xbf\x61a\x9f\xf9\x3e\x00\xfa\x3f\x00\x00\x00\xff\x7f\x61b\x61c\xff\xc1\x18\x64\xff";
        let list = Value::List(vec![Value::Double(1.5), Value::Double(0.5)]);
        assert_eq!(decode(body), Ok(Value::structure([("a", list), ("bc", Value::Timestamp(100.0))])));
    }

    #[test]
    fn broken_bodies_are_refused() {
        let deep = [0x81; 100];
        let endless = b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        let cases: [&[u8]; 8] = [
            b"{}",
            b"\xa1",
            b"\xa1\x01\x01",
            b"\xff",
            b"\xc1\x61a",
            b"\xa0\xa0",
            b"\x61\xff",
            b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
        ];
        for body in cases.into_iter().chain([&deep[..], endless]) {
            assert!(decode(body).is_err(), "{body:x?}");
        }
        let mut whole = encode(&sample());
        while whole.pop().is_some() {
            assert!(whole.is_empty() || decode(&whole).is_err(), "{whole:x?}");
        }
    }
}
