//! The name of a table, or its ARN.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A name that a table can have, or a table's ARN, which BatchWriteItem accepts instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName(String);

/// Not a valid table name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no table can have this name: expected 3 to 255 letters, digits, '_', '-' and '.', or a table's ARN")]
pub struct InvalidTableName;

impl TableName {
    /// As it is sent to DynamoDB.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name alone, also for an ARN.
    pub fn short(&self) -> &str {
        name_in_arn(&self.0).unwrap_or(&self.0)
    }
}

impl FromStr for TableName {
    type Err = InvalidTableName;

    fn from_str(text: &str) -> Result<Self, InvalidTableName> {
        let name = name_in_arn(text).unwrap_or(text);
        // "Naming rules" in the Developer Guide.
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let is_name = (3..=255).contains(&name.len()) && name.bytes().all(is_allowed);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidTableName) }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `NAME` of `arn:PARTITION:dynamodb:REGION:ACCOUNT:table/NAME`.
fn name_in_arn(text: &str) -> Option<&str> {
    let mut parts = text.splitn(6, ':');
    let (arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, _account) = (parts.next()?, parts.next()?);
    let name = parts.next()?.strip_prefix("table/")?;
    (arn == "arn" && service == "dynamodb").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_name_or_an_arn() {
        for (text, short) in [
            ("logfile", "logfile"),
            ("a-b_c.9", "a-b_c.9"),
            ("arn:aws:dynamodb:eu-west-1:123456789012:table/logfile_gsi_low", "logfile_gsi_low"),
            ("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/logs", "logs"),
        ] {
            let name: TableName = text.parse().unwrap();
            assert_eq!((name.as_str(), name.short()), (text, short));
        }
        let long = "x".repeat(256);
        for wrong in [
            "",
            "my table",
            "ab",
            "t\u{e4}ble",
            "a/b",
            &long,
            "arn:aws:s3:::bucket",
            "arn:aws:dynamodb:eu-west-1:1:table/a",
            "arn:aws:dynamodb:eu-west-1:1:table/logs/index/GSI_1",
        ] {
            assert_eq!(wrong.parse::<TableName>(), Err(InvalidTableName), "{wrong}");
        }
    }
}
