//! JSON values of the wrong type, reported as by DynamoDB's Java decoder instead of serde.

use super::request_shape;

/// DynamoDB's message for serde's `message` about a JSON type that it did not expect in `body`.
pub(super) fn conversion_error(message: &str, body: &str) -> String {
    if message.starts_with("expected string for ") || message.starts_with("expected value at line ") {
        return format!("{} cannot be converted to String", token_at(message, body));
    }
    let Some((found, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    else {
        let list_for_structure = message.starts_with("invalid length ") && message.contains("expected struct");
        // Anything else keeps serde's message; DynamoDB has no message either.
        return if list_for_structure { request_shape::STRUCTURE.into() } else { String::new() };
    };
    let expected = without_position(expected).trim();
    let class = match expected {
        "a string" => "String",
        "a boolean" => "Boolean",
        "i64" | "u64" => "Long",
        // The one member of this type (TopK) is reported by DynamoDB in its decoder's words.
        "i32" => return without_position(message).into(),
        _ => "",
    };
    let token = match found {
        "map" => return request_shape::STRUCTURE.into(),
        _ if class.is_empty() => return "Unexpected field type".into(),
        "sequence" => return format!("Unrecognized collection type class java.lang.{class}"),
        _ if found.starts_with("string ") && class == "Boolean" => {
            return "Unexpected token received from parser".into();
        }
        "boolean `true`" => "TRUE_VALUE",
        "boolean `false`" => "FALSE_VALUE",
        _ if found.starts_with("floating point ") => "DECIMAL_VALUE",
        _ if found.starts_with("integer ") => "NUMBER_VALUE",
        _ => "STRING_VALUE",
    };
    format!("{token} cannot be converted to {class}")
}

/// DynamoDB's name for the JSON token at the position in which `message` ends.
fn token_at(message: &str, body: &str) -> &'static str {
    let column = message.rsplit("column ").next().and_then(|column| column.trim().parse::<usize>().ok());
    match column.and_then(|column| body.as_bytes().get(column.checked_sub(1)?)) {
        Some(b'f') => "FALSE_VALUE",
        Some(b'0'..=b'9' | b'-') => "NUMBER_VALUE",
        _ => "TRUE_VALUE",
    }
}

/// serde_json ends its messages with the position in the text; DynamoDB's have none.
pub(super) fn without_position(message: &str) -> &str {
    match message.rfind(" at line ") {
        Some(at) if message[at..].contains("column") => &message[..at],
        _ => message,
    }
}
